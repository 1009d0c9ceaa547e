"""Whatever a driver sends, nothing but the package's own error comes of it, and what is kept can be used.

`make fuzz` tries a hundred times as many streams: INPOSE_FUZZ is how many.
"""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inpose_ros.errors import MeasurementError
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.orientation import OrientationFilter
from inpose_ros.sensing.plausibility import Plausibility
from inpose_ros.sensing.plausibility_flood import FloodGate
from inpose_ros.sensing.resample import joint_window
from inpose_ros.sensing.window import MeasurementWindow

from .streams import Run, readings, runs, sensors

EXAMPLES = int(os.environ.get('INPOSE_FUZZ', '200'))
SPAN_NS = 2_000_000_000


class Way:
    """From a callback to the window, as the node's intake goes it."""

    def __init__(self, worn: list[Sensor]) -> None:
        self.worn = {sensor.name: sensor for sensor in worn}
        self.gates = {sensor.name: FloodGate() for sensor in worn}
        self.plausibility, self.window = Plausibility(), MeasurementWindow(SPAN_NS)
        self.filters: dict[str, OrientationFilter] = {}

    def take(self, measurement: Measurement, now_ns: int) -> None:
        resets = self.window.counts['time_reset']
        self.gates[measurement.sensor].admits(now_ns)
        self.window.add(self._judged(measurement, now_ns), now_ns)
        if self.window.counts['time_reset'] > resets:
            self.plausibility.restart()
            for orientation in self.filters.values():
                orientation.interrupt()

    def _judged(self, measurement: Measurement, now_ns: int) -> Measurement:
        newest_ns = self.window.newest_stamp_ns
        old = newest_ns is not None and measurement.stamp_ns < newest_ns - SPAN_NS
        if old or measurement.stamp_ns > now_ns + self.window.future_ns:
            return measurement
        sensor = self.worn[measurement.sensor]
        verdict = self.plausibility.judge(measurement, sensor)
        if verdict.measurement is None:
            assert verdict.findings
            raise verdict.findings[0]
        if sensor.type == 'imu' and measurement.rot_world_sensor is None:
            orientation = self.filters.setdefault(sensor.name, OrientationFilter())
            oriented = orientation.feed(verdict.measurement, sensor.rotation_stddev)
            orientation.finding(sensor.name)
            orientation.align(0.5)
            return oriented
        return verdict.measurement

    def look(self) -> None:
        """What a pose is made from: finite, and rotations are rotations."""
        if self.window.newest_stamp_ns is None:
            return
        known = joint_window(self.window.snapshot(), list(self.worn.values()), 8, 30.0, 500_000_000)
        rot = known.rot_world_joint[known.rot_valid].double().numpy()
        assert np.allclose(rot @ rot.swapaxes(-1, -2), np.eye(3), atol=1e-3)
        assert np.isfinite(known.location.numpy()).all()
        assert np.isfinite(known.acceleration.numpy()).all()
        assert (known.rotation_stddev > 0).all() and np.isfinite(known.rotation_stddev.numpy()).all()


@pytest.mark.timeout(0 if EXAMPLES > 1000 else 120)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(sensors(), st.tuples(*[st.booleans()] * 3), st.lists(runs, min_size=1, max_size=6))
def test_no_stream_of_readings_ends_in_anything_but_the_package_s_own_error(
    worn: list[Sensor], bare: tuple[bool, ...], told: list[Run]
):
    raw = [sensor.type == 'imu' and without for sensor, without in zip(worn, bare)]
    way = Way(worn)
    for measurement, now_ns in readings(worn, raw, told):
        try:
            way.take(measurement, now_ns)
        except MeasurementError as error:
            assert error.cause and measurement.sensor in str(error)
    way.look()
