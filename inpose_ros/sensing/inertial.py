"""Where a sensor is beyond its last reading, while there is no newer one: it goes on as it moved.

Sensors neither tick nor arrive together, and the newest frame is at the newest stamp of all. What is held there lags.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from inpose_ros.geometry import so3
from inpose_ros.sensing.measurement import Measurement

# The velocity of a sensor that does not say it is the mean over at least this time [ns]: over less there would be more
# noise in it than motion, ...
BASELINE_NS = 40_000_000
# ... and over more than this it would be that of another motion.
_TOO_LONG_NS = 160_000_000


def turned_on(
    readings: Sequence[Sequence[Measurement]], stamps_ns: Int[np.ndarray, 'frame']
) -> Float[np.ndarray, 'sensor frame 3 3']:
    """World <- sensor at instants after the last of each sensor's readings: R exp(omega dt).

    The angular velocity is that of its gyroscope, in sensor axes, or else what its last rotations show. It is taken as
    constant, which is why this is for tenths of a second only.
    """
    ends = _Ends.of(readings)
    start, before = (np.array([m.rot_world_sensor for m in row]) for row in (ends.last, ends.earlier))
    omega = so3.log(before.swapaxes(-1, -2) @ start) / ends.seconds[:, None]
    for row, reading in enumerate(ends.last):
        if reading.angular_velocity is not None:
            omega[row] = reading.angular_velocity
    return start[:, None] @ so3.exp(ends.since(stamps_ns)[..., None] * omega[:, None])


def moved_on(
    readings: Sequence[Sequence[Measurement]], stamps_ns: Int[np.ndarray, 'frame']
) -> Float[np.ndarray, 'sensor frame 3']:
    """Each sensor's place [m] at instants after the last of its readings, at the velocity that these show."""
    ends = _Ends.of(readings)
    last, before = (np.array([m.position for m in row]) for row in (ends.last, ends.earlier))
    velocity = (last - before) / ends.seconds[:, None]
    return last[:, None] + ends.since(stamps_ns)[..., None] * velocity[:, None]


class _Ends(NamedTuple):
    """The last reading of each sensor, the earlier one that its motion shows from, and the time between [s].

    Where none is of use the two are the same, and the time is as good as nothing: then it did not move.
    """

    last: Sequence[Measurement]
    earlier: Sequence[Measurement]
    seconds: Float[np.ndarray, 'sensor']

    @classmethod
    def of(cls, readings: Sequence[Sequence[Measurement]]) -> '_Ends':
        last, earlier = [own[-1] for own in readings], [_earlier(own) for own in readings]
        between = np.array([one.stamp_ns - other.stamp_ns for one, other in zip(last, earlier)])
        return cls(last, earlier, np.maximum(between, 1) / 1e9)

    def since(self, stamps_ns: Int[np.ndarray, 'frame']) -> Float[np.ndarray, 'sensor frame']:
        """From the last readings to these instants [s]."""
        return (stamps_ns - np.array([[reading.stamp_ns] for reading in self.last])) / 1e9


def _earlier(own: Sequence[Measurement]) -> Measurement:
    """The newest reading that is BASELINE_NS before the last; the last itself where there is none of use."""
    last = own[-1]
    for reading in reversed(own):
        age_ns = last.stamp_ns - reading.stamp_ns
        if age_ns >= BASELINE_NS:
            return reading if age_ns <= _TOO_LONG_NS else last
    return last
