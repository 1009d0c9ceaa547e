"""All that the node says about a body, topic by topic."""

from geometry_msgs.msg import PoseStamped
from rclpy.lifecycle import LifecycleNode, LifecyclePublisher
from rclpy.qos import QoSProfile
from sensor_msgs.msg import JointState, PointCloud2
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray

from inpose_ros.body import urdf
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.msg import BodyPose
from inpose_ros.node import qos
from inpose_ros.node.conversions.body_messages import END_EFFECTORS, BodyMessages
from inpose_ros.node.conversions.cloud import CloudMessages
from inpose_ros.node.conversions.markers import MarkerMessages
from inpose_ros.node.foreign_frames import ForeignFrames
from inpose_ros.node.parameters import NodeParameters
from inpose_ros.node.tracking import Estimate


class BodyPublishers:
    """The output topics: the model from the beginning, the others while the node is active (`open` to `close`).

    So a publisher in ROS's graph means a tracker at work; see rivals.
    """

    def __init__(self, node: LifecycleNode, params: NodeParameters, frames: ForeignFrames | None = None) -> None:
        """Args: frames: is told what is sent on /tf, and hears all of it."""
        self._node, self._params, self._frames = node, params, frames
        self._description = node.create_lifecycle_publisher(String, 'human_description', qos.LATCHED)
        self._described: Skeleton | None = None
        self._messages = BodyMessages(params.world_frame, params.frame_prefix, params.body_id)
        self._markers = MarkerMessages(params.world_frame, round(params.sensor_timeout * 1e9))
        self._clouds = CloudMessages(params.world_frame)
        self._open: list[LifecyclePublisher] = []

    def open(self) -> None:
        """Have the publishers, silent until the node is active."""
        # First, so that who finds the joint states of another knows by then that it is a tracker.
        self._body_pose = self._publisher(BodyPose, 'body_pose')
        self._joint_states = self._publisher(JointState, 'joint_states')
        self._transforms = self._publisher(TFMessage, '/tf', qos.TF) if self._params.publish_tf else None
        self._skeleton = self._publisher(MarkerArray, 'skeleton')
        self._cloud = self._publisher(PointCloud2, 'joint_cloud')
        self._ends = {name: self._publisher(PoseStamped, f'end_effectors/{name}') for name in END_EFFECTORS}

    def _publisher(self, kind: type, topic: str, profile: QoSProfile = qos.OUTPUT) -> LifecyclePublisher:
        self._open.append(self._node.create_lifecycle_publisher(kind, topic, profile))
        return self._open[-1]

    def close(self) -> None:
        while self._open:
            self._node.destroy_lifecycle_publisher(self._open.pop())

    def describe(self, skeleton: Skeleton) -> None:
        """Publish the body's URDF unless it is out already; the outputs that follow are about this one."""
        if skeleton is not self._described:
            text = urdf.urdf_xml(skeleton, self._params.frame_prefix, self._params.body_id)
            self._description.publish(String(data=text))
            self._described = skeleton

    def publish(self, estimate: Estimate) -> None:
        """Publish an estimate on all topics, those first that others wait for.

        A message that nobody subscribes to is not even made: making all takes the interpreter from the
        callbacks (measured at 30 Hz: 11 instead of 5 % of a core).
        """
        self.describe(estimate.body.skeleton)
        if self._joint_states.get_subscription_count():
            self._joint_states.publish(self._messages.joint_state(estimate))
        if self._body_pose.get_subscription_count():
            self._body_pose.publish(self._messages.body_pose(estimate))
        self._publish_frames(estimate)
        if any(end.get_subscription_count() for end in self._ends.values()):
            for name, pose in self._messages.end_effectors(estimate).items():
                self._ends[name].publish(pose)
        if self._skeleton.get_subscription_count():
            self._skeleton.publish(self._markers(estimate))
        if self._cloud.get_subscription_count():
            self._cloud.publish(self._clouds(estimate))

    def _publish_frames(self, estimate: Estimate) -> None:
        own_ears = int(self._frames is not None)
        if self._transforms is None or self._transforms.get_subscription_count() <= own_ears:
            return
        message = self._messages.transforms(estimate)
        if self._frames is not None:
            self._frames.sending(message)
        self._transforms.publish(message)

    def destroy(self) -> None:
        self.close()
        self._node.destroy_lifecycle_publisher(self._description)
