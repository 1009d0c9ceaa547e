"""~/calibrate and ~/reset_heading over real services, while messages go on coming in."""

import math

import pytest
from rcl_interfaces.srv import GetParameters
from std_srvs.srv import Trigger

from inpose_ros.body import smpl22
from inpose_ros.msg import BodyPose
from inpose_ros.srv import Calibrate


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
    node = stage.active(left_wrist__mount=[0.0, 0.05, 0.0, math.sqrt(0.5), 0.0, 0.0, math.sqrt(0.5)])
    bodies = stage.heard(BodyPose, 'body_pose')
    stage.until(lambda: bodies)
    response = calibrate(stage)
    assert response.success, response.message
    assert set(response.sensor) == {'head', 'left_wrist', 'right_wrist'} and max(response.residual) < 1e-3
    request = GetParameters.Request(names=['left_wrist.mount'])
    (value,) = stage.call(GetParameters, 'inpose/get_parameters', request).values
    assert list(value.double_array_value) == pytest.approx([0.0, 0.05, 0.0, 1.0, 0.0, 0.0, 0.0], abs=1e-6)
    after = node.now_ns()
    stage.until(lambda: bodies[-1].header.stamp.sec * 10**9 + bodies[-1].header.stamp.nanosec > after)
    assert abs(bodies[-1].rotation[smpl22.INDEX['left_wrist']].w) == pytest.approx(1.0, abs=1e-6)


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
    """The wearer turns to and fro before; afterwards the head's rotation is about the identity."""
    wearer.turning = 2.0
    bodies = stage.heard(BodyPose, 'body_pose')
    stage.active()
    stage.until(lambda: bodies and abs(bodies[-1].rotation[smpl22.HEAD].z) > 0.3)
    wearer.stop()
    response = stage.call(Trigger, 'inpose/reset_heading', Trigger.Request())
    assert response.success and 'faces +x' in response.message
    stage.until(lambda: abs(bodies[-1].rotation[smpl22.HEAD].z) < 1e-6)


def test_reset_heading_without_any_measurement_is_refused(stage):
    stage.active()
    response = stage.call(Trigger, 'inpose/reset_heading', Trigger.Request())
    assert not response.success and 'no sensor' in response.message
