"""What several sensors say at each frame of a grid: between their readings, and a little beyond the last of them.

Sensors neither tick nor arrive together, and the newest frame is at the newest stamp of all. A sensor that was held
there would lag; so it goes on as it moved: as its gyroscope says, or else as its last readings show.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from inpose_ros.geometry import so3
from inpose_ros.sensing.acceleration import second_differences
from inpose_ros.sensing.sample_buffer import NOTHING, Columns

# Beyond its last stamp a sensor's value counts for so long [ns] at least.
HOLD_NS = 60_000_000
# A slow sensor's counts for so many of its own intervals: one reading may come late, and one be lost.
HOLD_INTERVALS = 2.5
# The velocity of a sensor that does not say it is the mean over at least this time [ns]: over less there would be more
# noise in it than motion, ...
BASELINE_NS = 40_000_000
# ... and over more than this it would be that of another motion.
_TOO_LONG_NS = 160_000_000

Array = np.ndarray


class Series(NamedTuple):
    """One quantity of each sensor on the grid, and where it counts; elsewhere it is finite and means nothing."""

    values: Float[Array, 'sensor frame ...']
    valid: Bool[Array, 'sensor frame']


class Around(NamedTuple):
    """World <- sensor, positions [m], and accelerations in the world, as second differences of positions [m/s2]."""

    rotation: Series
    position: Series
    acceleration: Float[Array, 'sensor frame 3']


def around(
    turned: Sequence[Columns], located: Sequence[Columns], felt: Sequence[Columns], grid: Int[Array, 'longer'],
    timeout_ns: int,
) -> Around:  # fmt: skip
    """What is known of sensors at the frames of a grid.

    Args:
        turned, located, felt: of each sensor the readings that say a rotation, a position, a force: mostly the same
            ones, which are looked through once.
        grid: evenly spaced [ns]; the first two only for accelerations, which are over three.
        timeout_ns: between readings farther apart nothing is known, and nothing so long after the last.
    """
    every = list({id(own): own for own in (*turned, *located, *felt, NOTHING)}.values())  # so that there is one
    row = {id(own): number for number, own in enumerate(every)}
    places = _places(every, grid, timeout_ns)
    later = _Places(places.first, *(part[:, 2:] for part in places[1:]))
    rows = (_which([row[id(own)] for own in told]) for told in (turned, located, felt))
    rotations, positions, forces = (own.of(which) for own, which in zip((later, later, places), rows))
    return Around(
        _rotations(turned, every, rotations), _positions(every, positions), _accelerations(felt, grid, forces)
    )


class _Places(NamedTuple):
    """For each frame two readings of each sensor, counted through those of all, and how far it lies from the first to
    the second. Beyond the last reading it lies farther than that, `after` the last [s]; elsewhere `after` is zero.
    `first` is the sensor's first."""

    first: Int[Array, 'sensor 1']
    low: Int[Array, 'sensor frame']
    high: Int[Array, 'sensor frame']
    fraction: Float[Array, 'sensor frame']
    after: Float[Array, 'sensor frame']
    valid: Bool[Array, 'sensor frame']

    def of(self, rows: slice | Int[Array, 'row']) -> '_Places':
        """Of some of the sensors."""
        return _Places(*(part[rows] for part in self))


def _which(rows: Sequence[int]) -> slice | Int[Array, 'row']:
    """As an index: a slice, where it is one."""
    run = slice(rows[0], rows[0] + len(rows)) if rows else slice(0)
    return run if list(range(run.start or 0, run.stop)) == rows else np.array(rows)


