"""What each sensor says while its wearer stands still, and whether that is a sensor on somebody at all.

Stillness alone is no proof: nothing is as still as a sensor that hangs. People sway and sensors have noise, so a
reading that is repeated bit by bit beside others that vary comes from no body. Where nothing varies at all, the sensors
are simulated without noise, on a figure that does not move: that will do.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.errors import CalibrationError
from inpose_ros.geometry import rotation
from inpose_ros.sensing.measurement import Measurement, Sensor

# Fewer samples of a sensor than this are no proof that the user stood still.
MIN_SAMPLES = 10
# A sensor that ever turned further [rad] than this from its mean has moved (standing people sway by 1 to 3 degrees).
MAX_MOTION = math.radians(8)
# Who repeats one reading for longer than this [ns], and for this share of the time, hung, if not to the very end.
_HUNG_NS = 300_000_000
_HUNG_SHARE = 0.5

# How many readings were refused meanwhile, and what was said of them last; by cause and sensor.
Refused = Mapping[tuple[str, str], int]
Said = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Held:
    """A sensor's mean reading while it was held still.

    `residual` [rad] is the rms deviation from the mean rotation. `place` [m] and `force` (specific force [m/s2], in the
    world's axes by the sensor's own orientation) are None where they were not measured.
    """

    rotation: Float[Tensor, '3 3']
    residual: float
    place: Float[np.ndarray, '3'] | None = None
    force: Float[np.ndarray, '3'] | None = None

    @property
    def is_located(self) -> bool:
        return self.place is not None


def held_still(
    samples: Mapping[str, Sequence[Measurement]],
    sensors: Sequence[Sensor],
    adrift: Collection[str] = (),
    refused: Refused | None = None,
    max_motion: float = MAX_MOTION,
    said: Said | None = None,
) -> dict[str, Held]:
    """The mean reading of every sensor.

    Args:
        adrift: those whose orientation is no reading of theirs: a filter makes it of gyro and accelerometer.

    Raises:
        CalibrationError: one said too little, hung, or moved by more than `max_motion` [rad].
    """
    refused = refused or {}
    heard = {s.name: [m for m in samples.get(s.name, ()) if m.rot_world_sensor is not None] for s in sensors}
    for name, rows in heard.items():
        if refused.get(('frozen', name)):
            raise _hung(name, 'reading')
        if len(rows) < MIN_SAMPLES:
            raise _too_few(name, len(rows), refused, said or {})
    held = {name: _held(name, rows, max_motion) for name, rows in heard.items()}
    _refuse_hung(heard, adrift)
    return held


def _too_few(name: str, count: int, refused: Refused, said: Said) -> CalibrationError:
    causes = {cause: number for (cause, sensor), number in refused.items() if sensor == name and number}
    text = f'{name} gave {count} rotations; {MIN_SAMPLES} are needed: is it on, is it tracked?'
    if causes:
        text += f' What else it sent could not be used ({", ".join(f"{one}: {n}" for one, n in causes.items())})'
        why = said.get((max(causes, key=causes.get), name))
        text += f': {why}' if why else ''
    return CalibrationError(text)


def _hung(name: str, what: str) -> CalibrationError:
    return CalibrationError(
        f'{name} repeats one {what}, bit by bit, as no sensor on a living body does: it has hung up or lost its '
        'tracking. Bring it back (into view, or switch it off and on), see that it follows, and calibrate again'
    )


def _refuse_hung(heard: Mapping[str, Sequence[Measurement]], adrift: Collection[str]) -> None:
    """Raise where one repeats itself while something else varies, be it of another sensor or of its own."""
    varies = {name: _varies(rows, name in adrift) for name, rows in heard.items()}
    if not any(varies.values()):
        return
    for name, rows in heard.items():
        if _repeats(rows, _inertial if name in adrift else _rotation):
            raise _hung(name, 'rotation' if varies[name] else 'reading')


def _varies(rows: Sequence[Measurement], adrift: bool) -> bool:
    """Whether anything changes that the device itself has read."""
    read = [_inertial(m) + _bytes(m.position) + (b'' if adrift else _rotation(m)) for m in rows]
    return any(one != read[0] for one in read)


def _repeats(rows: Sequence[Measurement], read: Callable[[Measurement], bytes]) -> bool:
    """Whether one reading is all that came, or stayed for most of the time."""
    longest_ns, since_ns, last, always = 0, rows[0].stamp_ns, read(rows[0]), True
    for measurement in rows[1:]:
        now = read(measurement)
        if now != last:
            last, since_ns, always = now, measurement.stamp_ns, False
        longest_ns = max(longest_ns, measurement.stamp_ns - since_ns)
    span_ns = rows[-1].stamp_ns - rows[0].stamp_ns
    return always or (longest_ns > _HUNG_NS and longest_ns > _HUNG_SHARE * span_ns)


def _rotation(measurement: Measurement) -> bytes:
    return measurement.rot_world_sensor.tobytes()


def _inertial(measurement: Measurement) -> bytes:
    return _bytes(measurement.angular_velocity) + _bytes(measurement.specific_force)


def _bytes(part: np.ndarray | None) -> bytes:
    return b'' if part is None else part.tobytes()


def _held(name: str, rows: Sequence[Measurement], max_motion: float) -> Held:
    """The mean of a sensor's readings, if it was held still."""
    rot = torch.from_numpy(np.stack([m.rot_world_sensor for m in rows]).astype(np.float64))
    mean = rotation.mean_rotation(rot)
    deviation = rotation.angle_between(rot, mean.expand_as(rot))
    moved = float(deviation.max())
    if moved > max_motion:
        raise CalibrationError(
            f'{name} moved by {math.degrees(moved):.1f} degrees; hold still within {math.degrees(max_motion):.1f}'
        )
    places = [m.position for m in rows if m.position is not None]
    forces = [m.world_force for m in rows if m.specific_force is not None]
    return Held(mean, float(deviation.square().mean().sqrt()), _mean(places), _mean(forces))


def _mean(vectors: Sequence[Float[np.ndarray, '3']]) -> Float[np.ndarray, '3'] | None:
    return np.mean(vectors, 0) if vectors else None
