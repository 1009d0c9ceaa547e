"""What accelerometers say on a grid of frames, in the terms that motion is known in: second differences of places.

A second difference over frames a time h apart is the mean of the acceleration over both intervals, weighted by a
triangle. So integrating the readings twice and differencing again loses nothing and takes no filter, at any rate.
"""

import numpy as np
from jaxtyping import Float, Int

Array = np.ndarray
# In the world [m/s2]; an accelerometer at rest says the opposite (REP-145).
GRAVITY = np.array([0.0, 0.0, -9.80665])


def second_differences(
    time: Float[Array, 'reading'], force: Float[Array, 'reading 3'], at: Float[Array, 'longer'],
    low: Int[Array, 'sensor longer'], high: Int[Array, 'sensor longer'],
) -> Float[Array, 'sensor frame 3']:  # fmt: skip
    """(p(t) - 2 p(t - h) + p(t - 2h)) / h^2 of each sensor, in the world [m/s2], at evenly spaced instants.

    Between readings the acceleration is interpolated, beyond them it is held.

    Args:
        time: of the readings of all sensors, one sensor after the other, rising for each [s].
        force: the specific force that they tell, in world axes [m/s2].
        at: the instants, of which the first two are only looked back on [s].
        low, high: the readings of a sensor before and after each instant; the same one where there is but one.
    """
    interval = (at[-1] - at[0]) / (len(at) - 1)
    places = _twice_integrated(time, force + GRAVITY, at, low, high)
    return (places[:, 2:] - 2 * places[:, 1:-1] + places[:, :-2]) / interval**2


def _twice_integrated(
    time: Float[Array, 'reading'], value: Float[Array, 'reading 3'], at: Float[Array, 'instant'],
    low: Int[Array, 'sensor instant'], high: Int[Array, 'sensor instant'],
) -> Float[Array, 'sensor instant 3']:  # fmt: skip
    """The double integral of the line through the values of each sensor [s, m/s2 -> m], but for a steady motion.

    The integrals run through the readings of all: what they bring along from another sensor is such a motion.
    """
    step, before, both = (time[1:] - time[:-1])[:, None], value[:-1], value[:-1] + value[1:]
    speed, place = np.zeros((2, *value.shape))
    np.cumsum(both * (step / 2), axis=0, out=speed[1:])
    np.cumsum((speed[:-1] + (before + both) * (step / 6)) * step, axis=0, out=place[1:])
    start, since = value.take(low, 0), time.take(low)
    past, gap = (at - since)[..., None], (time.take(high) - since)[..., None]
    bend = (value.take(high, 0) - start) / np.where(gap > 0, gap, 1.0)
    return place.take(low, 0) + past * (speed.take(low, 0) + past * (start / 2 + past * bend / 6))
