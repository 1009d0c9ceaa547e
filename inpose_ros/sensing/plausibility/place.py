"""Places where nobody can be: off the map, or far from where most others of one's world say they are."""

import math

import numpy as np
from jaxtyping import Float

from inpose_ros.errors import MeasurementError
from inpose_ros.sensing.plausibility.jumps import Reading

# Beyond this [m] from the origin single precision, in which windows are kept, is coarser than a tracker's noise.
_MAP = 10_000.0
# Sensors of one world are on one body: this [m] apart they are not, ...
_APART = 100.0
# ... by what others said so lately [ns].
_LATELY_NS = 5_000_000_000
# Who was not right before is not this [m] higher than those who were, or than the origin: a head in millimetres
# is seven times as high.
_HIGH = 200.0


class Places:
    """Where all sensors of a world say that they are, believed or not: those in the minority cannot be there."""

    def __init__(self) -> None:
        self._said: dict[str, Reading] = {}
        self._right: dict[str, Reading] = {}

    def forget(self, sensor: str) -> None:
        self._said.pop(sensor, None)
        self._right.pop(sensor, None)

    def judge(self, sensor: str, reading: Reading) -> MeasurementError | None:
        """What is wrong with a place [m] on the map, by where the others say that they are; None: nothing."""
        if self._is_high(sensor, reading):
            return _error(f'{sensor} is {reading.value[2]:.4g} m high')
        wrong = self._apart(sensor, reading)
        for places in (self._said, self._right) if wrong is None else (self._said,):
            places[sensor] = max(places.get(sensor, reading), reading, key=lambda own: own.stamp_ns)
        return wrong

    def _is_high(self, sensor: str, reading: Reading) -> bool:
        """Whether one that was not right before says that it is up where nobody is."""
        z = float(reading.value[2])
        if abs(z) <= _HIGH or (sensor in self._right and _lately(self._right[sensor], reading)):
            return False
        return not any(_lately(own, reading) and abs(z - own.value[2]) <= _HIGH for own in self._right.values())

    def _apart(self, sensor: str, reading: Reading) -> MeasurementError | None:
        others = [own for name, own in self._said.items() if name != sensor and _lately(own, reading)]
        far = [own for own in others if not _near(own, reading)]
        if not far or self._are_most(sensor, reading, 1 + len(others) - len(far), far):
            return None
        apart = min(math.dist(reading.value, own.value) for own in far)
        return _error(f'{sensor} is {apart:.4g} m from most other sensors')

    def _are_most(self, sensor: str, reading: Reading, here: int, far: list[Reading]) -> bool:
        """Whether more are here than anywhere else; where it is as many, whether this one was here before."""
        there = max(sum(_near(one, other) for other in far) for one in far)
        before = self._right.get(sensor)
        known = before is not None and _lately(before, reading) and _near(before, reading)
        return here > there or (here == there and known)


def off_the_map(sensor: str, position: Float[np.ndarray, '3']) -> MeasurementError | None:
    """What is wrong with a place [m], whatever was seen before; None: nothing."""
    origin = math.hypot(*position.tolist())
    if origin <= _MAP:
        return None
    return _error(f'{sensor} is {origin:.4g} m from the origin; give places within {_MAP:g} m of it')


def _lately(before: Reading, reading: Reading) -> bool:
    """Whether a sensor has said something shortly before."""
    return abs(reading.stamp_ns - before.stamp_ns) <= _LATELY_NS


def _near(one: Reading, other: Reading) -> bool:
    """Whether one body can wear both."""
    return math.dist(one.value, other.value) <= _APART


def _error(what: str) -> MeasurementError:
    text = f'{what}; if its driver means millimetres, it has to publish metres (REP-103)'
    return MeasurementError('absurd_position', text)