def _places(every: Sequence[Columns], grid: Int[Array, 'frame'], timeout_ns: int) -> _Places:
    ends = np.array([[len(own)] for own in every]).cumsum(0)
    first, last = np.concatenate(([[0]], ends[:-1])), ends - 1
    stamps = [own.stamps for own in every]
    behind = first + np.array([own.searchsorted(grid, side='right') for own in stamps])
    low, high = np.maximum(behind - 1, first), np.minimum(behind, last)
    together = np.concatenate(stamps)
    start = together.take(low)
    past, gap = grid - start, together.take(high) - start  # no gap: before the first or from the last on
    newest = int(grid[-1])
    hold = np.array([[_hold_until(newest, own, timeout_ns)] for own in stamps])
    near = np.where(gap > 0, gap, past) <= np.where(gap > 0, timeout_ns, hold)
    valid = (past >= 0) & (near | (past == 0))
    beyond = (gap == 0) & (past > 0)
    fraction = np.maximum(past, 0) / np.maximum(gap, 1) * (gap > 0)
    if beyond.any():
        earlier = first + np.array([[_earlier(own)] for own in stamps])
        baseline = together[last] - together[earlier]
        low = np.where(beyond, earlier, low)
        fraction = np.where(beyond & (baseline > 0), 1 + past / np.maximum(baseline, 1), fraction)
    return _Places(first, low, high, fraction, beyond * past / 1e9, valid)


def _rotations(turned: Sequence[Columns], every: Sequence[Columns], places: _Places) -> Series:
    """On the shortest way from one reading to the other, at a steady rate; beyond the last at the gyroscope's."""
    values = np.concatenate([own.values('rotation') for own in every])
    rates = [own.newest('rate') for own in turned]
    steered = np.array([rate is not None for rate in rates], dtype=bool)[:, None]
    rate = np.array([np.zeros(3) if rate is None else rate for rate in rates]).reshape(-1, 1, 3)
    start = values.take(np.where(steered & (places.after > 0), places.high, places.low), 0)
    turn = places.fraction[..., None] * so3.log(start.swapaxes(-1, -2) @ values.take(places.high, 0))
    turn += places.after[..., None] * rate
    return Series(start @ so3.exp(turn), places.valid)


def _positions(every: Sequence[Columns], places: _Places) -> Series:
    """On the straight way from one reading to the other, at a steady speed."""
    values = np.concatenate([own.values('position') for own in every])
    start, fraction = values.take(places.low, 0), places.fraction[..., None]
    return Series(start + fraction * (values.take(places.high, 0) - start), places.valid)


def _accelerations(
    felt: Sequence[Columns], grid: Int[Array, 'longer'], places: _Places
) -> Float[Array, 'sensor frame 3']:
    """Beyond its last reading a sensor's acceleration is held."""
    if not felt:
        return np.zeros((0, len(grid) - 2, 3))
    time = (np.concatenate([own.stamps for own in felt]) - grid[-1]) / 1e9
    force = np.concatenate([own.values('force') for own in felt])
    before = np.cumsum([0, *map(len, felt[:-1])])[:, None] - places.first  # these readings are all there are here
    low = np.where(places.after > 0, places.high, places.low)
    return second_differences(time, force, (grid - grid[-1]) / 1e9, low + before, places.high + before)


def _earlier(stamps: Int[Array, 'reading']) -> int:
    """The newest reading that is BASELINE_NS before the last; the last itself where there is none of use."""
    newest = int(stamps[-1])
    row = int(stamps.searchsorted(newest - BASELINE_NS, side='right')) - 1
    return row if row >= 0 and newest - stamps[row] <= _TOO_LONG_NS else len(stamps) - 1


def _hold_until(newest_ns: int, stamps: Int[Array, 'reading'], timeout_ns: int) -> int:
    """As hold_ns, or less where that is as good: most have just spoken."""
    return min(timeout_ns, HOLD_NS) if newest_ns - stamps[-1] <= HOLD_NS else hold_ns(stamps, timeout_ns)


def hold_ns(stamps: Int[Array, 'reading'], timeout_ns: int) -> int:
    """How long the last value of a sensor counts that measured at these rising stamps [ns].

    Irregular intervals are not those of a slow sensor but of one that fails, of whose readings few are plausible.
    """
    usual = 0.0
    if len(stamps) > 3:
        intervals = np.sort(stamps[1:] - stamps[:-1])  # np.percentile takes twenty times as long
        lower, middle, upper = (intervals[round(share * (len(intervals) - 1))] for share in (0.25, 0.5, 0.75))
        usual = float(middle) if upper <= 2 * lower else 0.0
    return min(timeout_ns, max(HOLD_NS, round(HOLD_INTERVALS * usual)))
