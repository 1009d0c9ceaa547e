"""Static calibration: how each sensor is strapped on, from a pose that the user holds; and which way is forward."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.errors import CalibrationError
from inpose_ros.geometry import rotation
from inpose_ros.geometry.transform import Transform
from inpose_ros.sensing.measurement import Measurement, Sensor

# Fewer samples of a sensor than this are no proof that the user stood still.
MIN_SAMPLES = 10
# A sensor that ever turned further [rad] than this from its mean has moved (standing people sway by 1 to 3 degrees).
MAX_MOTION = math.radians(8)


def _rest_pose(quarter_turns: Mapping[str, int]) -> Float[Tensor, 'joint 3 3']:
    """The T-pose, with some joints turned by quarter turns about the forward axis."""
    rotvec = torch.zeros(len(smpl22.JOINTS), 3, dtype=torch.float64)
    for name, quarters in quarter_turns.items():
        rotvec[smpl22.INDEX[name], 0] = quarters * math.pi / 2
    return rotation.exp(rotvec)


# The poses in which one can calibrate, as global rotations of somebody who faces +x.
REST_POSES = {
    't_pose': _rest_pose({}),
    'n_pose': _rest_pose(
        {f'left_{name}': -1 for name in ('shoulder', 'elbow', 'wrist')}
        | {f'right_{name}': 1 for name in ('shoulder', 'elbow', 'wrist')}
    ),
}


class Calibration(NamedTuple):
    """The new mount of each sensor, and how well it stood still: rms deviation from its mean [rad]."""

    mounts: dict[str, Transform]
    residuals: dict[str, float]


def calibrate(
    samples: Mapping[str, Sequence[Float[np.ndarray, '3 3'] | None]],
    sensors: Sequence[Sensor],
    pose: str,
    max_motion: float = MAX_MOTION,
) -> Calibration:
    """Find every sensor's mounting rotation from readings (world <- sensor) of a user who holds a known pose.

    R_world_sensor = R_world_joint R_joint_sensor, and in the pose R_world_joint = Rz(psi) R_pose, where psi is the
    direction in which the user faces. One sensor has to tell it, through the mount configured for it: that of the
    head, else of the pelvis, else the first. Mounts keep their translation, which a still pose does not show.

    Raises:
        CalibrationError: an unknown pose, a sensor that moved by more than `max_motion` [rad], or that said too little.
    """
    if pose not in REST_POSES:
        raise CalibrationError(f'there is no pose {pose!r}; hold one of {", ".join(REST_POSES)}')
    if not sensors:
        raise CalibrationError('there is no sensor to calibrate')
    means, residuals = {}, {}
    for sensor in sensors:
        means[sensor.name], residuals[sensor.name] = _held(sensor.name, samples.get(sensor.name, ()), max_motion)
    rot_world_joint = rotation.about_z(_facing(means, anchor(sensors), pose)) @ REST_POSES[pose]
    mounts = {
        sensor.name: Transform(
            rot_world_joint[sensor.joint_index].T @ means[sensor.name], sensor.T_joint_sensor.translation
        )
        for sensor in sensors
    }
    return Calibration(mounts, residuals)


def anchor(sensors: Sequence[Sensor]) -> Sensor:
    """The sensor that tells where the user faces: on the head, else on the pelvis, else the first."""
    return min(sensors, key=lambda sensor: {'head': 0, 'pelvis': 1}.get(sensor.joint, 2))


def reset_heading(rot_world_sensor: Mapping[str, Float[np.ndarray, '3 3'] | None], sensors: Sequence[Sensor]) -> float:
    """The angle [rad] by which to turn the world so that the user, as measured now, faces +x.

    Of the sensors with a reading the anchor decides. The world turns about its own origin (see `turned`), so the
    trackers' origin stays where it was and one number says what has changed.

    Raises:
        CalibrationError: no sensor has measured a rotation.
    """
    heard = [sensor for sensor in sensors if rot_world_sensor.get(sensor.name) is not None]
    if not heard:
        raise CalibrationError('no sensor has measured a rotation yet, so it is unknown where the user faces')
    chosen = anchor(heard)
    rot = torch.from_numpy(np.asarray(rot_world_sensor[chosen.name], dtype=np.float64))
    return -float(_facing({chosen.name: rot}, chosen, 't_pose'))


def facing(rot_world_sensor: Float[np.ndarray, '3 3'], sensor: Sensor, pose: str = 't_pose') -> float:
    """The direction [rad] in which somebody in this pose faces, by one sensor's reading and its configured mount."""
    rot = torch.from_numpy(np.asarray(rot_world_sensor, dtype=np.float64))
    return float(_facing({sensor.name: rot}, sensor, pose))


