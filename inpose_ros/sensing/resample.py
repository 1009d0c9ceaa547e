"""Measurements brought onto the prior's grid, which is anchored at the newest of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.errors import MeasurementError
from inpose_ros.geometry import so3
from inpose_ros.sensing import inertial
from inpose_ros.sensing.acceleration import second_differences
from inpose_ros.sensing.columns import Columns
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.window import MeasurementWindow, WindowSnapshot

# Behind its last stamp a sensor's value is held for so long [ns] at least: sensors neither tick nor arrive together.
HOLD_NS = 60_000_000
# A slow sensor is held for so many of its own intervals: one reading may come late, and one be lost.
HOLD_INTERVALS = 2.5
# The spread of a joint that no sensor measures: a finite placeholder.
NO_STDDEV = 1.0


@dataclass(frozen=True)
class JointWindow:
    """What is known of each joint at each frame of the grid; the last frame is at `stamp_ns`.

    Mountings are already taken off: rotations are world <- joint, locations are those of the joint itself [m].
    Where a mask is false the value is a finite placeholder (identity, zero) and means nothing. `zeroed`: the rotations
    are zero where the person's own N-pose is. `acceleration` [m/s2] is what second differences of the joint's places at
    the frame and the two before would be, in world axes.
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

    def __post_init__(self) -> None:
        if self.acceleration is None:  # nobody wears an accelerometer
            object.__setattr__(self, 'acceleration', torch.zeros_like(self.location))
            object.__setattr__(self, 'acceleration_valid', torch.zeros_like(self.location_valid))


class _Places(NamedTuple):
    """For each frame the rows of the readings before and after it, how far it lies between them, and if it counts."""

    low: Int[np.ndarray, 'frame']
    high: Int[np.ndarray, 'frame']
    fraction: Float[np.ndarray, 'frame']
    valid: Bool[np.ndarray, 'frame']


class _Quantity(NamedTuple):
    """Values and flags among the Columns, what stands for an unknown one, and where it is after the last reading."""

    values: str
    known: str
    placeholder: Float[np.ndarray, '...']
    goes_on: Callable[[Sequence[Measurement], Int[np.ndarray, 'frame']], Float[np.ndarray, 'frame ...']]


