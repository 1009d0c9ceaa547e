"""Sensor messages <-> measurements; only this room knows that ROS orders quaternions xyzw."""

import math

import numpy as np
from geometry_msgs.msg import Point, PoseStamped, Quaternion, Vector3
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import Imu

from inpose_ros.errors import MeasurementError
from inpose_ros.node.conversions.stamp import ns_from_stamp, stamp_from_ns
from inpose_ros.sensing.measurement import Measurement

# A quaternion's length may differ from 1 by this much: float32 drivers and three printed digits stay well inside.
UNIT_TOLERANCE = 0.01


def measurement_from_pose(msg: PoseStamped, sensor: str) -> Measurement:
    """Read a tracker's pose.

    Raises:
        MeasurementError: cause 'not_finite' or 'quaternion'.
    """
    rotation = _rotation(msg.pose.orientation, sensor)
    position = _vector(msg.pose.position, sensor, 'position')
    return Measurement(sensor, ns_from_stamp(msg.header.stamp), rotation, position)


def measurement_from_imu(msg: Imu, sensor: str) -> Measurement:
    """Read an IMU that estimates its orientation (REP-145); a gyro or accelerometer that is absent is left out.

    Raises:
        MeasurementError: cause 'no_orientation', 'not_finite' or 'quaternion'.
    """
    if msg.orientation_covariance[0] == -1:
        raise MeasurementError(
            'no_orientation',
            f'{sensor}: the IMU gives no orientation (orientation_covariance[0] is -1); run an orientation filter, '
            'such as imu_filter_madgwick, between the driver and this node',
        )
    rotation = _rotation(msg.orientation, sensor)
    has_gyro = msg.angular_velocity_covariance[0] != -1
    has_accelerometer = msg.linear_acceleration_covariance[0] != -1
    return Measurement(
        sensor,
        ns_from_stamp(msg.header.stamp),
        rotation,
        angular_velocity=_vector(msg.angular_velocity, sensor, 'angular velocity') if has_gyro else None,
        specific_force=_vector(msg.linear_acceleration, sensor, 'acceleration') if has_accelerometer else None,
    )


def pose_from_measurement(measurement: Measurement, frame_id: str) -> PoseStamped:
    """The message that a tracker's driver would send."""
    msg = PoseStamped()
    msg.header.frame_id = frame_id
    msg.header.stamp = stamp_from_ns(measurement.stamp_ns)
    msg.pose.orientation = quaternion_from_matrix(measurement.rot_world_sensor)
    x, y, z = map(float, measurement.position)
    msg.pose.position = Point(x=x, y=y, z=z)
    return msg


def imu_from_measurement(measurement: Measurement, frame_id: str) -> Imu:
    """The message that an IMU's driver would send; what was not measured is marked absent as REP-145 says."""
    msg = Imu()
    msg.header.frame_id = frame_id
    msg.header.stamp = stamp_from_ns(measurement.stamp_ns)
    msg.orientation = quaternion_from_matrix(measurement.rot_world_sensor)
    if measurement.angular_velocity is None:
        msg.angular_velocity_covariance[0] = -1.0
    else:
        msg.angular_velocity = _vector3(measurement.angular_velocity)
    if measurement.specific_force is None:
        msg.linear_acceleration_covariance[0] = -1.0
    else:
        msg.linear_acceleration = _vector3(measurement.specific_force)
    return msg


def quaternion_from_matrix(matrix: np.ndarray) -> Quaternion:
    x, y, z, w = Rotation.from_matrix(matrix).as_quat(canonical=True).tolist()
    return Quaternion(x=x, y=y, z=z, w=w)


def _rotation(q: Quaternion, sensor: str) -> np.ndarray:
    xyzw = (q.x, q.y, q.z, q.w)
    if not all(map(math.isfinite, xyzw)):
        raise MeasurementError('not_finite', f'{sensor}: the orientation is not finite')
    length = math.hypot(*xyzw)
    if abs(length - 1) > UNIT_TOLERANCE:
        raise MeasurementError('quaternion', f'{sensor}: the quaternion has length {length:.3f} instead of 1')
    return Rotation.from_quat(xyzw).as_matrix()


def _vector(v: Point | Vector3, sensor: str, what: str) -> np.ndarray:
    values = np.array((v.x, v.y, v.z))
    if not np.isfinite(values).all():
        raise MeasurementError('not_finite', f'{sensor}: the {what} is not finite')
    return values


def _vector3(values: np.ndarray) -> Vector3:
    x, y, z = map(float, values)
    return Vector3(x=x, y=y, z=z)
