"""Measurements brought onto the prior's grid, which is anchored at the newest of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

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


@dataclass(frozen=True)
class _Bracket:
    """For each sensor and frame, the readings before and after it; identical where one value is taken or none."""

    before: Float[Tensor, 'sensor frame ...']
    after: Float[Tensor, 'sensor frame ...']
    fraction: Float[Tensor, 'sensor frame']
    valid: Bool[Tensor, 'sensor frame']


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
    series = [window.series(sensor.name) for sensor in sensors]
    rot_world_sensor, rot_valid = _rotations(series, grid, timeout_ns)
    position, position_valid = _positions(series, grid, timeout_ns)
    position_valid &= torch.tensor([sensor.type == 'pose' for sensor in sensors], dtype=torch.bool)[:, None]

    rot_world_joint, lever = _without_mount(sensors, rot_world_sensor)
    # A tracker without a rotation tells where its joint is only if it sits right on it.
    position_valid &= rot_valid | (lever == 0).all(-1)
    empty = JointWindow(
        stamp_ns=int(window.newest_stamp_ns),
        rot_world_joint=torch.eye(3).repeat(frames, len(smpl22.JOINTS), 1, 1),
        rot_valid=torch.zeros(frames, len(smpl22.JOINTS), dtype=torch.bool),
        location=torch.zeros(frames, len(smpl22.JOINTS), 3),
        location_valid=torch.zeros(frames, len(smpl22.JOINTS), dtype=torch.bool),
        rotation_stddev=torch.full((len(smpl22.JOINTS),), NO_STDDEV),
        position_stddev=torch.full((len(smpl22.JOINTS),), NO_STDDEV),
    )
    with_rotations = _with_rotations(empty, sensors, rot_world_joint.float(), rot_valid)
    return _with_locations(with_rotations, sensors, (position - lever).float(), position_valid)


def _rotations(
    series: Sequence[tuple[Measurement, ...]], grid: Int[np.ndarray, 'frame'], timeout_ns: int
) -> tuple[Float[Tensor, 'sensor frame 3 3'], Bool[Tensor, 'sensor frame']]:
    bracket = _bracket(series, attrgetter('rot_world_sensor'), np.eye(3), grid, timeout_ns)
    return rotation.slerp(bracket.before, bracket.after, bracket.fraction), bracket.valid


def _positions(
    series: Sequence[tuple[Measurement, ...]], grid: Int[np.ndarray, 'frame'], timeout_ns: int
) -> tuple[Float[Tensor, 'sensor frame 3'], Bool[Tensor, 'sensor frame']]:
    bracket = _bracket(series, attrgetter('position'), np.zeros(3), grid, timeout_ns)
    return torch.lerp(bracket.before, bracket.after, bracket.fraction[..., None]), bracket.valid


def _bracket(
    series: Sequence[tuple[Measurement, ...]],
    value: Callable[[Measurement], np.ndarray | None],
    placeholder: np.ndarray,
    grid: Int[np.ndarray, 'frame'],
    timeout_ns: int,
) -> _Bracket:
    rows = [_bracket_one([m for m in s if value(m) is not None], value, placeholder, grid, timeout_ns) for s in series]
    if not rows:
        nothing = np.zeros((0, len(grid)))
        values = np.broadcast_to(placeholder, (0, len(grid), *placeholder.shape))
        rows, columns = [], (values, values, nothing, nothing.astype(bool))
    else:
        columns = (np.stack(column) for column in zip(*rows, strict=True))
    return _Bracket(*(torch.from_numpy(np.array(column)) for column in columns))


def _bracket_one(
    measurements: Sequence[Measurement],
    value: Callable[[Measurement], np.ndarray | None],
    placeholder: np.ndarray,
    grid: Int[np.ndarray, 'frame'],
    timeout_ns: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """`before`, `after`, `fraction` and `valid` of one sensor; only readings next to a frame are touched."""
    if not measurements:
        values = np.broadcast_to(placeholder, (len(grid), *placeholder.shape))
        return values, values, np.zeros(len(grid)), np.zeros(len(grid), dtype=bool)
    stamps = np.array([m.stamp_ns for m in measurements], dtype=np.int64)
    behind = np.searchsorted(stamps, grid, side='right')
    low, high = np.maximum(behind - 1, 0), np.minimum(behind, len(stamps) - 1)
    past = grid - stamps[low]
    gap = stamps[high] - stamps[low]
    inside = (past == 0) | ((gap > 0) & (gap <= timeout_ns))
    held = (behind == len(stamps)) & (past <= min(timeout_ns, HOLD_NS))
    used = np.zeros(len(stamps), dtype=bool)
    used[low] = used[high] = True
    values = np.array([value(measurements[i]) for i in used.nonzero()[0]], dtype=np.float64)
    place = used.cumsum() - 1
    fraction = np.minimum(np.maximum(past, 0) / np.maximum(gap, 1), 1.0)
    return values[place[low]], values[place[high]], np.where(gap > 0, fraction, 0.0), (past >= 0) & (inside | held)


def _without_mount(
    sensors: Sequence[Sensor], rot_world_sensor: Float[Tensor, 'sensor frame 3 3']
) -> tuple[Float[Tensor, 'sensor frame 3 3'], Float[Tensor, 'sensor frame 3']]:
    """The joint's rotation, and the way from the joint to the sensor in world axes [m].

    T_world_joint = T_world_sensor T_joint_sensor^-1, so p_joint = p_sensor - R_world_joint t_joint_sensor.
    """
    if not sensors:
        return rot_world_sensor, rot_world_sensor[..., 0]
    rot_joint_sensor = torch.stack([sensor.T_joint_sensor.rotation for sensor in sensors]).double()
    offset = torch.stack([sensor.T_joint_sensor.translation for sensor in sensors]).double()
    rot_world_joint = rot_world_sensor @ rot_joint_sensor.transpose(-1, -2)[:, None]
    return rot_world_joint, (rot_world_joint @ offset[:, None, :, None])[..., 0]


def _precise_last(sensors: Sequence[Sensor], stddevs: Sequence[float]) -> list[int]:
    return sorted(range(len(sensors)), key=lambda i: -stddevs[i])


def _with_rotations(
    window: JointWindow,
    sensors: Sequence[Sensor],
    rot_world_joint: Float[Tensor, 'sensor frame 3 3'],
    valid: Bool[Tensor, 'sensor frame'],
) -> JointWindow:
    """Enter the valid rotations; a more precise sensor goes over a less precise one."""
    rot, known, stddev = window.rot_world_joint.clone(), window.rot_valid.clone(), window.rotation_stddev.clone()
    for i in _precise_last(sensors, [sensor.rotation_stddev for sensor in sensors]):
        joint, rows = sensors[i].joint_index, valid[i]
        if rows.any():
            rot[rows, joint] = rot_world_joint[i, rows]
            known[rows, joint] = True
            stddev[joint] = sensors[i].rotation_stddev
    return replace(window, rot_world_joint=rot, rot_valid=known, rotation_stddev=stddev)


def _with_locations(
    window: JointWindow,
    sensors: Sequence[Sensor],
    location: Float[Tensor, 'sensor frame 3'],
    valid: Bool[Tensor, 'sensor frame'],
) -> JointWindow:
    """Enter the valid locations; a more precise sensor goes over a less precise one."""
    locations, known, stddev = window.location.clone(), window.location_valid.clone(), window.position_stddev.clone()
    for i in _precise_last(sensors, [sensor.position_stddev for sensor in sensors]):
        joint, rows = sensors[i].joint_index, valid[i]
        if rows.any():
            locations[rows, joint] = location[i, rows]
            known[rows, joint] = True
            stddev[joint] = sensors[i].position_stddev
    return replace(window, location=locations, location_valid=known, position_stddev=stddev)