def with_headings(
    samples: Mapping[str, Sequence[Float[np.ndarray, '3 3'] | None]],
    sensors: Sequence[Sensor],
    adrift: Collection[str],
    pose: str,
) -> tuple[dict[str, list[Float[np.ndarray, '3 3']]], dict[str, float]]:
    """Turn what each of the sensors `adrift` says until all agree where the user faces; and the angles [rad].

    An IMU without a magnetometer has a heading of its own, which no mount can make good: a mount acts in the sensor's
    axes. So while the user holds a pose, each is turned until its joint, by its configured mount, faces as the body
    does; the others tell how that is, or, where there is none, the anchor.

    Raises:
        CalibrationError: as `calibrate`.
    """
    heard = {name: [rot for rot in rows if rot is not None] for name, rows in samples.items()}
    if not adrift:
        return heard, {}
    means = {sensor.name: _held(sensor.name, heard.get(sensor.name, ()), MAX_MOTION)[0].numpy() for sensor in sensors}
    certain = anchor([sensor for sensor in sensors if sensor.name not in adrift] or sensors)
    wanted = facing(means[certain.name], certain, pose)
    yaws = {
        sensor.name: math.remainder(wanted - facing(means[sensor.name], sensor, pose), math.tau)
        for sensor in sensors
        if sensor.name in adrift
    }
    for name, yaw in yaws.items():
        turn = rotation.about_z(torch.tensor(yaw, dtype=torch.float64)).numpy()
        heard[name] = [turn @ rot for rot in heard[name]]
    return heard, yaws


def turned(measurement: Measurement, yaw: float) -> Measurement:
    """The measurement in a world turned by `yaw` [rad] about the vertical through its origin."""
    if yaw == 0:
        return measurement
    c, s = math.cos(yaw), math.sin(yaw)
    rot = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    return replace(
        measurement,
        rot_world_sensor=None if measurement.rot_world_sensor is None else rot @ measurement.rot_world_sensor,
        position=None if measurement.position is None else rot @ measurement.position,
    )


def _held(
    name: str, samples: Sequence[Float[np.ndarray, '3 3'] | None], max_motion: float
) -> tuple[Float[Tensor, '3 3'], float]:
    """Mean rotation of a sensor that was held still, and the rms deviation from it [rad]."""
    rotations = [sample for sample in samples if sample is not None]
    if len(rotations) < MIN_SAMPLES:
        raise CalibrationError(
            f'{name} gave {len(rotations)} rotations; {MIN_SAMPLES} are needed: is it on, is it tracked?'
        )
    rot = torch.from_numpy(np.stack(rotations).astype(np.float64))
    mean = rotation.mean_rotation(rot)
    deviation = rotation.angle_between(rot, mean.expand_as(rot))
    moved = float(deviation.max())
    if moved > max_motion:
        raise CalibrationError(
            f'{name} moved by {math.degrees(moved):.1f} degrees; hold still within {math.degrees(max_motion):.1f}'
        )
    return mean, float(deviation.square().mean().sqrt())


def _facing(means: Mapping[str, Float[Tensor, '3 3']], sensor: Sensor, pose: str) -> Float[Tensor, '']:
    """Where the user faces [rad], by one sensor's configured mount."""
    rot_world_joint = means[sensor.name] @ sensor.T_joint_sensor.rotation.double().T
    return rotation.heading(rot_world_joint @ REST_POSES[pose][sensor.joint_index].T)
