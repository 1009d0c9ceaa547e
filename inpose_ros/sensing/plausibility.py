"""What a reading may be used for, judged by those before it; no messages and no clock, only stamps."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from inpose_ros.errors import MeasurementError
from inpose_ros.sensing.halves import Halves
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.plausibility_contradictions import Contradictions
from inpose_ros.sensing.plausibility_frozen import Frozen
from inpose_ros.sensing.plausibility_jumps import POSITION, ROTATION, Jumps, Reading
from inpose_ros.sensing.plausibility_swaps import Swaps
from inpose_ros.sensing.plausibility_units import ForceUnit, RateUnit

# Nobody is tracked further [m] from the origin than this, or higher; millimetres nearly always are.
_FAR = 100.0
_HIGH = 20.0
# Beyond this [rad/s], [m/s2], and in degrees or g as well, no gyro and no accelerometer measures.
_BEYOND = 1e4


class Verdict(NamedTuple):
    """The part of a measurement that may be used (None: nothing), and what was found wrong with it."""

    measurement: Measurement | None
    findings: tuple[MeasurementError, ...]


@dataclass
class _Record:
    """What is remembered of one sensor."""

    position: Jumps = field(default_factory=lambda: Jumps(POSITION))
    rotation: Jumps = field(default_factory=lambda: Jumps(ROTATION))
    frozen: Frozen = field(default_factory=Frozen)
    force: ForceUnit = field(default_factory=ForceUnit)
    rate: RateUnit = field(default_factory=RateUnit)
    halves: Halves = field(default_factory=Halves)


class Plausibility:
    """Judges what all sensors say, one measurement after another, in the order of arrival.

    Only stamps that the window would take belong here: what is far too old or in the future must not become what others
    are compared with.
    """

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}
        self._positions: dict[str, Jumps] = {}
        self._swaps = Swaps(self._positions)
        self._contradictions = Contradictions()

    def restart(self, sensors: Iterable[str] | None = None) -> None:
        """Forget what went before, of all sensors or of some: time went back, or it is another device."""
        for name in list(self._records if sensors is None else sensors):
            self._swaps.forget(name)
            self._contradictions.forget(name)
            self._records.pop(name, None)
            self._positions.pop(name, None)

    def judge(self, measurement: Measurement, sensor: Sensor) -> Verdict:
        """What may be used of a measurement.

        A reading of which nothing may be used has one finding, the cause; one of an IMU in wrong units has one for each
        quantity that was left out.
        """
        measurement = self._record(measurement.sensor).halves.completed(measurement)
        found = (
            _absurd(measurement)
            or _unmeasurable(measurement)
            or self._hangs(measurement)
            or self._jumps(measurement, sensor)
        )
        if found is not None:
            return Verdict(None, (found,))
        usable, findings = self._units(measurement)
        usable, others = self._contradictions.judge(usable, sensor, measurement)
        return Verdict(usable, (*others, *findings))

    def _record(self, sensor: str) -> _Record:
        if sensor not in self._records:
            record = self._records[sensor] = _Record()
            self._positions[sensor] = record.position
        return self._records[sensor]

    def _hangs(self, measurement: Measurement) -> MeasurementError | None:
        record = self._record(measurement.sensor)
        if not record.frozen.judge(measurement):
            return None
        # Where it hung is no place to measure the way from once it goes on.
        self._swaps.forget(measurement.sensor)
        record.position.forget()
        record.rotation.forget()
        text = f'{measurement.sensor} repeats one reading, bit by bit, though its stamps go on: it has hung up'
        return MeasurementError('frozen', text)

    def _jumps(self, measurement: Measurement, sensor: Sensor) -> MeasurementError | None:
        return self._moved(measurement, sensor) or self._turned(measurement, sensor)

    def _moved(self, measurement: Measurement, sensor: Sensor) -> MeasurementError | None:
        if measurement.position is None:
            return None
        name, reading = measurement.sensor, Reading(measurement.stamp_ns, measurement.position)
        record = self._record(name)
        distance, stay_away = record.position.way(reading), self._swaps.partner(name) is not None
        stddev = measurement.position_stddev or sensor.position_stddev
        believed = record.position.believes(reading, stddev, stay_away)
        self._swaps.follow(name, reading)
        partner = self._swaps.partner(name)
        if believed:
            return None
        if partner is None:
            return _jump(name, 'teleport', f'moved by {distance:.2f} m')
        record.rotation.forget()  # it is the other's as well
        text = (
            f'{name} and {partner} have exchanged places: neither is used until they are back, come near each other, '
            'or have stayed for 5 s'
        )
        return MeasurementError('swapped', text)

    def _turned(self, measurement: Measurement, sensor: Sensor) -> MeasurementError | None:
        if measurement.rot_world_sensor is None:
            return None
        name, reading = measurement.sensor, Reading(measurement.stamp_ns, measurement.rot_world_sensor)
        rotation = self._record(name).rotation
        angle = math.degrees(rotation.way(reading))
        if rotation.believes(reading, measurement.rotation_stddev or sensor.rotation_stddev):
            return None
        return _jump(name, 'heading_step', f'turned by {angle:.0f} degrees')

    def _units(self, measurement: Measurement) -> Verdict:
        record, findings = self._record(measurement.sensor), []
        force, rate = measurement.specific_force, measurement.angular_velocity
        if rate is not None and record.rate.judge(measurement):
            measurement = replace(measurement, angular_velocity=None)
            findings.append(_in_degrees(measurement.sensor))
        if force is not None and record.force.judge(measurement.stamp_ns, force):
            measurement = replace(measurement, specific_force=None)
            findings.append(_in_g(measurement.sensor, record.force.length))
        return Verdict(measurement, tuple(findings))


def _absurd(measurement: Measurement) -> MeasurementError | None:
    if measurement.position is None:
        return None
    x, y, z = measurement.position.tolist()
    far = math.hypot(x, y, z)
    if far <= _FAR and abs(z) <= _HIGH:
        return None
    where = f'{far:.4g} m from the origin' if far > _FAR else f'{z:.4g} m high'
    text = f'{measurement.sensor} is {where}; if its driver means millimetres, it has to publish metres (REP-103)'
    return MeasurementError('absurd_position', text)


def _unmeasurable(measurement: Measurement) -> MeasurementError | None:
    """Numbers that are finite, and yet such as would turn a filter's state into NaN."""
    for part in (measurement.angular_velocity, measurement.specific_force):
        if part is not None and not math.hypot(*part.tolist()) < _BEYOND:
            text = f'{measurement.sensor} gives {part.tolist()} for its gyro or accelerometer, which none can measure'
            return MeasurementError('not_finite', text)
    return None


def _jump(sensor: str, cause: str, what: str) -> MeasurementError:
    text = f'{sensor} has {what} faster than anybody can; it is used again when it is back, or has stayed for 0.5 s'
    return MeasurementError(cause, text)


def _in_degrees(sensor: str) -> MeasurementError:
    text = f'{sensor} gives its angular velocity in degrees a second, as it seems; publish rad/s (REP-145). Not used'
    return MeasurementError('units_degrees', text)


def _in_g(sensor: str, length: float) -> MeasurementError:
    text = (
        f'{sensor} gives a specific force of {length:.2f} where rest is 9.81 m/s2: in g, or without gravity; '
        'publish m/s2 with gravity (REP-145). Not used'
    )
    return MeasurementError('units_g', text)
