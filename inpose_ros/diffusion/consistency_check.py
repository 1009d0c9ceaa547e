"""Which located sensors cannot all be right: by what the bones can reach, and by where the solved body has come to lie.

A body that is solved from contradictory places fits none of them, whatever its posterior says. So each published place
is compared with its own reading (an innovation test, as in any Kalman filter), and who is in the minority is left out
until it agrees with the others again.
"""

import functools
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.body.state import BodyState
from inpose_ros.sensing.resample import JointWindow

# A published place is too far from its reading beyond this [m] and beyond so many of its own deviations.
_FAR, _DEVIATIONS = 0.1, 4.0
# Two places contradict each other beyond what the bones between them reach, were they so much longer, and this [m].
_LONGER, _SLACK = 1.15, 0.1
# Of a joint that is only inferred, four deviations may be more than an arm: who was left out agrees within this [m].
_INFERRED = 0.5
# A contradiction counts that lasts so long [ns]; who was left out counts again who has agreed for so long [ns], or who
# has come back with a step [m], as a tracker that has found itself again does, and agrees since then for so long [ns].
_LASTING_NS, _AGREEING_NS = 300_000_000, 1_000_000_000
_STEP, _BACK_NS = 0.3, 100_000_000
# Who is left out again within this time [ns] has to agree for twice as long each time, up to so many times.
_AGAIN_NS, _DOUBLINGS = 5_000_000_000, 4
# Who moves by less than this [m] within a window in which another moves by more than that [m] is not worn at present.
_RESTING, _MOVING = 0.01, 0.05

Array = np.ndarray


@dataclass(frozen=True)
class Contradiction:
    """Joints whose readings are not believed (`doubted`), and those that they disagree with."""

    doubted: frozenset[int] = frozenset()
    others: frozenset[int] = frozenset()


class ConsistencyCheck:
    """Follows the located joints of one body from pose to pose.

    `left_out` are the joints whose locating sensors are not to be used; `found` is what the last look showed, and
    `suspected` are those who are left out next, should it last.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """What went before no longer counts."""
        self.found = Contradiction()
        self.suspected: frozenset[int] = frozenset()
        self._agreeing: dict[int, int | None] = {}  # joints left out, and since when they agree
        self._came_back: set[int] = set()  # those of them that have stepped since then
        self._let_in_ns: dict[int, int] = {}  # when who was left out came to count again
        self._relapses: dict[int, int] = {}  # how often one was left out soon after that
        self._places: dict[int, Float[Array, 3]] = {}  # where they were at the last look
        self._far: dict[int, int] = {}  # since when a joint is far from its reading
        self._apart_ns: int | None = None  # since when two are further apart than the bones reach

    @property
    def left_out(self) -> frozenset[int]:
        return frozenset(self._agreeing)

    def look(self, body: BodyState, window: JointWindow, frame: int) -> Contradiction:
        """Compare a body as it is published with a window of all sensors, those left out too, at the body's frame."""
        now_ns, reading = body.stamp_ns, window.location.numpy()[frame]
        located = window.location_valid.numpy()[frame].nonzero()[0].tolist()
        if not located and not self._agreeing:  # nobody who could contradict
            self._far, self._apart_ns, self.found, self.suspected = {}, None, Contradiction(), frozenset()
            return self.found
        kept = [joint for joint in located if joint not in self._agreeing]
        far = self._how_far(body, reading, located)
        apart = _apart(reading, located, body.skeleton)
        self._let_in(located, kept, far, apart, now_ns, reading)
        self._far = {joint: self._far.get(joint, now_ns) for joint in kept if far[joint] > 0}
        contradicting = {pair for pair in apart if pair <= set(kept)}
        self.suspected = frozenset(_contradicted(contradicting, _resting(window, kept)) if contradicting else ())
        if not contradicting:
            self._apart_ns = None
        elif self._apart_ns is None:
            self._apart_ns = now_ns
        lasting = [joint for joint, since in self._far.items() if now_ns - since >= _LASTING_NS]
        if self._apart_ns is not None and now_ns - self._apart_ns >= _LASTING_NS:
            self._leave_out(self.suspected, now_ns)
        elif lasting:
            self._leave_out([_outlier(lasting, kept, far)], now_ns)
        doubted = frozenset(lasting) | self.left_out
        self.found = Contradiction(doubted, frozenset(located) - doubted) if doubted else Contradiction()
        return self.found

    def _how_far(self, body: BodyState, reading: Float[Array, 'joint 3'], located: Iterable[int]) -> dict[int, float]:
        """How much further [m] a published place is from its reading than it may be."""
        places, stddev = body.positions.numpy(), body.position_stddev.numpy()
        allowed = {joint: max(_FAR, _DEVIATIONS * float(stddev[joint])) for joint in located}
        allowed |= {joint: min(allowed[joint], _INFERRED) for joint in self._agreeing if joint in allowed}
        return {joint: math.dist(places[joint], reading[joint]) - allowed[joint] for joint in located}

    def _let_in(
        self, located: Collection[int], kept: Collection[int], far: Mapping[int, float], apart: set[frozenset[int]],
        now_ns: int, reading: Float[Array, 'joint 3'],
    ) -> None:  # fmt: skip
        """Who was left out and has agreed with the others for long enough counts again; who is silent waits.

        Where nothing measures it, a joint's own place is hardly known: that of one who has come back is not asked for.
        """
        here = {joint: reading[joint].copy() for joint in self._agreeing if joint in located}
        for joint, since in list(self._agreeing.items()):
            if joint in here and math.dist(here[joint], self._places.get(joint, here[joint])) > _STEP:
                self._came_back.add(joint)
            contradicts = any(frozenset((joint, other)) in apart for other in kept)
            unlikely = joint in here and joint not in self._came_back and far[joint] > 0
            if joint not in here or (kept and (contradicts or unlikely)):
                self._agreeing[joint] = None
            elif since is None:
                self._agreeing[joint] = now_ns
            elif now_ns - since >= self._needed(joint):
                del self._agreeing[joint]
                self._came_back.discard(joint)
                self._let_in_ns[joint] = now_ns
        self._places = {joint: place for joint, place in (self._places | here).items() if joint in self._agreeing}

    def _needed(self, joint: int) -> int:
        """For how long one has to agree [ns]."""
        return _BACK_NS if joint in self._came_back else _AGREEING_NS << self._relapses.get(joint, 0)

    def _leave_out(self, joints: Collection[int], now_ns: int) -> None:
        """From now on the body is solved without these, and the others are looked at anew."""
        self._agreeing |= dict.fromkeys(joints)
        for joint in joints:
            again = now_ns - self._let_in_ns.get(joint, now_ns - _AGAIN_NS) < _AGAIN_NS
            self._came_back.discard(joint)
            self._relapses[joint] = min(self._relapses.get(joint, 0) + 1, _DOUBLINGS) if again else 0
        self._far, self._apart_ns = {}, None


