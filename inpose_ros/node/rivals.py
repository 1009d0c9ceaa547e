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
# Of two newcomers one stays; if the other has not left after this time [s], it has been there for longer.
_PATIENCE = 2 * _NEW
# A tracker that is met is named for so long [s] after it was last heard on /tf, where it is found by samples.
_KEPT = 3.0


class Rivals:
    """Looks for others, in ROS's graph and by samples of /tf.

    The node has its publishers while it is active and not otherwise, so that a publisher means somebody at work: one
    that waits to take over is none. A look at the graph costs a tenth of a millisecond, a look at /tf as much.
    """

    def __init__(self, node: Node, params: NodeParameters, clock: Callable[[], float] = time.monotonic) -> None:
        self._node, self._clock = node, clock
        self._name = node.get_fully_qualified_name()
        self._topics = {topic: node.resolve_topic_name(topic) for topic in TOPICS}
        self._prefix = params.frame_prefix
        self.frames = ForeignFrames(node, params.frame_prefix) if params.publish_tf else None
        self._since: float | None = None
        self._met: float | None = None
        self._own: dict[str, bytes | None] = {}
        self._heard: tuple[float, Heard] = (float('-inf'), Heard.NOTHING)
        self.found: tuple[str, ...] = ()

    def objection(self) -> str | None:
        """Why this node must not begin, if it must not."""
        self._look()
        return None if not self.found else f'second_tracker: {"; ".join(self.found)}. {self._cure()}'

    def begin(self, open_publishers: Callable[[], None]) -> None:
        """Have the publishers, and find out which of those that the graph has are this node's own.

        Another node may have the same name. One that is found at the very same moment leaves it open.
        """
        topics = (self._topics['joint_states'], '/tf')
        before = {topic: set(self._publishers(topic)) for topic in topics}
        open_publishers()
        for topic in topics:
            new = [row for row in self._publishers(topic) if row not in before[topic] and row[1] == self._name]
            self._own[topic] = new[0][0] if len(new) == 1 else None
        self._since, self._met = self._clock(), None

    def ended(self) -> None:
        self._since = self._met = None

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
        if not trackers:
            self._met = None
        return trackers and self._since is not None and self._is_to_leave(self._since)

    def _is_to_leave(self, since: float) -> bool:
        """Whether this node, which has met another tracker, is a newcomer and not the one of several that stays."""
        now = self._clock()
        self._met = now if self._met is None else self._met
        if self._met - since >= _NEW:
            return False
        return not self._goes_first() or now - self._met > _PATIENCE

    def _goes_first(self) -> bool:
        """Whether this node stays of those that began at once: all see alike whose publisher has the smallest GID."""
        topic, body_pose = self._topics['joint_states'], self._named(self._topics['body_pose'])
        own, others = self._own[topic], self._named(topic)
        if not others and not body_pose:  # they share frames alone
            own, rival = self._own['/tf'], None if self.frames is None else self.frames.rival
            return own is not None and rival is not None and own < rival
        are_trackers = others <= body_pose
        return own is not None and are_trackers and own == min(gid for gid, _ in self._publishers(topic))

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
        names = self._named(topic)
        return ', '.join(f'another {name}' if name == self._name else name for name in sorted(names))

    def _named(self, topic: str) -> Counter[str]:
        """How many publishers each node has on a topic, without this node's own."""
        names = Counter(name for _, name in self._publishers(topic))
        return names - Counter({self._name: int(self._since is not None)})

    def _publishers(self, topic: str) -> list[tuple[bytes, str]]:
        """The publishers on a topic: their GIDs, and whose they are."""
        return [
            (bytes(info.endpoint_gid), f'{info.node_namespace.rstrip("/")}/{info.node_name}')
            for info in self._node.get_publishers_info_by_topic(topic)
        ]

    def _cure(self) -> str:
        if any(topic in text for text in self.found for topic in TOPICS):
            return 'Stop it, or give this node a namespace of its own'
        return (
            'Stop it, or give this node a frame_prefix of its own; beside robot_state_publisher set publish_tf: false'
        )
