"""The arm follower and a person to follow, over real DDS."""

import itertools
import time
from collections.abc import Callable, Iterator

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseStamped
from jaxtyping import install_import_hook
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState

from inpose_ros.motion.clip import MotionClip

from .people import KINDS, RATE, SIDES, messages

# Before these are imported: the shapes in annotations are checked at every call.
install_import_hook(['inpose_ros.examples.retarget', 'inpose_ros.examples.humanoid_arms'], 'beartype.beartype')


class Tracker:
    """Says at 30 Hz what a tracker of this clip would; `edit` may falsify what it says."""

    def __init__(self, node: Node, clip: MotionClip) -> None:
        self.node, self.clip = node, clip
        self.edit: Callable[[dict[str, object]], None] = lambda said: None
        self.shift_ns = 0
        self.frame = 0
        self.sent: list[dict[str, object]] = []
        self.sent_at = 0.0
        self._publishers = {topic: node.create_publisher(kind, topic, 10) for topic, kind in KINDS.items()}
        self.timer = node.create_timer(1 / RATE, self.send)

    def send(self) -> None:
        stamp_ns = self.node.get_clock().now().nanoseconds + self.shift_ns
        said = messages(self.clip, self.frame % len(self.clip), stamp_ns)
        self.frame += 1
        self.edit(said)
        for topic, message in said.items():
            self._publishers[topic].publish(message)
        self.sent.append(said)
        self.sent_at = time.monotonic()

    def stop(self) -> None:
        self.timer.cancel()

    def go_on(self) -> None:
        self.timer.reset()


class Heard:
    """What the follower says, with the time of its arrival [s]."""

    def __init__(self, node: Node) -> None:
        self.joints: list[tuple[float, JointState]] = []
        self.status: list[tuple[float, DiagnosticStatus]] = []
        self.targets: dict[tuple[int, int], dict[str, PoseStamped]] = {}
        self._listen(node, JointState, 'robot/joint_states', self.joints)
        self._listen(node, DiagnosticStatus, 'robot/status', self.status)
        for side in SIDES:
            topic = f'robot/targets/{side}_wrist'
            node.create_subscription(PoseStamped, topic, lambda msg, side=side: self._target(side, msg), 100)

    def value(self, key: str) -> str:
        """A value of the latest status; empty while there is none."""
        rows = self.status[-1][1].values if self.status else []
        return next((row.value for row in rows if row.key == key), '')

    @property
    def level(self) -> bytes | None:
        return self.status[-1][1].level if self.status else None

    @property
    def following(self) -> bool:
        return self.value('left') == self.value('right') == 'following'

    def settled(self, seconds: float = 2.0) -> list[tuple[JointState, DiagnosticStatus]]:
        """What was said once both arms had been following for this long without a break."""
        found, since = [], None
        for (when, joints), (_, status) in zip(self.joints, self.status):
            modes = [row.value for row in status.values if row.key in SIDES]
            following = all(mode == 'following' for mode in modes)
            since = (when if since is None else since) if following else None
            if since is not None and when - since > seconds:
                found.append((joints, status))
        return found

    def _listen(self, node: Node, kind: type, topic: str, heard: list) -> None:
        node.create_subscription(kind, topic, lambda msg: heard.append((time.monotonic(), msg)), 100)

    def _target(self, side: str, msg: PoseStamped) -> None:
        self.targets.setdefault((msg.header.stamp.sec, msg.header.stamp.nanosec), {})[side] = msg


class Scene:
    """A follower, a tracker and a listener in a namespace of their own, and one executor that spins them."""

    _count = itertools.count()

    def __init__(self) -> None:
        self.namespace = f'scene_{next(self._count)}'
        self.executor = SingleThreadedExecutor()
        self.nodes: list[Node] = []
        self.other = self._added(Node('other', namespace=self.namespace))
        self.heard = Heard(self.other)

    def follower(self, **values: object) -> Node:
        from inpose_ros.examples.arm_follower import ArmFollower  # its libraries may be missing

        given = [Parameter(name, value=value) for name, value in values.items()]
        return self._added(ArmFollower(namespace=self.namespace, parameter_overrides=given))

    def tracker(self, clip: MotionClip) -> Tracker:
        return Tracker(self.other, clip)

    def until(self, condition: Callable[[], object], timeout: float = 20.0) -> None:
        """Spin until the condition holds; fail after `timeout` [s]."""
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, f'waited in vain; status: {self.heard.status[-1:]}'
            self.executor.spin_once(timeout_sec=0.02)

    def spin_for(self, seconds: float) -> None:
        """Spin for a while, to see what does not happen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.01)

    def close(self) -> None:
        self.executor.shutdown()
        for node in self.nodes:
            node.destroy_node()

    def _added(self, node: Node) -> Node:
        self.executor.add_node(node)
        self.nodes.append(node)
        return node


@pytest.fixture
def scene(ros: None) -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.close()
