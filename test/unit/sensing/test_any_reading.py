"""Whatever a driver sends, nothing but the package's own error comes of it, and what is kept can be used.

`make fuzz` tries a hundred times as many streams: INPOSE_FUZZ is how many.
"""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inpose_ros.sensing.measurement import Sensor
from inpose_ros.sensing.plausibility.flood import FloodGate
from inpose_ros.sensing.reception import Reception
from inpose_ros.sensing.resample import joint_window

from .streams import Run, readings, runs, sensors

EXAMPLES = int(os.environ.get('INPOSE_FUZZ', '200'))
SPAN_NS = 2_000_000_000


def look(reception: Reception, worn: list[Sensor]) -> None:
    """What a pose is made from: finite, and rotations are rotations."""
    snapshot = reception.snapshot()
    if snapshot.newest_stamp_ns is None:
        return
    known = joint_window(snapshot, worn, 8, 30.0, 500_000_000)
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
    reception = Reception(SPAN_NS)
    reception.wear({sensor.name: sensor for sensor in worn}, (), False)
    gates = {sensor.name: FloodGate() for sensor in worn}
    for measurement, now_ns in readings(worn, raw, told):
        gates[measurement.sensor].admits(now_ns)
        received = reception.take(measurement, now_ns, now_ns)
        assert received.measurement is not None or received.findings
        for finding in received.findings:
            assert finding.cause and measurement.sensor in str(finding)
        reception.odd_clocks(now_ns)
    look(reception, worn)
