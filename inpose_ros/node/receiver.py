"""A consumer of poses that notes what it was told, and when it heard of it."""

from rclpy.node import Node

from inpose_ros.msg import BodyPose
from inpose_ros.node import qos


class PoseReceiver(Node):
    """Keeps all that arrives on `body_pose`, each with the time of its reception [ns]."""

    def __init__(self, **options: object) -> None:
        super().__init__('pose_receiver', **options)
        self.received: list[tuple[int, BodyPose]] = []
        self.create_subscription(BodyPose, 'body_pose', self._on_pose, qos.OUTPUT)

    def now_ns(self) -> int:
        return self.get_clock().now().nanoseconds

    def _on_pose(self, message: BodyPose) -> None:
        self.received.append((self.now_ns(), message))
