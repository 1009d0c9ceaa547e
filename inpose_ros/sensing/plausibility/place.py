"""Places where nobody can be: off the map, or far from where the others of one's world were last seen."""

import math
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from inpose_ros.errors import MeasurementError
from inpose_ros.sensing.plausibility.jumps import Jumps

# Beyond this [m] from the origin single precision, in which windows are kept, is coarser than a tracker's noise.
_MAP = 10_000.0
# Sensors of one world are on one body: this [m] apart they are not, ...
_APART = 100.0
# ... by what was said of others so lately [ns].
_LATELY_NS = 5_000_000_000
# Where nothing was seen before, nobody is this [m] high: a head in millimetres is seven times as high.
_HIGH = 200.0


def absurd(
    sensor: str, stamp_ns: int, position: Float[np.ndarray, '3'], seen: Mapping[str, Jumps]
) -> MeasurementError | None:
    """What is wrong with a place [m], by where all sensors of its world were `seen`; None: nothing."""
    beyond = off_the_map(sensor, position)
    if beyond is not None:
        return beyond
    others = [place for name, own in seen.items() if name != sensor for place in _lately(own, stamp_ns)]
    if others:
        apart = min(math.dist(position, place) for place in others)
        return _error(f'{sensor} is {apart:.4g} m from all other sensors') if apart > _APART else None
    z = float(position[2])
    if abs(z) > _HIGH and not _lately(seen.get(sensor), stamp_ns):
        return _error(f'{sensor} is {z:.4g} m high')
    return None


def off_the_map(sensor: str, position: Float[np.ndarray, '3']) -> MeasurementError | None:
    """What is wrong with a place [m], whatever was seen before; None: nothing."""
    origin = math.hypot(*position.tolist())
    if origin <= _MAP:
        return None
    return _error(f'{sensor} is {origin:.4g} m from the origin; give places within {_MAP:g} m of it')


def _lately(seen: Jumps | None, stamp_ns: int) -> list[np.ndarray]:
    """Where a sensor was of late, believed or not."""
    readings = () if seen is None else (seen.last, seen.away)
    return [own.value for own in readings if own is not None and abs(stamp_ns - own.stamp_ns) <= _LATELY_NS]


def _error(what: str) -> MeasurementError:
    text = f'{what}; if its driver means millimetres, it has to publish metres (REP-103)'
    return MeasurementError('absurd_position', text)
