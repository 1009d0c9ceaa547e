"""Columns: the readings of one sensor as arrays, which are kept and go on as readings come and go."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from inpose_ros.sensing.measurement import Measurement

# What a reading may say.
QUANTITIES = ('rotation', 'position', 'force', 'rate')

Array = np.ndarray


class Rows(NamedTuple):
    """Readings, of which each says some of the quantities; the others mean nothing there.

    `rotation` is world <- sensor, `position` the sensor's place in the world [m], `force` the specific force in world
    axes [m/s2], which takes a rotation too, `rate` the angular velocity [rad/s] in sensor axes.
    """

    stamps: Int[Array, 'reading']
    rotation: Float[Array, 'reading 3 3']
    position: Float[Array, 'reading 3']
    force: Float[Array, 'reading 3']
    rate: Float[Array, 'reading 3']
    says: Bool[Array, 'reading quantity']

    @classmethod
    def blank(cls, count: int) -> 'Rows':
        """So many that say nothing so far."""
        rotation, vectors = np.full((count, 3, 3), np.eye(3)), np.zeros((3, count, 3))
        return cls(np.zeros(count, np.int64), rotation, *vectors, np.zeros((count, len(QUANTITIES)), dtype=bool))

    def part(self, rows: slice | Bool[Array, 'reading']) -> 'Rows':
        return Rows(*(own[rows] for own in self))

    def write(self, row: int, reading: Measurement) -> tuple[bool, ...]:
        """One reading over a blank; returns which quantities it says."""
        rotation, position, rate = reading.rot_world_sensor, reading.position, reading.angular_velocity
        felt = rotation is not None and reading.specific_force is not None
        self.stamps[row] = reading.stamp_ns
        if rotation is not None:
            self.rotation[row] = rotation
        if position is not None:
            self.position[row] = position
        if felt:
            self.force[row] = reading.world_force
        if rate is not None:
            self.rate[row] = rate
        said = self.says[row] = rotation is not None, position is not None, felt, rate is not None
        return said


@dataclass
class _Store:
    """Memory for rows, of which the first `taken` are written, each once: others may read them meanwhile."""

    rows: Rows
    taken: int


@dataclass(frozen=True)
class Columns:
    """Readings of one sensor by rising stamp [ns]; see Rows."""

    _store: _Store
    _first: int
    _last: int
    _said: tuple[bool, ...] = ()  # by the last of them, ...
    _alike: int = 0  # ... and by all from this row of the store on

    @classmethod
    def of(cls, readings: Sequence[Measurement]) -> 'Columns':
        return cls(_Store(Rows.blank(len(readings)), 0), 0, 0).then(readings)

    def without(self, count: int) -> 'Columns':
        """Without the first so many, or all that there are."""
        return Columns(self._store, min(self._first + count, self._last), self._last, self._said, self._alike)

    def then(self, readings: Sequence[Measurement]) -> 'Columns':
        """And these behind them: in the same memory, while there is room that no one else has gone on into."""
        if not readings:
            return self
        store, first, last, said, alike = self._store, self._first, self._last, self._said, self._alike
        if store.taken != last or last + len(readings) > len(store.rows.stamps):
            store = _Store(Rows.blank(2 * (len(self) + len(readings))), 0)
            for own, kept in zip(store.rows, self.rows):
                own[: len(self)] = kept
            first, last, alike = 0, len(self), max(0, alike - first)
        for row, reading in enumerate(readings, last):
            before, said = said, store.rows.write(row, reading)
            alike = alike if said == before else row
        store.taken = last + len(readings)
        return Columns(store, first, store.taken, said, alike)

    def saying(self, quantity: str) -> 'Columns':
        """The readings that say something of this; NOTHING where none does."""
        which = QUANTITIES.index(quantity)
        if self._alike <= self._first < self._last:
            return self if self._said[which] else NOTHING
        rows = self.rows.part(self.rows.says[:, which])
        count = len(rows.stamps)
        return Columns(_Store(rows, count), 0, count, _alike=count) if count else NOTHING

    def __len__(self) -> int:
        return self._last - self._first

    @property
    def rows(self) -> Rows:
        return self._store.rows.part(slice(self._first, self._last))

    @property
    def stamps(self) -> Int[Array, 'reading']:
        return self._store.rows.stamps[self._first : self._last]

    def values(self, quantity: str) -> Float[Array, 'reading ...']:
        """One quantity."""
        return getattr(self._store.rows, quantity)[self._first : self._last]

    def newest(self, quantity: str) -> Float[Array, '...'] | None:
        """What the last reading says of it; None if nothing."""
        said = self._store.rows.says[self._last - 1, QUANTITIES.index(quantity)]
        return getattr(self._store.rows, quantity)[self._last - 1] if said else None


# What stands for readings that there are none of: one from long ago, far beyond what any value is held for.
NOTHING = Columns.of([Measurement('', -(2**62))])
