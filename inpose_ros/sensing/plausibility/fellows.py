"""A sensor that repeats itself while its fellows show that they are on a living body."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from inpose_ros.body import smpl22

# Who has repeated itself for so long [ns] beside others that vary is on no body: slow drivers have measured by then.
_LONG_NS = 1_000_000_000
# The others have gone so far [m] since, and that so long ago [ns] that it would have followed.
_WAY = 0.05
_FOLLOWS_NS = 300_000_000
# Who steps further [m] from one look to the next has not moved: it was elsewhere, or is.
_STEP = 0.3


class Fellow(NamedTuple):
    """Another located sensor: its joint, whether it has shown noise, and where it was last believed to be [m]."""

    joint: int
    noisy: bool
    place: Float[np.ndarray, '3']


Fellows = Mapping[str, Fellow]


class Among:
    """Compares one sensor, while it repeats itself, with its fellows.

    Where others have noise, it would have; but feet may be held where they stand by who makes out their place, so of
    pelvis and legs the whole reading has to stay the same. Where nothing has noise, as in simulators, the legs may rest
    while all else moves, and so may everything but one arm. But neither head nor arms are exactly still while the trunk
    moves, or both arms do.
    """

    def __init__(self, joint: int) -> None:
        self._joint = joint
        self.forget()

    def forget(self) -> None:
        """It says something else than before."""
        self._places: dict[str, np.ndarray] = {}
        self._seen: dict[str, np.ndarray] = {}
        self._left_ns: int | None = None

    def denied(self, now_ns: int, since_ns: int, all_since_ns: int, fellows: Fellows) -> bool:
        """Whether the sensor is on no living body.

        Args:
            since_ns: since when its place is the same.
            all_since_ns: since when all of its reading is.
        """
        is_upper = self._joint in smpl22.UPPER
        if any(fellow.noisy for fellow in fellows.values()):
            return now_ns - (since_ns if is_upper else all_since_ns) > _LONG_NS
        if not is_upper or not self._are_gone(fellows):
            self._left_ns = None
            return False
        self._left_ns = now_ns if self._left_ns is None else self._left_ns
        return now_ns - all_since_ns > _LONG_NS and now_ns - self._left_ns > _FOLLOWS_NS

    def _are_gone(self, fellows: Fellows) -> bool:
        """Whether the trunk has moved since the sensor began to repeat itself, or both arms."""
        moved = {_side(fellow.joint) for name, fellow in fellows.items() if self._way(name, fellow.place) > _WAY}
        return 'trunk' in moved or {'left', 'right'} <= moved

    def _way(self, name: str, place: Float[np.ndarray, '3']) -> float:
        """How far a fellow has moved since [m]."""
        if math.dist(place, self._seen.get(name, place)) > _STEP:
            self._places[name] = place
        self._seen[name] = place
        return math.dist(place, self._places.setdefault(name, place))


def _side(joint: int) -> str:
    """Of which part of the body it is: the trunk with the head, the left or right arm, or the legs."""
    if joint in smpl22.LOWER:
        return 'legs'
    side, _, part = smpl22.JOINTS[joint].partition('_')
    return side if part else 'trunk'
