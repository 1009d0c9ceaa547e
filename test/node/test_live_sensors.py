"""Sensors that come, go and change while the node runs."""

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import ListParameters, SetParameters, SetParametersAtomically
from rclpy.parameter import Parameter

from inpose_ros.body import smpl22
from inpose_ros.msg import BodyPose
from inpose_ros.node import qos
from inpose_ros.srv import Calibrate

from .conftest import Stage, Wearer, pose, values_of


def set_one(stage: Stage, name: str, value: object) -> SetParametersResult:
    """As `ros2 param set` does."""
    request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
    return stage.call(SetParameters, 'inpose/set_parameters', request).results[0]


def subscribed(node: object) -> set[str]:
    return {s.topic_name.rsplit('/', 2)[-2] for s in node.subscriptions if s.topic_name.endswith('/pose')}


@pytest.fixture
def four(stage: Stage) -> Wearer:
    """Somebody with a fourth tracker, at the pelvis, that the node does not know of yet."""
    wearer = Wearer(stage)
    wearer.publishers['pelvis'] = stage.other.create_publisher(PoseStamped, 'waist/pose', qos.SENSOR)
    return wearer


def test_a_sensor_is_described_and_then_added_and_the_others_keep_what_they_measured(stage, four):
    bodies, told = stage.heard(BodyPose, 'body_pose'), stage.heard(DiagnosticArray, '/diagnostics')
    node = stage.active()
    stage.until(lambda: len(bodies) > 5)
    before = {name: node._inputs.snapshot().series(name)[-5:] for name in four.publishers if name != 'pelvis'}
    epoch = node._inputs.epoch
    assert set_one(stage, 'waist.joint', 'pelvis').successful
    listed = stage.call(ListParameters, 'inpose/list_parameters', ListParameters.Request(prefixes=['waist']))
    assert 'waist.mount' in listed.result.names, 'all that can be set for it can be seen'
    assert set_one(stage, 'sensors', ['head', 'left_wrist', 'right_wrist', 'waist']).successful
    held = node._inputs.snapshot()
    for name, rows in before.items():
        assert set(id(row) for row in rows) <= set(id(row) for row in held.series(name))
    assert node._inputs.epoch == epoch, 'the tracking goes on'
    stage.until(lambda: bodies[-1].measured[smpl22.PELVIS])
    stage.until(lambda: told and 'waist rate [Hz]' in values_of(told))


def test_a_sensor_that_is_taken_off_is_heard_and_missed_no_more(stage, wearer):
    bodies, told = stage.heard(BodyPose, 'body_pose'), stage.heard(DiagnosticArray, '/diagnostics')
    node = stage.active()
    stage.until(lambda: bodies and bodies[-1].measured[smpl22.INDEX['left_wrist']])
    assert set_one(stage, 'sensors', ['head', 'right_wrist']).successful
    stage.until(lambda: not bodies[-1].measured[smpl22.INDEX['left_wrist']])
    assert subscribed(node) == {'head', 'right_wrist'} and bodies[-1].measured[smpl22.HEAD]
    stage.until(lambda: told and 'left_wrist rate [Hz]' not in values_of(told))
    assert bodies[-1].state == BodyPose.STATE_TRACKING and not node._health.silent(node.now_ns())


def test_what_a_file_says_of_a_sensor_counts_when_it_is_added(stage):
    node = stage.active(sensors=['head'], waist__joint='pelvis', waist__rotation_stddev=0.3)
    assert set_one(stage, 'sensors', ['head', 'waist']).successful
    assert node._inputs.sensors[1].rotation_stddev == 0.3 and node._inputs.sensors[1].joint == 'pelvis'


