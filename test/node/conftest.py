"""Real rclpy over real DDS; the solver is a small stand-in, which measures nothing but whether data flow."""

import importlib.util
import itertools
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Point, PoseStamped
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter

from inpose_ros.body import kinematics, proportions, smpl22
from inpose_ros.body.proportions import BodyGuess
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.body.state import BodyState
from inpose_ros.diffusion.bone_estimator import BodyEstimate
from inpose_ros.geometry import rotation
from inpose_ros.node import qos
from inpose_ros.node.conversions.stamp import ns_from_stamp, stamp_from_ns
from inpose_ros.node.parameters import NodeParameters
from inpose_ros.node.tracker_node import InPoseNode
from inpose_ros.sensing.calibration.rest_poses import REST_POSES
from inpose_ros.sensing.resample import JointWindow

from . import stand_in_tf2

# Where the joints are in each pose that one can hold, by its name.
HELD = {
    held: dict(zip(smpl22.JOINTS, kinematics.joint_positions(Skeleton.mean(), rot).tolist(), strict=True))
    for held, rot in REST_POSES.items()
}
PLACES = HELD['t_pose']


class StandInSolver:
    """The pose is the measured rotations, and between them a wave that runs through the other joints with time."""

    frames, rate, device, backend = 8, 30.0, 'cpu', 'stand-in'
    passes, hurried = 1, False

    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton = skeleton
        self.resets = self.warm_ups = 0
        self.windows: list[JointWindow] = []

    def solve(self, window: JointWindow, floor_height: float = 0.0) -> BodyState:
        self.windows.append(window)
        joints = torch.arange(22, dtype=torch.float64)
        phase = (window.stamp_ns / 1e9 % 100 + joints)[:, None]
        inferred = rotation.exp(0.4 * torch.sin(phase * torch.tensor([1.0, 1.3, 1.7], dtype=torch.float64)))
        known = window.rot_valid[-1]
        rot = torch.where(known[:, None, None], window.rot_world_joint[-1].double(), inferred)
        return BodyState(
            stamp_ns=window.stamp_ns,
            skeleton=self.skeleton,
            root=torch.tensor([0.3, -0.2, 0.9 + floor_height], dtype=torch.float64),
            rot_world_joint=rot.float(),
            rotation_stddev=torch.full((22,), 0.1),
            position_covariance=0.5**2 * torch.eye(3).expand(22, 3, 3),  # it does not look at places
            measured=known,
            root_observed=bool(window.location_valid[-1].any()),
            foot_contact=torch.tensor([float('nan'), 0.5]),
        )

    def reset(self) -> None:
        self.resets += 1

    def check(self) -> tuple:
        return ()

    def warm_up(self, located: list[int]) -> None:
        self.warm_ups += 1


class StandInEstimator:
    """Says of the body what it is told to."""

    def __init__(self, params: NodeParameters, solver: StandInSolver, guess: BodyGuess) -> None:
        self.observations = 0
        self.believe(guess.skeleton)

    def believe(self, skeleton: Skeleton, floor: float = 0.0) -> None:
        factors = {name: replace(row, stddev=0.05) for name, row in proportions.factors(skeleton).items()}
        self.estimate = BodyEstimate(skeleton, factors, 1e-4 * torch.eye(66), 1.0, floor, 0.02)

    def interrupted(self, stamp_ns: int) -> None:
        self.breaks = getattr(self, 'breaks', 0) + 1

    def observing(self, window: JointWindow, floor: float) -> Iterator[None]:
        yield
        self.observations += 10  # as many as are needed at the least

    def forget(self) -> None:
        self.observations = 0
        self.believe(Skeleton.mean())


def stand_in(params: NodeParameters, skeleton: Skeleton) -> StandInSolver:
    return StandInSolver(skeleton)


