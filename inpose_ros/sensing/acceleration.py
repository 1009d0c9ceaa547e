"""What accelerometers say on a grid of frames, in the terms that motion is known in: second differences of places.

A second difference over frames a time h apart is the mean of the acceleration over both intervals, weighted by a
triangle. So integrating the readings twice and differencing again loses nothing and takes no filter, at any rate.
"""

import numpy as np
from jaxtyping import Float, Int

# In the world [m/s2]; an accelerometer at rest says the opposite (REP-145).
GRAVITY = np.array([0.0, 0.0, -9.80665])


def second_differences(
    stamps: Int[np.ndarray, 'reading'], force: Float[np.ndarray, 'reading 3'], grid: Int[np.ndarray, 'frame']
) -> Float[np.ndarray, 'frame 3']:
    """(p(t) - 2 p(t - h) + p(t - 2h)) / h^2 of a sensor's place, in the world [m/s2], at evenly spaced instants [ns].

    Between readings the acceleration is interpolated, beyond them it is held.

    Args:
        stamps: of the readings, rising [ns].
        force: the specific force that they tell, in world axes [m/s2].
    """
    h = float(grid[1] - grid[0]) / 1e9
    begin = int(grid[0] - 2e9 * h)
    # What was before makes no difference: it is the last that counts on both sides of an instant.
    first = max(0, int(stamps.searchsorted(begin, side='right')) - 1)
    acceleration = force[first:] + GRAVITY
    times = (stamps[first:] - grid[-1]) / 1e9
    asked = (grid[-1] - grid[0]) / 1e9
    instants = np.linspace(-asked - 2 * h, 0.0, len(grid) + 2)
    places = _twice_integrated(times, acceleration, instants)
    return (places[2:] - 2 * places[1:-1] + places[:-2]) / h**2


def _twice_integrated(
    times: Float[np.ndarray, 'reading'], values: Float[np.ndarray, 'reading 3'], at: Float[np.ndarray, 'instant']
) -> Float[np.ndarray, 'instant 3']:
    """The double integral of the line through the values, from some place at rest [s, m/s2 -> m]."""
    first, last = min(times[0], at[0]) - 1.0, max(times[-1], at[-1]) + 1.0
    times = np.concatenate(([first], times, [last]))
    values = np.concatenate((values[:1], values, values[-1:]))
    step = np.diff(times)[:, None]
    start = np.zeros((1, 3))
    speed = np.concatenate((start, np.cumsum((values[:-1] + values[1:]) / 2 * step, axis=0)))
    move = speed[:-1] * step + (2 * values[:-1] + values[1:]) / 6 * step**2
    place = np.concatenate((start, np.cumsum(move, axis=0)))
    row = np.searchsorted(times, at, side='right') - 1
    past = (at - times[row])[:, None]
    slope = (values[row + 1] - values[row]) / step[row]
    return place[row] + speed[row] * past + values[row] * past**2 / 2 + slope * past**3 / 6
