"""All that the node says about a body, topic by topic."""

from geometry_msgs.msg import PoseStamped
from rclpy.lifecycle import LifecycleNode
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
from inpose_ros.node.parameters import NodeParameters
from inpose_ros.node.tracking import Estimate


class BodyPublishers:
    """The output topics; they are silent while the node is not active."""

    def __init__(self, node: LifecycleNode, params: NodeParameters) -> None:
        self._node, self._params = node, params
        create = node.create_lifecycle_publisher
        self._joint_states = create(JointState, 'joint_states', qos.OUTPUT)
        self._transforms = create(TFMessage, '/tf', qos.TF)
        self._description = create(String, 'human_description', qos.LATCHED)
        self._body_pose = create(BodyPose, 'body_pose', qos.OUTPUT)
        self._skeleton = create(MarkerArray, 'skeleton', qos.OUTPUT)
        self._cloud = create(PointCloud2, 'joint_cloud', qos.OUTPUT)
        self._ends = {name: create(PoseStamped, f'end_effectors/{name}', qos.OUTPUT) for name in END_EFFECTORS}
        self._described: Skeleton | None = None
        self._messages = BodyMessages(params.world_frame, params.frame_prefix, params.body_id)
        self._markers = MarkerMessages(params.world_frame, round(params.sensor_timeout * 1e9))
        self._clouds = CloudMessages(params.world_frame)

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
        if self._transforms.get_subscription_count():
            self._transforms.publish(self._messages.transforms(estimate))
        if any(end.get_subscription_count() for end in self._ends.values()):
            for name, pose in self._messages.end_effectors(estimate).items():
                self._ends[name].publish(pose)
        if self._skeleton.get_subscription_count():
            self._skeleton.publish(self._markers(estimate))
        if self._cloud.get_subscription_count():
            self._cloud.publish(self._clouds(estimate))

    def destroy(self) -> None:
        bodies = (self._joint_states, self._transforms, self._description, self._body_pose)
        for publisher in (*bodies, self._skeleton, self._cloud, *self._ends.values()):
            self._node.destroy_lifecycle_publisher(publisher)
