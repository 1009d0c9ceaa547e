"""IMUs that contradict themselves or their fellows: what is left of their readings."""

from dataclasses import dataclass, field, replace

from inpose_ros.errors import MeasurementError
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.plausibility.frozen_force import FrozenForce
from inpose_ros.sensing.plausibility.gyro import GyroAgainstOrientation
from inpose_ros.sensing.plausibility.tilt import GyroAgainstGravity
from inpose_ros.sensing.plausibility.yaw import YawFellows


@dataclass
class _Checks:
    """Of one IMU."""

    orientation: GyroAgainstOrientation = field(default_factory=GyroAgainstOrientation)
    gravity: GyroAgainstGravity = field(default_factory=GyroAgainstGravity)
    force: FrozenForce = field(default_factory=FrozenForce)


class Contradictions:
    """Hears all sensors' readings in the order of arrival, and says what of them may be used.

    An orientation that moves is believed over the gyro, as drivers make it from more than that; then the gyro alone is
    left out, as an accelerometer is that hangs. An orientation that is stuck, and a gyro or an accelerometer without an
    orientation beside it, leave nothing to be used.
    """

    def __init__(self) -> None:
        self._checks: dict[str, _Checks] = {}
        self._fellows = YawFellows()

    def forget(self, sensor: str) -> None:
        """It is another device, or time went back."""
        self._checks.pop(sensor, None)
        self._fellows.forget(sensor)

    def turning(self, sensor: str, seconds: float) -> list[float]:
        """How fast [rad/s] the others on the trunk turned about the vertical in the last seconds."""
        return self._fellows.turning(sensor, seconds)

    def judge(
        self, measurement: Measurement, sensor: Sensor, heard: Measurement
    ) -> tuple[Measurement | None, tuple[MeasurementError, ...]]:
        """What may be used of a measurement (None: nothing), and what was found.

        Args:
            heard: the same before parts in wrong units were left out: beside an orientation that is stuck, a gyro
                seems to be in degrees.
        """
        name, checks = sensor.name, None
        if sensor.type == 'imu' and heard.angular_velocity is not None:
            checks = self._checks.setdefault(name, _Checks())
        if checks is None or not checks.force.judge(measurement):
            return self._judge_gyro(measurement, sensor, heard, checks)
        if measurement.rot_world_sensor is None:
            return None, (_hangs(name, 'Not used'),)
        measurement, heard = (replace(one, specific_force=None) for one in (measurement, heard))
        measurement, found = self._judge_gyro(measurement, sensor, heard, checks)
        return measurement, (*found, _hangs(name, 'The acceleration is not used'))

    def _judge_gyro(
        self, measurement: Measurement, sensor: Sensor, heard: Measurement, checks: _Checks | None
    ) -> tuple[Measurement | None, tuple[MeasurementError, ...]]:
        name = sensor.name
        if checks is not None and measurement.rot_world_sensor is not None:
            checks.orientation.hear(heard)
            if checks.orientation.is_stuck:
                self._fellows.forget(name)
                return None, (_stuck(name),)
        self._fellows.hear(measurement, sensor)
        if checks is None or measurement.angular_velocity is None:
            return measurement, ()
        if measurement.rot_world_sensor is None:
            found = self._without_orientation(measurement, checks)
            return (measurement, ()) if found is None else (None, (found,))
        if checks.orientation.is_gyro_wrong:
            found = _disagrees(name, 'does not turn as its orientation does', 'The gyro is not used')
            return replace(measurement, angular_velocity=None), (found,)
        return measurement, ()

    def _without_orientation(self, measurement: Measurement, checks: _Checks) -> MeasurementError | None:
        if measurement.specific_force is None:
            return None
        checks.gravity.hear(measurement)
        name, fellows = measurement.sensor, self._fellows.opponents(measurement.sensor)
        if checks.gravity.is_gyro_dead:
            return _disagrees(name, 'says one and the same, bit by bit, though its accelerometer shows that it moves')
        if checks.gravity.is_gyro_wrong:
            return _disagrees(name, 'does not tilt as its accelerometer says')
        if fellows:
            return _disagrees(name, f'turns about the vertical as {" and ".join(fellows)} on the same body cannot')
        return None


def _stuck(sensor: str) -> MeasurementError:
    text = (
        f'{sensor} gives one and the same orientation while its gyro turns; have its driver fill it in, or mark it as '
        'absent (orientation_covariance[0] = -1, REP-145). Not used'
    )
    return MeasurementError('orientation_stuck', text)


def _hangs(sensor: str, rest: str) -> MeasurementError:
    text = f'the accelerometer of {sensor} repeats one reading, bit by bit, though its gyro tilts: it hangs. {rest}'
    return MeasurementError('frozen', text)


def _disagrees(sensor: str, what: str, rest: str = 'Not used') -> MeasurementError:
    mend = 'check the sign, order and scale of its axes in the driver, and whether it is switched on'
    return MeasurementError('gyro_disagrees', f'the gyro of {sensor} {what}; {mend}. {rest}')
