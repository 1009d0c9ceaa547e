"""A consumer of poses that takes next to nothing of the machine: messages stay bytes, only their stamps are read."""

import struct
import time

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from jaxtyping import Int
from rclpy.node import Node
from sensor_msgs.msg import JointState

from inpose_ros.msg import BodyPose
from inpose_ros.node import qos

# Behind the four bytes that tell the encoding, a message with a header begins with its stamp: seconds, nanoseconds.
_ORDER = {0: '>', 1: '<'}
_STAMP = slice(4, 12)


def stamp_of(message: bytes) -> int:
    """The stamp [ns] of a serialised message (CDR) that begins with a header."""
    seconds, nanoseconds = struct.unpack(f'{_ORDER[message[1]]}iI', message[_STAMP])
    return seconds * 1_000_000_000 + nanoseconds


class LightReceiver(Node):
    """Notes when each of the joint_states came and its stamp; body_pose is heard too, as a consumer of doubts would.

    `told` is what the tracker's diagnostics said, key by key, once a second.
    """

    def __init__(self, **options: object) -> None:
        super().__init__('bench_receiver', **options)
        self.told: list[dict[str, str]] = []
        self._poses: list[tuple[int, bytes]] = []
        self.create_subscription(JointState, 'joint_states', self._on_pose, qos.OUTPUT, raw=True)
        self.create_subscription(BodyPose, 'body_pose', lambda _: None, qos.OUTPUT, raw=True)
        self.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, qos.OUTPUT)

    @property
    def heard(self) -> bool:
        return bool(self._poses)

    def received(self) -> tuple[Int[np.ndarray, 'pose'], Int[np.ndarray, 'pose']]:
        """Stamps of the poses and when they came [ns]."""
        stamps = [stamp_of(message) for _, message in self._poses]
        return np.array(stamps, dtype=np.int64), np.array([when for when, _ in self._poses], dtype=np.int64)

    def _on_pose(self, message: bytes) -> None:
        self._poses.append((time.time_ns(), message[: _STAMP.stop]))

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name.endswith(': tracking'):
                self.told.append({row.key: row.value for row in status.values})
