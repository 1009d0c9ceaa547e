"""Sensor messages <-> measurements; only this room knows that ROS orders quaternions xyzw."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
from geometry_msgs.msg import (
    Point,
    Pose,
    PoseStamped,
    PoseWithCovariance,
    PoseWithCovarianceStamped,
    Quaternion,
    TransformStamped,
    Vector3,
)
from jaxtyping import Float
from nav_msgs.msg import Odometry
from sensor_msgs.msg import Imu
from tf2_msgs.msg import TFMessage
from transforms3d.quaternions import quat2mat

from inpose_ros.errors import MeasurementError
from inpose_ros.node.conversions.stamp import ns_from_stamp, stamp_from_ns
from inpose_ros.sensing.measurement import Measurement

# A quaternion's length may differ from 1 by this much: float32 drivers and three printed digits stay well inside.
UNIT_TOLERANCE = 0.01
# A covariance that claims more precision [m], [rad] than this is taken for this, and so is one that claims less; ...
_FINEST, _VAGUEST = 1e-4, 1e6
# ... and where it says that some axes are not measured at all, they count as unsure by so much [m], [rad].
_UNMEASURED_PLACE, _UNMEASURED_TURN = 0.5, 1.0

SensorMessage = PoseStamped | PoseWithCovarianceStamped | Odometry | Imu
Stamped = TypeVar('Stamped', bound=SensorMessage | TransformStamped)


def measurement_from_pose(msg: PoseStamped, sensor: str) -> Measurement:
    """Read a tracker's pose.

    Raises:
        MeasurementError: cause 'not_finite', 'quaternion' or 'stamp_zero'.
    """
    return _measurement(msg, msg.pose, sensor)


def measurement_from_pose_cov(msg: PoseWithCovarianceStamped, sensor: str) -> Measurement:
    """Read a tracker's pose and how good it is.

    Raises:
        MeasurementError: cause 'not_finite', 'quaternion' or 'stamp_zero'.
    """
    return _with_covariance(_measurement(msg, msg.pose.pose, sensor), msg.pose)


def measurement_from_odometry(msg: Odometry, sensor: str) -> Measurement:
    """Read where a visual or lidar odometry sees its device, and how well; its velocity is not used.

    Raises:
        MeasurementError: cause 'not_finite', 'quaternion' or 'stamp_zero'.
    """
    return _with_covariance(_measurement(msg, msg.pose.pose, sensor), msg.pose)


def measurement_from_transform(msg: TransformStamped, sensor: str) -> Measurement:
    """Read a pose as tf2 gives it.

    Raises:
        MeasurementError: cause 'not_finite' or 'quaternion'.
    """
    rotation = _rotation(msg.transform.rotation, sensor)
    position = _vector(msg.transform.translation, sensor, 'position')
    return Measurement(sensor, ns_from_stamp(msg.header.stamp), rotation, position)


def measurement_from_imu(msg: Imu, sensor: str) -> Measurement:
    """Read an IMU (REP-145); what it does not give (a covariance that begins with -1) is left out.

    Its covariances are no noise to go by: drivers fill in constants that have little to do with a body. That of the
    orientation is read all the same, as it may say that there is none (`lost`).

    Raises:
        MeasurementError: cause 'not_finite', 'quaternion' or 'stamp_zero'.
    """
    has_orientation = msg.orientation_covariance[0] != -1
    has_gyro = msg.angular_velocity_covariance[0] != -1
    has_accelerometer = msg.linear_acceleration_covariance[0] != -1
    return Measurement(
        sensor,
        _stamp(msg, sensor),
        _rotation(msg.orientation, sensor) if has_orientation else None,
        rotation_stddev=_stddev(msg.orientation_covariance[::4], _UNMEASURED_TURN) if has_orientation else None,
        angular_velocity=_vector(msg.angular_velocity, sensor, 'angular velocity') if has_gyro else None,
        specific_force=_vector(msg.linear_acceleration, sensor, 'acceleration') if has_accelerometer else None,
    )


def measurement_in_world(measurement: Measurement, T_world_frame: Measurement) -> Measurement:
    """A pose that was given in another frame, of which `T_world_frame` is the pose in the world."""
    rot = T_world_frame.rot_world_sensor
    return replace(
        measurement,
        rot_world_sensor=rot @ measurement.rot_world_sensor,
        position=rot @ measurement.position + T_world_frame.position,
    )


def pose_from_measurement(measurement: Measurement, frame_id: str) -> PoseStamped:
    """The message that a tracker's driver would send."""
    msg = PoseStamped(pose=_pose(measurement))
    return _headed(msg, measurement, frame_id)


def pose_cov_from_measurement(measurement: Measurement, frame_id: str) -> PoseWithCovarianceStamped:
    """The message of a tracker that knows how good it is; a covariance of zero where it does not."""
    msg = PoseWithCovarianceStamped(pose=_pose_with_covariance(measurement))
    return _headed(msg, measurement, frame_id)


def odometry_from_measurement(measurement: Measurement, frame_id: str) -> Odometry:
    """The message of a visual odometry, without velocity."""
    msg = Odometry(pose=_pose_with_covariance(measurement), child_frame_id=measurement.sensor)
    return _headed(msg, measurement, frame_id)


def transforms_from_measurement(measurement: Measurement, frame_id: str, child_frame_id: str) -> TFMessage:
    """What a driver that speaks TF would broadcast."""
    pose = _pose(measurement)
    transform = _headed(TransformStamped(child_frame_id=child_frame_id), measurement, frame_id)
    transform.transform.translation = Vector3(x=pose.position.x, y=pose.position.y, z=pose.position.z)
    transform.transform.rotation = pose.orientation
    return TFMessage(transforms=[transform])