_ROTATION = _Quantity('rotation', 'rotated', np.eye(3), inertial.turned_on)
_POSITION = _Quantity('position', 'located', np.zeros(3), inertial.moved_on)


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
    behind its last the sensor is taken to go on as it moved, for HOLD_INTERVALS of its usual ones, for HOLD_NS at least
    and for timeout_ns at most. Elsewhere it is not valid. Where two sensors sit on one joint, at each frame the more
    precise of those that are valid counts. A reading's own noise goes over its sensor's.

    Raises:
        MeasurementError: the window is empty.
    """
    if window.newest_stamp_ns is None:
        raise MeasurementError('empty', 'the window holds no measurement yet')
    back = np.arange(frames - 1, -1, -1) * (1e9 / rate)
    grid = window.newest_stamp_ns - np.rint(back).astype(np.int64)
    readings = [window.series(sensor.name) for sensor in sensors]
    columns = [window.columns(sensor.name) for sensor in sensors]
    places = [_places(own.stamps, grid, timeout_ns) if len(own.stamps) else None for own in columns]
    around = partial(_around, readings, columns, places, grid=grid, timeout_ns=timeout_ns)
    rotations = around(_ROTATION, [True] * len(sensors))
    positions = around(_POSITION, [sensor.type != 'imu' for sensor in sensors])
    rot_world_joint, lever = _without_mount(sensors, _slerp(rotations))
    # A tracker without a rotation tells where its joint is only if it sits right on it.
    known = positions.valid & (rotations.valid | (lever == 0).all(-1))
    spots = positions.before + positions.fraction[..., None] * (positions.after - positions.before) - lever
    rot, rot_valid, rotation_stddev = _by_joint(
        sensors, _stddevs('rotation_stddev', sensors, readings), rot_world_joint, rotations.valid, np.eye(3)
    )
    location, location_valid, position_stddev = _by_joint(
        sensors, _stddevs('position_stddev', sensors, readings), spots, known, np.zeros(3)
    )
    felt, felt_valid = _accelerations(columns, rotations, lever, grid)
    acceleration, acceleration_valid, _ = _by_joint(
        sensors, [sensor.rotation_stddev for sensor in sensors], felt, felt_valid, np.zeros(3)
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
    )


def _accelerations(
    columns: Sequence[Columns], rotations: _Series, lever: Float[np.ndarray, 'sensor frame 3'],
    grid: Int[np.ndarray, 'frame'],
) -> tuple[Float[np.ndarray, 'sensor frame 3'], Bool[np.ndarray, 'sensor frame']]:  # fmt: skip
    """Of the joints under accelerometers [m/s2], where the sensor says something from two frames before on."""
    values, valid = np.zeros_like(lever), np.zeros_like(rotations.valid)
    if len(grid) < 3:
        return values, valid
    interval = (grid[-1] - grid[-2]) / 1e9
    for row, own in enumerate(columns):
        if own.felt.any():
            values[row] = second_differences(own.stamps[own.felt], own.force[own.felt], grid)
            values[row, 2:] -= np.diff(lever[row], n=2, axis=0) / interval**2
            seen = rotations.valid[row]
            valid[row, 2:] = seen[2:] & seen[1:-1] & seen[:-2]
    return values, valid


def _around(
    readings: Sequence[Sequence[Measurement]],
    columns: Sequence[Columns],
    places: Sequence[_Places | None],
    quantity: _Quantity,
    wanted: Sequence[bool],
    grid: Int[np.ndarray, 'frame'],
    timeout_ns: int,
) -> _Series:
    """The readings of one quantity around each frame; the placeholder where a sensor has none.

    Args:
        places: those of each sensor's readings, whatever they hold.
        wanted: of which sensors.
    """
    before = np.broadcast_to(quantity.placeholder, (len(columns), len(grid), *quantity.placeholder.shape)).copy()
    after = before.copy()
    fraction, valid = np.zeros(before.shape[:2]), np.zeros(before.shape[:2], dtype=bool)
    for row, (own, there) in enumerate(zip(columns, places)):
        known = getattr(own, quantity.known)
        if not (wanted[row] and known.any()):
            continue
        stamps, values, said = own.stamps, getattr(own, quantity.values), readings[row]
        if not known.all():
            stamps, values, said = stamps[known], values[known], [said[k] for k in known.nonzero()[0]]
            there = _places(stamps, grid, timeout_ns)
        fraction[row], valid[row] = there.fraction, there.valid
        before[row], after[row] = values[there.low], values[there.high]
        beyond = valid[row] & (grid > stamps[-1])
        if beyond.any():
            before[row, beyond] = after[row, beyond] = quantity.goes_on(said, grid[beyond])
    return _Series(before, after, fraction, valid)


def _places(stamps: Int[np.ndarray, 'reading'], grid: Int[np.ndarray, 'frame'], timeout_ns: int) -> _Places:
    behind = stamps.searchsorted(grid, side='right')
    low, high = np.maximum(behind - 1, 0), np.minimum(behind, len(stamps) - 1)
    past, gap = grid - stamps[low], stamps[high] - stamps[low]
    inside = (past == 0) | ((gap > 0) & (gap <= timeout_ns))
    held = (behind == len(stamps)) & (past <= hold_ns(stamps, timeout_ns))
    fraction = np.where(gap > 0, np.maximum(past, 0) / np.maximum(gap, 1), 0.0)
    return _Places(low, high, fraction, (past >= 0) & (inside | held))


def hold_ns(stamps: Int[np.ndarray, 'reading'], timeout_ns: int) -> int:
    """How long the last value of a sensor counts that measured at these rising stamps [ns].

    Irregular intervals are not those of a slow sensor but of one that fails, of whose readings few are plausible.
    """
    usual = 0.0
    if len(stamps) > 3:
        intervals = np.sort(np.diff(stamps))  # np.percentile takes twenty times as long
        lower, middle, upper = (intervals[round(share * (len(intervals) - 1))] for share in (0.25, 0.5, 0.75))
        usual = float(middle) if upper <= 2 * lower else 0.0
    return min(timeout_ns, max(HOLD_NS, round(HOLD_INTERVALS * usual)))


def _slerp(series: _Series) -> Float[np.ndarray, 'sensor frame 3 3']:
    return so3.slerp(series.before, series.after, series.fraction)


def _stddevs(name: str, sensors: Sequence[Sensor], readings: Sequence[Sequence[Measurement]]) -> list[float]:
    """One spread of each sensor: what its newest reading says, or else what it is configured with."""
    said = [getattr(own[-1], name) if own else None for own in readings]
    return [getattr(sensor, name) if own is None else own for sensor, own in zip(sensors, said, strict=True)]


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
