"""What robot_state_publisher lacks to show a tracked body: the model of today, and where the body is.

    python -m inpose_ros.examples.beside_robot_state_publisher

It takes the URDF as a parameter, once, and says nothing of where the pelvis is. This node sets its parameter
`robot_description` whenever the tracker publishes a new model, and broadcasts world -> pelvis from body_pose. The
tracker is to have `publish_tf: false`, or there are two of every frame. docs/robot_state_publisher.md says more.
"""

import xml.etree.ElementTree as ElementTree

import rclpy
from geometry_msgs.msg import TransformStamped
from rcl_interfaces.srv import SetParameters
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage

from inpose_ros.msg import BodyPose

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
NEWEST = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
# A robot_state_publisher that starts later, or anew, is handed the model within this time [s].
AGAIN = 1.0


class Besides(Node):
    """Hands the model on, and says where the body is."""

    def __init__(self, **options: object) -> None:
        super().__init__('beside_robot_state_publisher', **options)
        target = self.declare_parameter('target', 'robot_state_publisher').value
        self._set = self.create_client(SetParameters, f'{target}/set_parameters')
        self._model: str | None = None
        self._root = ''
        self._handed_on, self._was_there = False, False
        self._tf = self.create_publisher(TFMessage, '/tf', QoSProfile(depth=100))
        self.create_subscription(String, 'human_description', self._take_model, LATCHED)
        self.create_subscription(BodyPose, 'body_pose', self._place, NEWEST)
        self.create_timer(AGAIN, self._hand_on)

    def _take_model(self, message: String) -> None:
        self._model, self._handed_on = message.data, False
        robot = ElementTree.fromstring(message.data)
        children = {row.get('link') for row in robot.iter('child')}
        (self._root,) = [row.get('name') for row in robot.iter('link') if row.get('name') not in children]
        self._hand_on()

    def _hand_on(self) -> None:
        is_there = self._set.service_is_ready()
        if not is_there or not self._was_there:
            self._handed_on = False  # who is new does not know it yet
        self._was_there = is_there
        if is_there and self._model is not None and not self._handed_on:
            self._handed_on = True
            parameter = Parameter('robot_description', value=self._model).to_parameter_msg()
            self._set.call_async(SetParameters.Request(parameters=[parameter])).add_done_callback(self._check)

    def _check(self, future: rclpy.task.Future) -> None:
        for result in future.result().results:
            if not result.successful:
                self.get_logger().error(f'robot_state_publisher did not take the model: {result.reason}')

    def _place(self, message: BodyPose) -> None:
        if not self._root:
            return
        index = message.joint.index('pelvis')
        place = TransformStamped(header=message.header, child_frame_id=self._root)
        where = message.position[index]
        place.transform.translation.x, place.transform.translation.y, place.transform.translation.z = (
            where.x,
            where.y,
            where.z,
        )
        place.transform.rotation = message.rotation[index]
        self._tf.publish(TFMessage(transforms=[place]))


def main(args: list[str] | None = None) -> None:
    """Go on until SIGINT or SIGTERM."""
    with rclpy.init(args=args):
        node = Besides()
        try:
            rclpy.spin(node)
        except (KeyboardInterrupt, ExternalShutdownException):
            pass
        finally:
            node.destroy_node()


if __name__ == '__main__':
    main()