def _apart(
    reading: Float[Array, 'joint 3'], located: Collection[int], skeleton: Skeleton
) -> set[frozenset[int]]:
    """The pairs whose places are further apart than bones reach."""
    lengths = skeleton.lengths.tolist()
    return {
        frozenset((one, other))
        for one, other in combinations(located, 2)
        if math.dist(reading[one], reading[other]) > _LONGER * _reach(one, other, lengths) + _SLACK
    }


def _reach(one: int, other: int, lengths: list[float]) -> float:
    """The length of all bones between two joints [m]."""
    return sum(lengths[joint] for joint in _between(one, other))


@functools.cache
def _between(one: int, other: int) -> frozenset[int]:
    """The joints whose bones lie between two."""
    return frozenset(_to_root(one)) ^ frozenset(_to_root(other))


def _to_root(joint: int) -> list[int]:
    chain = [joint]
    while smpl22.PARENTS[chain[-1]] >= 0:
        chain.append(smpl22.PARENTS[chain[-1]])
    return chain


def _resting(window: JointWindow, kept: Collection[int]) -> set[int]:
    """The joints that do not move while others do."""
    places, valid = window.location.numpy(), window.location_valid.numpy()
    ranges = {joint: float(np.ptp(places[valid[:, joint], joint], axis=0).max()) for joint in kept}
    return {joint for joint, own in ranges.items() if own < _RESTING and max(ranges.values()) > _MOVING}


def _contradicted(pairs: set[frozenset[int]], resting: set[int]) -> list[int]:
    """The fewest joints without which no pair is left; of one as many contradict as of the other, rather a limb's."""
    found: list[int] = []
    while left := [pair for pair in pairs if pair.isdisjoint(found)]:
        counts = {joint: sum(joint in pair for pair in left) for pair in left for joint in pair}
        found.append(max(counts, key=lambda joint: (joint in resting, counts[joint], joint != smpl22.HEAD, joint)))
    return found


def _outlier(lasting: Collection[int], kept: Collection[int], far: Mapping[int, float]) -> int:
    """Of joints far from their readings, which the bones would allow: that whose reading the others contradict.

    The body hangs on the anchor, so that one is never far: where all others are, it is the anchor that is wrong.
    """
    anchor = smpl22.HEAD if smpl22.HEAD in kept else min(kept)
    others = [joint for joint in kept if joint != anchor]
    if len(others) > 1 and set(others) <= set(lasting):
        return anchor
    return max(lasting, key=lambda joint: far[joint])