def imu_from_measurement(measurement: Measurement, frame_id: str) -> Imu:
    """The message that an IMU's driver would send; what was not measured is marked absent as REP-145 says."""
    msg = _headed(Imu(), measurement, frame_id)
    if measurement.rot_world_sensor is None:
        msg.orientation_covariance[0] = -1.0
    else:
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
    """One rotation matrix as a message, w not negative (S. W. Shepperd, 1978).

    Written out, as a player does this hundreds of times a second: a library's way through arrays takes ten times as
    long for a single matrix.
    """
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = matrix.tolist()
    # Four times each square; the largest of them is far from zero, and the others follow from its products.
    squares = (1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz, 1 + xx + yy + zz)
    largest = squares.index(max(squares))
    products = (
        (squares[0], xy + yx, xz + zx, zy - yz),
        (xy + yx, squares[1], yz + zy, xz - zx),
        (xz + zx, yz + zy, squares[2], yx - xy),
        (zy - yz, xz - zx, yx - xy, squares[3]),
    )[largest]
    length = math.copysign(math.hypot(*products), products[3])
    x, y, z, w = (product / length for product in products)
    return Quaternion(x=x, y=y, z=z, w=w)


# By the type of a sensor: the kind of its messages, how they are read and how they are made.
READERS: dict[str, tuple[type, Callable[[SensorMessage, str], Measurement]]] = {
    'pose': (PoseStamped, measurement_from_pose),
    'pose_cov': (PoseWithCovarianceStamped, measurement_from_pose_cov),
    'odometry': (Odometry, measurement_from_odometry),
    'imu': (Imu, measurement_from_imu),
}
WRITERS: dict[str, Callable[[Measurement, str], SensorMessage]] = {
    'pose': pose_from_measurement,
    'pose_cov': pose_cov_from_measurement,
    'odometry': odometry_from_measurement,
    'imu': imu_from_measurement,
}


def _measurement(msg: SensorMessage, pose: Pose, sensor: str) -> Measurement:
    rotation = _rotation(pose.orientation, sensor)
    position = _vector(pose.position, sensor, 'position')
    return Measurement(sensor, _stamp(msg, sensor), rotation, position)


def _stamp(msg: SensorMessage, sensor: str) -> int:
    """When it was measured [ns], which a driver that leaves the stamp at zero does not say."""
    stamp_ns = ns_from_stamp(msg.header.stamp)
    if stamp_ns == 0:
        text = f'{sensor}: header.stamp is zero, not set; its driver has to say when it measured'
        raise MeasurementError('stamp_zero', text)
    return stamp_ns


def _with_covariance(measurement: Measurement, pose: PoseWithCovariance) -> Measurement:
    diagonal = pose.covariance[::7]
    return replace(
        measurement,
        position_stddev=_stddev(diagonal[:3], _UNMEASURED_PLACE),
        rotation_stddev=_stddev(diagonal[3:], _UNMEASURED_TURN),
    )


def _stddev(variances: Float[np.ndarray, '3'], unmeasured: float) -> float | None:
    """The root of the mean variance of three axes; None where the covariance is unknown (all zero, NaN, -1).

    An odometry gives an enormous variance, or an infinite one, to the axes that it does not measure, such as height;
    who gives it to all has lost what it tracks, and then it is told as it is. A zero tells nothing of the other axes.
    """
    said = variances[variances != 0]
    if not said.size or not (said > 0).all():
        return None
    least = float(said.min())
    known = least < unmeasured**2
    variance = np.minimum(said, unmeasured**2).mean() if known else least
    return min(max(_FINEST, math.sqrt(variance)), _VAGUEST)


def _headed(msg: Stamped, measurement: Measurement, frame_id: str) -> Stamped:
    msg.header.frame_id = frame_id
    msg.header.stamp = stamp_from_ns(measurement.stamp_ns)
    return msg


def _pose(measurement: Measurement) -> Pose:
    x, y, z = map(float, measurement.position)
    return Pose(position=Point(x=x, y=y, z=z), orientation=quaternion_from_matrix(measurement.rot_world_sensor))


def _pose_with_covariance(measurement: Measurement) -> PoseWithCovariance:
    msg = PoseWithCovariance(pose=_pose(measurement))
    msg.covariance[0:21:7] = (measurement.position_stddev or 0.0) ** 2
    msg.covariance[21:36:7] = (measurement.rotation_stddev or 0.0) ** 2
    return msg


def _rotation(q: Quaternion, sensor: str) -> np.ndarray:
    xyzw = (q.x, q.y, q.z, q.w)
    if not all(map(math.isfinite, xyzw)):
        raise MeasurementError('not_finite', f'{sensor}: the orientation is not finite')
    length = math.hypot(*xyzw)
    if abs(length - 1) > UNIT_TOLERANCE:
        raise MeasurementError('quaternion', f'{sensor}: the quaternion has length {length:.3f} instead of 1')
    return quat2mat((q.w, q.x, q.y, q.z))


def _vector(v: Point | Vector3, sensor: str, what: str) -> np.ndarray:
    values = np.array((v.x, v.y, v.z))
    if not np.isfinite(values).all():
        raise MeasurementError('not_finite', f'{sensor}: the {what} is not finite')
    return values


def _vector3(values: np.ndarray) -> Vector3:
    x, y, z = map(float, values)
    return Vector3(x=x, y=y, z=z)
