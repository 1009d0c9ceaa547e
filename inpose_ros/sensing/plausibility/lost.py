"""A reading that its own message calls so unsure that it is none: `lost`."""

from dataclasses import replace

from inpose_ros.errors import MeasurementError
from inpose_ros.sensing.measurement import Measurement, Sensor


def without_lost(
    measurement: Measurement, sensor: Sensor
) -> tuple[Measurement | None, tuple[MeasurementError, ...]]:
    """The measurement without a rotation that is less sure than the sensor's `max_stddev`; None: so is its position.

    Drivers say by a variance of 9999 or a million that they have lost what they tracked. Whatever numbers come with it,
    nothing may be compared with them; and who does not know where a device is has lost how it is turned as well. What
    an IMU says of its orientation's noise is often a constant, so that it counts for this alone.
    """
    place_limit, turn_limit = sensor.max_stddev
    place, turn = measurement.position_stddev, measurement.rotation_stddev
    place_lost = measurement.position is not None and place is not None and place > place_limit
    turn_lost = measurement.rot_world_sensor is not None and turn is not None and turn > turn_limit
    if sensor.type == 'imu' and turn is not None:
        measurement = replace(measurement, rotation_stddev=None)
    if not place_lost and not turn_lost:
        return measurement, ()
    what = [f'a position unsure by {place:.3g} m (limit {place_limit:g})'] if place_lost else []
    what += [f'a rotation unsure by {turn:.3g} rad (limit {turn_limit:g})'] if turn_lost else []
    text = f'{sensor.name} gives {" and ".join(what)}: lost, by its own word; {sensor.name}.max_stddev sets the limits'
    rest = measurement.position, measurement.angular_velocity, measurement.specific_force
    nothing = place_lost or all(part is None for part in rest)
    return None if nothing else replace(measurement, rot_world_sensor=None), (MeasurementError('lost', text),)
