"""Measurements brought onto the prior's grid, which is anchored at the newest of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.errors import MeasurementError
from inpose_ros.geometry import rotation
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.window import MeasurementWindow, WindowSnapshot

# Behind its last stamp a sensor's value is held for so long [ns]: sensors neither tick nor arrive together.
HOLD_NS = 60_000_000
# The spread of a joint that no sensor measures: a finite placeholder.
NO_STDDEV = 1.0


@dataclass(frozen=True)
class JointWindow:
    """What is known of each joint at each frame of the grid; the last frame is at `stamp_ns`.

    Mountings are already taken off: rotations are world <- joint, locations are those of the joint itself [m].
    Where a mask is false the value is a finite placeholder (identity, zero) and means nothing.
    """

    stamp_ns: int
    rot_world_joint: Float[Tensor, 'frame joint 3 3']
    rot_valid: Bool[Tensor, 'frame joint']
    location: Float[Tensor, 'frame joint 3']
    location_valid: Bool[Tensor, 'frame joint']
    rotation_stddev: Float[Tensor, 'joint']
    position_stddev: Float[Tensor, 'joint']


class _Places(NamedTuple):
    """For each frame the rows of the readings before and after it, how far it lies between them, and if it counts."""

    low: Int[np.ndarray, 'frame']
    high: Int[np.ndarray, 'frame']
    fraction: Float[np.ndarray, 'frame']
    valid: Bool[np.ndarray, 'frame']


class _Series(NamedTuple):
    """One value of each sensor on the grid: the readings around each frame, not yet interpolated."""

    before: Float[np.ndarray, 'sensor frame ...']
    after: Float[np.ndarray, 'sensor frame ...']
    fraction: Float[np.ndarray, 'sensor frame']
    valid: Bool[np.ndarray, 'sensor frame']


def joint_window(
    window: MeasurementWindow | WindowSnapshot, sensors: Sequence[Sensor], frames: int, rate: float, timeout_ns: int
) -> JointWindow:
    """Interpolate every sensor at `frames` instants, `rate` [Hz] apart, the last at the window's newest stamp.

    Between two measurements of a sensor the value is interpolated, unless they lie more than `timeout_ns` apart;
    behind its last it is held for HOLD_NS (or timeout_ns, if shorter). Elsewhere it is not valid. Where two sensors
    sit on one joint, at each frame the more precise of those that are valid counts.

    Raises:
        MeasurementError: the window is empty.
    """
    if window.newest_stamp_ns is None:
        raise MeasurementError('empty', 'the window holds no measurement yet')
    back = np.arange(frames - 1, -1, -1) * (1e9 / rate)
    grid = window.newest_stamp_ns - np.rint(back).astype(np.int64)
    readings = [window.series(sensor.name) for sensor in sensors]
    rotations = _around(readings, 'rot_world_sensor', np.eye(3), grid, timeout_ns)
    positions = _around(
        [() if sensor.type == 'imu' else own for sensor, own in zip(sensors, readings, strict=True)],
        'position', np.zeros(3), grid, timeout_ns,
    )  # fmt: skip
    rot_world_joint, lever = _without_mount(sensors, _slerp(rotations))
    # A tracker without a rotation tells where its joint is only if it sits right on it.
    known = positions.valid & (rotations.valid | (lever == 0).all(-1))
    places = positions.before + positions.fraction[..., None] * (positions.after - positions.before) - lever
    rot, rot_valid, rotation_stddev = _by_joint(
        sensors, [sensor.rotation_stddev for sensor in sensors], rot_world_joint, rotations.valid, np.eye(3)
    )
    location, location_valid, position_stddev = _by_joint(
        sensors, [sensor.position_stddev for sensor in sensors], places, known, np.zeros(3)
    )
    return JointWindow(
        stamp_ns=int(window.newest_stamp_ns),
        rot_world_joint=rot,
        rot_valid=rot_valid,
        location=location,
        location_valid=location_valid,
        rotation_stddev=rotation_stddev,
        position_stddev=position_stddev,
    )


def _around(
    series: Sequence[Sequence[Measurement]],
    name: str,
    placeholder: Float[np.ndarray, '...'],
    grid: Int[np.ndarray, 'frame'],
    timeout_ns: int,
) -> _Series:
    """The readings of one field of Measurement around each frame; the placeholder where a sensor has none."""
    before = np.broadcast_to(placeholder, (len(series), len(grid), *placeholder.shape)).copy()
    after = before.copy()
    fraction, valid = np.zeros(before.shape[:2]), np.zeros(before.shape[:2], dtype=bool)
    value = attrgetter(name)
    for row, measurements in enumerate(series):
        own = [m for m in measurements if value(m) is not None]
        if own:
            stamps = np.array([m.stamp_ns for m in own], dtype=np.int64)
            low, high, fraction[row], valid[row] = _places(stamps, grid, timeout_ns)
            used = np.zeros(len(own), dtype=bool)
            used[low] = used[high] = True
            values = np.array([value(own[i]) for i in used.nonzero()[0]], dtype=np.float64)
            order = used.cumsum() - 1
            before[row], after[row] = values[order[low]], values[order[high]]
    return _Series(before, after, fraction, valid)


def _places(stamps: Int[np.ndarray, 'reading'], grid: Int[np.ndarray, 'frame'], timeout_ns: int) -> _Places:
    behind = stamps.searchsorted(grid, side='right')
    low, high = np.maximum(behind - 1, 0), np.minimum(behind, len(stamps) - 1)
    past, gap = grid - stamps[low], stamps[high] - stamps[low]
    inside = (past == 0) | ((gap > 0) & (gap <= timeout_ns))
    held = (behind == len(stamps)) & (past <= min(timeout_ns, HOLD_NS))
    fraction = np.where(gap > 0, np.maximum(past, 0) / np.maximum(gap, 1), 0.0)
    return _Places(low, high, fraction, (past >= 0) & (inside | held))


def _slerp(series: _Series) -> Float[np.ndarray, 'sensor frame 3 3']:
    before, after, fraction = (torch.from_numpy(array) for array in series[:3])
    return rotation.slerp(before, after, fraction).numpy()


def _without_mount(
    sensors: Sequence[Sensor], rot_world_sensor: Float[np.ndarray, 'sensor frame 3 3']
) -> tuple[Float[np.ndarray, 'sensor frame 3 3'], Float[np.ndarray, 'sensor frame 3']]:
    """The joint's rotation, and the way from the joint to the sensor in world axes [m].

    T_world_joint = T_world_sensor T_joint_sensor^-1, so p_joint = p_sensor - R_world_joint t_joint_sensor.
    """
    mounts = [sensor.T_joint_sensor for sensor in sensors]
    rot_joint_sensor = np.array([mount.rotation.numpy() for mount in mounts]).reshape(-1, 1, 3, 3)
    offset = np.array([mount.translation.numpy() for mount in mounts]).reshape(-1, 1, 3, 1)
    rot_world_joint = rot_world_sensor @ rot_joint_sensor.swapaxes(-1, -2)
    return rot_world_joint, (rot_world_joint @ offset)[..., 0]


def _by_joint(
    sensors: Sequence[Sensor],
    stddevs: Sequence[float],
    values: Float[np.ndarray, 'sensor frame ...'],
    valid: Bool[np.ndarray, 'sensor frame'],
    placeholder: Float[np.ndarray, '...'],
) -> tuple[Float[Tensor, 'frame joint ...'], Bool[Tensor, 'frame joint'], Float[Tensor, 'joint']]:
    """Values, mask and spread of every joint; a more precise sensor goes over a less precise one."""
    shape = (valid.shape[1], len(smpl22.JOINTS))
    result = np.broadcast_to(placeholder, (*shape, *placeholder.shape)).astype(np.float32)
    known, stddev = np.zeros(shape, dtype=bool), np.full(shape[1], NO_STDDEV, dtype=np.float32)
    for i in sorted(range(len(sensors)), key=lambda i: -stddevs[i]):
        joint, rows = sensors[i].joint_index, valid[i]
        if rows.any():
            result[rows, joint] = values[i, rows]
            known[rows, joint] = True
            stddev[joint] = stddevs[i]
    return torch.from_numpy(result), torch.from_numpy(known), torch.from_numpy(stddev)
