"""What accelerometers say on a grid of frames, in the terms that motion is known in: second differences of places.

A second difference over frames a time h apart is the mean of the acceleration over both intervals, weighted by a
triangle. So integrating the readings twice and differencing again loses nothing and takes no filter, at any rate.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

Array = np.ndarray
# In the world [m/s2]; an accelerometer at rest says the opposite (REP-145).
GRAVITY = np.array([0.0, 0.0, -9.80665])


def second_differences(
    stamps: Sequence[Int[Array, '_']], force: Sequence[Float[Array, '_ 3']], grid: Int[Array, 'frame']
) -> Float[Array, 'sensor frame 3']:
    """(p(t) - 2 p(t - h) + p(t - 2h)) / h^2 of each sensor, in the world [m/s2], at evenly spaced instants [ns].

    Between readings the acceleration is interpolated, beyond them it is held.

    Args:
        stamps: of each sensor's readings, rising [ns].
        force: the specific force that they tell, in world axes [m/s2].
    """
    h = float(grid[-1] - grid[0]) / 1e9 / (len(grid) - 1)
    instants = np.arange(-len(grid) - 1, 1) * h  # from the grid's last
    asked = grid[-1] + np.rint(instants * 1e9).astype(np.int64)
    ends = np.array([[len(own)] for own in stamps]).cumsum(0)
    first = np.concatenate(([[0]], ends[:-1]))
    behind = first + np.array([own.searchsorted(asked, side='right') for own in stamps])
    around = np.maximum(behind - 1, first), np.minimum(behind, ends - 1)
    # All in one row: what the integrals bring along from another sensor is a steady motion, and makes no difference.
    times = (np.concatenate(stamps) - grid[-1]) / 1e9
    places = _twice_integrated(times, np.concatenate(force) + GRAVITY, instants, *around)
    return (places[:, 2:] - 2 * places[:, 1:-1] + places[:, :-2]) / h**2


def _twice_integrated(
    time: Float[Array, 'reading'], value: Float[Array, 'reading 3'], at: Float[Array, 'instant'],
    low: Int[Array, 'sensor instant'], high: Int[Array, 'sensor instant'],
) -> Float[Array, 'sensor instant 3']:  # fmt: skip
    """The double integral of the line through the values [s, m/s2 -> m], at instants between two of them, or beside."""
    step = (time[1:] - time[:-1])[:, None]
    speed, place = np.zeros((2, *value.shape))
    np.cumsum((value[:-1] + value[1:]) / 2 * step, axis=0, out=speed[1:])
    np.cumsum(speed[:-1] * step + (2 * value[:-1] + value[1:]) / 6 * step * step, axis=0, out=place[1:])
    start, since = value.take(low, 0), time.take(low)
    past, gap = (at - since)[..., None], (time.take(high) - since)[..., None]
    bend = (value.take(high, 0) - start) / np.where(gap > 0, gap, 1.0)
    return place.take(low, 0) + past * (speed.take(low, 0) + past * (start / 2 + past * bend / 6))
