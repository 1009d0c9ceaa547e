"""A reading that its own message calls so unsure that it is none: `lost`."""

from dataclasses import replace

from inpose_ros.errors import MeasurementError
from inpose_ros.sensing.measurement import Measurement, Sensor


def without_lost(
    measurement: Measurement, sensor: Sensor
) -> tuple[Measurement | None, tuple[MeasurementError, ...]]:
    """The measurement without a position, a rotation that is less sure than the sensor's `max_stddev`; None: no more.

    Drivers say by a variance of 9999 or a million that they have lost what they tracked. Whatever numbers come with it,
    nothing may be compared with them.
    """
    place_limit, turn_limit = sensor.max_stddev
    place, turn = measurement.position_stddev, measurement.rotation_stddev
    place_lost = measurement.position is not None and place is not None and place > place_limit
    turn_lost = measurement.rot_world_sensor is not None and turn is not None and turn > turn_limit
    if not place_lost and not turn_lost:
        return measurement, ()
    what = [f'a position unsure by {place:.3g} m (limit {place_limit:g})'] if place_lost else []
    what += [f'a rotation unsure by {turn:.3g} rad (limit {turn_limit:g})'] if turn_lost else []
    text = f'{sensor.name} gives {" and ".join(what)}: lost, by its own word; {sensor.name}.max_stddev sets the limits'
    left = replace(
        measurement,
        position=None if place_lost else measurement.position,
        rot_world_sensor=None if turn_lost else measurement.rot_world_sensor,
    )
    nothing = left.position is None and left.rot_world_sensor is None
    return None if nothing else left, (MeasurementError('lost', text),)
