"""The generated messages, over real DDS."""

import time

import pytest

rclpy = pytest.importorskip('rclpy')

from geometry_msgs.msg import Point, Quaternion  # noqa: E402
from rclpy.executors import SingleThreadedExecutor  # noqa: E402
from rclpy.qos import QoSDurabilityPolicy, QoSProfile  # noqa: E402
from tf2_msgs.msg import TFMessage  # noqa: E402

from inpose_ros.msg import BodyPose  # noqa: E402
from inpose_ros.srv import Calibrate  # noqa: E402

DEADLINE = 20.0  # [s]
KEPT = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)  # arrives however late discovery is


@pytest.fixture
def executor():
    context = rclpy.Context()
    rclpy.init(context=context)
    executor = SingleThreadedExecutor(context=context)
    for name in ('sender', 'receiver'):
        executor.add_node(rclpy.create_node(name, context=context))
    yield executor
    for node in executor.get_nodes():
        node.destroy_node()
    executor.shutdown()
    rclpy.shutdown(context=context)


def spin_until(executor: SingleThreadedExecutor, condition) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, 'nothing arrived'
        executor.spin_once(timeout_sec=0.1)


def test_a_body_pose_arrives_as_it_was_sent(executor):
    sender, receiver = executor.get_nodes()
    sent = BodyPose(body_id='someone', joint=['pelvis', 'head'], measured=[False, True], solve_time=0.25)
    sent.rotation = [Quaternion(w=1.0), Quaternion(x=0.6, w=0.8)]
    sent.position = [Point(z=0.9), Point(z=1.6)]
    sent.foot_contact = [0.5, 1.0]
    received = []
    receiver.create_subscription(BodyPose, 'body_pose', received.append, KEPT)
    sender.create_publisher(BodyPose, 'body_pose', KEPT).publish(sent)
    spin_until(executor, lambda: received)
    assert received[0] == sent


def test_a_calibration_is_answered(executor):
    def refuse(request: Calibrate.Request, response: Calibrate.Response) -> Calibrate.Response:
        response.message = f'no {request.pose} for {request.seconds:.1f} s'
        return response

    server, caller = executor.get_nodes()
    server.create_service(Calibrate, 'calibrate', refuse)
    client = caller.create_client(Calibrate, 'calibrate')
    spin_until(executor, client.service_is_ready)
    future = client.call_async(Calibrate.Request(pose='t_pose', seconds=2.0))
    spin_until(executor, future.done)
    assert future.result().message == 'no t_pose for 2.0 s'
    assert not future.result().success


def test_transforms_have_the_type_that_every_ros_knows(executor):
    """The stand-in for tf2_msgs is heard by real subscribers only if its type hash is the real one."""
    sender, receiver = executor.get_nodes()
    sender.create_publisher(TFMessage, '/tf', KEPT)
    spin_until(executor, lambda: receiver.get_publishers_info_by_topic('/tf'))
    (info,) = receiver.get_publishers_info_by_topic('/tf')
    expected = 'RIHS01_e369d0f05a23ae52508854b66f6aa0437f3449d652e8cbf22d5abe85d020f087'
    assert info.topic_type == 'tf2_msgs/msg/TFMessage'
    assert str(info.topic_type_hash) == expected
