"""Another publisher of what this node publishes: two trackers on one set of topics or frames, or a recording of one."""

import time
from collections import Counter
from collections.abc import Callable

from rclpy.node import Node

from inpose_ros.node.foreign_frames import ForeignFrames, Heard
from inpose_ros.node.parameters import NodeParameters

# What consumers take for this body alone.
TOPICS = ('joint_states', 'body_pose')
# Who finds another within this time [s] of its own beginning is the newcomer: DDS may take so long to find one.
_NEW = 5.0
# A tracker that is met is named for so long [s] after it was last heard on /tf, where it is found by samples.
_KEPT = 3.0


class Rivals:
    """Looks for others, in ROS's graph and by samples of /tf.

    The node has its publishers while it is active and not otherwise, so that a publisher means somebody at work: one
    that waits to take over is none. A look at the graph costs a tenth of a millisecond, a look at /tf as much.
    """

    def __init__(self, node: Node, params: NodeParameters, clock: Callable[[], float] = time.monotonic) -> None:
        self._node, self._clock = node, clock
        self._topics = {topic: node.resolve_topic_name(topic) for topic in TOPICS}
        self._prefix = params.frame_prefix
        self.frames = ForeignFrames(node, params.frame_prefix) if params.publish_tf else None
        self._since: float | None = None
        self._heard: tuple[float, Heard] = (float('-inf'), Heard.NOTHING)
        self.found: tuple[str, ...] = ()

    def objection(self) -> str | None:
        """Why this node must not begin, if it must not."""
        self._look()
        return None if not self.found else f'second_tracker: {"; ".join(self.found)}. {self._cure()}'

    def began(self) -> None:
        self._since = self._clock()

    def ended(self) -> None:
        self._since = None

    def look(self) -> bool:
        """Find out who is there; whether this node is a newcomer and had better leave.

        Who only turns our joint states into frames again is named, and no reason to leave.
        """
        before = self.found
        trackers = self._look()
        if self.found != before:
            if self.found:
                self._node.get_logger().error(f'second_tracker: {"; ".join(self.found)}. {self._cure()}')
            else:
                self._node.get_logger().info('no other publisher of this body any more')
        return trackers and self._since is not None and self._clock() - self._since < _NEW

    def destroy(self) -> None:
        if self.frames is not None:
            self.frames.destroy()

    def _look(self) -> bool:
        """Whether there is another tracker."""
        found = [
            f'{topic} is published by {who}' for topic, name in self._topics.items() if (who := self._others(name))
        ]
        trackers = bool(found)
        heard = self._heard_on_tf()
        if heard is not Heard.NOTHING:
            who = self._others('/tf') or 'somebody'
            found.append(f'frames {self._prefix}... on /tf are published by {who}')
        self.found = tuple(found)
        return trackers or heard is Heard.ROOT

    def _heard_on_tf(self) -> Heard:
        if self.frames is None or not self._others('/tf'):
            return Heard.NOTHING
        heard, now = self.frames.look(), self._clock()
        if heard is not Heard.NOTHING:
            self._heard = (now, heard)
        return self._heard[1] if now - self._heard[0] <= _KEPT else Heard.NOTHING

    def _others(self, topic: str) -> str:
        """The nodes that publish on a topic, but for this one; another of the same name counts."""
        infos = self._node.get_publishers_info_by_topic(topic)
        names = Counter(f'{info.node_namespace.rstrip("/")}/{info.node_name}' for info in infos)
        own = self._node.get_fully_qualified_name()
        if self._since is not None:
            names[own] -= 1
        return ', '.join(f'another {name}' if name == own else name for name in sorted(names) if names[name] > 0)

    def _cure(self) -> str:
        if any(topic in text for text in self.found for topic in TOPICS):
            return 'Stop it, or give this node a namespace of its own'
        return (
            'Stop it, or give this node a frame_prefix of its own; beside robot_state_publisher set publish_tf: false'
        )
