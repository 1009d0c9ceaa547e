"""What several sensors say around each instant of a grid: the readings before and after it, and where they count."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from inpose_ros.sensing import inertial
from inpose_ros.sensing.columns import Columns
from inpose_ros.sensing.measurement import Measurement

# Behind its last stamp a sensor's value is held for so long [ns] at least: sensors neither tick nor arrive together.
HOLD_NS = 60_000_000
# A slow sensor is held for so many of its own intervals: one reading may come late, and one be lost.
HOLD_INTERVALS = 2.5

Array = np.ndarray


class Quantity(NamedTuple):
    """Values and flags among the Columns, what stands for an unknown one, and where it is after the last readings."""

    values: str
    known: str
    placeholder: Float[Array, '...']
    goes_on: Callable[[Sequence[Sequence[Measurement]], Int[Array, 'frame']], Float[Array, 'sensor frame ...']]


ROTATION = Quantity('rotation', 'rotated', np.eye(3), inertial.turned_on)
POSITION = Quantity('position', 'located', np.zeros(3), inertial.moved_on)


class Series(NamedTuple):
    """One value of each sensor on the grid: the readings around each frame, not yet interpolated."""

    before: Float[Array, 'sensor frame ...']
    after: Float[Array, 'sensor frame ...']
    fraction: Float[Array, 'sensor frame']
    valid: Bool[Array, 'sensor frame']


class _Said(NamedTuple):
    """The readings of a sensor that say something of a quantity."""

    stamps: Int[Array, 'reading']
    values: Float[Array, 'reading ...']
    readings: Sequence[Measurement]


class _Places(NamedTuple):
    """For each frame the readings before and after it, counted through those of all sensors, how far it lies between
    them, and if it counts."""

    low: Int[Array, 'sensor frame']
    high: Int[Array, 'sensor frame']
    fraction: Float[Array, 'sensor frame']
    valid: Bool[Array, 'sensor frame']


def around(
    quantity: Quantity, told: Sequence[tuple[Columns, Sequence[Measurement]] | None], grid: Int[Array, 'frame'],
    timeout_ns: int,
) -> Series:  # fmt: skip
    """The readings of one quantity around each frame; the placeholder where a sensor has none.

    Args:
        told: the readings of each sensor, as arrays and as they came; None: this one is not asked.
    """
    said = [None if own is None else _said(quantity, *own) for own in told]
    rows = [row for row, own in enumerate(said) if own is not None]
    found = _around(quantity, [said[row] for row in rows], grid, timeout_ns) if rows else None
    if len(rows) == len(told) and rows:
        return found
    shape = (len(told), len(grid))
    values = np.full((*shape, *quantity.placeholder.shape), quantity.placeholder)
    every = Series(values, values.copy(), np.zeros(shape), np.zeros(shape, dtype=bool))
    for part, own in zip(every, found or ()):
        part[rows] = own
    return every


def _around(quantity: Quantity, said: Sequence[_Said], grid: Int[Array, 'frame'], timeout_ns: int) -> Series:
    """As around, of sensors that all say something."""
    there = _places([own.stamps for own in said], grid, timeout_ns)
    values = np.concatenate([own.values for own in said])
    low, high = values[there.low], values[there.high]
    beyond = there.valid & (grid > np.array([[own.stamps[-1]] for own in said]))
    if beyond.any():
        first = int(beyond.any(0).argmax())
        ahead = quantity.goes_on([own.readings for own in said], grid[first:])
        beyond = beyond[:, first:]
        low[:, first:][beyond] = high[:, first:][beyond] = ahead[beyond]
    return Series(low, high, there.fraction, there.valid)


def _said(quantity: Quantity, columns: Columns, readings: Sequence[Measurement]) -> _Said | None:
    known = getattr(columns, quantity.known)
    if known.all():
        return _Said(columns.stamps, getattr(columns, quantity.values), readings) if len(known) else None
    if not known.any():
        return None
    stamps, values = columns.stamps[known], getattr(columns, quantity.values)[known]
    return _Said(stamps, values, [readings[row] for row in known.nonzero()[0]])


def _places(stamps: Sequence[Int[Array, '_']], grid: Int[Array, 'frame'], timeout_ns: int) -> _Places:
    ends = np.cumsum([len(own) for own in stamps])[:, None]
    first, last = np.concatenate(([[0]], ends[:-1])), ends - 1
    behind = first + np.array([own.searchsorted(grid, side='right') for own in stamps])
    low, high = np.maximum(behind - 1, first), np.minimum(behind, last)
    every = np.concatenate(stamps)
    start = every[low]
    past, gap = grid - start, every[high] - start
    inside = (past == 0) | ((gap > 0) & (gap <= timeout_ns))
    held = (behind > last) & (past <= np.array([[_hold_until(int(grid[-1]), own, timeout_ns)] for own in stamps]))
    fraction = np.where(gap > 0, np.maximum(past, 0) / np.maximum(gap, 1), 0.0)
    return _Places(low, high, fraction, (past >= 0) & (inside | held))


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