class Stage:
    """A node under test, another that talks to it, and one executor that spins both.

    Each stage has a namespace of its own, as DDS forgets the services of an earlier test's nodes only after a while.
    """

    _count = itertools.count()

    def __init__(self) -> None:
        self.executor = SingleThreadedExecutor()
        self.namespace = f'stage_{next(self._count)}'
        self.other = Node('other', namespace=self.namespace)
        self.executor.add_node(self.other)
        self.nodes = [self.other]

    def node(self, solver: Callable = stand_in, **values: object) -> InPoseNode:
        """A tracking node with these parameters (`__` in a name stands for a dot); not started unless told."""
        usual = {'autostart': False, 'sensor_timeout': 0.3, 'frame_prefix': 'human/'}
        overrides = usual | {k.replace('__', '.'): v for k, v in values.items()}
        given = [Parameter(name, value=value) for name, value in overrides.items()]
        node = InPoseNode(solver, StandInEstimator, namespace=self.namespace, parameter_overrides=given)
        self.executor.add_node(node)
        self.nodes.append(node)
        return node

    def active(self, **values: object) -> InPoseNode:
        node = self.node(**values)
        node.trigger_configure()
        node.trigger_activate()
        assert node.state == 'active'
        return node

    def heard(self, kind: type, topic: str, profile: object = qos.OUTPUT) -> list:
        """A list that fills with what is published on a topic."""
        messages: list = []
        self.other.create_subscription(kind, topic, messages.append, profile)
        return messages

    def until(self, condition: Callable[[], object], timeout: float = 10.0) -> None:
        """Spin until the condition holds; fail after `timeout` [s]."""
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, 'waited in vain'
            self.executor.spin_once(timeout_sec=0.02)

    def spin_for(self, seconds: float) -> None:
        """Spin for a while, to see that something does not happen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.02)

    def call(self, kind: type, name: str, request: object) -> object:
        client = self.other.create_client(kind, name)
        self.until(client.service_is_ready)
        future = client.call_async(request)
        self.until(future.done)
        self.other.destroy_client(client)
        return future.result()

    def close(self) -> None:
        self.executor.shutdown()
        for node in self.nodes:
            node.destroy_node()


class Wearer:
    """Publishes poses of head and wrists at 60 Hz, still or moving, from a timer of the other node."""

    def __init__(
        self, stage: Stage, profile: object = qos.SENSOR, sensors: tuple = ('head', 'left_wrist', 'right_wrist')
    ) -> None:
        self.stage, self.yaw, self.turning = stage, 0.0, 0.0  # [rad], [rad/s]
        self.held = 't_pose'  # by the places of the sensors
        self.publishers = {s: stage.other.create_publisher(PoseStamped, f'{s}/pose', profile) for s in sensors}
        self.timer = stage.other.create_timer(1 / 60, self.send)
        self.start_ns = stage.other.get_clock().now().nanoseconds
        self.sent: list[int] = []

    def send(self) -> None:
        stamp_ns = self.stage.other.get_clock().now().nanoseconds
        for sensor, publisher in self.publishers.items():
            yaw = self.yaw + self.turning * (stamp_ns - self.start_ns) / 1e9
            yaw += 1e-3 * (self.held == 'n_pose')  # nobody moves without turning by anything
            publisher.publish(pose(sensor, stamp_ns, yaw, self.held))
        self.sent.append(stamp_ns)

    def stop(self) -> None:
        self.timer.cancel()

    def go_on(self) -> None:
        self.timer.reset()


def pose(sensor: str, stamp_ns: int, yaw: float = 0.0, held: str = 't_pose') -> PoseStamped:
    """A sensor at its joint's place in a pose, turned about the vertical; its name may have a namespace."""
    msg = PoseStamped()
    msg.header.frame_id = 'world'
    msg.header.stamp = stamp_from_ns(stamp_ns)
    x, y, z = HELD[held][sensor.rpartition('/')[2]]
    c, s = math.cos(yaw), math.sin(yaw)
    msg.pose.position = Point(x=c * x - s * y, y=s * x + c * y, z=z + 0.9)
    msg.pose.orientation.w, msg.pose.orientation.z = math.cos(yaw / 2), math.sin(yaw / 2)
    return msg


def receive(node: InPoseNode, sensor: str, msg: object, **info: object) -> None:
    """Give a message to the callback of a sensor's subscription; `info` is what the middleware says of it."""
    topic = msg_topic(sensor, msg)
    (subscription,) = [s for s in node.subscriptions if s.topic_name.endswith(topic)]
    subscription.callback(msg, info)


def msg_topic(sensor: str, msg: object) -> str:
    """The default topic of a sensor with such messages."""
    kind = {'Imu': 'imu', 'Odometry': 'odom'}.get(type(msg).__name__, 'pose')
    return f'/{sensor}/{kind}'


def stamps(messages: list) -> list[int]:
    return [ns_from_stamp(message.header.stamp) for message in messages]


def rising(values: list[int]) -> bool:
    return all(a < b for a, b in pairwise(values))


def counts(node: InPoseNode) -> dict[str, int]:
    """How often what was wrong, by cause."""
    return dict(node._health.counts)


def values_of(told: list[DiagnosticArray]) -> dict[str, str]:
    """The keys and values of the latest diagnostics."""
    return {row.key: row.value for row in told[-1].status[0].values}


@pytest.fixture
def stage(ros: None) -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture
def tf2(monkeypatch: pytest.MonkeyPatch) -> None:
    """tf2_ros can be imported: the real one, or a stand-in."""
    if importlib.util.find_spec('tf2_ros') is None:
        monkeypatch.setitem(sys.modules, 'tf2_ros', stand_in_tf2.module())


@pytest.fixture
def wearer(stage: Stage) -> Wearer:
    return Wearer(stage)
