"""Where a sensor is beyond its last reading, while there is no newer one: it goes on as it moved.

Sensors neither tick nor arrive together, and the newest frame is at the newest stamp of all. What is held there lags.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from inpose_ros.geometry import so3
from inpose_ros.sensing.measurement import Measurement

# The velocity of a sensor that does not say it is the mean over at least this time [ns]: over less there would be more
# noise in it than motion, ...
BASELINE_NS = 40_000_000
# ... and over more than this it would be that of another motion.
_TOO_LONG_NS = 160_000_000


def turned_on(own: Sequence[Measurement], stamps_ns: Int[np.ndarray, 'frame']) -> Float[np.ndarray, 'frame 3 3']:
    """World <- sensor at instants after the last of a sensor's readings: R exp(omega dt).

    The angular velocity is that of its gyroscope, in sensor axes, or else what its last rotations show. It is taken as
    constant, which is why this is for tenths of a second only.
    """
    start, omega = own[-1].rot_world_sensor, own[-1].angular_velocity
    if omega is None:
        earlier = _earlier(own)
        turned = so3.log(earlier.rot_world_sensor.T @ start)
        omega = turned / _seconds(own[-1].stamp_ns, earlier) if earlier is not own[-1] else np.zeros(3)
    return start @ so3.exp(_seconds(stamps_ns, own[-1])[:, None] * omega)


def moved_on(own: Sequence[Measurement], stamps_ns: Int[np.ndarray, 'frame']) -> Float[np.ndarray, 'frame 3']:
    """The sensor's place [m] at instants after the last of its readings, at the velocity that these show."""
    last, earlier = own[-1], _earlier(own)
    if earlier is last:
        return np.broadcast_to(last.position, (len(stamps_ns), 3))
    velocity = (last.position - earlier.position) / _seconds(last.stamp_ns, earlier)
    return last.position + _seconds(stamps_ns, last)[:, None] * velocity


def _earlier(own: Sequence[Measurement]) -> Measurement:
    """The newest reading that is BASELINE_NS before the last; the last itself where there is none of use."""
    last = own[-1]
    for reading in reversed(own):
        age_ns = last.stamp_ns - reading.stamp_ns
        if age_ns >= BASELINE_NS:
            return reading if age_ns <= _TOO_LONG_NS else last
    return last


def _seconds(stamps_ns: Int[np.ndarray, 'frame'] | int, since: Measurement) -> Float[np.ndarray, 'frame'] | float:
    return (stamps_ns - since.stamp_ns) / 1e9
