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
    h = float(grid[1] - grid[0]) / 1e9
    begin = int(grid[0] - 2e9 * h)
    # What was before makes no difference: it is the last that counts on both sides of an instant.
    first = [max(0, int(own.searchsorted(begin, side='right')) - 1) for own in stamps]
    times = [(own[start:] - grid[-1]) / 1e9 for own, start in zip(stamps, first)]
    asked = (grid[-1] - grid[0]) / 1e9 + 2 * h
    instants = np.arange(-len(grid) - 1, 1) * (asked / (len(grid) + 1))  # np.linspace takes five times as long
    places = _twice_integrated(times, [own[start:] + GRAVITY for own, start in zip(force, first)], instants)
    return (places[:, 2:] - 2 * places[:, 1:-1] + places[:, :-2]) / h**2


def _twice_integrated(
    times: Sequence[Float[Array, '_']], values: Sequence[Float[Array, '_ 3']], at: Float[Array, 'instant']
) -> Float[Array, 'sensor instant 3']:
    """The double integral of the line through each sensor's values, from some place at rest [s, m/s2 -> m]."""
    longest = max(len(own) for own in times)
    # One more value before and behind, beyond all that is asked.
    time, value = np.empty((len(times), longest + 2)), np.empty((len(times), longest + 2, 3))
    for row, (own, said) in enumerate(zip(times, values)):
        end = len(own) + 1
        time[row, 0], time[row, end:] = min(own[0], at[0]) - 1, max(own[-1], at[-1]) + 1
        value[row, 0], value[row, end:] = said[0], said[-1]
        time[row, 1:end], value[row, 1:end] = own, said
    step = (time[:, 1:] - time[:, :-1])[..., None]
    speed, place = np.zeros_like(value), np.zeros_like(value)
    np.cumsum((value[:, :-1] + value[:, 1:]) / 2 * step, axis=1, out=speed[:, 1:])
    np.cumsum(speed[:, :-1] * step + (2 * value[:, :-1] + value[:, 1:]) / 6 * step * step, axis=1, out=place[:, 1:])
    row, sensor = np.array([own.searchsorted(at, side='right') for own in time]) - 1, np.arange(len(time))[:, None]
    past, start = (at - time[sensor, row])[..., None], value[sensor, row]
    slope = (value[sensor, row + 1] - start) / step[sensor, row]
    return place[sensor, row] + past * (speed[sensor, row] + past * (start / 2 + past * slope / 6))
