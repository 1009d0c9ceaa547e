"""The tracker as a process."""

import gc
import sys

from rclpy.logging import get_logger

from inpose_ros.errors import InPoseError
from inpose_ros.node import params_file
from inpose_ros.node.bodies import body_nodes, named_bodies
from inpose_ros.node.process import ros, set_realtime_priority, spin
from inpose_ros.node.tracker_node import InPoseNode


def run(args: list[str] | None = None) -> None:
    """Run the node, or one for each of `bodies`, until SIGINT or SIGTERM; ends with status 1 where they will not do."""
    # What lives as long as the process need not be searched for garbage while poses are made: 70 ms each time.
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(2e-3)  # both threads have much to do: at 0.1 ms a tenth of a core went into taking turns
    with ros(args) as stop:
        try:
            nodes = body_nodes(InPoseNode, named_bodies(), set_priority=set_realtime_priority)
            names = [node.get_fully_qualified_name() for node in nodes]
            params_file.refuse_unheard(params_file.named(sys.argv if args is None else args), names)
        except InPoseError as error:
            get_logger('inpose').error(f'not started: {error}')
            raise SystemExit(1) from None
        spin(nodes, stop)
