"""A process around a node: rclpy from its start to its end."""

import atexit
import gc
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation as _rclpy
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from inpose_ros.errors import ParameterError
from inpose_ros.node import params_file, stopping

_scouts: list[Node] = []


def look_for_others() -> None:
    """Let DDS look for other processes from now on, while Python imports what `ros` is to run.

    Fast DDS finds them at once or takes up to three seconds from its beginning, which is the first node's; PyTorch
    takes one to import. The node that is made for this says and offers nothing (a security policy need not know it),
    and goes away when there are others.
    """
    _init(None)
    silent = Parameter('start_type_description_service', value=False)
    scout = rclpy.create_node(
        '_inpose_scout', use_global_arguments=False, enable_rosout=False, start_parameter_services=False,
        parameter_overrides=[silent],
    )  # fmt: skip
    _scouts.append(scout)
    stopping.on_stop(_leave)


def _init(args: list[str] | None) -> None:
    """Begin; arguments and files that will not do end the process with a sentence and status 1."""
    try:
        for path in params_file.named(sys.argv if args is None else args):
            params_file.check(path)
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except ParameterError as error:
        sys.exit(f'not started: {error}')
    except _rclpy.UnknownROSArgsError as error:
        sys.exit(f'not started: there are no ROS arguments {error}')
    except _rclpy.RCLError as error:
        sys.exit(f'not started: {str(error).partition(", at /")[0].removeprefix("failed to initialize rcl: ")}')


def _dismiss() -> None:
    while _scouts:
        _scouts.pop().destroy_node()


def _leave() -> None:
    """End in the middle of the imports, and leave no shared memory of DDS behind."""
    _dismiss()
    rclpy.try_shutdown()
    os._exit(0)


@contextmanager
def ros(args: list[str] | None = None) -> Iterator[Future]:
    """Run the body, which gets a future that is done once SIGINT or SIGTERM has come, and is to end then.

    rclpy has no handler: its own shuts the context down just anywhere, and what is about to use it (configuring,
    publishing) ends in a traceback. Here all is whole until the body has ended.

    The process is to end after it, and does so in `_end`.
    """
    atexit.register(_end)
    stopping.listen()
    if not _scouts:
        _init(args)
    stop = Future()
    stopping.on_stop(lambda: stop.done() or stop.set_result(None))
    try:
        yield stop
    except ExternalShutdownException:
        pass
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


def spin(nodes: list[Node], stop: Future) -> None:
    """Serve these nodes until `stop` is done, and destroy them; the list is empty then."""
    executor = SingleThreadedExecutor()
    for node in nodes:
        executor.add_node(node)
    _dismiss()
    try:
        executor.spin_until_future_complete(stop)
    finally:
        executor.shutdown()
        destroy(nodes)


def destroy(nodes: list[Node]) -> None:
    """Destroy all; what goes wrong with one is said, and hides neither the others nor what went wrong before."""
    while nodes:
        node = nodes.pop()
        try:
            node.destroy_node()
        except Exception:
            if sys.exc_info()[1].__context__ is None:
                raise
            node.get_logger().error(f'not destroyed as it should be: {traceback.format_exc(chain=False)}')
