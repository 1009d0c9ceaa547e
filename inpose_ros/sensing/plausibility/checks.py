"""What a reading may be used for, judged by those before it; no messages and no clock, only stamps."""

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from inpose_ros.errors import MeasurementError
from inpose_ros.sensing.imu_halves import Halves
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.plausibility.contradictions import Contradictions
from inpose_ros.sensing.plausibility.fellows import Fellow, Fellows
from inpose_ros.sensing.plausibility.frozen import Frozen
from inpose_ros.sensing.plausibility.frozen_rotation import FrozenRotation
from inpose_ros.sensing.plausibility.gravity import Gravity
from inpose_ros.sensing.plausibility.jumps import POSITION, ROTATION, Jumps, Reading
from inpose_ros.sensing.plausibility.lost import without_lost
from inpose_ros.sensing.plausibility.place import Places, off_the_map
from inpose_ros.sensing.plausibility.swaps import Swaps
from inpose_ros.sensing.plausibility.units import ForceUnit, RateUnit
from inpose_ros.sensing.plausibility.world import WorldMove, WorldMoves

# Beyond this [rad/s], [m/s2], and in degrees or g as well, no gyro and no accelerometer measures.
_BEYOND = 1e4


class Verdict(NamedTuple):
    """The part of a measurement that may be used (None: nothing), and what was found wrong with it.

    `move`: all located sensors have moved together, this one the last of them. `afresh`: it does not go on from what
    the sensor said before.
    """

    measurement: Measurement | None
    findings: tuple[MeasurementError, ...]
    move: WorldMove | None = None
    afresh: bool = False


@dataclass
class _Record:
    """What is remembered of one sensor."""

    joint: int
    position: Jumps = field(default_factory=lambda: Jumps(POSITION))
    rotation: Jumps = field(default_factory=lambda: Jumps(ROTATION))
    frozen_rotation: FrozenRotation = field(default_factory=FrozenRotation)
    force: ForceUnit = field(default_factory=ForceUnit)
    rate: RateUnit = field(default_factory=RateUnit)
    gravity: Gravity = field(default_factory=Gravity)
    halves: Halves = field(default_factory=Halves)

    def __post_init__(self) -> None:
        self.frozen = Frozen(self.joint)


