"""A humanoid's arms follow a tracked person: an example of a consumer of inpose_ros.

    python -m inpose_ros.examples.arm_follower --ros-args -p robot:=talos

It is written as a teleoperation team would write it: of inpose_ros it knows the messages only (inpose_ros.msg), and it
trusts them as far as they say that they may be trusted. docs/consuming.md explains what it checks and why. The robot is
a model without physics; no collision is looked for. It is no safety device.
"""

import functools
import signal
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches

import rclpy
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue
from geometry_msgs.msg import PoseStamped
from rclpy.clock import Clock, ClockType
from rclpy.executors import ExternalShutdownException
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import JointState

from inpose_ros.examples.humanoid import ROBOTS
from inpose_ros.examples.humanoid_arms import HumanoidArms
from inpose_ros.examples.person import Person, UnfitPose, person_from, stamp_ns
from inpose_ros.examples.retarget import SIDES, ArmTarget, retarget
from inpose_ros.examples.synchronizer import Together
from inpose_ros.examples.trust import Caution, LimbTrust, Mode
from inpose_ros.msg import BodyPose

# An old pose is worth nothing, so nothing is sent again: best effort.
QOS = QoSProfile(reliability=ReliabilityPolicy.BEST_EFFORT, history=HistoryPolicy.KEEP_LAST, depth=5)
WATCH_PERIOD = 0.01  # [s]
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# However long the pause before a pose was, it moves the robot by a step of this length [s] at most.
LONGEST_STEP = 0.05
BEHIND = 0.03  # a hand further from its target than this is reported [m]
TOPICS = {
    'body_pose': BodyPose,
    'joint_states': JointState,
    'end_effectors/left_wrist': PoseStamped,
    'end_effectors/right_wrist': PoseStamped,
}


@dataclass(frozen=True)
class FollowerParameters:
    """The node's parameters, with their defaults."""

    robot: str = 'g1'  # g1 or talos
    timeout: float = 0.15  # the arms stop when no pose has come for this long [s]
    max_age: float = 0.3  # an older pose is not followed [s]
    max_ahead: float = 0.05  # nor one whose stamp is this far in the future [s]
    reach: float = 0.98  # share of the arm's length beyond which a target is pulled in
    max_joint_speed: float = 15.0  # [rad/s], as that of the tracker; slower joints of the robot keep their own limit
    inferred_share: float = 0.0  # share of the speed at which an inferred arm is followed; 0 holds it
    max_stddev: float = 0.1  # a wrist that is less certain counts as inferred [m]

    @classmethod
    def declared(cls, node: Node) -> 'FollowerParameters':
        """Read them from the node.

        Raises:
            ValueError: one would not do, or one was given that is nearly called so. Other nodes' may be given as well.
        """
        names = [row.name for row in fields(cls)]
        for name in set(node._parameter_overrides).difference(names):  # of which rclpy has no public list
            if near := get_close_matches(name, names, 1, 0.81):
                raise ValueError(f'there is no parameter {name}; did you mean {near[0]}?')
        params = cls(**{row.name: node.declare_parameter(row.name, row.default).value for row in fields(cls)})
        if params.robot not in ROBOTS:
            raise ValueError(f'robot is {params.robot!r}; it must be one of {sorted(ROBOTS)}')
        shares = ('reach', 'inferred_share')
        for row in fields(cls)[1:]:
            value, most = getattr(params, row.name), 1.0 if row.name in shares else 60.0
            if not 0.0 <= value <= most:
                raise ValueError(f'{row.name} is {value}; it must be between 0 and {most}')
        return params


