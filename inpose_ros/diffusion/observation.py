"""What windows say, in NumPy and ready for the network: for the streaming solver, whose every microsecond counts.

PyTorch lets go of the interpreter's lock in each operation, and then queues with the thread that receives messages;
NumPy keeps it. The same as `PoseSolver` gives its rules; `test_seen.py` holds the twins together.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from inpose_ros.body import smpl22
from inpose_ros.diffusion.condition import ANCHOR_ORDER, JUMP
from inpose_ros.diffusion.denoiser import (
    ACCELERATION_GAIN,
    CONDITION_FEATURES,
    HEIGHT_GAIN,
    JOINT_FEATURES,
    JOINTS,
    LOCATION_GAIN,
)
from inpose_ros.geometry import so3
from inpose_ros.sensing.resample import JointWindow
from inpose_ros.sensing.smoothing import smoother

Array = np.ndarray
_JOINT_PART = JOINTS * JOINT_FEATURES


@dataclass(frozen=True)
class Knows:
    """What the prior is told besides rotations, and whether trackers' noise is taken out; see PoseSolver."""

    height: bool
    travel: bool
    acceleration: bool
    smoothing: bool


@dataclass(frozen=True)
class Seen:
    """A batch of windows. `turn` takes the world to the heading-free frame, in which `rotation` (6D) and features are.

    `rotation` is that of the joints `worn`, which are measured somewhere; `measured` says where. `location` [m] of the
    located joints, with its `location_stddev` [m], is in the world, smoothed; `reading` [m] is what trackers said, with
    white noise of `noise` [m], of which zero stands for: take them as they are. `rotation_stddev` [rad]; `rate` [Hz] of
    the frames.
    """

    turn: Float[Array, 'batch 3 3']
    worn: Int[Array, 'worn']
    rotation: Float[Array, 'batch frame worn 6']
    measured: Bool[Array, 'batch frame joint']
    zeroed: Bool[Array, 'batch']
    features: Float[Array, 'batch frame feature']
    location: Float[Array, 'batch frame sensor 3']
    location_valid: Bool[Array, 'batch frame sensor']
    location_stddev: Float[Array, 'batch frame sensor']
    reading: Float[Array, 'batch frame sensor 3']
    noise: Float[Array, 'sensor']
    rotation_stddev: Float[Array, 'joint']
    rate: float

    @classmethod
    def read(
        cls, windows: Sequence[JointWindow], located: Sequence[int], knows: Knows, size: float, floor: float,
        rate: float, acceleration: float,
    ) -> 'Seen':  # fmt: skip
        """Read windows of one person.

        Args:
            located: the joints that trackers may have located.
            size: standing height of the head [m].
            floor: its height [m].
            rate: of the frames [Hz].
            acceleration: of what trackers are worn on, rms [m/s^2].
        """
        measured, valid = _all(windows, 'rot_valid'), _all(windows, 'location_valid')
        joints = np.array(located, dtype=int)
        stddev = windows[0].position_stddev.numpy()[joints].astype(np.float64)
        reading, seen = _all(windows, 'location', joints).astype(np.float64), valid.take(joints, 2)
        location, spread = _smoothed(reading, seen, stddev, rate, acceleration, knows.smoothing)
        rot = [window.rot_world_joint.numpy() for window in windows]
        turn = _about_z([-_heading(*row) for row in zip(rot, measured)])
        worn = measured.any((0, 1)).nonzero()[0]
        columns = np.array([own.take(worn, 1)[..., :2] for own in rot]).swapaxes(-1, -2)
        sixd = so3.turned(turn.astype(columns.dtype), columns).reshape(*columns.shape[:3], 6)
        features = np.zeros((*measured.shape[:2], CONDITION_FEATURES), dtype=np.float32)
        rows = features[..., :_JOINT_PART].reshape(*measured.shape, JOINT_FEATURES)
        rows[:, :, worn, :6], rows[..., 6] = sixd * measured.take(worn, 2)[..., None], measured
        zeroed = np.array([window.zeroed for window in windows])
        features[..., _JOINT_PART + 2] = zeroed[:, None]
        if smpl22.HEAD in located:
            column = located.index(smpl22.HEAD)
            head = so3.turned(turn, location[:, :, column])
            _tell_head(features, rows, head, valid[:, :, smpl22.HEAD], knows, size, floor)
        if knows.acceleration:
            _tell_acceleration(features, windows, turn / size)
        return cls(
            turn, worn, sixd, measured, zeroed, features, location, seen, spread, reading, stddev * knows.smoothing,
            windows[0].rotation_stddev.numpy().astype(np.float64), rate,
        )  # fmt: skip

    def measured_over(
        self, rotation: Float[Array, 'batch frame joint 6'], frames: slice = slice(None)
    ) -> Float[Array, 'batch frame joint 6']:
        """These rotations of some frames, and in their place the measured ones, where there are some."""
        result, part = rotation.copy(), self.rotation[:, frames]
        measured = self.measured[:, frames].take(self.worn, 2)[..., None]
        result[:, :, self.worn] = part if measured.all() else np.where(measured, part, rotation.take(self.worn, 2))
        return result