class Plausibility:
    """Judges what all sensors say, one measurement after another, in the order of arrival.

    Only stamps that the window would take belong here: what is far too old or in the future must not become what others
    are compared with. Sensors that `may_step` contradict the others, which is looked after elsewhere: their steps are
    believed at once, as one that is right again makes such.
    """

    def __init__(self) -> None:
        self.may_step: Collection[str] = ()
        self._records: dict[str, _Record] = {}
        self._positions: dict[str, Jumps] = {}
        self._places = Places()
        self._swaps = Swaps(self._positions)
        self._world = WorldMoves()
        self._contradictions = Contradictions()

    def restart(self, sensors: Iterable[str] | None = None) -> None:
        """Forget what went before, of all sensors or of some: time went back, or it is another device."""
        for name in list(self._records if sensors is None else sensors):
            self._places.forget(name)
            self._swaps.forget(name)
            self._world.forget(name)
            self._contradictions.forget(name)
            self._records.pop(name, None)
            self._positions.pop(name, None)

    def judge(self, measurement: Measurement, sensor: Sensor) -> Verdict:
        """What may be used of a measurement.

        A reading of which nothing may be used has one finding, the cause; one of which some part is left out (a lost
        position, a rotation that hangs, wrong units) has one for each of these.
        """
        measurement, findings = self._known(self._record_of(sensor).halves.completed(measurement), sensor)
        if measurement is None:
            return Verdict(None, findings)
        found, move, afresh = impossible(measurement) or self._hangs(measurement), None, False
        if found is None:
            afresh = self._steps(measurement, sensor)
            found = self._jumps(measurement, sensor)
            move = self._followed(measurement, found is None and not afresh)
        if found is not None and move is None:
            return Verdict(None, (found,))
        usable, wrong_units = self._units(measurement)
        usable, contradictions = self._contradictions.judge(usable, sensor, measurement)
        if usable is None:  # a rotation that sticks is none to measure the way from once it goes on
            self._records[sensor.name].rotation.forget()
        usable, tilted = self._levelled(usable, sensor)
        return Verdict(usable, (*contradictions, *tilted, *findings, *wrong_units), move, afresh)

    def turning(self, sensor: str, seconds: float) -> list[float]:
        """How fast [rad/s] the others on the trunk turned about the vertical in the last seconds."""
        return self._contradictions.turning(sensor, seconds)

    def _record_of(self, sensor: Sensor) -> _Record:
        if sensor.name not in self._records:
            record = self._records[sensor.name] = _Record(sensor.joint_index)
            self._positions[sensor.name] = record.position
        return self._records[sensor.name]

    def _known(
        self, measurement: Measurement, sensor: Sensor
    ) -> tuple[Measurement | None, tuple[MeasurementError, ...]]:
        """Without what the message itself calls lost, and without a rotation that hangs; None: nothing is left."""
        left, findings = without_lost(measurement, sensor)
        if left is None or left.rot_world_sensor is None or left.position is None or not self._rotation_hangs(left):
            return left, findings
        text = f'{sensor.name} moves, and its rotation stays the same bit by bit: it measures none'
        return replace(left, rot_world_sensor=None), (*findings, MeasurementError('frozen', text))

    def _rotation_hangs(self, measurement: Measurement) -> bool:
        record = self._records[measurement.sensor]
        hangs = record.frozen_rotation.judge(measurement)
        if hangs:
            record.rotation.forget()  # it is no rotation to measure the way from once it goes on
        return hangs

    def _hangs(self, measurement: Measurement) -> MeasurementError | None:
        record = self._records[measurement.sensor]
        if not record.frozen.judge(measurement, lambda: self._fellows(measurement.sensor)):
            return None
        # Where it hung is no place to measure the way from once it goes on.
        self._places.forget(measurement.sensor)
        self._swaps.forget(measurement.sensor)
        self._world.forget(measurement.sensor)
        record.position.forget()
        record.rotation.forget()
        what = 'reading' if measurement.position is None else 'place'
        text = f'{measurement.sensor} repeats one {what}, bit by bit, though its stamps go on: it has hung up'
        return MeasurementError('frozen', text)

    def _fellows(self, sensor: str) -> Fellows:
        """The other sensors that are believed to be where they say."""
        return {
            name: Fellow(record.joint, record.frozen.noisy, record.position.last.value)
            for name, record in self._records.items()
            if name != sensor and record.position.last is not None and record.position.away is None
        }

    def _steps(self, measurement: Measurement, sensor: Sensor) -> bool:
        """Whether one that may step does so now; then it is not compared with what it said before."""
        if sensor.name not in self.may_step or self._swaps.partner(sensor.name) is not None:
            return False
        record, stamp_ns = self._records[sensor.name], measurement.stamp_ns
        place, turn = measurement.position, measurement.rot_world_sensor
        stddevs = (measurement.position_stddev or sensor.position_stddev,
                   measurement.rotation_stddev or sensor.rotation_stddev)  # fmt: skip
        rows = zip((record.position, record.rotation), (place, turn), stddevs)
        if not any(value is not None and own.steps(Reading(stamp_ns, value), stddev) for own, value, stddev in rows):
            return False
        record.position.forget()
        record.rotation.forget()
        return True

    def _followed(self, measurement: Measurement, believed: bool) -> WorldMove | None:
        """The move of all located sensors that this reading completes: from now on they are believed where they are."""
        if measurement.position is None:
            return None
        name = measurement.sensor
        self._world.note(measurement, believed)
        move = None if believed else self._world.found(name, self._swaps.partner(name) is not None)
        for moved in move.sensors if move else ():
            self._swaps.forget(moved)
            self._world.forget(moved)
            self._records[moved].position.forget()
            self._records[moved].rotation.forget()
        return move

    def _jumps(self, measurement: Measurement, sensor: Sensor) -> MeasurementError | None:
        return self._moved(measurement, sensor) or self._turned(measurement, sensor)

    def _moved(self, measurement: Measurement, sensor: Sensor) -> MeasurementError | None:
        if measurement.position is None:
            return None
        name, reading = measurement.sensor, Reading(measurement.stamp_ns, measurement.position)
        record = self._records[name]
        absurd = self._places.judge(name, reading)
        if absurd is not None:
            return absurd
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
        record = self._records[name]
        angle, doubted = math.degrees(record.rotation.way(reading)), record.rotation.away is not None
        if record.rotation.believes(reading, measurement.rotation_stddev or sensor.rotation_stddev):
            if doubted:
                record.gravity = Gravity()  # of another orientation
            return None
        return _jump(name, 'heading_step', f'turned by {angle:.0f} degrees')

    def _units(self, measurement: Measurement) -> tuple[Measurement, list[MeasurementError]]:
        record, findings = self._records[measurement.sensor], []
        force, rate = measurement.specific_force, measurement.angular_velocity
        if rate is not None and record.rate.judge(measurement):
            measurement = replace(measurement, angular_velocity=None)
            findings.append(_in_degrees(measurement.sensor))
        if force is not None and record.force.judge(measurement.stamp_ns, force):
            measurement = replace(measurement, specific_force=None)
            findings.append(_in_g(measurement.sensor, record.force.length))
        return measurement, findings

    def _levelled(
        self, usable: Measurement | None, sensor: Sensor
    ) -> tuple[Measurement | None, list[MeasurementError]]:
        """Without an acceleration that points down; nothing where the orientation is no better."""
        if usable is None:
            return None, []
        gravity = self._records[usable.sensor].gravity
        if not gravity.judge(usable, sensor):
            return usable, []
        left = None if gravity.is_orientation_wrong else replace(usable, specific_force=None)
        return left, [gravity.finding(usable.sensor)]


def impossible(measurement: Measurement) -> MeasurementError | None:
    """What no device says, whatever was said before: for readings that are not to be compared with others."""
    position = measurement.position
    beyond = None if position is None else off_the_map(measurement.sensor, position)
    return beyond or _unmeasurable(measurement)


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
