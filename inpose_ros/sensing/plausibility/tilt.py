"""Gyro against accelerometer, of an IMU that gives no orientation: whether it turned as gravity says it did.

While a limb moves, the direction of the specific force is a treacherous witness: on a swinging arm it may even turn the
other way. So only moments are compared in which it is steady and as long as gravity, with what the gyro says between.
"""

import math
from collections import deque
from typing import NamedTuple

from inpose_ros.sensing.measurement import Measurement
from inpose_ros.sensing.plausibility.votes import Votes
from inpose_ros.sensing.quaternions import NO_TURN, Quaternion, Triple, applied, between, inverse, product, turned_on

_GRAVITY = 9.81
# The force is averaged over so long [ns], and so many averages in a row are a steady moment, if they differ by less
# than this from the first, and from gravity in length [m/s2].
_BLOCK_NS = 40_000_000
_BLOCKS = 4
_STEADY = 0.3
_LEVEL = 0.4
# After a longer silence [ns] nobody knows what lay between, and what lay longer ago [ns] has drifted away.
_GAP_NS = 100_000_000
_AGO_NS = 3_000_000_000
_VOTES = 3
# Only a tilt by this [rad] says anything. They disagree where they differ by this [rad] and what a bias of the gyro
# makes [rad/s], and by this part of the tilt; they agree where it is less than half of that part.
_TILTED = 0.3
_OFF = 0.25
_BIAS = 0.12
_DIFFERS = 0.6
# A gyro that repeats one reading to the bit over so long [ns], while the force changes by this [m/s2], is dead.
_INTERVAL_NS = 500_000_000
_PUSHED = 1.0


class _Moment(NamedTuple):
    """When the force was steady: its mean, and how the gyro had turned until then."""

    stamp_ns: int
    force: Triple
    turn: Quaternion


class GyroAgainstGravity:
    """Judges one sensor. What turns about the vertical does not show here."""

    def __init__(self) -> None:
        self._tilt_votes, self._dead_votes = Votes(_VOTES), Votes(_VOTES)
        self._stamp_ns: int | None = None

    @property
    def is_gyro_wrong(self) -> bool:
        return self._tilt_votes.wrong

    @property
    def is_gyro_dead(self) -> bool:
        """Whether it repeats one reading."""
        return self._dead_votes.wrong

    def hear(self, measurement: Measurement) -> None:
        """A reading with both. Readings out of order change nothing."""
        stamp_ns = measurement.stamp_ns
        gyro, force = tuple(measurement.angular_velocity.tolist()), tuple(measurement.specific_force.tolist())
        if self._stamp_ns is None or not -_AGO_NS < stamp_ns - self._stamp_ns <= _GAP_NS:
            self._begin(stamp_ns, gyro, force)
        elif stamp_ns > self._stamp_ns:
            seconds = (stamp_ns - self._stamp_ns) / 1e9
            self._stamp_ns = stamp_ns
            turn, push = self._turn_sum, self._push
            for axis in (0, 1, 2):
                turn[axis] += gyro[axis] * seconds
                push[axis] += force[axis] * seconds
            if stamp_ns - self._block_ns >= _BLOCK_NS:
                self._end_block(stamp_ns)
            self._look_whether_dead(stamp_ns, gyro, force)

    def _begin(self, stamp_ns: int, gyro: Triple, force: Triple) -> None:
        self._stamp_ns = self._block_ns = stamp_ns
        self._turn: Quaternion = NO_TURN
        self._turn_sum, self._push = [0.0] * 3, [0.0] * 3
        self._steady: list[Triple] = []
        self._moments: deque[_Moment] = deque()
        self._begin_interval(stamp_ns, gyro, force)

    def _begin_interval(self, stamp_ns: int, gyro: Triple, force: Triple) -> None:
        self._interval_ns, self._gyro, self._force = stamp_ns, gyro, force
        self._is_same, self._pushed = True, 0.0

    def _look_whether_dead(self, stamp_ns: int, gyro: Triple, force: Triple) -> None:
        self._is_same = self._is_same and gyro == self._gyro
        if self._is_same:
            self._pushed = max(self._pushed, math.dist(force, self._force))
        if stamp_ns - self._interval_ns >= _INTERVAL_NS:
            self._dead_votes.cast((True if self._pushed > _PUSHED else None) if self._is_same else False)
            self._begin_interval(stamp_ns, gyro, force)

    def _end_block(self, stamp_ns: int) -> None:
        seconds = (stamp_ns - self._block_ns) / 1e9
        force = tuple(part / seconds for part in self._push)
        self._turn = turned_on(self._turn, *self._turn_sum)
        self._block_ns, self._turn_sum, self._push = stamp_ns, [0.0] * 3, [0.0] * 3
        if abs(math.hypot(*force) - _GRAVITY) > _LEVEL:
            self._steady = []
            return
        if self._steady and math.dist(force, self._steady[0]) > _STEADY:
            self._steady = []
        self._steady.append(force)
        if len(self._steady) == _BLOCKS:
            mean = tuple(sum(axis) / _BLOCKS for axis in zip(*self._steady))
            self._steady = []
            self._compare(_Moment(stamp_ns, mean, self._turn))

    def _compare(self, now: _Moment) -> None:
        """With the earlier moment from which it has tilted furthest."""
        while self._moments and now.stamp_ns - self._moments[0].stamp_ns > _AGO_NS:
            self._moments.popleft()
        found = [_tilts(earlier, now) for earlier in self._moments]
        self._moments.append(now)
        tilted, off, seconds = max(found, default=(0.0, 0.0, 0.0))
        if tilted < _TILTED:
            return
        if off > max(_OFF + _BIAS * seconds, _DIFFERS * tilted):
            self._tilt_votes.cast(True)
        elif off < _DIFFERS / 2 * tilted + _BIAS * seconds:
            self._tilt_votes.cast(False)
        self._moments.clear()  # each is asked once
        self._moments.append(now)


def _tilts(earlier: _Moment, now: _Moment) -> tuple[float, float, float]:
    """How far [rad] it tilted by the force, how far the gyro is off that, and in which time [s].

    By the force alone: on a pendulum, as an arm may swing, it stays where it is though the gyro is right.
    """
    turn = product(inverse(earlier.turn), now.turn)
    expected = applied(inverse(turn), earlier.force)
    tilted = between(earlier.force, now.force)
    return tilted, between(expected, now.force), (now.stamp_ns - earlier.stamp_ns) / 1e9