def _all(
    windows: Sequence[JointWindow], name: str, joints: Int[Array, 'joint'] | None = None
) -> Shaped[Array, 'batch frame joint ...']:
    """One thing that all windows say, of all joints or of some; to be read only."""
    found = [getattr(window, name).numpy() for window in windows]
    found = found if joints is None else [own.take(joints, 1) for own in found]
    return found[0][None] if len(found) == 1 else np.array(found)  # np.stack takes twice as long


def _tell_head(
    features: Float[Array, 'batch frame feature'], rows: Float[Array, 'batch frame joint part'],
    head: Float[Array, 'batch frame 3'], seen: Bool[Array, 'batch frame'], knows: Knows, size: float, floor: float,
) -> None:  # fmt: skip
    """Its height and its travel; see Condition.features and condition.travel."""
    if knows.height:
        height = (head[..., 2] - floor) / size
        features[..., _JOINT_PART] = HEIGHT_GAIN * (height - 1) * seen
        features[..., _JOINT_PART + 1] = seen
    if knows.travel:
        place, part = head / size, rows[:, :, smpl22.HEAD]
        newest, known = _last_known(place, seen)
        part[..., 7:10] = LOCATION_GAIN * (place - newest[:, None]) * known[..., None]
        part[..., 10] = known


def _last_known(
    place: Float[Array, 'batch frame 3'], seen: Bool[Array, 'batch frame']
) -> tuple[Float[Array, 'batch 3'], Bool[Array, 'batch frame']]:
    """Where it was last seen, and in which frames up to then it is known where it was from there."""
    near = so3.squared_norm(place[:, 1:] - place[:, :-1]) <= JUMP**2
    if seen.all() and near.all():  # as mostly
        return place[:, -1], seen
    frame = np.arange(seen.shape[1])
    last = frame[-1] - seen[:, ::-1].argmax(-1)
    unbroken = seen[:, 1:] & seen[:, :-1] & near
    first = np.where(~unbroken & (frame[1:] <= last[:, None]), frame[1:], 0).max(-1)
    known = seen.any(-1)[:, None] & (frame >= first[:, None]) & (frame <= last[:, None])
    return place[np.arange(len(place)), last], known


def _tell_acceleration(
    features: Float[Array, 'batch frame feature'], windows: Sequence[JointWindow], turn: Float[Array, 'batch 3 3']
) -> None:
    valid = _all(windows, 'acceleration_valid')
    joints = valid.any((0, 1)).nonzero()[0]
    if len(joints):
        felt = so3.turned(ACCELERATION_GAIN * turn, _all(windows, 'acceleration', joints))
        part = features[..., _JOINT_PART + 3 :].reshape(*valid.shape, 4)
        part[:, :, joints, :3] = felt * valid.take(joints, 2)[..., None]
        part[..., 3] = valid


def _heading(rot: Float[Array, 'frame joint 3 3'], valid: Bool[Array, 'frame joint']) -> float:
    """See window_heading [rad]."""
    for joint in ANCHOR_ORDER:
        back = 0 if valid[-1, joint] else int(valid[::-1, joint].argmax())  # most are measured now
        if valid[-1 - back, joint]:
            m = rot[-1 - back, joint].tolist()
            return math.atan2(m[1][0] - m[0][1], m[0][0] + m[1][1])
    return 0.0


def _about_z(angles: Sequence[float]) -> Float[Array, 'angle 3 3']:
    turns = ((math.cos(angle), math.sin(angle)) for angle in angles)
    return np.array([[[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]] for c, s in turns])


def _smoothed(
    place: Float[Array, 'batch frame sensor 3'], valid: Bool[Array, 'batch frame sensor'],
    stddev: Float[Array, 'sensor'], rate: float, acceleration: float, wanted: bool,
) -> tuple[Float[Array, 'batch frame sensor 3'], Float[Array, 'batch frame sensor']]:  # fmt: skip
    """See smoothing.smoothed; what it does depends on who was seen when, which seldom changes."""
    left = stddev + np.zeros(valid.shape)
    if not wanted or not valid.size:
        return place, left
    if valid.all() and (stddev == stddev[0]).all():  # as most are: all in one product
        weights, after = _smoother(valid[0, :, 0].tobytes(), float(stddev[0]), rate, acceleration)
        left[:] = after[:, None]
        return (weights @ place.reshape(*place.shape[:2], -1)).reshape(place.shape), left
    likely = place.copy()
    for row, column in np.ndindex(valid.shape[0], valid.shape[2]):
        own = valid[row, :, column]
        weights, left[row, :, column] = _smoother(own.tobytes(), float(stddev[column]), rate, acceleration)
        likely[row, own, column] = (weights @ place[row, :, column])[own]
    return likely, left


@functools.lru_cache(maxsize=256)
def _smoother(
    valid: bytes, stddev: float, rate: float, acceleration: float
) -> tuple[Float[Array, 'frame frame'], Float[Array, 'frame']]:
    return smoother(np.frombuffer(valid, dtype=bool), stddev, rate, acceleration)
