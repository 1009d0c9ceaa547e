"""Worlds that are turned, shifted, lowered, or far from their origin."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from inpose_ros.motion.faults_reading import Change, FaultyReading, Parts, Rows, changed
from inpose_ros.sensing.calibration.still_pose import turned

# Where a recentred world's origin is [m], and in which direction what is far away lies.
_RECENTRED = np.array([2.0, -1.0, 0.0])
_AWAY = np.array([0.8, -0.6, 0.0])
# An elevator takes this share of the interval each way.
_RIDE = 0.35


class Move(NamedTuple):
    """How a tracked world lies in that of before: a rotation and a shift [m]."""

    rot: Float[np.ndarray, '3 3']
    shift: Float[np.ndarray, '3']


def _moved(amount: float, share: float) -> Move:
    return Move(Rotation.from_rotvec([0, 0, amount]).as_matrix(), _RECENTRED)


def _lowered(amount: float, share: float) -> Move:
    return Move(np.eye(3), np.array([0.0, 0.0, -amount]))


def _ridden(amount: float, share: float) -> Move:
    """Down, a stop, and up again, each begun and ended gently."""
    way = float(np.clip(min(share, 1 - share) / _RIDE, 0, 1))
    return _lowered(amount * way * way * (3 - 2 * way), share)


def _far(amount: float, share: float) -> Move:
    return Move(np.eye(3), amount * _AWAY)


# By kind: where the world is, given its amount and how much of the interval is over; the same for all sensors in it.
MOVES: dict[str, Callable[[float, float], Move]] = {
    'world_moved': _moved,
    'lowered': _lowered,
    'elevator': _ridden,
    'far': _far,
}


def seen(row: FaultyReading, move: Move) -> FaultyReading:
    """A located reading as it is in a moved world; an IMU has its own."""
    was = row.measurement
    if was.position is None:
        return row
    rot = None if was.rot_world_sensor is None else move.rot @ was.rot_world_sensor
    return changed(row, rot_world_sensor=rot, position=move.rot @ was.position + move.shift)


def _heading_step(parts: Parts, amount: float, rng: np.random.Generator) -> Rows:
    return [replace(row, measurement=turned(row.measurement, amount)) for row in parts.inside]


CHANGES: dict[str, Change] = {'heading_step': _heading_step}
