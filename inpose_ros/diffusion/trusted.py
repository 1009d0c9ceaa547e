"""TrustedEstimator: a body is learnt from those alone who wear the trackers, and unlearnt when it does not fit them.

Evidence comes in spells in which trackers are worn. A look counts once the spell went on after it, as the last before
an end may have seen how trackers were taken off. What a spell has told is set aside when one of its sensors turns out
to have hung up or to have been elsewhere, and comes back only if the looks that come next are likelier with it than
without; what was believed for long is dropped when the newest looks are likelier without it.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.bone_estimator import BodyEstimate, BodyEstimator
from inpose_ros.diffusion.bone_evidence import Evidence
from inpose_ros.sensing.resample import JointWindow
from inpose_ros.sensing.worn import Wear, Wearer, worn_part

# A look counts when its spell goes on for so long after it [ns].
_PROVISIONAL_NS = 1_000_000_000
# After so long [ns] a look stays, whatever becomes of its spell.
_SETTLED_NS = 10_000_000_000
# So many looks are enough to tell whether what was set aside fits them, and so many whether all that is believed does.
_ENOUGH, _RECENT = 3, 6
# Of what few looks tell so much is taken: as if so many had told that nothing differs from the start. Their errors are
# more alike than those of a minute; by the bones of ten people this was best for up to forty looks.
_CAUTION = 5
# The newest looks are so much likelier (by the logarithm) without what was believed: it is of somebody else.
_SOMEBODY_ELSE = -2.0
# Heights were taken from this floor if it is no further off [m].
_SAME_FLOOR = 0.1


class _Look(NamedTuple):
    stamp_ns: int
    evidence: Evidence


class TrustedEstimator:
    """As BodyEstimator, for windows of whatever the sensors say; its estimate is of what is trusted."""

    def __init__(self, estimator: BodyEstimator) -> None:
        self._estimator = estimator
        self._found: BodyEstimate | None = None
        self._cautious: BodyEstimate | None = None
        self.forget()

    @property
    def estimate(self) -> BodyEstimate:
        """By all that is trusted, with caution as long as that is little."""
        found, start = self._estimator.estimate, self._estimator.start.skeleton
        if found is not self._found:
            share = self.observations / (self.observations + _CAUTION)
            bones = start.bones + share * (found.skeleton.bones - start.bones)
            self._found, self._cautious = found, replace(found, skeleton=Skeleton(bones))
        return self._cautious

    @property
    def observations(self) -> int:
        """How many windows told something that is trusted."""
        return self._estimator.observations

    def forget(self) -> None:
        """Go back to the start: somebody else may come."""
        self._estimator.forget()
        self._nothing = self._settled = self._estimator.evidence
        self._aside: Evidence | None = None
        self._young: list[_Look] = []
        self._provisional: list[_Look] = []
        self._broken_ns: int | None = None

    def interrupted(self, stamp_ns: int) -> None:
        """A sensor has turned out, by this time, to have hung up, or to have been elsewhere or another."""
        self._broken_ns = stamp_ns
        self._provisional = []
        if self._young:
            self._aside = sum((look.evidence for look in self._young), self._aside or self._nothing)
            self._young = []
            self._believe()

    def observing(self, window: JointWindow, floor: float) -> Iterator[None]:
        """Take a window in, in parts of a few milliseconds each, if its trackers are worn.

        Args: floor: how high [m] it seems to be now, whatever was believed of it before; NaN: not known.
        """
        if abs(floor - self.estimate.floor_height) > _SAME_FLOOR:
            self._estimator.move_floor(floor)
        if self._is_broken(window):
            return
        start = self._estimator.start
        wear, window = worn_part(window, Wearer(start.skeleton, start.spreads['stature'], floor))
        if wear is Wear.NOT_WORN:
            self._end()
        if wear is not Wear.WORN:
            return
        found = yield from self._estimator.looking(window)
        yield
        if not abs(floor - self.estimate.floor_height) <= _SAME_FLOOR:
            found = replace(found, heights=())  # over what, one does not know
        self._take(_Look(window.stamp_ns, found))
        yield
        _ = self.estimate

    def _is_broken(self, window: JointWindow) -> bool:
        """Whether a window reaches back to a sensor's last break."""
        if self._broken_ns is None:
            return False
        span_ns = round(1e9 * len(window.location) / self._estimator.prior.rate)
        return 0 <= window.stamp_ns - self._broken_ns < span_ns

    def _end(self) -> None:
        """The trackers are no longer worn, which may have begun a little before it showed."""
        self._provisional = []
        self._settled = sum((look.evidence for look in self._young), self._settled)
        self._young = []

    def _take(self, look: _Look) -> None:
        """One more of the spell: those before it count now, and what they contradict does not."""
        if self._provisional and look.stamp_ns < self._provisional[-1].stamp_ns:  # time went back
            self._end()
        counts = [one for one in self._provisional if look.stamp_ns - one.stamp_ns >= _PROVISIONAL_NS]
        self._provisional = [*self._provisional[len(counts) :], look]
        self._young += counts
        old = [one for one in self._young if look.stamp_ns - one.stamp_ns >= _SETTLED_NS]
        self._settled = sum((one.evidence for one in old), self._settled)
        self._young = self._young[len(old) :]
        if counts:
            self._weigh()
            self._believe()

    def _weigh(self) -> None:
        """What was set aside comes back or is dropped; what is of somebody else is dropped."""
        if self._aside is not None and len(self._young) >= _ENOUGH:
            if self._estimator.odds(self._sum(self._young), self._aside) > 0:
                self._settled += self._aside
            self._aside = None
        before = self._settled + self._sum(self._young[:-_RECENT])
        if len(self._young) >= _RECENT and before.information.count:
            recent = self._young[-_RECENT:]
            if self._estimator.odds(self._sum(recent), before) < _SOMEBODY_ELSE:
                self._settled, self._aside, self._young = self._nothing, None, recent

    def _sum(self, looks: list[_Look]) -> Evidence:
        return sum((look.evidence for look in looks), self._nothing)

    def _believe(self) -> None:
        self._estimator.believe(self._settled + self._sum(self._young))
