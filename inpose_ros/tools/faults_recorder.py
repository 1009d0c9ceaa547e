"""A consumer that notes all it is told: joint states, poses, transforms and diagnostics."""

import math
from dataclasses import dataclass

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import Log
from rclpy.client import Client
from rclpy.node import Node
from rclpy.task import Future
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage

from inpose_ros.body import smpl22
from inpose_ros.msg import BodyPose
from inpose_ros.node import qos
from inpose_ros.node.conversions.stamp import ns_from_stamp
from inpose_ros.srv import Calibrate
from inpose_ros.tools.faults_checks import Answer, Logged, Record, Told

_JOINTS = len(smpl22.JOINTS)
_ANGLES = 3 * (_JOINTS - 1)
_PREFIX = 'human/'  # of the frames that the node publishes, unless told otherwise
SERVICES = {'calibrate': Calibrate, 'reset': Trigger}
_FOUND = 2.0  # a service is waited for so long [s]


@dataclass(frozen=True)
class Call:
    """A service of the node, called at a time of the motion [s]; `pose` and `seconds` are for calibrate."""

    at: float
    service: str = 'calibrate'
    pose: str = 'n_pose'
    seconds: float = 1.5


class Recorder(Node):
    """Keeps what arrives until it is taken; `told` are the diagnostics since then."""

    def __init__(self, **options: object) -> None:
        super().__init__('fault_recorder', **options)
        self._called: dict[str, Client] = {}
        self.told: list[Told] = []
        self._forget()
        self.create_subscription(JointState, 'joint_states', self._on_joints, qos.OUTPUT)
        self.create_subscription(BodyPose, 'body_pose', self._on_pose, qos.OUTPUT)
        self.create_subscription(TFMessage, '/tf', self._on_transforms, qos.TF)
        self.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, qos.OUTPUT)
        self.create_subscription(Log, '/rosout', self._on_log, qos.TF)

    def now_ns(self) -> int:
        return self.get_clock().now().nanoseconds

    def call(self, call: Call) -> Future:
        """Call a service of the node; its answer is noted."""
        kind = SERVICES[call.service]
        client = self._called.setdefault(call.service, self.create_client(kind, f'/inpose/{call.service}'))
        request = kind.Request(pose=call.pose, seconds=call.seconds) if kind is Calibrate else kind.Request()
        client.wait_for_service(timeout_sec=_FOUND)
        future = client.call_async(request)
        future.add_done_callback(lambda done: self._on_answer(call, done))
        return future

    def _on_answer(self, call: Call, future: Future) -> None:
        answer = future.result()
        self._answers.append(Answer(call.service, answer.success, answer.message))

    def take(self) -> Record:
        """What was heard since the last time; of the diagnostics the last before it too, as counts go on from there."""
        stamps, angles, velocities = zip(*self._joints) if self._joints else ((), (), ())
        pose_stamps, received, places, measured, states, stddevs, bones = (
            zip(*self._poses) if self._poses else ((),) * 7
        )
        states = np.array(states, dtype=np.int64)
        record = Record(
            joint_stamp_ns=np.array(stamps, dtype=np.int64),
            angles=np.array(angles, dtype=np.float64).reshape(-1, _ANGLES),
            velocities=np.array(velocities, dtype=np.float64).reshape(-1, _ANGLES),
            pose_stamp_ns=np.array(pose_stamps, dtype=np.int64),
            pose_received_ns=np.array(received, dtype=np.int64),
            position=np.array(places, dtype=np.float64).reshape(-1, _JOINTS, 3),
            measured=np.array(measured, dtype=bool).reshape(-1, _JOINTS),
            degraded=states == BodyPose.STATE_DEGRADED,
            tracking=states == BodyPose.STATE_TRACKING,
            position_stddev=np.array(stddevs, dtype=np.float64).reshape(-1, _JOINTS),
            bone_length=np.array(bones, dtype=np.float64).reshape(-1, _JOINTS),
            tf_stamp_ns=np.array(self._transforms, dtype=np.int64),
            finite=self._finite,
            told=tuple(self.told),
            log=tuple(self._log),
            answers=tuple(self._answers),
        )
        self._forget()
        return record

    def _forget(self) -> None:
        self._joints: list[tuple] = []
        self._poses: list[tuple] = []
        self._transforms: list[int] = []
        self._log: list[Logged] = []
        self._answers: list[Answer] = []
        self.told = self.told[-1:]
        self._finite = True

    def _on_joints(self, msg: JointState) -> None:
        self._note([*msg.position, *msg.velocity])
        self._joints.append((ns_from_stamp(msg.header.stamp), np.array(msg.position), np.array(msg.velocity)))

    def _on_pose(self, msg: BodyPose) -> None:
        place = [(p.x, p.y, p.z) for p in msg.position]
        turns = [value for q in msg.rotation for value in (q.x, q.y, q.z, q.w)]
        self._note([*np.ravel(place), *turns, *msg.rotation_stddev, *msg.position_stddev])
        spread, bones = np.array(msg.position_stddev), np.array(msg.bone_length)
        row = (ns_from_stamp(msg.header.stamp), self.now_ns(), place, list(msg.measured), msg.state, spread, bones)
        self._poses.append(row)

    def _on_transforms(self, msg: TFMessage) -> None:
        if not msg.transforms[0].child_frame_id.startswith(_PREFIX):
            return  # a tracker's
        rows = [row.transform for row in msg.transforms]
        self._note([v for row in rows for v in (row.translation.x, row.translation.y, row.translation.z)])
        self._note([v for row in rows for v in (row.rotation.x, row.rotation.y, row.rotation.z, row.rotation.w)])
        self._transforms.append(ns_from_stamp(msg.transforms[0].header.stamp))

    def _on_diagnostics(self, msg: DiagnosticArray) -> None:
        for status in msg.status:
            if status.name.endswith(': tracking'):
                values = {row.key: row.value for row in status.values}
                level = int.from_bytes(status.level, 'little')
                self.told.append(Told(self.now_ns(), level, status.message, values))

    def _on_log(self, msg: Log) -> None:
        if msg.name == 'inpose':
            self._log.append(Logged(self.now_ns(), msg.msg))

    def _note(self, values: list[float]) -> None:
        self._finite &= all(map(math.isfinite, values))
