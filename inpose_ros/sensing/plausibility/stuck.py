"""An orientation that stays as it is, but for its noise, while the gyro beside it turns."""

import math
from typing import NamedTuple

from inpose_ros.sensing.plausibility.votes import Votes
from inpose_ros.sensing.quaternions import NO_TURN, Quaternion, Triple, angle, inverse, product

# An orientation within this [rad] stays: noise of a degree in each axis makes as much.
STILL = math.radians(6.0)
# Who has turned by this [rad] moves.
TURNED = 0.15
# It is looked at for so long [s] at least, and for so long at most: longer, so that slow turns show.
_SHORTEST, _LONGEST = 0.5, 2.0
# The gyro turns for sure by more than TURNED, so many times what the orientation does, and a bias [rad/s], together.
_TIMES = 4.0
BIAS = 0.15
# Its rate varies by this [rad/s], and the specific force, if it is known, changes by this [m/s2]: a gyro that is off,
# or in degrees, seems to turn even at rest.
_VARIES = 0.1
_PUSHED = 0.4
# The two agree where they differ by less than this part of the turn.
_AGREES = 0.4
# Of an orientation that hung to the bit a change like the gyro's [rad] shows that it goes on, however small.
_LIKE = 0.03
# So many votes decide, and one more is kept: an orientation may stick after it was right for long.
_VOTES = 4


class Look(NamedTuple):
    """At one IMU: its orientation, and since the look before the turn by its gyro and the range of its rate [rad/s]."""

    stamp_ns: int
    orientation: Quaternion
    turn: Quaternion
    slowest: float
    fastest: float
    force: Triple | None


class StuckOrientation:
    """Judges one sensor by spells in which its orientation stays.

    While it is taken to be stuck, one turn in agreement with the gyro's ends that, or several by themselves; where it
    stayed the same to the bit, any change that the gyro agrees with.
    """

    def __init__(self) -> None:
        self._votes = Votes(_VOTES, _VOTES + 1)
        self._hung = False
        self.interrupt()

    @property
    def wrong(self) -> bool:
        return self._votes.wrong

    def interrupt(self) -> None:
        """Nobody knows what lay between the last look and the next one."""
        self._first: Look | None = None

    def look(self, now: Look) -> None:
        if self._first is None:
            self._begin(now)
            return
        seconds = (now.stamp_ns - self._first.stamp_ns) / 1e9
        self._turn = product(self._turn, now.turn)
        self._slowest, self._fastest = min(self._slowest, now.slowest), max(self._fastest, now.fastest)
        if self._first.force is not None and now.force is not None:
            self._pushed = max(self._pushed, math.dist(self._first.force, now.force))
        self._is_same = self._is_same and now.orientation == self._first.orientation
        seen = product(inverse(self._first.orientation), now.orientation)
        self._seen, self._turned = max(self._seen, angle(seen)), max(self._turned, angle(self._turn))
        if self._seen > TURNED:
            self._moved(seen)
            self._begin(now)
        elif seconds >= _SHORTEST and self._stays(seconds):
            self._votes.cast(True)
            self._hung = self._is_same
            self._begin(now)
        elif seconds >= _SHORTEST and self._hung and not self._is_same and self._off(seen) < _LIKE:
            self._votes.settle(False)
            self._hung = False
        elif seconds >= _LONGEST:
            self._begin(now)

    def _begin(self, now: Look) -> None:
        self._first, self._turn = now, NO_TURN
        self._seen = self._turned = self._pushed = 0.0
        self._is_same = True
        self._slowest, self._fastest = math.inf, 0.0

    def _moved(self, seen: Quaternion) -> None:
        gyro = angle(self._turn)
        if gyro > TURNED and self._off(seen) < _AGREES * gyro:
            self._votes.settle(False)
        self._votes.cast(False)

    def _off(self, seen: Quaternion) -> float:
        """Between the turns by the orientation and by the gyro [rad]."""
        return angle(product(inverse(self._turn), seen))

    def _stays(self, seconds: float) -> bool:
        if self._seen > STILL or self._turned < TURNED + _TIMES * self._seen + BIAS * seconds:
            return False
        if self._is_same and self._fastest > self._slowest:  # to the bit: no orientation in order is
            return True
        return self._fastest - self._slowest > _VARIES and (self._first.force is None or self._pushed > _PUSHED)
