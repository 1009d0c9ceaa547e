"""Past: what the streaming solver said of a body so far, on any grid, and where that would go on to."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from inpose_ros.geometry import so3

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
        """At rising instants [ns]: interpolated, before the first the first, and behind the last going on as it moved.

        The columns are not orthonormal between stamps: for the network they are a noisy pose anyway.
        """
        last = len(self.stamps) - 1
        high = np.minimum(np.maximum(self.stamps.searchsorted(grid), 1), last)
        low = high - 1
        start = self.stamps[low]
        fraction = (grid - start) / (self.stamps[high] - start)
        ahead = slice(int(grid.searchsorted(self.newest_ns, side='right')), None)
        if ahead.start < len(grid):
            base = max(0, int(self.stamps.searchsorted(self.newest_ns - _LEAST_BASE, side='right')) - 1)
            low[ahead], high[ahead] = base, last
            on = (grid[ahead] - self.stamps[base]) / (self.newest_ns - self.stamps[base])
            fraction[ahead] = np.minimum(on, 1 + _LONGEST_STEP)
        flat = self.columns.reshape(len(self.columns), -1)
        found, after = flat.take(low, 0), flat.take(high, 0)
        after -= found
        after *= np.maximum(fraction, 0)[:, None].astype(flat.dtype)
        found += after
        return found.reshape(-1, *self.columns.shape[1:])

    def then(self, stamps: Int[np.ndarray, 'new'], columns: Float[np.ndarray, 'new joint 2 3'], span_ns: int) -> 'Past':
        """With what is estimated now, in place of what was for these times; forgets what is older than `span_ns`."""
        first = max(0, int(self.stamps.searchsorted(stamps[-1] - span_ns)) - 1)
        kept = slice(first, int(self.stamps.searchsorted(stamps[0])))
        return Past(
            *(np.concatenate((own[kept], new)) for own, new in ((self.stamps, stamps), (self.columns, columns)))
        )


class Blend(NamedTuple):
    """From the pose handed out when a stream began anew, to what it says since then: `turn` [rad] at `begin_ns`."""

    turn: Float[np.ndarray, 'joint 3']
    begin_ns: int

    def share(self, stamp_ns: int) -> float:
        """What is left of it: all in the beginning, nothing after _BLEND_NS, and no jerk in between."""
        part = min(max((stamp_ns - self.begin_ns) / _BLEND_NS, 0.0), 1.0)
        return 1 - part**3 * (part * (6 * part - 15) + 10)


class Blends:
    """The blends of streams by name, each while something is left of it."""

    def __init__(self) -> None:
        self._left: dict[Hashable, Float[np.ndarray, 'joint 3 3']] = {}  # poses whose blends begin with the next
        self._blends: dict[Hashable, Blend] = {}

    def __bool__(self) -> bool:
        return bool(self._left or self._blends)

    def leave(self, name: Hashable, rot: Float[np.ndarray, 'joint 3 3']) -> None:
        """This was handed out (world <- joint), and the stream begins anew."""
        self._left[name] = rot

    def forget(self, name: Hashable) -> None:
        self._left.pop(name, None)
        self._blends.pop(name, None)

    def turn(self, name: Hashable, stamp_ns: int, rot: Float[np.ndarray, 'joint 3 3']) -> Float[np.ndarray, 'joint 3']:
        """From what a stream says to what is handed out [rad]."""
        if name in self._left:
            self._blends[name] = Blend(so3.log(rot.swapaxes(-1, -2) @ self._left.pop(name)), stamp_ns)
        blend = self._blends.get(name)
        share = 0.0 if blend is None else blend.share(stamp_ns)
        if share > 0:
            return share * blend.turn
        self._blends.pop(name, None)
        return np.zeros((len(rot), 3))
