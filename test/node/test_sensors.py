import math

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import Imu

from inpose_ros.errors import MeasurementError
from inpose_ros.node.conversions.sensors import (
    imu_from_measurement,
    measurement_from_imu,
    measurement_from_pose,
    pose_from_measurement,
)
from inpose_ros.node.conversions.stamp import ns_from_stamp, stamp_from_ns
from inpose_ros.sensing.measurement import Measurement

ROTATION = Rotation.from_euler('xyz', (0.3, -1.1, 2.0)).as_matrix()


@given(st.integers(-(2**31) * 10**9, 2**31 * 10**9 - 1))
@settings(max_examples=50)
def test_a_stamp_survives_to_the_nanosecond(stamp_ns):
    assert ns_from_stamp(stamp_from_ns(stamp_ns)) == stamp_ns


def test_a_quarter_turn_about_z_is_read_from_the_order_xyzw():
    msg = PoseStamped()
    msg.pose.orientation.z = msg.pose.orientation.w = math.sqrt(0.5)
    rot = measurement_from_pose(msg, 'head').rot_world_sensor
    assert np.allclose(rot @ (1, 0, 0), (0, 1, 0))


def test_a_pose_survives_the_wire():
    sent = Measurement('head', 123456789012345678, ROTATION, np.array((1.0, -2.0, 0.5)))
    got = measurement_from_pose(pose_from_measurement(sent, 'world'), 'head')
    assert got.stamp_ns == sent.stamp_ns
    assert np.allclose(got.rot_world_sensor, ROTATION, atol=1e-12) and np.array_equal(got.position, sent.position)


def test_an_imu_survives_the_wire():
    sent = Measurement('waist', 5, ROTATION, angular_velocity=np.arange(3.0), specific_force=np.array((0, 0, 9.81)))
    got = measurement_from_imu(imu_from_measurement(sent, 'waist'), 'waist')
    assert np.array_equal(got.angular_velocity, sent.angular_velocity) and got.position is None
    assert np.array_equal(got.specific_force, sent.specific_force)


def test_what_an_imu_does_not_measure_stays_absent():
    got = measurement_from_imu(imu_from_measurement(Measurement('waist', 5, ROTATION), 'waist'), 'waist')
    assert got.angular_velocity is None and got.specific_force is None


@pytest.mark.parametrize(
    ('field', 'value', 'cause'),
    [('x', math.nan, 'not_finite'), ('w', math.inf, 'not_finite'), ('w', 0.0, 'quaternion'), ('x', 1.0, 'quaternion')],
)
def test_an_orientation_that_is_none_is_refused_with_its_cause(field, value, cause):
    msg = PoseStamped()
    setattr(msg.pose.orientation, field, value)
    with pytest.raises(MeasurementError, match='head') as error:
        measurement_from_pose(msg, 'head')
    assert error.value.cause == cause


def test_a_position_that_is_not_finite_is_refused():
    msg = PoseStamped()
    msg.pose.position.y = math.nan
    with pytest.raises(MeasurementError, match='position') as error:
        measurement_from_pose(msg, 'head')
    assert error.value.cause == 'not_finite'


def test_an_imu_without_orientation_is_refused_with_what_would_help():
    msg = Imu()
    msg.orientation_covariance[0] = -1.0
    with pytest.raises(MeasurementError, match='orientation filter') as error:
        measurement_from_imu(msg, 'waist')
    assert error.value.cause == 'no_orientation'


def test_a_quaternion_of_single_precision_will_do():
    msg = PoseStamped()
    msg.pose.orientation.w = 0.9999
    rot = measurement_from_pose(msg, 'head').rot_world_sensor
    assert np.allclose(rot @ rot.T, np.eye(3), atol=1e-12)
