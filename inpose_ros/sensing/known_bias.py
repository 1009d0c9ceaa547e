"""Which bias a gyro has by all its rests, though an even turn about the vertical looks like one.

A turn about a level axis shows in the accelerometer, so what a gyro says about level axes at rest is its bias. What it
says about the vertical is its bias too, or how fast the wearer turned: on their feet, on a chair or in a car. A bias
has no reason to point up, and does not jump; a turn leaves the level axes alone, and ends. And it turns all the trunk.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from inpose_ros.sensing.gyro_bias import Bias, Rest

# The bias of a gyro before any rest [rad/s]: data sheets give 0.3 to 1 deg/s at first, calibrated ones are better.
UNKNOWN = math.radians(0.7)
# So much [rad/s] may be corrected in every axis.
CORRECTED = math.radians(10.0)
# Slower than this [rad/s] it is taken for a bias; and so is what is more than this part of it about level axes.
_SLOW = math.radians(1.0)
_LEVEL = 0.4
# What goes on in a later rest, after so many seconds and where it would have been a turn by this [rad], is no turn.
_APART = 2.0
_QUARTER = math.pi / 2
# Others on the trunk tell where a turn would be this large [rad]: they turned as well, within this part of it; or where
# it would be this large that they did not turn, as a head may look elsewhere for a moment.
_TURNED = math.radians(5.0)
_STAYED = math.radians(10.0)
_AS_FAST = 0.3

# How fast the others on the trunk turned about the vertical [rad/s] during the last seconds.
Turning = Callable[[float], Sequence[float]]


class KnownBias:
    """What is taken for the bias of one gyro (`bias`), and, while that is in doubt, what else it may be (`rival`)."""

    def __init__(self) -> None:
        self.bias: Bias | None = None
        self.rival: Bias | None = None
        self._doubted_rest = 0
        self._doubted_since = 0.0

    @property
    def doubt(self) -> float:
        """How fast the heading may turn while it should not, or the other way about [rad/s]."""
        return 0.0 if self.rival is None else float(np.linalg.norm(self.rival.value - self.bias.value))

    @property
    def is_corrected(self) -> bool:
        """Whether the bias is known and not too large to be taken out."""
        return self.bias is not None and _is_small(self.bias)

    def learn(self, rest: Rest, turning: Turning) -> bool:
        """Take note of a rest; whether that puts an end to doubts about `bias`, which was right."""
        if self.rival is None:
            self._compare(rest)
        else:
            taken = self._choose(rest)
            if taken is not None:
                return taken
        return self._ask(rest, turning) if self.rival is not None else False

    def _compare(self, rest: Rest) -> None:
        """With what is known, if anything is."""
        known, found = self.bias, rest.bias
        up = _upwards(found.value if known is None else found.value - known.value, rest.up)
        if up is None:
            is_better = known is None or found.stddev <= known.stddev_at(found.since) or not _agree(known, found)
            self.bias = found if is_better else known
            return
        self._doubted_rest, self._doubted_since = rest.number, found.since
        if known is not None:
            self.rival = found
        else:
            still = Bias(found.value - up, max(UNKNOWN, found.stddev), found.since)
            self.bias, self.rival = (found, still) if _is_small(found) else (still, found)

    def _choose(self, rest: Rest) -> bool | None:
        """Between the two, by a rest that shows one of them again; whether it is `bias`. None: they go on."""
        found, slow, fast = rest.bias, *self._by_rate()
        near = min((slow, fast), key=lambda one: _apart(one, found))
        if not _agree(near, found):
            return self._meet_third(rest, slow, fast)
        if near is slow:
            return self._settle(slow, found)
        seconds = found.since - self._doubted_since
        is_later = rest.number != self._doubted_rest and seconds > _APART
        return self._settle(fast, found) if is_later and seconds * self.doubt > _QUARTER else None

    def _meet_third(self, rest: Rest, slow: Bias, fast: Bias) -> bool | None:
        """A rest that shows neither: the gyro has changed, or the fastest of the three was a turn."""
        found = rest.bias
        if _upwards(found.value - slow.value, rest.up) is None:
            return self._settle(None, found)
        if _rate(found) < _rate(fast):
            self.bias, self.rival = (found, slow) if fast is self.bias else (slow, found)
            self._doubted_rest, self._doubted_since = rest.number, found.since
        return None

    def _ask(self, rest: Rest, turning: Turning) -> bool:
        """The others, where this rest shows the faster one: whether they say that `bias` is right."""
        slow, fast = self._by_rate()
        turn = float((fast.value - slow.value) @ rest.up)
        if not _agree(fast, rest.bias) or abs(turn) * rest.seconds < _TURNED:
            return False
        shares = [rate / turn for rate in turning(rest.seconds)]
        if any(abs(share - 1) < _AS_FAST for share in shares):
            return self._settle(slow, slow)
        if shares and abs(turn) * rest.seconds > _STAYED and all(abs(share) < _AS_FAST for share in shares):
            return self._settle(fast, rest.bias)
        return False

    def _settle(self, right: Bias | None, found: Bias) -> bool:
        """One of the two, or neither, is right, and is known as well as it was found since; whether it is `bias`."""
        was_taken = right is self.bias
        is_better = right is None or found.stddev <= right.stddev_at(found.since)
        self.bias, self.rival = found if is_better else right, None
        return was_taken

    def _by_rate(self) -> tuple[Bias, Bias]:
        """The slower one and the faster one."""
        return tuple(sorted((self.bias, self.rival), key=_rate))


def _rate(bias: Bias) -> float:
    return float(np.linalg.norm(bias.value))


def _apart(known: Bias, found: Bias) -> float:
    """In the worst axis."""
    return float(np.abs(found.value - known.value).max())


def _agree(known: Bias, found: Bias) -> bool:
    return _apart(known, found) <= 4 * math.hypot(known.stddev_at(found.since), found.stddev)


def _upwards(rate: Float[np.ndarray, '3'], up: Float[np.ndarray, '3']) -> Float[np.ndarray, '3'] | None:
    """The part about the vertical of a rate that may be a turn; None: it is none."""
    along = float(rate @ up)
    level = float(np.linalg.norm(rate - along * up))
    return along * up if abs(along) > _SLOW and level < _LEVEL * abs(along) else None


def _is_small(bias: Bias) -> bool:
    return float(np.abs(bias.value).max()) < CORRECTED
