"""PoseHistory: what the streaming solver said of a body so far, on any grid, and where that would go on to."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from inpose_ros.body import smpl22
from inpose_ros.geometry import so3

_LEAST_BASE = 30_000_000  # a body's velocity is taken over at least so long [ns]
_LONGEST_STEP = 2.0  # it is carried on for so many times that at most
_FRESH_AFTER = 250_000_000  # a past that ended longer ago says nothing about now [ns]
_BLEND_NS = 300_000_000  # from a past that did not hold to the new one


@dataclass(frozen=True)
class PoseHistory:
    """Columns of world <- joint rotations at rising stamps [ns]; the last is the newest estimate.

    `correction` [rad] is how that was turned to fit what was measured.
    """

    stamps: Int[np.ndarray, 'time']
    columns: Float[np.ndarray, 'time joint 2 3']
    correction: Float[np.ndarray, 'tangent']

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

    def then(
        self, stamps: Int[np.ndarray, 'new'], columns: Float[np.ndarray, 'new joint 2 3'],
        correction: Float[np.ndarray, 'tangent'], span_ns: int,
    ) -> 'PoseHistory':  # fmt: skip
        """With what is estimated now, in place of what was for these times; forgets what is older than `span_ns`."""
        first = max(0, int(self.stamps.searchsorted(stamps[-1] - span_ns)) - 1)
        kept = slice(first, int(self.stamps.searchsorted(stamps[0])))
        both = (self.stamps, stamps), (self.columns, columns)
        return PoseHistory(*(np.concatenate((own[kept], new)) for own, new in both), correction)


class PoseHistories:
    """The pasts of streams by name."""

    def __init__(self) -> None:
        self._histories: dict[Hashable, PoseHistory] = {}

    def __getitem__(self, name: Hashable) -> PoseHistory:
        return self._histories[name]

    def __setitem__(self, name: Hashable, past: PoseHistory) -> None:
        self._histories[name] = past

    def says_nothing(self, name: Hashable, stamp_ns: int) -> bool:
        """Of a stream at this time."""
        past = self._histories.get(name)
        return past is None or not 0 < stamp_ns - past.newest_ns <= _FRESH_AFTER

    def at(
        self, names: Sequence[Hashable | None], grids: Int[np.ndarray, 'stream frame']
    ) -> Float[np.ndarray, 'stream frame joint 2 3']:
        """Of each stream on its grid; all zero for a name that is None, of whom there must be others."""
        told = [None if name is None else self._histories[name].at(grid) for name, grid in zip(names, grids)]
        nothing = np.zeros_like(next(own for own in told if own is not None))
        return np.array([nothing if own is None else own for own in told])

    def corrections(self, names: Sequence[Hashable | None], tangent: int) -> Float[np.ndarray, 'stream tangent']:
        """How the newest estimate of each was corrected [rad]; all zero for a name that is None."""
        nothing = np.zeros(tangent)
        return np.array([nothing if name is None else self._histories[name].correction for name in names])


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

    def begin(
        self, names: Sequence[Hashable], stamps: Int[np.ndarray, 'stream'],
        rot: Float[np.ndarray, 'stream joint 3 3'],
    ) -> None:  # fmt: skip
        """Of the streams that left a pose, from what they say now (world <- joint) to that."""
        for name, stamp, own in zip(names, stamps, rot):
            if name in self._left:
                self._blends[name] = Blend(so3.log(own.swapaxes(-1, -2) @ self._left.pop(name)), int(stamp))

    def turns(
        self, names: Sequence[Hashable], stamps: Int[np.ndarray, 'stream']
    ) -> Float[np.ndarray, 'stream joint 3']:
        """From what each stream says to what is handed out [rad]."""
        return np.array([self._turn(name, int(stamp)) for name, stamp in zip(names, stamps)])

    def _turn(self, name: Hashable, stamp_ns: int) -> Float[np.ndarray, 'joint 3']:
        blend = self._blends.get(name)
        share = 0.0 if blend is None else blend.share(stamp_ns)
        if share > 0:
            return share * blend.turn
        self._blends.pop(name, None)
        return np.zeros((len(smpl22.JOINTS), 3))
