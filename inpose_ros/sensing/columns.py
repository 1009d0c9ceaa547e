"""Columns: the readings of one sensor as arrays, which are kept and go on as readings come and go."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from inpose_ros.sensing.measurement import Measurement

Array = np.ndarray
_UNKNOWN_ROTATION, _UNKNOWN_PLACE = np.eye(3), np.zeros(3)
_ROW = np.dtype([
    ('stamp', np.int64),
    ('rotation', np.float64, (3, 3)), ('rotated', bool),
    ('position', np.float64, 3), ('located', bool),
    ('force', np.float64, 3), ('felt', bool),
])  # fmt: skip


@dataclass
class _Store:
    """Memory for rows, of which the first `taken` are written, each once: others may read them meanwhile."""

    rows: Array
    taken: int


@dataclass(frozen=True)
class Columns:
    """Readings by rising stamp [ns]; where one did not say something, the flag is false and the value means nothing.

    `rotation` is world <- sensor, `position` the sensor's place in the world [m], `force` the specific force in world
    axes [m/s2], which takes a rotation too.
    """

    _store: _Store
    _first: int
    _last: int

    @classmethod
    def of(cls, readings: Sequence[Measurement]) -> 'Columns':
        return cls(_Store(np.empty(len(readings), _ROW), 0), 0, 0).then(readings)

    def without(self, count: int) -> 'Columns':
        """Without the first so many, or all that there are."""
        return Columns(self._store, min(self._first + count, self._last), self._last)

    def then(self, readings: Sequence[Measurement]) -> 'Columns':
        """And these behind them: in the same memory, while there is room that no one else has gone on into."""
        if not readings:
            return self
        store, first, last = self._store, self._first, self._last
        end = last + len(readings)
        if store.taken != last or end > len(store.rows):
            store = _Store(np.empty(2 * (end - first), _ROW), 0)
            store.rows[: last - first] = self.rows
            first, last, end = 0, last - first, end - first
        store.rows[last:end] = [_row(reading) for reading in readings]
        store.taken = end
        return Columns(store, first, end)

    def __len__(self) -> int:
        return self._last - self._first

    @property
    def rows(self) -> Array:
        """All of it, a row for each reading."""
        return self._store.rows[self._first : self._last]

    @property
    def stamps(self) -> Int[Array, 'reading']:
        return self.rows['stamp']

    @property
    def rotation(self) -> Float[Array, 'reading 3 3']:
        return self.rows['rotation']

    @property
    def rotated(self) -> Bool[Array, 'reading']:
        return self.rows['rotated']

    @property
    def position(self) -> Float[Array, 'reading 3']:
        return self.rows['position']

    @property
    def located(self) -> Bool[Array, 'reading']:
        return self.rows['located']

    @property
    def force(self) -> Float[Array, 'reading 3']:
        return self.rows['force']

    @property
    def felt(self) -> Bool[Array, 'reading']:
        return self.rows['felt']


def _row(reading: Measurement) -> tuple:
    rotation, position = reading.rot_world_sensor, reading.position
    rotated, located = rotation is not None, position is not None
    felt = rotated and reading.specific_force is not None
    return (
        reading.stamp_ns,
        rotation if rotated else _UNKNOWN_ROTATION, rotated,
        position if located else _UNKNOWN_PLACE, located,
        reading.world_force if felt else _UNKNOWN_PLACE, felt,
    )  # fmt: skip
