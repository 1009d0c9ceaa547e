"""When the body is looked at anew, and when what was found is taken up; no messages, no clock."""

import logging
import math
from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from inpose_ros.body import proportions
from inpose_ros.body.proportions import BodyGuess
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.bone_estimator import BodyEstimate
from inpose_ros.sensing.calibration.places import KnownBody
from inpose_ros.sensing.resample import JointWindow

# Between two looks [ns], until the estimate is sure, and from then on.
_PACE_NS, _SURE_PACE_NS = 500_000_000, 2_000_000_000
# A minute of looks.
_SURE = 120
# Before that many, the first few seconds would bring a new model with every look.
_LEAST = 8
_DONE = object()
_LOG = logging.getLogger(__name__)
# A bone that changes by more is a new model [m], and by this if the last one is so old [ns]; a floor, a new floor.
_TOLERANCE, _FINER, _OLD_NS = 0.01, 0.004, 5_000_000_000


@runtime_checkable
class Estimator(Protocol):
    """What is needed of a BodyEstimator."""

    @property
    def estimate(self) -> BodyEstimate: ...

    @property
    def observations(self) -> int: ...

    def observing(self, window: JointWindow, floor: float) -> Iterator[None]: ...

    def interrupted(self, stamp_ns: int) -> None: ...

    def forget(self) -> None: ...


class Log(Protocol):
    """What is needed of a logger."""

    def info(self, text: str) -> object: ...

    def error(self, text: str) -> object: ...


class BoneUpdates:
    """Carries the body that all outputs are about: the estimate's, as it was when it last moved by a centimetre.

    `skeleton`, `floor_height`, `bone_covariance` [m2], `stature_stddev` (over it) and `facts` (what is believed, with
    standard deviations, for people to read) are those of the last look; any thread may read them. A look takes as long
    as a pose; so that no pose is late for it, it is taken in parts, one after each pose, by the thread that solves: in
    a thread of its own it took ten times as long, and made poses wait for the interpreter meanwhile.
    """

    def __init__(self, estimator: Estimator, save: str = '', log: Log = _LOG) -> None:
        """Args:
        save: the file that `keep` writes; empty: none.
        log: told what became of that.
        """
        self.estimator = estimator
        self._save, self._log, self._kept = save, log, False
        self._stamp_ns: int | None = None
        self._someone_else = False
        self._breaks = 0
        self._under_way: Iterator[None] | None = None
        self._take_up(estimator.estimate)
        self.facts = self._told(estimator.estimate)

    def _take_up(self, estimate: BodyEstimate) -> None:
        self._taken_of, self._taken_ns = self.estimator.observations, self._stamp_ns
        self.skeleton: Skeleton = estimate.skeleton
        self.floor_height: float = estimate.floor_height
        self.bone_covariance = estimate.bone_covariance
        self.stature_stddev = estimate.factors['stature'].stddev

    @property
    def sure(self) -> bool:
        """Whether enough was seen for the estimate to change no more than slowly."""
        return self.estimator.observations >= _SURE

    def is_due(self, stamp_ns: int) -> bool:
        """Whether a window of this stamp should be looked at; time may have gone back."""
        pace = _SURE_PACE_NS if self.sure else _PACE_NS
        return self._stamp_ns is None or self._someone_else or not 0 <= stamp_ns - self._stamp_ns < pace

    def learn(self, window: JointWindow, floor: float = math.nan, breaks: int = 0) -> None:
        """One part of the look that is under way, or else of a look at this window, where that is due.

        Args:
            floor: how high it seems to be [m]; NaN: not known.
            breaks: how often, until now, a sensor turned out to have hung up, or to have been elsewhere or another.
        """
        if breaks != self._breaks:
            self._breaks, self._under_way = breaks, None
            self.estimator.interrupted(window.stamp_ns)
            self._told_anew()
        if self._someone_else:
            self._under_way = None
        if self._under_way is None and self.is_due(window.stamp_ns):
            self._under_way = self._looking(window, floor)
        if self._under_way is not None and next(self._under_way, _DONE) is _DONE:
            self._under_way = None

    def look(self, window: JointWindow, floor: float = math.nan) -> None:
        """Let a window tell of the body at once."""
        for _ in self._looking(window, floor):
            pass

    def _looking(self, window: JointWindow, floor: float) -> Iterator[None]:
        """A look in parts."""
        if self._someone_else:
            self._someone_else = False
            self.estimator.forget()
            self._take_up(self.estimator.estimate)
        self._stamp_ns = window.stamp_ns
        if self._taken_ns is None:
            self._taken_ns = window.stamp_ns
        yield from self.estimator.observing(window, floor)
        self._told_anew()
        if self.sure and not self._kept:
            self.keep()

    def _told_anew(self) -> None:
        """Take up what is estimated, where that is worth it: also that what was taken up is not believed any more."""
        estimate, count = self.estimator.estimate, self.estimator.observations
        moved = float((estimate.skeleton.bones - self.skeleton.bones).norm(dim=-1).max())
        since_ns = 0 if self._stamp_ns is None or self._taken_ns is None else self._stamp_ns - self._taken_ns
        tolerance = _FINER if since_ns >= _OLD_NS else _TOLERANCE
        if (count >= _LEAST or count < self._taken_of) and moved > tolerance:
            self._take_up(estimate)
        if abs(estimate.floor_height - self.floor_height) > _TOLERANCE:
            self.floor_height = estimate.floor_height
        self.bone_covariance = estimate.bone_covariance
        self.stature_stddev = estimate.factors['stature'].stddev
        self.facts = self._told(estimate)

    def keep(self) -> None:
        """Write the estimate, if enough is trusted and there is a place for it: when first sure, and at the end."""
        if not self._save or self.estimator.observations < _LEAST:
            return
        self._kept = True
        try:
            self.estimator.estimate.as_guess().save(self._save)
        except OSError as error:
            self._log.error(f'body.save is {self._save!r}, which cannot be written ({error}); name another file')
        else:
            self._log.info(f'the estimated bones are in {self._save}; give it as body.bones to go on from them')

    def start_again(self) -> None:
        """Somebody else may be wearing the sensors: their body is learnt from the next look on."""
        self._someone_else = True

    def _told(self, estimate: BodyEstimate) -> dict[str, str]:
        rows = {f'body {name}': f'{row.value:.3f} +- {row.stddev:.3f}' for name, row in estimate.factors.items()}
        return rows | {
            'body stature [m]': f'{self.skeleton.stature:.2f}',
            'body seen': f'{self.estimator.observations} looks, {"sure" if self.sure else "not sure yet"}',
            'floor [m]': f'{estimate.floor_height:.3f} +- {estimate.floor_stddev:.3f}',
        }


def known_body(learner: BoneUpdates | None, told: BodyGuess) -> KnownBody:
    """Whose places a calibration compares with a pose: as learnt until now, or as told."""
    if learner is None:
        return KnownBody(told.skeleton, told.spreads['stature'])
    stature = proportions.factors(learner.skeleton, learner.bone_covariance.double())['stature']
    return KnownBody(learner.skeleton, stature.stddev)
