"""What an IMU says in other units than it should is named and left out; in the right ones, all is kept."""

import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inpose_ros.sensing.measurement import Measurement
from inpose_ros.sensing.plausibility.checks import Plausibility

from .test_checks import SENSORS, stamp


def imu(seconds: float, gyro: float = 1.0, force: float = 1.0, oriented: bool = True, rate: float = 1.0) -> Measurement:
    """An IMU that swings about a level axis, at `rate` times 1 rad/s; `gyro` and `force` are its units."""
    angle, speed = rate * math.sin(2 * seconds) / 2, rate * math.cos(2 * seconds)
    rot = Rotation.from_rotvec([angle, 0, 0])
    return Measurement(
        'waist', stamp(seconds), rot.as_matrix() if oriented else None,
        angular_velocity=gyro * np.array([speed, 0.0, 0.0]),
        specific_force=force * rot.inv().apply([0, 0, 9.81]),
    )  # fmt: skip


def last(plausibility: Plausibility, begin: float, end: float, **how: object) -> tuple[Measurement, set[str]]:
    """What is left of the last reading, and the causes that were found at it."""
    for k in range(round(begin * 100), round(end * 100)):
        verdict = plausibility.judge(imu(k / 100, **how), SENSORS['waist'])
    return verdict.measurement, {finding.cause for finding in verdict.findings}


@pytest.mark.parametrize('spoilt', [{'gyro': 1e300}, {'force': 1e307}])
def test_numbers_that_nobody_can_measure_do_not_reach_a_filter(spoilt):
    verdict = Plausibility().judge(imu(0.1, **spoilt), SENSORS['waist'])
    assert verdict.measurement is None and verdict.findings[0].cause == 'not_finite'


@pytest.mark.parametrize('oriented', [True, False])
@pytest.mark.parametrize('rate', [0.0, 1.0, 8.0])
def test_an_imu_in_its_proper_units_keeps_all(oriented, rate):
    got, found = last(Plausibility(), 0, 3, oriented=oriented, rate=rate)
    assert not found and got.angular_velocity is not None and got.specific_force is not None


def test_an_accelerometer_in_g_is_named_and_left_out_and_the_orientation_stays():
    plausibility = Plausibility()
    got, found = last(plausibility, 0, 1, force=1 / 9.81)
    assert found == {'units_g'} and got.specific_force is None
    assert got.rot_world_sensor is not None and got.angular_velocity is not None
    got, found = last(plausibility, 1, 2)
    assert not found and got.specific_force is not None, 'mended within a second'


@pytest.mark.parametrize('oriented', [True, False])
def test_a_gyro_in_degrees_is_named_and_left_out(oriented):
    plausibility = Plausibility()
    got, found = last(plausibility, 0, 1, gyro=180 / math.pi, oriented=oriented)
    assert found == {'units_degrees'} and got.angular_velocity is None and got.specific_force is not None
    got, found = last(plausibility, 1, 3, oriented=oriented, rate=1.0 if oriented else 3.0)
    assert not found and got.angular_velocity is not None


def test_a_swinging_pendulum_is_not_taken_for_degrees():
    """The specific force of a pendulum points along its arm all the time, whatever the gyro says."""
    plausibility, found = Plausibility(), set()
    for k in range(500):
        lean = 2 / 3 * math.cos(6 * k / 100)
        swing = Measurement(
            'waist', stamp(k / 100), None, angular_velocity=np.array([4 * math.sin(6 * k / 100), 0, 0]),
            specific_force=np.array([0, 0, 9.81 * (3 * math.cos(lean) - 2 * math.cos(2 / 3))]),
        )  # fmt: skip
        found |= {finding.cause for finding in plausibility.judge(swing, SENSORS['waist']).findings}
    assert not found
