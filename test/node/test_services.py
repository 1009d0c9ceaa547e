"""~/calibrate and ~/reset_heading over real services, while messages go on coming in."""

import math

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from rcl_interfaces.srv import GetParameters
from sensor_msgs.msg import Imu
from std_srvs.srv import Trigger

from inpose_ros.body import smpl22
from inpose_ros.msg import BodyPose
from inpose_ros.node import qos
from inpose_ros.node.conversions.sensors import imu_from_measurement
from inpose_ros.sensing.measurement import Measurement
from inpose_ros.srv import Calibrate

from .conftest import HELD, counts, pose


def calibrate(stage: object, pose: str = 't_pose', seconds: float = 0.5) -> Calibrate.Response:
    return stage.call(Calibrate, 'inpose/calibrate', Calibrate.Request(pose=pose, seconds=seconds))


@pytest.mark.parametrize('service', [(Calibrate, 'calibrate'), (Trigger, 'reset_heading'), (Trigger, 'reset')])
def test_while_not_active_services_are_refused_with_the_reason(stage, service):
    kind, name = service
    node = stage.node()
    node.trigger_configure()
    response = stage.call(kind, f'inpose/{name}', kind.Request())
    assert not response.success and 'inactive; activate it first' in response.message


def test_standing_still_calibrates_and_the_mounts_can_be_dumped(stage, wearer):
    """The left wrist's sensor is configured as if turned by 90 degrees; the T-pose shows that it is not."""
    stage.active(left_wrist__mount=[0.0, 0.05, 0.0, math.sqrt(0.5), 0.0, 0.0, math.sqrt(0.5)])
    bodies = stage.heard(BodyPose, 'body_pose')
    stage.until(lambda: bodies)
    response = calibrate(stage)
    assert response.success, response.message
    assert set(response.sensor) == {'head', 'left_wrist', 'right_wrist'} and max(response.residual) < 1e-3
    request = GetParameters.Request(names=['left_wrist.mount'])
    (value,) = stage.call(GetParameters, 'inpose/get_parameters', request).values
    assert list(value.double_array_value) == pytest.approx([0.0, 0.05, 0.0, 1.0, 0.0, 0.0, 0.0], abs=1e-6)
    wrist = smpl22.INDEX['left_wrist']
    assert abs(bodies[-1].rotation[wrist].w) < 0.999, 'the wrist goes to its new place smoothly'
    stage.until(lambda: abs(bodies[-1].rotation[wrist].w) == pytest.approx(1.0, abs=1e-6))


def test_an_n_pose_marks_every_sensor_as_zeroed_and_a_t_pose_takes_it_back(stage, wearer):
    node = stage.active()
    names = [f'{sensor}.zeroed' for sensor in ('head', 'left_wrist', 'right_wrist')]
    solved = node._tracker.solver.windows
    stage.until(lambda: solved)
    assert not solved[-1].zeroed
    for held, zeroed in (('n_pose', True), ('t_pose', False)):
        wearer.held = held
        low = HELD[held]['left_wrist'][2] + 0.9
        # The hands get there faster than anybody's, so it takes half a second until they are believed.
        stage.until(lambda low=low: node._inputs.latest()['left_wrist'].position[2] == pytest.approx(low))
        response = calibrate(stage, held)
        assert response.success, response.message
        values = stage.call(GetParameters, 'inpose/get_parameters', GetParameters.Request(names=names)).values
        assert [value.bool_value for value in values] == [zeroed] * 3
        stage.until(lambda zeroed=zeroed: solved[-1].zeroed is zeroed)


def test_a_refused_n_pose_leaves_the_sensors_as_they_were(stage, wearer):
    wearer.turning = 2.0
    node = stage.active()
    assert not calibrate(stage, 'n_pose', seconds=0.6).success
    assert not node.get_parameter('head.zeroed').value


def test_a_pose_that_the_places_contradict_is_refused_and_changes_nothing(stage, wearer):
    node = stage.active()
    mount = node.get_parameter('left_wrist.mount').value
    response = calibrate(stage, 'n_pose')
    assert not response.success and 'it is the t_pose' in response.message and 'left_wrist' in response.message
    assert node.get_parameter('left_wrist.mount').value == mount and not node.get_parameter('head.zeroed').value


