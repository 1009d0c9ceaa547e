"""Whatever is in a message, nothing but the package's own error comes of it, from its conversion to the window.

`make fuzz` tries a hundred times as many streams: INPOSE_FUZZ is how many.
"""

import os
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inpose_ros.errors import MeasurementError
from inpose_ros.node.conversions.sensors import READERS, WRITERS
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.reception import Reception
from inpose_ros.sensing.resample import joint_window

EXAMPLES = int(os.environ.get('INPOSE_FUZZ', '200'))
NOW_NS = 1_700_000_000_000_000_000
ODD = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 5e-324, 1e-200, -1.0, 1.0, 100.0, 1e4, 1e18, 1e154, -1.7e308])
# A message is as it should be, or every number of it is odd with this probability.
SPOILT = (0.0, 0.0, 0.02, 0.3, 1.0)

kinds = st.sampled_from(sorted(READERS))
seeds = st.integers(0, 2**32 - 1)


def sound(kind: str, rng: np.random.Generator) -> Any:
    """A message without fault."""
    rot, vectors = np.eye(3), rng.normal(size=(3, 3))
    parts = (
        {'angular_velocity': vectors[0], 'specific_force': vectors[1] + [0, 0, 9.81]}
        if kind == 'imu'
        else {'position': vectors[2]}
    )
    bare = kind == 'imu' and rng.uniform() < 0.5
    return WRITERS[kind](Measurement('it', NOW_NS, None if bare else rot, **parts), 'world')


def spoil(message: Any, share: float, rng: np.random.Generator) -> None:
    """Put odd numbers in place of some of a message's."""
    for name, kind in message.get_fields_and_field_types().items():
        value = getattr(message, name)
        if kind == 'double':
            if rng.uniform() < share:
                setattr(message, name, float(rng.choice(ODD)))
        elif kind.startswith('double['):
            spoilt = rng.uniform(size=len(value)) < share
            value[:] = np.where(spoilt, rng.choice(ODD, len(value)), value)
        elif '/' in kind and kind != 'std_msgs/Header':
            spoil(value, share, rng)


@pytest.mark.timeout(0 if EXAMPLES > 1000 else 120)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(kinds, seeds, st.sampled_from(SPOILT), st.sampled_from([0, 10**5, 5 * 10**6, 10**8, -(10**6)]), st.booleans())
def test_no_message_ends_in_anything_but_the_package_s_own_error(
    kind: str, seed: int, share: float, step_ns: int, stray_stamps: bool
):
    rng, sensor = np.random.default_rng(seed), Sensor('it', 'pelvis', type=kind)
    reception = Reception(2 * 10**9)
    reception.wear({'it': sensor}, (), False)
    for k in range(30):
        message, now_ns = sound(kind, rng), NOW_NS + k * abs(step_ns)
        seconds, nanoseconds = divmod(now_ns if step_ns >= 0 else NOW_NS + k * step_ns, 10**9)
        stray = stray_stamps and rng.uniform() < 0.3
        message.header.stamp.sec = int(rng.choice([0, -(2**31), 2**31 - 1])) if stray else seconds
        message.header.stamp.nanosec = int(rng.choice([0, 2**32 - 1])) if stray else nanoseconds
        spoil(message, share, rng)
        try:
            read = READERS[kind][1](message, 'it')
        except MeasurementError as error:
            assert error.cause and 'it' in str(error)
            continue
        received = reception.take(read, now_ns, now_ns)
        assert received.measurement is not None or received.findings
        reception.odd_clocks(now_ns)
    snapshot = reception.snapshot()
    if snapshot.newest_stamp_ns is not None:
        rows = joint_window(snapshot, [sensor], 8, 30.0, 500_000_000)
        assert np.isfinite(rows.rot_world_joint.numpy()).all() and np.isfinite(rows.location.numpy()).all()
        assert np.isfinite(rows.rotation_stddev.numpy()).all() and np.isfinite(rows.position_stddev.numpy()).all()