class ArmFollower(Node):
    """Every pose that passes the checks moves the arms by one step; a watchdog says when none comes."""

    def __init__(self, **options: object) -> None:
        super().__init__('arm_follower', **options)
        self._params = FollowerParameters.declared(self)
        self.robot = HumanoidArms(ROBOTS[self._params.robot], self._params.max_joint_speed)
        caution = Caution(inferred_share=self._params.inferred_share, max_stddev=self._params.max_stddev)
        self._trust = {limb: LimbTrust(caution) for limb in self.robot.limbs}
        self._targets: dict[str, ArmTarget] = {}
        self._rejected: Counter[str] = Counter()
        self._last: Person | None = None
        self._moved_at = float('-inf')
        self._step_time = 0.0
        self._problem, self._stops = 'waiting for a pose', 0
        self._together = Together(tuple(TOPICS), self._on_pose)
        for topic, kind in TOPICS.items():
            self.create_subscription(kind, topic, functools.partial(self._hear, topic), QOS)
        self._joints_out = self.create_publisher(JointState, 'robot/joint_states', 10)
        self._status_out = self.create_publisher(DiagnosticStatus, 'robot/status', 10)
        self._targets_out = {s: self.create_publisher(PoseStamped, f'robot/targets/{s}_wrist', 10) for s in SIDES}
        # Not the node's clock: a simulated one may stand still, and the arms must stop all the same.
        self.create_timer(WATCH_PERIOD, self._watch, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _hear(self, topic: str, message: object) -> None:
        self._together.add(topic, stamp_ns(message), message)

    def _on_pose(self, messages: Mapping[str, object]) -> None:
        """All topics have spoken of one stamp."""
        body = messages['body_pose']
        wrists = {side: messages[f'end_effectors/{side}_wrist'] for side in SIDES}
        if objection := self._objection(body):
            self._rejected[objection] += 1
            return
        try:
            person = person_from(body, wrists, messages['joint_states'])
        except UnfitPose as error:
            self._rejected['unfit'] += 1
            self.get_logger().warning(f'not followed: {error}', throttle_duration_sec=5.0)
            return
        self._follow(person)

    def _objection(self, body: BodyPose) -> str | None:
        """Why this pose must not be followed, by its stamp; it is counted under this name."""
        stamp = stamp_ns(body)
        if self._last is not None and stamp <= self._last.stamp_ns:
            return 'not newer'
        age = (self.get_clock().now().nanoseconds - stamp) / 1e9
        if age > self._params.max_age:
            return 'too old'
        return 'in the future' if age < -self._params.max_ahead else None

    def _follow(self, person: Person) -> None:
        now = time.monotonic()
        if self._last is not None and person.body_id != self._last.body_id:
            self._stop('another person')
        dt = min(max(now - self._moved_at, 1e-3), LONGEST_STEP)
        self._last, self._moved_at, self._problem = person, now, ''
        self._targets = {s: retarget(person.arms[s], self.robot.arms[s], self._params.reach) for s in SIDES}
        shares = {limb: self._share(limb, person, now, dt) for limb in self._trust}
        self.robot.step(self._targets, person.gaze, shares, dt)
        self._step_time = time.monotonic() - now
        self._publish()

    def _share(self, limb: str, person: Person, now: float, dt: float) -> float:
        distance = self.robot.distance(limb, self._targets[limb]) if limb in self._targets else 0.0
        return self._trust[limb].update(
            person.state, person.measured[limb], person.stddev[limb], distance, now=now, dt=dt
        )

    def _watch(self) -> None:
        """Stop where no good pose has come for too long, and keep saying so."""
        if time.monotonic() - self._moved_at <= self._params.timeout:
            return
        if self._last is not None:
            self._stop(f'no pose for {self._params.timeout} s')
            self._stops += 1
            self.get_logger().warning(f'{self._problem}: the arms stop', throttle_duration_sec=5.0)
            self._last = None  # whatever comes next begins a new time: a looping bag, a clock that was set
        self._publish()

    def _stop(self, problem: str) -> None:
        self._problem, self._targets = problem, {}
        self.robot.stop()
        for trust in self._trust.values():
            trust.stop(problem)

    # --- what it says

    def _publish(self) -> None:
        stamp = self.get_clock().now().to_msg()
        joints = self.robot.joint_state()
        message = JointState(name=list(joints))
        message.header.stamp = stamp
        message.position = [angle for angle, _ in joints.values()]
        message.velocity = [velocity for _, velocity in joints.values()]
        message.effort = [0.0] * len(joints)  # unknown, and as many as there are names
        self._joints_out.publish(message)
        self._status_out.publish(self._status())
        for side, target in self._targets.items():
            self._targets_out[side].publish(_pose(target, stamp, self.robot.base))

    def _status(self) -> DiagnosticStatus:
        reasons = {limb: trust.reason for limb, trust in self._trust.items() if trust.reason}
        distances = {side: self.robot.distance(side, target) for side, target in self._targets.items()}
        far = {side: f'{distance:.2f} m behind' for side, distance in distances.items() if distance > BEHIND}
        reasons = far | reasons
        if self._problem:
            level, text = DiagnosticStatus.ERROR, self._problem
        elif reasons:
            level, text = DiagnosticStatus.WARN, ', '.join(f'{limb}: {reason}' for limb, reason in reasons.items())
        else:
            level, text = DiagnosticStatus.OK, Mode.FOLLOWING.value
        facts = {limb: trust.mode.value for limb, trust in self._trust.items()}
        for side, target in self._targets.items():
            facts[f'{side}: distance [m]'] = f'{distances[side]:.4f}'
            facts[f'{side}: pulled in'] = str(target.pulled_in).lower()
        facts['step [ms]'] = f'{1000 * self._step_time:.2f}'
        facts |= {f'rejected: {cause}': str(count) for cause, count in sorted(self._rejected.items())}
        counts = {'stops': self._stops, 'incomplete': self._together.incomplete, 'unsolved': self.robot.unsolved}
        facts |= {what: str(count) for what, count in counts.items()}
        values = [KeyValue(key=key, value=value) for key, value in facts.items()]
        name = self.get_fully_qualified_name().lstrip('/')
        return DiagnosticStatus(level=level, name=name, message=text, hardware_id=self._params.robot, values=values)


def _pose(target: ArmTarget, stamp: object, base: str) -> PoseStamped:
    message = PoseStamped()
    message.header.stamp, message.header.frame_id = stamp, base
    place, turn = message.pose.position, message.pose.orientation
    place.x, place.y, place.z = target.wrist.tolist()
    turn.x, turn.y, turn.z, turn.w = Rotation.from_matrix(target.rot_base_wrist).as_quat().tolist()
    return message


def main(args: list[str] | None = None) -> None:
    """Follow until SIGINT or SIGTERM."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # what comes meanwhile waits until there is what it ends
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # rclpy's own handler, which ends the spinning, does; so no traceback
    rclpy.init(args=args)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    node = ArmFollower()
    try:
        rclpy.spin(node)
    except ExternalShutdownException:
        pass
    except rclpy_implementation.RCLError:
        if rclpy.ok():  # else the signal came between hearing a pose and publishing
            raise
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == '__main__':
    main()
