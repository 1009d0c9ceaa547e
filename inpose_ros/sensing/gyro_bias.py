"""What a gyro says while its wearer rests: its bias, or an even turn about the vertical, which looks the same."""

import math
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

# Means over blocks of this length [s] are compared; so many in a row that agree are a rest: 1.5 s.
_BLOCK = 0.25
_REST_BLOCKS = 6
# A rest that goes on is averaged over so many blocks at most.
_LONGEST_BLOCKS = 24
# Scatter of the blocks about their mean, as the root of the mean square: somebody who stands sways less [rad/s] than
# this, and the specific force of who does not bend, speed up or slow down stays within this [m/s2].
_SWAY = math.radians(0.7)
_SHIFT = 0.12
# What turns evenly for so long, and faster [rad/s] than this, is turned: no gyro in order is off by so much.
_TURNING = math.radians(60.0)
# As good [rad/s] as one rest is at best; and how a bias wanders as the device gets warm, by the root of time.
_FINEST = math.radians(0.05)
_WANDER = math.radians(0.03)


class Bias(NamedTuple):
    """A gyro's bias [rad/s], how far it may be off in each axis [rad/s], and since when it is known [s]."""

    value: Float[np.ndarray, '3']
    stddev: float
    since: float = 0.0

    def stddev_at(self, seconds: float) -> float:
        """It wanders."""
        return math.hypot(self.stddev, _WANDER * math.sqrt(max(0.0, seconds - self.since)))


class Rest(NamedTuple):
    """What one rest shows so far: the bias, if nothing turned; for how long [s]; which way is up; which rest it is."""

    bias: Bias
    seconds: float
    up: Float[np.ndarray, '3']
    number: int


class RestWatch:
    """Looks for rests in what one IMU says.

    VQF does so too, but takes no more than 2 deg/s for a bias, so a gyro that is off by more goes on turning the
    heading. To let it have more would make slow turns a bias, as its idea of a rest is a generous one.
    `seconds` is what has been fed so far, the time of `Bias.since`.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._number = 0
        self.restart()

    def restart(self) -> None:
        """Readings were lost, so no rest goes on."""
        self._blocks: deque[np.ndarray] = deque(maxlen=_LONGEST_BLOCKS)
        self._number += 1
        self._begin_block()

    def _begin_block(self) -> None:
        self._block_seconds = 0.0
        self._sum = [0.0] * 6

    def feed(self, seconds: float, turn: Sequence[float], push: Sequence[float]) -> Rest | None:
        """Take note of so many seconds; where a block of a rest ends, what the rest shows.

        Args:
            turn: the integral of the gyro over that time [rad].
            push: that of the specific force [m/s].
        """
        total = self._sum
        total[0] += turn[0]
        total[1] += turn[1]
        total[2] += turn[2]
        total[3] += push[0]
        total[4] += push[1]
        total[5] += push[2]
        self._block_seconds += seconds
        self.seconds += seconds
        if self._block_seconds < _BLOCK:
            return None
        self._blocks.append(np.array(total) / self._block_seconds)
        self._begin_block()
        return self._rest() if len(self._blocks) >= _REST_BLOCKS else None

    def _rest(self) -> Rest | None:
        blocks = np.array(self._blocks)
        if not _is_rest(blocks[-_REST_BLOCKS:]):
            self._number += 1
            return None
        if not _is_rest(blocks):  # only the end is
            for _ in range(len(blocks) - _REST_BLOCKS):
                self._blocks.popleft()
            blocks = blocks[-_REST_BLOCKS:]
            self._number += 1
        gyro, force = blocks[:, :3], blocks[:, 3:].mean(0)
        bias = Bias(gyro.mean(0), max(_FINEST, _scatter(gyro)), self.seconds)
        return Rest(bias, _BLOCK * len(blocks), force / max(float(np.linalg.norm(force)), 1e-9), self._number)


def _is_rest(blocks: Float[np.ndarray, 'block 6']) -> bool:
    turning = float(np.abs(blocks[:, :3].mean(0)).max())
    return turning < _TURNING and _scatter(blocks[:, :3]) < _SWAY and _scatter(blocks[:, 3:]) < _SHIFT


def _scatter(values: Float[np.ndarray, 'block 3']) -> float:
    """Of the worst axis, about the mean."""
    return float(np.sqrt(np.square(values - values.mean(0)).mean(0)).max())
