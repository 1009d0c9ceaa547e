"""Gyro and accelerometer in turn on one topic, each completed by the other."""

import numpy as np
import pytest

from inpose_ros.sensing.imu_halves import Halves
from inpose_ros.sensing.measurement import Measurement

NOTHING = np.zeros(3)
MS = 1_000_000


def reading(k, gyro, force, period_ns=5 * MS):
    return Measurement('waist', k * period_ns, None, angular_velocity=gyro, specific_force=force)


@pytest.mark.parametrize('absent', [NOTHING, None])
def test_each_half_is_completed_by_the_newest_other_one(absent):
    halves = Halves()
    told = [
        halves.completed(
            reading(k, np.array([k, 1.0, 0]), absent) if k % 2 == 0 else reading(k, absent, np.array([0, k, 9.8]))
        )
        for k in range(6)
    ]
    assert told[0].specific_force is None, 'there was none yet'
    assert [one.angular_velocity[0] for one in told] == [0, 0, 2, 2, 4, 4]
    assert [one.specific_force[1] for one in told[1:]] == [1, 1, 3, 3, 5]


@pytest.mark.parametrize('absent', [NOTHING, None])
@pytest.mark.parametrize('periods_ms', [(5, 16), (16, 4), (10, 10)])
def test_halves_of_two_rates_are_whole_once_both_were_heard(absent, periods_ms):
    halves, (own, other) = Halves(), periods_ms
    sent = [(t, np.ones(3), absent) for t in range(0, 300, own)] + [
        (t, absent, np.ones(3)) for t in range(1, 300, other)
    ]
    told = [halves.completed(reading(t, *parts, MS)) for t, *parts in sorted(sent, key=lambda row: row[0])]
    assert all(one.angular_velocity is not None and one.specific_force is not None for one in told[2:])


def test_a_lone_gyro_or_accelerometer_stays_alone():
    for parts in ((np.ones(3), None), (None, np.ones(3))):
        halves = Halves()
        told = [halves.completed(reading(k, *parts)) for k in range(10)]
        assert all(
            (one.angular_velocity is None, one.specific_force is None) == (parts[0] is None, parts[1] is None)
            for one in told
        )


def test_an_other_half_that_is_old_is_left_out():
    halves = Halves()
    halves.completed(reading(0, np.ones(3), NOTHING))
    halves.completed(reading(1, NOTHING, np.ones(3)))
    assert halves.completed(reading(30, np.ones(3), NOTHING)).specific_force is None


@pytest.mark.parametrize('gyro', [NOTHING, np.ones(3)])
def test_a_device_that_sends_both_is_left_alone_even_where_its_gyro_says_zero(gyro):
    halves, force = Halves(), np.array([0.0, 0.0, 9.81])
    for k in range(5):
        whole = reading(k, gyro, force)
        assert halves.completed(whole) is whole


def test_zeros_for_both_are_no_reading():
    told = Halves().completed(reading(0, NOTHING, NOTHING))
    assert told.angular_velocity is None and told.specific_force is None
