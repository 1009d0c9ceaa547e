"""What the node does and says when sensors stop, and when they return."""

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import JointState

from inpose_ros.msg import BodyPose
from inpose_ros.node import qos

from .conftest import pose, values_of


def test_when_all_sensors_stop_nothing_is_published_and_it_is_an_error_until_they_return(stage, wearer):
    joints = stage.heard(JointState, 'joint_states')
    told = stage.heard(DiagnosticArray, '/diagnostics')
    node = stage.active()
    stage.until(lambda: joints and told and told[-1].status[0].level == DiagnosticStatus.OK)
    wearer.stop()
    stage.until(lambda: node._silence.all_silent)
    joints.clear()
    stage.until(lambda: told[-1].status[0].level == DiagnosticStatus.ERROR)
    assert not joints
    wearer.go_on()
    stage.until(lambda: joints and told[-1].status[0].level == DiagnosticStatus.OK)


def test_when_one_sensor_stops_the_pose_is_degraded_and_the_warning_names_it(stage, wearer):
    bodies = stage.heard(BodyPose, 'body_pose')
    told = stage.heard(DiagnosticArray, '/diagnostics')
    stage.active(sensors=['head', 'left_wrist', 'right_wrist', 'left_foot'])
    stage.until(lambda: bodies and told and 'left_foot' in told[-1].status[0].message)
    assert told[-1].status[0].level == DiagnosticStatus.WARN
    assert bodies[-1].state == BodyPose.STATE_DEGRADED


def test_diagnostics_tell_rates_latency_device_and_backend(stage, wearer):
    told = stage.heard(DiagnosticArray, '/diagnostics')
    stage.active()
    stage.until(lambda: told and float(values_of(told).get('pose rate [Hz]', 0)) > 5)
    values = values_of(told)
    assert values['device'] == 'cpu' and values['backend'] == 'stand-in' and values['state'] == 'active'
    assert 10 < float(values['head rate [Hz]']) < 70 and float(values['head age [s]']) < 0.3
    assert 0 < float(values['latency p50 [ms]']) <= float(values['latency p95 [ms]'])


def test_a_sensor_that_is_delayed_is_named_with_how_much(stage, wearer):
    told = stage.heard(DiagnosticArray, '/diagnostics')
    stage.active(left_wrist__time_offset=-0.2)
    stage.until(lambda: told and 'delayed: left_wrist' in told[-1].status[0].message)
    assert told[-1].status[0].level == DiagnosticStatus.WARN
    assert 190 < float(values_of(told)['left_wrist delay p95 [ms]']) < 400


def test_a_sensor_whose_messages_come_unevenly_is_named(stage):
    told = stage.heard(DiagnosticArray, '/diagnostics')
    stage.active(sensors=['head'])
    publisher = stage.other.create_publisher(PoseStamped, 'head/pose', qos.SENSOR)

    def send() -> None:
        """Eight readings at once, 20 ms apart by their stamps."""
        now_ns = stage.other.get_clock().now().nanoseconds
        for k in range(8):
            publisher.publish(pose('head', now_ns - (7 - k) * 20_000_000))

    stage.other.create_timer(0.16, send)
    stage.until(lambda: told and 'jitter: head' in told[-1].status[0].message)
