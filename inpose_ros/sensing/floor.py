"""FloorWatch: whether what is located contradicts the floor, and where it is instead; no clock, only windows.

Nobody is below their floor, nobody whose head and pelvis are upright has that head at their knees, and nothing of
anybody stays above it by more than they are tall or can reach. Less than that says nothing: who crouches, sits, crawls
or lies may be as low as they like. So a floor that rises is told at once, by a head that stays above standing (or by a
pelvis or the feet, where no head is located); of one that falls it shows late, when something is below it, and where
it is shows when the head keeps its height: who does is then taken to stand. As long as that is all that is known, a
head that is low again may as well be on another floor, and none is gone by.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.body.state import BodyState
from inpose_ros.sensing.joint_heights import ANKLES, UPRIGHT, JointHeights
from inpose_ros.sensing.resample import JointWindow

Array = np.ndarray
# So far below the floor [m] no joint is, whatever noise, soles, and a floor that is a little off; nor is a head.
_BELOW, _HEAD_BELOW = 0.15, 0.05
# An upright head or pelvis is no lower over the floor than this [m]: who crawls on their belly looks ahead from 0.14.
# Over an upright pelvis an upright head is no lower than this part of its height in standing; who crouches is at 0.44.
_UPRIGHT_ABOVE, _SITS_ABOVE = 0.06, 0.25
# Feet so far over a low, upright head [m] are there because of a floor; who crawls looking ahead lifts them to 0.03.
_FEET_OVER_HEAD = 0.05
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
_TRUNK = tuple(smpl22.INDEX[name] for name in ('spine2', 'spine3', 'neck', 'head'))
_ARMS = tuple(
    tuple(smpl22.INDEX[f'{side}_{name}'] for name in ('collar', 'shoulder', 'elbow', 'wrist'))
    for side in ('left', 'right')
)


@dataclass(frozen=True)
class Standing:
    """Who stands: their body, and the deviation of how high that puts their head [m]."""

    skeleton: Skeleton
    stddev: float

    @property
    def height(self) -> float:
        """Of the head over the floor [m]."""
        return self.skeleton.standing_head_height + self.skeleton.sole

    @functools.cached_property
    def heights(self) -> Float[Array, 'joint']:
        """Of every joint over the floor [m]."""
        rest = self.skeleton.rest_positions[:, 2].numpy()
        return rest - rest[smpl22.HEAD] + self.height

    @functools.cached_property
    def reach(self) -> Float[Array, 'joint']:
        """How high every joint gets without a jump [m]: hands over the head, and feet no higher (in a handstand)."""
        reach, lengths = self.heights.copy(), self.skeleton.lengths.numpy()
        for arm in _ARMS:
            reach[list(arm)] = self.heights[arm[0]] + np.cumsum((0.0, *lengths[list(arm[1:])]))
        others = np.isin(np.arange(len(reach)), (*_TRUNK, *_ARMS[0], *_ARMS[1]), invert=True)
        reach[others] = reach[smpl22.WRISTS[0]]
        return reach + _TIPTOE + _DEVIATIONS * self.stddev


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
        self._risen = False

    def look(self, window: JointWindow, standing: Standing, given: float, rate: float) -> Ground:
        """The floor under the newest frame of a window.

        Args:
            given: the floor as configured or estimated [m].
            rate: of the window's frames [Hz].
        """
        if self._told is None and not window.location_valid.any():
            return Ground(given)
        joints = JointHeights.of(window, standing.skeleton)
        floor = _StoodOn.of(joints.values, standing, rate)
        if self._told is None:
            self._doubt(joints, rate, floor, standing, given)
        else:
            self._follow(joints, rate, floor, standing, given)
        if self._told is not None:
            is_low = floor.highest - self._told < (_LOW - 1) * standing.height
            told = math.nan if is_low else self._told
            return Ground(told, told, self._contradicting)
        # What is below the floor just now must not be put upside down until it counts.
        return Ground(math.nan if _below(joints.last(1), standing, given).any() else given)

    def turned_over(self) -> Ground:
        """The floor, after it put somebody upside down who is not."""
        self._told, self._contradicting, self._risen = math.nan, (smpl22.HEAD,), False
        return Ground(math.nan, self._told, self._contradicting)

    def _doubt(self, joints: JointHeights, rate: float, floor: '_StoodOn', standing: Standing, given: float) -> None:
        """Whether the floor is contradicted now."""
        below, above = _below_for_long(joints, standing, rate, given), _above(joints, standing, given)
        self._risen = not below.any()
        if below.any():
            self._told, self._contradicting = floor.steady(standing), joints.located(below)
        elif above.any():
            self._told, self._contradicting = floor.held, joints.located(above)

    def _follow(self, joints: JointHeights, rate: float, floor: '_StoodOn', standing: Standing, given: float) -> None:
        """Where the floor is by now, once it is not where it was given."""
        low, high = ((part - 1) * standing.height for part in _STANDS)
        below, above = _below_for_long(joints, standing, rate, given), _above(joints, standing, given)
        contradicting = below | above
        fits = low <= floor.lowest - given and floor.highest - given <= high
        # Where nothing tells a floor, a given one that nothing is too high for any more counts again.
        if not below.any() and (fits or (self._risen and floor.is_unknown and not above.any())):
            self._told = None
            return
        if contradicting.any():
            self._contradicting = joints.located(contradicting)
        if math.isnan(self._told) or _below_for_long(joints, standing, rate, self._told).any():
            self._told = floor.steady(standing)
        elif floor.held > self._told:
            self._told = floor.held
        if abs(self._told - given) <= _SAME:
            self._told = None


@dataclass(frozen=True)
class _StoodOn:
    """Where the floor is in a window [m] if somebody stands on it, by their head, else their pelvis, else both ankles.

    `lowest` and `highest` are those of the whole window; `held` is the lowest lately, and `now` the newest mean. NaN
    where what tells was not seen for long enough.
    """

    lowest: float
    highest: float
    held: float
    now: float

    @classmethod
    def of(cls, heights: Float[Array, 'frame joint'], standing: Standing, rate: float) -> '_StoodOn':
        floors = heights - standing.heights
        tells = (smpl22.HEAD,), (smpl22.PELVIS,), ANKLES
        seen = next((joints for joints in tells if not np.isnan(floors[-1, joints]).any()), tells[0])
        whole = floors[:, seen].min(1)
        held, now = whole[-round(_HELD * rate) :], whole[-max(1, round(_NOW * rate)) :]
        return cls(*(float(part) for part in (whole.min(), whole.max(), held.min(), now.mean())))  # NaN if one is

    @property
    def is_unknown(self) -> bool:
        """Whether nothing tells it now."""
        return math.isnan(self.now)

    def steady(self, standing: Standing) -> float:
        """Where the floor is, if somebody stands there who keeps their height; NaN: nothing tells."""
        keeps = self.highest - self.lowest <= _STEADY and standing.stddev <= _KNOWN
        return self.now if keeps else math.nan


def _below(joints: JointHeights, standing: Standing, floor: float) -> Bool[Array, 'frame joint']:
    """Which joints are below a floor, and in which frames; none where either is not known."""
    limit = np.full(joints.values.shape, floor - _BELOW)
    limit[:, smpl22.HEAD] = floor - _HEAD_BELOW
    head, pelvis = smpl22.HEAD, smpl22.PELVIS
    for joint in (head, pelvis):
        limit[joints.upright[:, joint], joint] = floor + _UPRIGHT_ABOVE
    sits = _SITS_ABOVE * standing.height - _DEVIATIONS * standing.stddev
    limit[joints.upright[:, head] & joints.upright[:, pelvis], head] = floor + max(sits, _UPRIGHT_ABOVE)
    return joints.values < limit


def _below_for_long(joints: JointHeights, standing: Standing, rate: float, floor: float) -> Bool[Array, 'joint']:
    return _below(joints.last(round(_LASTING * rate)), standing, floor).all(0)


def _above(joints: JointHeights, standing: Standing, floor: float) -> Bool[Array, 'joint']:
    """Which joints stay higher above a floor for the whole window than they get; a head decides where there is one."""
    reach = standing.reach.copy()
    if joints.upright[:, smpl22.PELVIS].all():
        reach[smpl22.PELVIS] = standing.heights[smpl22.PELVIS] + _TIPTOE + _DEVIATIONS * standing.stddev
    above = (joints.values > floor + reach).all(0)
    if not np.isnan(joints.values[:, smpl22.HEAD]).any():
        above &= np.arange(len(above)) == smpl22.HEAD
    return above


def turns_over(body: BodyState, located: Bool[Tensor, 'joint'], standing: Standing, floor: float) -> bool:
    """Whether a pose that was solved on a floor has both feet, that nobody located, over a low and upright head."""
    if math.isnan(floor) or not body.measured[smpl22.HEAD] or located[list(ANKLES)].any():
        return False
    head, feet = float(body.positions[smpl22.HEAD, 2]), float(body.positions[list(ANKLES), 2].min())
    is_upright = float(body.rot_world_joint[smpl22.HEAD, 2, 2]) > UPRIGHT
    return is_upright and head - floor < _SITS_ABOVE * standing.height and feet - head > _FEET_OVER_HEAD
