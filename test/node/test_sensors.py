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
    READERS,
    WRITERS,
    imu_from_measurement,
    measurement_from_imu,
    measurement_from_pose,
    measurement_from_pose_cov,
    measurement_from_transform,
    measurement_in_world,
    pose_cov_from_measurement,
    pose_from_measurement,
    quaternion_from_matrix,
    transforms_from_measurement,
)
from inpose_ros.node.conversions.stamp import ns_from_stamp, stamp_from_ns
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.plausibility.lost import without_lost

ROTATION = Rotation.from_euler('xyz', (0.3, -1.1, 2.0)).as_matrix()


@given(st.integers(-(2**31) * 10**9, 2**31 * 10**9 - 1))
@settings(max_examples=50)
def test_a_stamp_survives_to_the_nanosecond(stamp_ns):
    assert ns_from_stamp(stamp_from_ns(stamp_ns)) == stamp_ns


def test_a_quarter_turn_about_z_is_read_from_the_order_xyzw():
    msg = PoseStamped()
    msg.header.stamp.sec = 1
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


def test_an_imu_without_orientation_keeps_what_it_has():
    sent = Measurement('waist', 5, None, angular_velocity=np.arange(3.0), specific_force=np.array((0, 0, 9.81)))
    got = measurement_from_imu(imu_from_measurement(sent, 'waist'), 'waist')
    assert got.rot_world_sensor is None and np.array_equal(got.angular_velocity, sent.angular_velocity)


@pytest.mark.parametrize('kind', ['pose_cov', 'odometry'])
def test_a_pose_with_covariance_survives_the_wire(kind):
    sent = Measurement(
        'head', 7, ROTATION, np.array((1.0, -2.0, 0.5)), position_stddev=0.03, rotation_stddev=0.2,
    )  # fmt: skip
    message_type, read = READERS[kind]
    msg = WRITERS[kind](sent, 'world')
    assert isinstance(msg, message_type) and msg.header.frame_id == 'world'
    got = read(msg, 'head')
    assert np.allclose(got.rot_world_sensor, ROTATION, atol=1e-12) and np.array_equal(got.position, sent.position)
    assert got.position_stddev == pytest.approx(0.03) and got.rotation_stddev == pytest.approx(0.2)


def test_the_noise_is_the_mean_over_the_axes_of_its_own_block():
    msg = pose_cov_from_measurement(Measurement('head', 7, ROTATION, np.zeros(3)), 'world')
    msg.pose.covariance[[0, 7, 14, 21, 28, 35]] = 0.01, 0.04, 0.04, 0.09, 0.16, 0.20
    got = measurement_from_pose_cov(msg, 'head')
    assert got.position_stddev == pytest.approx(math.sqrt(0.03))
    assert got.rotation_stddev == pytest.approx(math.sqrt(0.15))


@pytest.mark.parametrize('variance', [-1.0, math.nan])
def test_a_covariance_that_says_nothing_leaves_the_noise_to_the_sensor(variance):
    msg = pose_cov_from_measurement(Measurement('head', 7, ROTATION, np.zeros(3), position_stddev=0.1), 'world')
    msg.pose.covariance[7] = msg.pose.covariance[28] = variance
    got = measurement_from_pose_cov(msg, 'head')
    assert got.position_stddev is None and got.rotation_stddev is None


def test_a_covariance_of_zeros_leaves_the_noise_to_the_sensor_and_one_zero_tells_nothing_of_the_other_axes():
    msg = pose_cov_from_measurement(Measurement('head', 7, ROTATION, np.zeros(3), position_stddev=0.1), 'world')
    msg.pose.covariance[7] = 0.0
    got = measurement_from_pose_cov(msg, 'head')
    assert got.position_stddev == pytest.approx(0.1) and got.rotation_stddev is None


@pytest.mark.parametrize('axes', [3, 2])
@pytest.mark.parametrize('variance', [9999.0, 1e6, 1e308, math.inf])
@pytest.mark.parametrize('kind', ['pose_cov', 'odometry', 'imu'])
def test_a_variance_that_means_lost_is_one_whatever_number_says_it(kind, variance, axes):
    sensor = Sensor('head', 'head', type=kind)
    force = {'specific_force': np.array((0, 0, 9.81)), 'angular_velocity': np.zeros(3)}
    sent = Measurement('head', 7, ROTATION, **(force if kind == 'imu' else {'position': np.zeros(3)}))
    read, msg = READERS[kind][1], WRITERS[kind](sent, 'world')
    blocks = [msg.orientation_covariance[::4]] if kind == 'imu' else np.split(msg.pose.covariance[::7], 2)
    for block in blocks:
        block[:axes] = variance
    left, found = without_lost(read(msg, 'head'), sensor)
    assert [finding.cause for finding in found] == ['lost']
    if kind == 'imu':  # it may be told by its gyro and accelerometer how it is turned
        assert left.rot_world_sensor is None and left.rotation_stddev is None and left.specific_force is not None
    else:
        assert left is None


