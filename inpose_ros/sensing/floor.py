"""FloorWatch: whether what is located contradicts the floor, and where it is instead; no clock, only windows.

Nobody is below their floor, and nobody's head stays above it by more than they are tall. Less than that says nothing:
who crouches, sits or lies may be as low as they like. So a floor that rises is told at once, by a head that stays above
standing; of one that falls it shows late, when something is below it, and where it is shows when the head keeps its
height: who does is then taken to stand. As long as that is all that is known, a head that is low again may as well be
on another floor, and none is gone by.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from inpose_ros.body import smpl22
from inpose_ros.sensing.resample import JointWindow

Array = np.ndarray
# So far below the floor [m] no joint is, whatever noise, soles, and a floor that is a little off; nor is a head.
_BELOW, _HEAD_BELOW = 0.15, 0.05
# It counts when it lasts so long [s]; a jump is over sooner than a head is above standing for a whole window.
_LASTING = 0.5
# Who stands on their toes is so much taller [m], and how tall they are is known to so many deviations.
_TIPTOE, _DEVIATIONS = 0.13, 2.0
# Where a standing head is has to be known as well as this [m] to tell the floor by it.
_KNOWN = 0.12
# A head keeps its height if that is within so much [m] in a window, steps and sway included.
_STEADY = 0.1
# Of a window's last so many seconds the lowest is where a head is held, and it is now where it is on average in these.
_HELD, _NOW = 1.0, 0.33
# Who stands on the given floor has the head that high, over the height of standing.
_STANDS = (0.93, 1.05)
# On a floor that was told by a standing head, one that is lower than this, over the height of standing, tells nothing.
_LOW = 0.85
# A floor that was told and is no further from the given one [m] is that.
_SAME = 0.08


@dataclass(frozen=True)
class Standing:
    """How high somebody's head is when they stand [m], and the deviation of that [m]."""

    height: float
    stddev: float


@dataclass(frozen=True)
class Ground:
    """The floor to go by: its `height` [m], NaN where it cannot be told.

    `told` [m] is what fits where the given floor is contradicted (NaN: not known yet), None where it is not;
    `contradicting` are the joints that say so.
    """

    height: float
    told: float | None = None
    contradicting: tuple[int, ...] = ()

    @property
    def contradicted(self) -> bool:
        """Whether the given floor is not where the body says."""
        return self.told is not None


class FloorWatch:
    """Looks at one window after another of one person."""

    def __init__(self) -> None:
        self._told: float | None = None
        self._contradicting: tuple[int, ...] = ()

    def look(self, window: JointWindow, standing: Standing, given: float, rate: float) -> Ground:
        """The floor under the newest frame of a window.

        Args:
            given: the floor as configured or estimated [m].
            rate: of the window's frames [Hz].
        """
        valid = window.location_valid.numpy()
        if self._told is None and not valid.any():
            return Ground(given)
        heights = np.where(valid, window.location.numpy()[..., 2].astype(np.float64), np.nan)
        head = _Head.of(heights[:, smpl22.HEAD], rate)
        if self._told is None:
            self._doubt(heights, rate, head, standing, given)
        else:
            self._follow(heights, rate, head, standing, given)
        if self._told is not None:
            told = math.nan if head.highest - self._told < _LOW * standing.height else self._told
            return Ground(told, told, self._contradicting)
        # What is below the floor just now must not be put upside down until it counts.
        return Ground(math.nan if _below(heights[-1:], given).any() else given)

    def _doubt(
        self, heights: Float[Array, 'frame joint'], rate: float, head: '_Head', standing: Standing, given: float
    ) -> None:
        """Whether the floor is contradicted now."""
        below = _below_for_long(heights, rate, given)
        if below.any():
            self._told, self._contradicting = head.floor(standing), _numbers(below)
        elif head.lowest - given > _highest(standing):
            self._told, self._contradicting = head.held - standing.height, (smpl22.HEAD,)

    def _follow(
        self, heights: Float[Array, 'frame joint'], rate: float, head: '_Head', standing: Standing, given: float
    ) -> None:
        """Where the floor is by now, once it is not where it was given."""
        low, high = (part * standing.height for part in _STANDS)
        below = _below_for_long(heights, rate, given)
        if not below.any() and low <= head.lowest - given and head.highest - given <= high:
            self._told = None
            return
        if below.any() or head.lowest - given > high:
            self._contradicting = _numbers(below) or (smpl22.HEAD,)
        if math.isnan(self._told) or _below_for_long(heights, rate, self._told).any():
            self._told = head.floor(standing)
        elif head.held - standing.height > self._told:
            self._told = head.held - standing.height
        if abs(self._told - given) <= _SAME:
            self._told = None


@dataclass(frozen=True)
class _Head:
    """Heights of a window's head [m], NaN where it was not seen for long enough.

    `lowest` and `highest` are those of the whole window; `held` is the lowest lately, and `now` the newest mean.
    """

    lowest: float
    highest: float
    held: float
    now: float

    @classmethod
    def of(cls, heights: Float[Array, 'frame'], rate: float) -> '_Head':
        whole, held, now = (heights, heights[-round(_HELD * rate) :], heights[-max(1, round(_NOW * rate)) :])
        return cls(*(float(part) for part in (whole.min(), whole.max(), held.min(), now.mean())))  # NaN if one is

    def floor(self, standing: Standing) -> float:
        """Where the floor is, if somebody stands there who keeps their height; NaN: nothing tells."""
        keeps = self.highest - self.lowest <= _STEADY and standing.stddev <= _KNOWN
        return self.now - standing.height if keeps else math.nan


def _highest(standing: Standing) -> float:
    """How high a head may stay [m]."""
    return standing.height + _TIPTOE + _DEVIATIONS * standing.stddev


def _below(heights: Float[Array, 'frame joint'], floor: float) -> Bool[Array, 'frame joint']:
    """Which joints are below a floor, and in which frames; none where either is not known."""
    limit = np.full(heights.shape[1], floor - _BELOW)
    limit[smpl22.HEAD] = floor - _HEAD_BELOW
    return heights < limit


def _numbers(joints: Bool[Array, 'joint']) -> tuple[int, ...]:
    return tuple(joints.nonzero()[0].tolist())


def _below_for_long(heights: Float[Array, 'frame joint'], rate: float, floor: float) -> Bool[Array, 'joint']:
    return _below(heights[-round(_LASTING * rate) :], floor).all(0)