def test_an_imu_that_leaves_gravity_out_is_refused_though_its_acceleration_is_in_use_no_more(stage, wearer):
    """The reading is judged before, as one in g, and reaches the window without its acceleration."""
    node = stage.active(
        sensors=['head', 'left_wrist', 'right_wrist', 'waist'], waist__type='imu', waist__joint='pelvis'
    )
    publisher = stage.other.create_publisher(Imu, 'waist/imu', qos.SENSOR)
    leftover = np.array([0.03, -0.05, 0.02])

    def send() -> None:
        now_ns = stage.other.get_clock().now().nanoseconds
        still = Measurement('waist', now_ns, np.eye(3), None, np.zeros(3), leftover)
        publisher.publish(imu_from_measurement(still, 'waist'))

    stage.other.create_timer(0.01, send)
    stage.until(lambda: counts(node).get('units_g'))
    response = calibrate(stage)
    assert not response.success and 'waist' in response.message and 'without gravity' in response.message


def test_an_imu_of_exchanged_axes_is_refused_with_both_axes_though_it_is_in_use_no_more(stage, wearer):
    node = stage.active(
        sensors=['head', 'left_wrist', 'right_wrist', 'waist'], waist__type='imu', waist__joint='pelvis'
    )
    publisher = stage.other.create_publisher(Imu, 'waist/imu', qos.SENSOR)

    def send() -> None:
        now_ns = stage.other.get_clock().now().nanoseconds
        still = Measurement('waist', now_ns, np.eye(3), None, np.zeros(3), np.array([9.81, 0, 0]))
        publisher.publish(imu_from_measurement(still, 'waist'))

    stage.other.create_timer(0.01, send)
    stage.until(lambda: counts(node).get('gravity'))
    response = calibrate(stage)
    assert not response.success and 'waist contradicts gravity' in response.message, response.message
    assert 'its +x axis points up, by its orientation its +z axis' in response.message


def test_what_became_of_a_sensors_readings_is_said_where_too_few_were_left(stage, wearer):
    node = stage.active()
    wearer.stop()

    def send() -> None:
        for sensor, publisher in wearer.publishers.items():
            msg = pose(sensor, stage.other.get_clock().now().nanoseconds)
            if sensor == 'left_wrist':
                msg.pose.orientation.w = 0.0
            publisher.publish(msg)

    stage.other.create_timer(1 / 60, send)
    stage.until(lambda: counts(node).get('quaternion'))
    response = calibrate(stage)
    assert not response.success and 'left_wrist gave 0 rotations' in response.message
    assert '(quaternion: ' in response.message


def test_reset_heading_is_refused_while_the_head_looks_straight_down(stage):
    stage.active(sensors=['head'])
    publisher = stage.other.create_publisher(PoseStamped, 'head/pose', qos.SENSOR)

    def send() -> None:
        msg = pose('head', stage.other.get_clock().now().nanoseconds)
        msg.pose.orientation.w = msg.pose.orientation.y = math.sqrt(0.5)
        publisher.publish(msg)

    stage.other.create_timer(1 / 60, send)
    bodies = stage.heard(BodyPose, 'body_pose')
    stage.until(lambda: bodies)
    response = stage.call(Trigger, 'inpose/reset_heading', Trigger.Request())
    assert not response.success and 'head has no heading' in response.message


def test_poses_go_on_while_it_calibrates_and_say_so(stage, wearer):
    bodies = stage.heard(BodyPose, 'body_pose')
    stage.active()
    stage.until(lambda: bodies)
    bodies.clear()
    assert calibrate(stage, seconds=0.7).success
    assert len(bodies) > 5 and BodyPose.STATE_CALIBRATING in {body.state for body in bodies}


def test_a_user_who_moves_is_refused_with_sensor_and_angle(stage, wearer):
    wearer.turning = 2.0
    node = stage.active()
    mount = node.get_parameter('head.mount').value
    response = calibrate(stage, seconds=0.6)
    assert not response.success and 'moved by' in response.message and 'degrees' in response.message
    assert node.get_parameter('head.mount').value == mount


def test_a_sensor_that_says_nothing_is_named(stage, wearer):
    stage.active(sensors=['head', 'left_foot'])
    response = calibrate(stage)
    assert not response.success and 'left_foot gave 0 rotations' in response.message


