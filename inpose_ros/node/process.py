"""A process around a node: rclpy from its start to its end."""

import atexit
import gc
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions, install_signal_handlers

_scouts: list[Node] = []


def look_for_others() -> None:
    """Let DDS look for other processes from now on, while Python imports what `ros` is to run.

    Fast DDS finds them at once or takes up to three seconds from its beginning, which is the first node's; PyTorch
    takes one to import. The node that is made for this says and offers nothing (a security policy need not know it),
    and goes away when there are others. Ctrl-C is left as it is.
    """
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    silent = Parameter('start_type_description_service', value=False)
    scout = rclpy.create_node(
        '_inpose_scout', use_global_arguments=False, enable_rosout=False, start_parameter_services=False,
        parameter_overrides=[silent],
    )  # fmt: skip
    _scouts.append(scout)


def _dismiss() -> None:
    while _scouts:
        _scouts.pop().destroy_node()


@contextmanager
def ros(args: list[str] | None = None) -> Iterator[None]:
    """Run the body until it ends, or until SIGINT or SIGTERM; any number of either ends it quietly.

    rclpy's own handler, which ends the spinning, stays the only one: no KeyboardInterrupt besides it, however late the
    second Ctrl-C comes.

    The process is to end after it, and does so in `_end`.
    """
    atexit.register(_end)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if _scouts:
        install_signal_handlers()
    else:
        rclpy.init(args=args)
    try:
        yield
    except ExternalShutdownException:
        pass
    except _rclpy.RCLError:
        if rclpy.ok():  # else the signal came between spinning and publishing
            raise
    finally:
        _dismiss()
        rclpy.try_shutdown()


def _end() -> None:
    """Free the nodes, or DDS leaves their shared memory behind, half a megabyte with each process.

    All that is left then is kept from Python's own last search for garbage, which took a second for PyTorch's modules,
    and on a busy machine more than the 5 s after which launch loses patience.
    """
    gc.collect()
    gc.freeze()


def set_realtime_priority(priority: int, logger: RcutilsLogger) -> int:
    """Let the threads of this process, and those that they start, go before ordinary ones (Linux's SCHED_RR).

    Who was started with a priority (`chrt`) keeps that. Where the system permits none, the log says so.

    Returns:
        What they have now; 0: none.
    """
    if priority and os.sched_getscheduler(0) == os.SCHED_OTHER:
        try:
            for thread in os.listdir('/proc/self/task'):
                with suppress(ProcessLookupError):  # it has ended
                    os.sched_setscheduler(int(thread), os.SCHED_RR, os.sched_param(priority))
        except PermissionError:
            logger.warning(
                f'realtime_priority is {priority}, which the system does not permit (rtprio in limits.conf would): '
                'poses may be late while others keep the cores busy'
            )
    return os.sched_getparam(0).sched_priority


def spin(nodes: list[Node]) -> None:
    """Serve these nodes until the process is to end, and destroy them; the list is empty then."""
    executor = SingleThreadedExecutor()
    for node in nodes:
        executor.add_node(node)
    _dismiss()
    try:
        executor.spin()
    finally:
        executor.shutdown()
        while nodes:
            nodes.pop().destroy_node()
