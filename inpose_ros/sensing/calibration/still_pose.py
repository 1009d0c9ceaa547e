"""Static calibration: how each sensor is strapped on, from a pose that the user holds; and which way is forward."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.errors import CalibrationError
from inpose_ros.geometry import rotation
from inpose_ros.geometry.transform import Transform
from inpose_ros.sensing.calibration.gravity import check_gravity, check_heading, check_upright
from inpose_ros.sensing.calibration.places import Facing, KnownBody, Located, check_places
from inpose_ros.sensing.calibration.rest_poses import REST_POSES
from inpose_ros.sensing.calibration.stillness import MAX_MOTION, Held, Refused, Said, held_still
from inpose_ros.sensing.measurement import Measurement, Sensor


class Calibration(NamedTuple):
    """The new mount of each sensor, and how well it stood still: rms deviation from its mean [rad].

    `yaws` are the angles [rad] by which to turn sensors that have no heading of their own.
    """

    mounts: dict[str, Transform]
    residuals: dict[str, float]
    yaws: dict[str, float]


def calibrate(
    samples: Mapping[str, Sequence[Measurement]],
    sensors: Sequence[Sensor],
    pose: str,
    adrift: Collection[str] = (),
    body: KnownBody | None = None,
    refused: Refused | None = None,
    max_motion: float = MAX_MOTION,
    said: Said | None = None,
) -> Calibration:
    """Find every sensor's mounting rotation from readings of a user who holds a known pose.

    R_world_sensor = R_world_joint R_joint_sensor, and in the pose R_world_joint = Rz(psi) R_pose, where psi is the
    direction in which the user faces. One sensor has to tell it, through the mount configured for it: that of the
    head, else of the pelvis, else the first. Mounts keep their translation, which a still pose does not show.

    Args:
        adrift: sensors without a heading of their own (see `_levelled`).
        body: whose places are compared with the pose; None: they are not.
        refused: how many readings of a sensor could not be used meanwhile, by cause.
        said: what was said of them.

    Raises:
        CalibrationError: what the readings contradict (`held_still`, `check_gravity`, `check_upright`, `check_places`).
    """
    if pose not in REST_POSES:
        raise CalibrationError(f'there is no pose {pose!r}; hold one of {", ".join(REST_POSES)}')
    if not sensors:
        raise CalibrationError('there is no sensor to calibrate')
    held = held_still(samples, sensors, adrift, refused, max_motion, said)
    check_gravity(held)
    facing = _told(held, anchor([sensor for sensor in sensors if sensor.name not in adrift] or sensors), pose)
    if body is not None:
        located = [Located(sensor, held[sensor.name].place) for sensor in sensors if held[sensor.name].is_located]
        check_places(located, pose, facing, body)
    yaws = _levelled(held, [sensor for sensor in sensors if sensor.name in adrift], facing.yaw, pose)
    return Calibration(
        {sensor.name: _mount(held, sensor, yaws.get(sensor.name, 0.0), facing.yaw, pose) for sensor in sensors},
        {sensor.name: held[sensor.name].residual for sensor in sensors},
        yaws,
    )


def anchor(sensors: Sequence[Sensor]) -> Sensor:
    """The sensor that tells where the user faces: on the head, else on the pelvis, else the first."""
    return min(sensors, key=lambda sensor: {'head': 0, 'pelvis': 1}.get(sensor.joint, 2))


def reset_heading(rot_world_sensor: Mapping[str, Float[np.ndarray, '3 3'] | None], sensors: Sequence[Sensor]) -> float:
    """The angle [rad] by which to turn the world so that the user, as measured now, faces +x.

    Of the sensors with a reading the anchor decides. The world turns about its own origin (see `turned`), so the
    trackers' origin stays where it was and one number says what has changed.

    Raises:
        CalibrationError: no sensor has measured a rotation, or the anchor's has no heading: the user looks straight up
            or down, or lies.
    """
    heard = [sensor for sensor in sensors if rot_world_sensor.get(sensor.name) is not None]
    if not heard:
        raise CalibrationError('no sensor has measured a rotation yet, so it is unknown where the user faces')
    chosen = anchor(heard)
    rot = torch.from_numpy(np.asarray(rot_world_sensor[chosen.name], dtype=np.float64))
    check_heading(_as_in_t_pose(rot, chosen, 't_pose'), chosen)
    return -float(_facing(rot, chosen, 't_pose'))


def facing(rot_world_sensor: Float[np.ndarray, '3 3'], sensor: Sensor, pose: str = 't_pose') -> float:
    """The direction [rad] in which somebody in this pose faces, by one sensor's reading and its configured mount."""
    rot = torch.from_numpy(np.asarray(rot_world_sensor, dtype=np.float64))
    return float(_facing(rot, sensor, pose))


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


def _told(held: Mapping[str, Held], sensor: Sensor, pose: str) -> Facing:
    """Where the user faces by one sensor, whose mount fits somebody who stands upright."""
    rot_world_joint = _as_in_t_pose(held[sensor.name].rotation, sensor, pose)
    check_upright(rot_world_joint, sensor, pose)
    check_heading(rot_world_joint, sensor)
    return Facing(sensor.name, float(rotation.heading(rot_world_joint)))


def _levelled(held: Mapping[str, Held], adrift: Sequence[Sensor], wanted: float, pose: str) -> dict[str, float]:
    """By what angles [rad] to turn the sensors `adrift` until all agree where the user faces (`wanted` [rad]).

    An IMU without a magnetometer has a heading of its own, which no mount can make good: a mount acts in the sensor's
    axes. So while the user holds a pose, each is turned until its joint, by its configured mount, faces as the body
    does, whose heading the others tell, or, where there is none, the anchor.
    """
    yaws = {}
    for sensor in adrift:
        rot = held[sensor.name].rotation
        check_heading(_as_in_t_pose(rot, sensor, pose), sensor)
        yaws[sensor.name] = math.remainder(wanted - float(_facing(rot, sensor, pose)), math.tau)
    return yaws


def _mount(held: Mapping[str, Held], sensor: Sensor, turn: float, facing: float, pose: str) -> Transform:
    """How a sensor sits on its joint, if its world has to be turned by `turn` [rad] and the user faces `facing`."""
    rot_world_joint = _about_z(facing) @ REST_POSES[pose][sensor.joint_index]
    rot_world_sensor = _about_z(turn) @ held[sensor.name].rotation
    return Transform(rot_world_joint.T @ rot_world_sensor, sensor.T_joint_sensor.translation)


def _as_in_t_pose(rot_world_sensor: Float[Tensor, '3 3'], sensor: Sensor, pose: str) -> Float[Tensor, '3 3']:
    """The rotation of the joint by the configured mount, less what the pose turns it by."""
    return rot_world_sensor @ sensor.T_joint_sensor.rotation.double().T @ REST_POSES[pose][sensor.joint_index].T


def _facing(rot_world_sensor: Float[Tensor, '3 3'], sensor: Sensor, pose: str) -> Float[Tensor, '']:
    """Where the user faces [rad], by one sensor's configured mount."""
    return rotation.heading(_as_in_t_pose(rot_world_sensor, sensor, pose))


def _about_z(yaw: float) -> Float[Tensor, '3 3']:
    return rotation.about_z(torch.tensor(yaw, dtype=torch.float64))
