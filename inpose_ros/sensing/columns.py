"""Columns: the readings of one sensor as arrays, which are kept and go on as readings come and go."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from inpose_ros.sensing.measurement import Measurement

Array = np.ndarray
_UNKNOWN_ROTATION, _UNKNOWN_PLACE = np.eye(3), np.zeros(3)


class Columns(NamedTuple):
    """Readings by rising stamp [ns]; where one did not say something, the flag is false and the value means nothing.

    `rotation` is world <- sensor, `position` the sensor's place in the world [m], `force` the specific force in world
    axes [m/s2], which takes a rotation too. No array is ever written to: others may read them meanwhile.
    """

    stamps: Int[Array, 'reading']
    rotation: Float[Array, 'reading 3 3']
    rotated: Bool[Array, 'reading']
    position: Float[Array, 'reading 3']
    located: Bool[Array, 'reading']
    force: Float[Array, 'reading 3']
    felt: Bool[Array, 'reading']

    @classmethod
    def of(cls, readings: Sequence[Measurement]) -> 'Columns':
        return cls(
            np.array([m.stamp_ns for m in readings], dtype=np.int64),
            *_column([m.rot_world_sensor for m in readings], _UNKNOWN_ROTATION),
            *_column([m.position for m in readings], _UNKNOWN_PLACE),
            *_column([_force(m) for m in readings], _UNKNOWN_PLACE),
        )

    def without(self, count: int) -> 'Columns':
        """Without the first so many."""
        return Columns(*(column[count:] for column in self))

    def then(self, readings: Sequence[Measurement]) -> 'Columns':
        """And these behind them."""
        if not readings:
            return self
        return Columns(*(np.concatenate(pair) for pair in zip(self, Columns.of(readings))))


def _column(
    values: Sequence[Float[Array, '...'] | None], unknown: Float[Array, '...']
) -> tuple[Float[Array, 'reading ...'], Bool[Array, 'reading']]:
    known = [value is not None for value in values]
    filled = values if all(known) else [unknown if value is None else value for value in values]
    return np.array(filled, dtype=np.float64).reshape(len(values), *unknown.shape), np.array(known, dtype=bool)


def _force(reading: Measurement) -> Float[Array, '3'] | None:
    felt = reading.specific_force is not None and reading.rot_world_sensor is not None
    return reading.world_force if felt else None
