"""The links between frames as they are heard on /tf: who hangs on whom, how often a link comes, how old it may be."""

import math
from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise

# So many stamps of a link are kept, of which the last few say how often it comes.
_KEPT = 256
_LAST = 8
# A link that comes so much [ns] apart, and this many times as rarely as the quickest of its chain, is a slow one.
_SLOW_NS = 40_000_000
_RARELY = 2
# The last transform of a link is carried on for so many of its own intervals, within these bounds [ns]: the least is
# what /tf may come later than what needs it, and of a link that came once nobody knows how often it comes.
_INTERVALS = 4
_LEAST_NS, _MOST_NS = 100_000_000, 10_000_000_000
_UNKNOWN_NS = 2_000_000_000
# So many stamps of a link say how often it comes.
_KNOWN = 6
# A link has gone back in time where so many stamps in turn lie this far [ns] before its newest.
_BACK_COUNT = 3
_BACK_NS = 1_000_000_000


@dataclass
class Link:
    """From a frame to its parent. `static`: it came on /tf_static.

    `wanted_ns` is the newest time for which it was asked; by `late_ns` its newest stamp was behind that when it came.
    """

    parent: str
    child: str
    static: bool
    unstamped: bool = False
    wanted_ns: int = 0
    late_ns: int = 0
    stamps: deque[int] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _behind: int = 0

    def __str__(self) -> str:
        return f'{self.parent} -> {self.child}'

    @property
    def newest_ns(self) -> int:
        return self.stamps[-1] if self.stamps else 0

    @property
    def interval_ns(self) -> float:
        """The usual time between two stamps; infinite where it came once."""
        steps = self._steps()
        return sorted(steps)[len(steps) // 2] if steps else math.inf

    @property
    def carried_ns(self) -> int:
        """For how long after its newest stamp it may be taken to be as it was."""
        steps = self._steps()
        return min(max(_INTERVALS * max(steps), _LEAST_NS), _MOST_NS) if steps else _UNKNOWN_NS

    def is_rarer(self, interval_ns: int) -> bool:
        """Whether it is known to come less often than once in this time."""
        return len(self.stamps) >= _KNOWN and self.interval_ns >= interval_ns

    @property
    def is_late(self) -> bool:
        """Whether it comes so long after its stamps that nobody should wait for it without need."""
        return self.late_ns > _LEAST_NS

    @property
    def rate(self) -> str:
        """How often it comes, in words."""
        return 'once so far' if math.isinf(self.interval_ns) else f'at {1e9 / self.interval_ns:.2g} Hz'

    def _steps(self) -> list[int]:
        recent = list(self.stamps)[-_LAST - 1 :] if len(self.stamps) > _LAST else self.stamps
        return [later - earlier for earlier, later in pairwise(recent)]

    def heard(self, stamp_ns: int) -> bool:
        """Take note of a transform; False: its time has gone back."""
        self.unstamped = stamp_ns == 0
        newest_ns = self.newest_ns
        if stamp_ns > newest_ns:
            self.stamps.append(stamp_ns)
            self._behind, self.late_ns = 0, max(0, self.wanted_ns - stamp_ns)
        elif 0 < stamp_ns < newest_ns - _BACK_NS:
            self._behind += 1
        return self._behind < _BACK_COUNT


class Links:
    """Every link that was heard, by the frame that hangs on it."""

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}
        self.heard_of = 0  # rises with every transform

    def hear(self, parent: str, child: str, stamp_ns: int, static: bool = False) -> bool:
        """Take note of a transform; False: time has gone back, and what was heard before is forgotten."""
        self.heard_of += 1
        link = self._links.get(child)
        if link is None or link.parent != parent or link.static != static:
            link = self._links[child] = Link(parent, child, static)
        if static or link.heard(stamp_ns):
            return True
        self.forget()
        self._links[child] = Link(parent, child, static=False)
        self._links[child].heard(stamp_ns)
        return False

    def forget(self) -> None:
        """Drop all but the static ones, as tf2's buffer does when it is cleared."""
        self._links = {child: link for child, link in self._links.items() if link.static}

    def chain(self, frame: str, world: str) -> list[Link] | None:
        """The links from a frame to the world, in that order; None where they do not hang together."""
        upwards, downwards = self._upwards(frame), self._upwards(world)
        above = [frame, *(link.parent for link in upwards)]
        for height, name in enumerate([world, *(link.parent for link in downwards)]):
            if name in above:
                return upwards[: above.index(name)] + downwards[:height][::-1]
        return None

    def top(self, frame: str) -> str:
        """The frame that all hangs on of which this one is a part."""
        upwards = self._upwards(frame)
        return upwards[-1].parent if upwards else frame

    def _upwards(self, frame: str) -> list[Link]:
        links: list[Link] = []
        while (link := self._links.get(frame)) is not None and len(links) <= len(self._links):
            links.append(link)
            frame = link.parent
        return links


def moving(chain: list[Link]) -> list[Link]:
    return [link for link in chain if not link.static]


def slow(chain: list[Link]) -> list[Link]:
    """Those links of a chain that come much more rarely than another of it, and too rarely for a pose."""
    intervals = {id(link): link.interval_ns for link in moving(chain)}
    quickest = min(intervals.values(), default=math.inf)
    return [link for link in moving(chain) if intervals[id(link)] > max(_SLOW_NS, _RARELY * quickest)]


def overdue(chain: list[Link], stamp_ns: int) -> Link | None:
    """A link that has stopped: it has not come for so long that nobody knows how it is at this time [ns].

    One that comes late, as the correction of a map does that takes long to be found, has not stopped.
    """
    late = [link for link in moving(chain) if stamp_ns > link.newest_ns + link.late_ns + link.carried_ns]
    return min(late, key=lambda link: link.newest_ns, default=None)


def want(chain: list[Link], stamp_ns: int) -> None:
    """Take note that the links are wanted for this time [ns]."""
    for link in moving(chain):
        link.wanted_ns = max(link.wanted_ns, stamp_ns)