@pytest.mark.parametrize(
    ('pose', 'seconds', 'words'),
    [('lotus', 1.0, 't_pose, n_pose'), ('t_pose', 0.0, 'hold the pose between'), ('t_pose', math.nan, 'hold the pose')],
)
def test_a_request_that_makes_no_sense_is_refused_at_once(stage, pose, seconds, words):
    stage.active()
    response = calibrate(stage, pose, seconds)
    assert not response.success and words in response.message


def test_two_calibrations_at_once_are_refused(stage, wearer):
    stage.active()
    client = stage.other.create_client(Calibrate, 'inpose/calibrate')
    stage.until(client.service_is_ready)
    stage.until(lambda: len(wearer.sent) > 5)
    first, second = (client.call_async(Calibrate.Request(pose='t_pose', seconds=0.5)) for _ in range(2))
    stage.until(lambda: first.done() and second.done())
    assert [first.result().success, second.result().success] == [True, False]
    assert 'under way' in second.result().message


def test_deactivating_ends_a_calibration_with_a_refusal(stage, wearer):
    node = stage.active()
    client = stage.other.create_client(Calibrate, 'inpose/calibrate')
    stage.until(client.service_is_ready)
    future = client.call_async(Calibrate.Request(pose='t_pose', seconds=50.0))
    stage.until(lambda: node._body_services.calibrating)
    node.trigger_deactivate()
    stage.until(future.done)
    assert not future.result().success and 'inactive' in future.result().message


def test_reset_heading_makes_the_user_face_forward(stage, wearer):
    """The wearer turns, then stands; soon after, the head's rotation is about the identity."""
    wearer.turning = 2.0
    bodies = stage.heard(BodyPose, 'body_pose')
    stage.active()
    stage.until(lambda: bodies and abs(bodies[-1].rotation[smpl22.HEAD].z) > 0.3)
    wearer.yaw, wearer.turning = wearer.turning * (wearer.sent[-1] - wearer.start_ns) / 1e9, 0.0
    stage.until(lambda: abs(abs(bodies[-1].rotation[smpl22.HEAD].z) - abs(math.sin(wearer.yaw / 2))) < 1e-6)
    response = stage.call(Trigger, 'inpose/reset_heading', Trigger.Request())
    assert response.success and 'faces +x' in response.message
    stage.until(lambda: abs(bodies[-1].rotation[smpl22.HEAD].z) < 1e-6)


def test_reset_heading_without_any_measurement_is_refused(stage):
    stage.active()
    response = stage.call(Trigger, 'inpose/reset_heading', Trigger.Request())
    assert not response.success and 'no sensor' in response.message


def test_an_imu_without_a_heading_gets_the_bodys_when_it_is_calibrated(stage, wearer):
    """The wearer has turned by 1 rad since the IMU was switched on; the calibration makes it agree with the head."""
    node = stage.active(
        sensors=['head', 'left_wrist', 'right_wrist', 'waist'], waist__type='imu', waist__joint='pelvis'
    )
    wearer.stop()
    publisher = stage.other.create_publisher(Imu, 'waist/imu', qos.SENSOR)

    sent_ns = [stage.other.get_clock().now().nanoseconds]

    def send() -> None:
        # A real IMU misses no reading where this process is held up, and after a gap its filter would begin again.
        for stamp_ns in range(sent_ns[-1] + 10_000_000, stage.other.get_clock().now().nanoseconds, 10_000_000):
            still = Measurement(
                'waist', stamp_ns, angular_velocity=np.zeros(3), specific_force=np.array([0.0, 0.0, 9.81])
            )
            publisher.publish(imu_from_measurement(still, 'waist'))
            sent_ns.append(stamp_ns)

    stage.other.create_timer(0.01, send)
    stage.until(lambda: 'waist' in node._inputs.latest())
    wearer.yaw = 1.0
    wearer.go_on()
    stage.until(lambda: len(node._inputs.latest()) == 4)
    before = node._inputs.epoch
    response = calibrate(stage, seconds=2.0)
    assert response.success, response.message
    assert node.get_parameter('waist.mount').value[3:] == pytest.approx([1.0, 0.0, 0.0, 0.0], abs=1e-3)
    waist = node._inputs.latest()['waist'].rot_world_sensor
    assert math.atan2(waist[1, 0], waist[0, 0]) == pytest.approx(1.0, abs=0.01) and node._inputs.epoch > before
    assert all(m.rot_world_sensor[1, 0] > 0.8 for m in node._inputs.snapshot().series('waist')), 'what is held as well'
