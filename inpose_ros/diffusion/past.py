"""Past: what the streaming solver said of a body so far, on any grid, and where that would go on to."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

_LEAST_BASE = 30_000_000  # a body's velocity is taken over at least so long [ns]
_LONGEST_STEP = 2.0  # it is carried on for so many times that at most
_BLEND_NS = 300_000_000  # from a past that did not hold to the new one


@dataclass(frozen=True)
class Past:
    """Columns of world <- joint rotations at rising stamps [ns]; the last is the newest estimate."""

    stamps: Int[np.ndarray, 'time']
    columns: Float[np.ndarray, 'time joint 2 3']

    @property
    def newest_ns(self) -> int:
        return int(self.stamps[-1])

    def at(self, grid: Int[np.ndarray, 'frame']) -> Float[np.ndarray, 'frame joint 2 3']:
        """Interpolated; before the first it is the first, and behind the last it goes on as it moved.

        The columns are not orthonormal between stamps: for the network they are a noisy pose anyway.
        """
        high = np.minimum(np.maximum(self.stamps.searchsorted(grid), 1), len(self.stamps) - 1)
        low = high - 1
        fraction = (grid - self.stamps[low]) / (self.stamps[high] - self.stamps[low])
        beyond = grid > self.newest_ns
        if beyond.any():
            base = max(0, int(self.stamps.searchsorted(self.newest_ns - _LEAST_BASE, side='right')) - 1)
            low[beyond], high[beyond] = base, len(self.stamps) - 1
            on = (grid[beyond] - self.stamps[base]) / (self.newest_ns - self.stamps[base])
            fraction[beyond] = np.minimum(on, 1 + _LONGEST_STEP)
        weight = np.maximum(fraction, 0)[:, None, None, None].astype(self.columns.dtype)
        return (1 - weight) * self.columns[low] + weight * self.columns[high]

    def then(self, stamps: Int[np.ndarray, 'new'], columns: Float[np.ndarray, 'new joint 2 3'], span_ns: int) -> 'Past':
        """With what is estimated now, in place of what was for these times; forgets what is older than `span_ns`."""
        first = max(0, int(self.stamps.searchsorted(stamps[-1] - span_ns)) - 1)
        kept = slice(first, int(self.stamps.searchsorted(stamps[0])))
        return Past(np.append(self.stamps[kept], stamps), np.concatenate((self.columns[kept], columns)))


class Blend(NamedTuple):
    """From the pose handed out when a stream began anew, to what it says since then: `turn` [rad] at `begin_ns`."""

    turn: Float[np.ndarray, 'joint 3']
    begin_ns: int

    def at(self, stamp_ns: int) -> Float[np.ndarray, 'joint 3']:
        """What is left of it: all in the beginning, nothing after _BLEND_NS, and no jerk in between."""
        part = min(max((stamp_ns - self.begin_ns) / _BLEND_NS, 0.0), 1.0)
        return (1 - part**3 * (part * (6 * part - 15) + 10)) * self.turn