@pytest.mark.parametrize(
    ('name', 'value', 'words'),
    [
        ('sensors', ['head', 'waist'], "waist.joint is 'waist'; it must be one of"),
        ('sensors', ['head', 'head'], 'each sensor worn once'),
        ('sensors', ['head', 'my wrist'], 'a name is letters'),
        ('head.joint', 'skull', "head.joint is 'skull'"),
        ('head.type', 'sonar', 'must be one of pose, pose_cov'),
        ('head.topic', 'a b', 'head.topic'),
        ('head.mount', [0.0, 0.0, 0.0], 'seven finite numbers'),
        ('head.time_offset', 60.0, 'time_offset'),
        ('head.rotation_stddev', 0.0, 'rotation_stddev'),
        ('rate', 20.0, 'rate is read when the node configures; deactivate and clean up first'),
        ('head.color', 'red', 'undeclared'),
    ],
)
def test_what_would_not_do_is_refused_with_the_reason_and_changes_nothing(stage, wearer, name, value, words):
    node = stage.active()
    before = node._inputs.sensors
    result = set_one(stage, name, value)
    assert not result.successful and words in result.reason
    assert node._inputs.sensors is not None and [s.name for s in node._inputs.sensors] == [s.name for s in before]
    stage.until(lambda: len(node._inputs.latest()) == 3)


def test_a_type_that_another_sensor_of_the_topic_does_not_have_is_refused(stage):
    stage.active(sensors=['head', 'left_wrist'], left_wrist__topic='head/pose')
    result = set_one(stage, 'left_wrist.type', 'odometry')
    assert not result.successful and 'share the topic head/pose' in result.reason


def test_another_topic_is_another_device_and_the_old_readings_go(stage, wearer):
    node = stage.active()
    stage.until(lambda: len(node._inputs.latest()) == 3)
    assert set_one(stage, 'left_wrist.topic', 'spare/pose').successful
    assert 'left_wrist' not in node._inputs.latest() and 'head' in node._inputs.latest()
    spare = stage.other.create_publisher(PoseStamped, 'spare/pose', qos.SENSOR)

    def send() -> None:
        msg = pose('left_wrist', stage.other.get_clock().now().nanoseconds)
        msg.pose.position.x += 5.0
        spare.publish(msg)

    stage.other.create_timer(0.02, send)
    stage.until(lambda: 'left_wrist' in node._inputs.latest())
    assert node._inputs.latest()['left_wrist'].position[0] > 4.5, 'no teleport: it is another device'


def test_a_joint_a_mount_and_noises_take_effect_at_once(stage, wearer):
    bodies = stage.heard(BodyPose, 'body_pose')
    node = stage.active()
    stage.until(lambda: bodies)
    rows = {'head.joint': 'neck', 'head.rotation_stddev': 0.5, 'head.mount': [0.1, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]}
    request = SetParametersAtomically.Request(
        parameters=[Parameter(name, value=value).to_parameter_msg() for name, value in rows.items()]
    )
    assert stage.call(SetParametersAtomically, 'inpose/set_parameters_atomically', request).result.successful
    head = node._inputs.sensors[0]
    assert head.joint == 'neck' and head.rotation_stddev == 0.5 and head.T_joint_sensor.translation[0] == 0.1
    stage.until(lambda: bodies[-1].measured[smpl22.INDEX['neck']] and not bodies[-1].measured[smpl22.HEAD])


def test_a_time_offset_takes_effect_at_once(stage, wearer):
    node = stage.active(sensors=['head'])
    stage.until(lambda: node._inputs.latest())
    assert set_one(stage, 'head.time_offset', -0.2).successful
    stage.until(lambda: node._health.late_by('head', node.now_ns()) > 0.19)


def test_before_the_node_is_configured_anything_may_be_set(stage):
    node = stage.node()
    assert set_one(stage, 'waist.joint', 'pelvis').successful
    assert set_one(stage, 'sensors', ['waist']).successful
    assert set_one(stage, 'rate', 10.0).successful
    node.trigger_configure()
    assert [s.joint for s in node._inputs.sensors] == ['pelvis']


def test_sensors_changed_during_a_calibration_do_it_no_harm(stage, four):
    node = stage.active()
    stage.until(lambda: len(node._inputs.latest()) == 3)
    client = stage.other.create_client(Calibrate, 'inpose/calibrate')
    stage.until(client.service_is_ready)
    future = client.call_async(Calibrate.Request(pose='t_pose', seconds=0.6))
    stage.until(lambda: node._body_services.calibrating)
    assert set_one(stage, 'waist.joint', 'pelvis').successful
    assert set_one(stage, 'sensors', ['head', 'waist']).successful
    stage.until(future.done)
    assert future.result().success or 'waist' in future.result().message
    assert np.isfinite(node._inputs.latest()['head'].position).all()
