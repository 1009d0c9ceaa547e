"""Measurements brought onto the prior's grid, which is anchored at the newest of them."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.errors import MeasurementError
from inpose_ros.sensing.interpolation import around
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.sample_buffer import NOTHING, Columns
from inpose_ros.sensing.window import MeasurementWindow, WindowSnapshot

# The spread of a joint that no sensor measures: a finite placeholder.
NO_STDDEV = 1.0
_NO_STDDEVS = np.full(len(smpl22.JOINTS), NO_STDDEV, dtype=np.float32)


@dataclass(frozen=True)
class JointWindow:
    """What is known of each joint at each frame of the grid; the last frame is at `stamp_ns`.

    Mountings are already taken off: rotations are world <- joint, locations are those of the joint itself [m].
    Where a mask is false the value is a finite placeholder (identity, zero) and means nothing. `zeroed`: the rotations
    are zero where the person's own N-pose is. `acceleration` [m/s2] is what second differences of the joint's places at
    the frame and the two before would be, in world axes. `contributing` names the sensors of which all that they
    measure counts at the last frame.
    """

    stamp_ns: int
    rot_world_joint: Float[Tensor, 'frame joint 3 3']
    rot_valid: Bool[Tensor, 'frame joint']
    location: Float[Tensor, 'frame joint 3']
    location_valid: Bool[Tensor, 'frame joint']
    rotation_stddev: Float[Tensor, 'joint']
    position_stddev: Float[Tensor, 'joint']
    zeroed: bool = False
    acceleration: Float[Tensor, 'frame joint 3'] | None = None
    acceleration_valid: Bool[Tensor, 'frame joint'] | None = None
    contributing: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.acceleration is None:  # nobody wears an accelerometer
            object.__setattr__(self, 'acceleration', torch.zeros_like(self.location))
            object.__setattr__(self, 'acceleration_valid', torch.zeros_like(self.location_valid))


def joint_window(
    window: MeasurementWindow | WindowSnapshot, sensors: Sequence[Sensor], frames: int, rate: float, timeout_ns: int
) -> JointWindow:
    """Interpolate every sensor at `frames` instants, `rate` [Hz] apart, the last at the window's newest stamp.

    Between two measurements of a sensor the value is interpolated, unless they lie more than `timeout_ns` apart;
    behind its last the sensor is taken to go on as it moved, for HOLD_INTERVALS of its usual ones, for HOLD_NS at least
    and for timeout_ns at most. Elsewhere it is not valid. Where two sensors sit on one joint, at each frame the more
    precise of those that are valid counts. A reading's own noise goes over its sensor's.

    Raises:
        MeasurementError: the window is empty.
    """
    if window.newest_stamp_ns is None:
        raise MeasurementError('empty', 'the window holds no measurement yet')
    back = np.arange(frames + 1, -1, -1) * (1e9 / rate)  # two more, for accelerations
    grid = window.newest_stamp_ns - np.rint(back).astype(np.int64)
    columns = [window.columns(sensor.name) for sensor in sensors]
    newest = [next(reversed(window.series(sensor.name)), None) for sensor in sensors]
    turned, located, felt = _of_joints(columns, sensors, grid, rate, timeout_ns)
    rot, rot_valid, rotation_stddev = _by_joint(
        sensors, turned, _stddevs('rotation_stddev', sensors, newest), _identities(frames)
    )
    location, location_valid, position_stddev = _by_joint(
        sensors, located, _stddevs('position_stddev', sensors, newest), _zeros(frames)
    )
    acceleration, acceleration_valid, _ = _by_joint(
        sensors, felt, [sensor.rotation_stddev for sensor in sensors], _zeros(frames)
    )
    return JointWindow(
        stamp_ns=int(window.newest_stamp_ns),
        rot_world_joint=rot,
        rot_valid=rot_valid,
        location=location,
        location_valid=location_valid,
        rotation_stddev=rotation_stddev,
        position_stddev=position_stddev,
        zeroed=bool(sensors) and all(sensor.zeroed for sensor in sensors),
        acceleration=acceleration,
        acceleration_valid=acceleration_valid,
        contributing=_contributing(sensors, turned, located),
    )


def _contributing(sensors: Sequence[Sensor], turned: '_Told', located: '_Told') -> frozenset[str]:
    """The sensors whose rotation, and place where they are to tell it, is known at the last frame."""
    somewhere = {sensor for sensor, valid in zip(located.sensors, located.valid[:, -1].tolist()) if valid}
    return frozenset(
        sensors[row].name
        for row, valid in zip(turned.sensors, turned.valid[:, -1].tolist())
        if valid and (row in somewhere or sensors[row].type == 'imu')
    )


class _Told(NamedTuple):
    """What sensors, given by their numbers, say of their joints at each frame, and where that counts."""

    sensors: Sequence[int]
    values: Float[np.ndarray, 'sensor frame ...']
    valid: Bool[np.ndarray, 'sensor frame']


def _of_joints(
    columns: Sequence[Columns], sensors: Sequence[Sensor], grid: Int[np.ndarray, 'longer'], rate: float, timeout_ns: int
) -> tuple[_Told, _Told, _Told]:
    """Rotations, locations [m] and accelerations [m/s2] of the joints, in the world."""
    places, forces = ([own.saying(quantity) for own in columns] for quantity in ('position', 'force'))
    located = [row for row, own in enumerate(places) if own is not NOTHING and sensors[row].type != 'imu']
    felt = [row for row, own in enumerate(forces) if own is not NOTHING]
    found = around(
        [own.saying('rotation') for own in columns],
        [places[row] for row in located],
        [forces[row] for row in felt],
        grid,
        timeout_ns,
    )
    turned = found.rotation.valid
    rot_world_joint, lever = _without_mount(sensors, found.rotation.values)
    # A tracker without a rotation tells where its joint is only if it sits right on it.
    known = found.position.valid & (turned[located] | (lever[located] == 0).all(-1))
    acceleration = _without_lever(found.acceleration, lever[felt], turned[felt], rate)
    return (
        _Told(range(len(sensors)), rot_world_joint, turned),
        _Told(located, found.position.values - lever[located], known),
        _Told(felt, *acceleration),
    )


def _without_lever(
    acceleration: Float[np.ndarray, 'sensor frame 3'], lever: Float[np.ndarray, 'sensor frame 3'],
    turned: Bool[np.ndarray, 'sensor frame'], rate: float,
) -> tuple[Float[np.ndarray, 'sensor frame 3'], Bool[np.ndarray, 'sensor frame']]:  # fmt: skip
    """Of joints in place of the sensors on them, where it is known over three frames how these were turned."""
    of_joint, valid = np.zeros_like(lever), np.zeros_like(turned)
    of_joint[:, 2:] = acceleration[:, 2:] - (lever[:, 2:] - 2 * lever[:, 1:-1] + lever[:, :-2]) * rate**2
    valid[:, 2:] = turned[:, 2:] & turned[:, 1:-1] & turned[:, :-2]
    return of_joint, valid


def _stddevs(name: str, sensors: Sequence[Sensor], newest: Sequence[Measurement | None]) -> list[float]:
    """One spread of each sensor: what its newest reading says, or else what it is configured with."""
    said = [None if reading is None else getattr(reading, name) for reading in newest]
    return [getattr(sensor, name) if own is None else own for sensor, own in zip(sensors, said, strict=True)]


def _without_mount(
    sensors: Sequence[Sensor], rot_world_sensor: Float[np.ndarray, 'sensor frame 3 3']
) -> tuple[Float[np.ndarray, 'sensor frame 3 3'], Float[np.ndarray, 'sensor frame 3']]:
    """The joint's rotation, and the way from the joint to the sensor in world axes [m].

    T_world_joint = T_world_sensor T_joint_sensor^-1, so p_joint = p_sensor - R_world_joint t_joint_sensor.
    """
    rot_sensor_joint = np.array([sensor.mount[0].T for sensor in sensors]).reshape(-1, 3, 3)
    offset = np.array([sensor.mount[1] for sensor in sensors]).reshape(-1, 3, 1)
    count, frames = rot_world_sensor.shape[:2]
    rows = rot_world_sensor.reshape(count, 3 * frames, 3) @ rot_sensor_joint  # all frames of a sensor at once
    return rows.reshape(count, frames, 3, 3), (rows @ offset).reshape(count, frames, 3)


def _by_joint(
    sensors: Sequence[Sensor], told: _Told, stddevs: Sequence[float], blank: Float[np.ndarray, 'frame joint ...']
) -> tuple[Float[Tensor, 'frame joint ...'], Bool[Tensor, 'frame joint'], Float[Tensor, 'joint']]:
    """Values, mask and spread of every joint; a more precise sensor goes over a less precise one."""
    result, known = blank.copy(), np.zeros(blank.shape[:2], dtype=bool)
    stddev = _NO_STDDEVS.copy()
    some, every = told.valid.any(1).tolist(), told.valid.all(1).tolist()
    rows = zip(told.sensors, told.values, told.valid, some, every)
    for sensor, values, valid, is_some, is_every in sorted(rows, key=lambda row: -stddevs[row[0]]):
        if is_some:
            joint, where = sensors[sensor].joint_index, slice(None) if is_every else valid
            result[where, joint], known[where, joint], stddev[joint] = values[where], True, stddevs[sensor]
    return torch.from_numpy(result), torch.from_numpy(known), torch.from_numpy(stddev)


@functools.lru_cache(maxsize=8)
def _identities(frames: int) -> Float[np.ndarray, 'frame joint 3 3']:
    """Placeholders for rotations; to be copied."""
    return np.full((frames, len(smpl22.JOINTS), 3, 3), np.eye(3), dtype=np.float32)


def _zeros(frames: int) -> Float[np.ndarray, 'frame joint 3']:
    """Placeholders for vectors."""
    return np.zeros((frames, len(smpl22.JOINTS), 3), dtype=np.float32)
