"""A consumer of poses that notes what it was told, and when it heard of it."""

import numpy as np
import torch
from rclpy.node import Node

from inpose_ros.evaluation.tracking import Track
from inpose_ros.geometry import rotation
from inpose_ros.msg import BodyPose
from inpose_ros.node import qos
from inpose_ros.node.conversions.stamp import ns_from_stamp


class PoseReceiver(Node):
    """Keeps all that arrives on `body_pose`."""

    def __init__(self, **options: object) -> None:
        super().__init__('pose_receiver', **options)
        self._received: list[tuple[int, BodyPose]] = []
        self.create_subscription(BodyPose, 'body_pose', self._on_pose, qos.OUTPUT)

    def now_ns(self) -> int:
        return self.get_clock().now().nanoseconds

    def _on_pose(self, message: BodyPose) -> None:
        self._received.append((self.now_ns(), message))

    def __len__(self) -> int:
        return len(self._received)

    def track(self) -> Track:
        """All poses so far."""
        quat = [[(q.w, q.x, q.y, q.z) for q in message.rotation] for _, message in self._received]
        place = [[(p.x, p.y, p.z) for p in message.position] for _, message in self._received]
        return Track(
            stamp_ns=np.array([ns_from_stamp(message.header.stamp) for _, message in self._received], dtype=np.int64),
            received_ns=np.array([received for received, _ in self._received], dtype=np.int64),
            rot_world_joint=rotation.matrix_from_quat(torch.tensor(quat, dtype=torch.float64)),
            position=torch.tensor(place, dtype=torch.float64),
        )