@pytest.mark.parametrize('constant', [0.0, 1e-8, 0.0025, 0.7, math.nan])
def test_what_an_imu_says_of_its_noise_is_not_gone_by(constant):
    msg = imu_from_measurement(Measurement('waist', 5, ROTATION), 'waist')
    msg.orientation_covariance[::4] = constant
    left, found = without_lost(measurement_from_imu(msg, 'waist'), Sensor('waist', 'pelvis', type='imu'))
    assert left.rotation_stddev is None and left.rot_world_sensor is not None and not found


@pytest.mark.parametrize('yaw', [99.0, 1e6, math.inf])
def test_an_imu_that_knows_all_but_its_heading_is_not_lost(yaw):
    msg = imu_from_measurement(Measurement('waist', 5, ROTATION), 'waist')
    msg.orientation_covariance[::4] = 1e-3, 1e-3, yaw
    assert without_lost(measurement_from_imu(msg, 'waist'), Sensor('waist', 'pelvis', type='imu'))[1] == ()


@pytest.mark.parametrize(('claimed', 'taken'), [(1e-9, 1e-4), (100.0, 100.0), (1e6, 1e6), (1e100, 1e6)])
def test_a_covariance_is_bounded_below_and_told_as_it_is_above(claimed, taken):
    sent = Measurement('head', 7, ROTATION, np.zeros(3), position_stddev=claimed, rotation_stddev=claimed)
    got = measurement_from_pose_cov(pose_cov_from_measurement(sent, 'world'), 'head')
    assert got.position_stddev == got.rotation_stddev == pytest.approx(taken)


@pytest.mark.parametrize('unmeasured', [9.0, 1e6, 1e308, math.inf])
def test_an_axis_that_is_not_measured_makes_a_pose_less_sure_and_not_lost(unmeasured):
    msg = pose_cov_from_measurement(Measurement('head', 7, ROTATION, np.zeros(3), position_stddev=0.01), 'world')
    msg.pose.covariance[14] = msg.pose.covariance[21] = msg.pose.covariance[28] = unmeasured
    msg.pose.covariance[35] = 1e-4
    got = measurement_from_pose_cov(msg, 'head')
    assert 0.1 < got.position_stddev < 0.5 and 0.5 < got.rotation_stddev < 1.0


@pytest.mark.parametrize('read', [measurement_from_pose, measurement_from_imu])
def test_a_stamp_of_zero_is_said_to_be_none(read):
    msg = PoseStamped() if read is measurement_from_pose else Imu()
    with pytest.raises(MeasurementError, match=r'stamp is zero, not set') as error:
        read(msg, 'head')
    assert error.value.cause == 'stamp_zero'


def test_a_transform_is_a_pose_of_the_frame():
    sent = Measurement('head', 11, ROTATION, np.array((1.5, 0.0, -2.0)))
    (msg,) = transforms_from_measurement(sent, 'world', 'tracker_1').transforms
    assert msg.header.frame_id == 'world' and msg.child_frame_id == 'tracker_1'
    got = measurement_from_transform(msg, 'head')
    assert got.stamp_ns == 11 and np.allclose(got.position, sent.position)
    assert np.allclose(got.rot_world_sensor, ROTATION, atol=1e-12)


def test_a_pose_in_another_frame_is_carried_into_the_world():
    frame = Measurement('', 0, Rotation.from_rotvec((0, 0, math.pi / 2)).as_matrix(), np.array((1.0, 0.0, 0.0)))
    got = measurement_in_world(Measurement('head', 7, ROTATION, np.array((0.0, 2.0, 1.0))), frame)
    assert np.allclose(got.position, (-1, 0, 1))
    assert np.allclose(got.rot_world_sensor, frame.rot_world_sensor @ ROTATION)


def test_a_quaternion_of_single_precision_will_do():
    msg = PoseStamped()
    msg.header.stamp.sec, msg.pose.orientation.w = 1, 0.9999
    rot = measurement_from_pose(msg, 'head').rot_world_sensor
    assert np.allclose(rot @ rot.T, np.eye(3), atol=1e-12)


def test_a_matrix_becomes_the_quaternion_that_another_library_gives_half_turns_too():
    some = Rotation.random(200, rng=np.random.default_rng(0))
    half = Rotation.from_rotvec(np.pi * np.eye(3))
    for rotation in Rotation.concatenate([some, half, half * Rotation.from_rotvec([1e-9, 0, 0]), Rotation.identity(1)]):
        found = quaternion_from_matrix(rotation.as_matrix())
        expected = rotation.as_quat(canonical=True)
        # Of a half turn both signs are the same rotation, and rounding tells which.
        agreement = abs(np.dot((found.x, found.y, found.z, found.w), expected))
        assert agreement == pytest.approx(1, abs=1e-12) and found.w >= 0
