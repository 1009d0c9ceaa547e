"""IMUs in wrong units, in another convention, or that contradict themselves."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from inpose_ros.motion.faults_reading import Change, FaultyReading, Parts, Rows, changed
from inpose_ros.motion.simulate import GRAVITY

# The axis of a gyro's bias, no axis of the sensor.
_BIASED = np.array([0.8, 0.36, 0.48])
# North-east-down for east-north-up, and forward-right-down axes for forward-left-up: aviation's.
_NED = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
_FRD = np.diag([1.0, -1.0, -1.0])

Vector = Float[np.ndarray, '3']


def _with_gyro(rows: Rows, gyro: Callable[[Vector], Vector]) -> Rows:
    """The readings of those that have a gyro with what it says changed."""
    said = [row.measurement.angular_velocity for row in rows]
    return [row if v is None else changed(row, angular_velocity=gyro(v)) for row, v in zip(rows, said, strict=True)]


def _units_degrees(parts: Parts, amount: float | None, rng: np.random.Generator) -> Rows:
    return _with_gyro(parts.inside, lambda gyro: gyro * (180 / np.pi))


def _gyro_zero(parts: Parts, amount: float | None, rng: np.random.Generator) -> Rows:
    return _with_gyro(parts.inside, np.zeros_like)


def _gyro_reversed(parts: Parts, amount: float | None, rng: np.random.Generator) -> Rows:
    """It counts clockwise turns as positive."""
    return _with_gyro(parts.inside, lambda gyro: -gyro)


def _gyro_bias(parts: Parts, amount: float, rng: np.random.Generator) -> Rows:
    return _with_gyro(parts.inside, lambda gyro: gyro + amount * _BIASED)


def _units_g(parts: Parts, amount: float | None, rng: np.random.Generator) -> Rows:
    said = [row.measurement.specific_force for row in parts.inside]
    unit = np.linalg.norm(GRAVITY)
    return [
        row if v is None else changed(row, specific_force=v / unit) for row, v in zip(parts.inside, said, strict=True)
    ]


def _orientation_identity(parts: Parts, amount: float | None, rng: np.random.Generator) -> Rows:
    """The driver leaves the orientation as the message has it from the start, and says that it is known."""
    imu = [row.measurement.angular_velocity is not None for row in parts.inside]
    return [changed(row, rot_world_sensor=np.eye(3)) if own else row for row, own in zip(parts.inside, imu)]


def _halves(parts: Parts, amount: float | None, rng: np.random.Generator) -> Rows:
    """Gyro and accelerometer speak in turn, the other vector is zero."""

    def half(row: FaultyReading, name: str) -> FaultyReading:
        return row if row.measurement.specific_force is None else changed(row, **{name: np.zeros(3)})

    names = ('specific_force', 'angular_velocity')
    return [half(row, names[k % 2]) for k, row in enumerate(parts.inside)]


def _ned(parts: Parts, amount: float | None, rng: np.random.Generator) -> Rows:
    """The device speaks the language of aviation."""

    def told(row: FaultyReading) -> FaultyReading:
        was = row.measurement
        if was.specific_force is None:
            return row
        return changed(
            row,
            rot_world_sensor=None if was.rot_world_sensor is None else _NED @ was.rot_world_sensor @ _FRD,
            specific_force=_FRD @ was.specific_force,
            angular_velocity=None if was.angular_velocity is None else _FRD @ was.angular_velocity,
        )

    return [told(row) for row in parts.inside]


CHANGES: dict[str, Change] = {
    'units_g': _units_g,
    'units_degrees': _units_degrees,
    'orientation_identity': _orientation_identity,
    'gyro_zero': _gyro_zero,
    'gyro_reversed': _gyro_reversed,
    'gyro_bias': _gyro_bias,
    'halves': _halves,
    'ned': _ned,
}
