"""Readings that are stamped as they are fetched: told from honest ones, and given the times of their measurement."""

import numpy as np
import pytest

from inpose_ros.sensing.bursts import Bursts
from inpose_ros.sensing.measurement import Measurement


def reading(stamp: float, value: float) -> Measurement:
    return Measurement('imu', round(stamp * 1e9), angular_velocity=np.full(3, float(value)))


def in_bursts(rate: float, count: int, seconds: float, apart: float = 1e-4) -> list[tuple[float, float]]:
    """Stamp and time of measurement of each reading [s]; a burst is fetched right after its last was measured."""
    rows = []
    for first in range(0, int(rate * seconds) - count, count):
        fetched = (first + count - 1) / rate
        rows += [(fetched + apart * k, (first + k) / rate) for k in range(count)]
    return rows


@pytest.mark.parametrize(('rate', 'count'), [(60, 2), (60, 6), (100, 5), (200, 16), (400, 20), (1000, 50)])
@pytest.mark.parametrize('apart', [0.0, 1e-4])
def test_each_reading_of_a_burst_gets_the_time_at_which_it_was_measured(rate, count, apart):
    bursts = Bursts()
    rows = in_bursts(rate, count, 3.0, apart)
    spread = [bursts.spread(reading(stamp, k)).stamp_ns / 1e9 for k, (stamp, _) in enumerate(rows)]
    late = slice(len(rows) // 2, None)
    off = np.abs(np.array(spread) - [measured for _, measured in rows])[late]
    assert bursts.found and off.max() < max(0.1 / rate, 2.5 * apart * count)
    assert (np.diff(spread[len(rows) // 2 :]) > 0).all()


def test_bursts_are_known_after_a_few():
    bursts = Bursts()
    for k, (stamp, _) in enumerate(in_bursts(100, 5, 0.3)):
        bursts.spread(reading(stamp, k))
    assert bursts.found


@pytest.mark.parametrize('rate', [1, 20, 60, 400, 1000])
@pytest.mark.parametrize('jitter', [0.0, 0.3])
def test_stamps_of_a_steady_sensor_are_left_alone_though_they_jitter_and_some_are_lost(rate, jitter):
    rng, bursts = np.random.default_rng(1), Bursts()
    stamps = np.sort(np.arange(5 * rate + 20) / rate + jitter / rate * rng.uniform(-1, 1, 5 * rate + 20))
    for k, stamp in enumerate(stamps):
        if rng.random() > 0.1:
            assert bursts.spread(reading(stamp, k)).stamp_ns == round(stamp * 1e9)
    assert not bursts.found


def test_doubled_messages_and_doubled_stamps_are_no_bursts():
    doubled, stamped = Bursts(), Bursts()
    for k in range(300):
        for _ in range(2):
            doubled.spread(reading(k / 100, k))
        stamped.spread(reading((k - (k % 3 == 2)) / 400, k))
    assert not doubled.found and not stamped.found


def test_after_a_silence_a_burst_is_not_spread_over_all_of_it():
    bursts, rows = Bursts(), in_bursts(60, 6, 2.0)
    for k, (stamp, _) in enumerate(rows):
        bursts.spread(reading(stamp, k))
    first = bursts.spread(reading(rows[-1][0] + 5.0, 0.5)).stamp_ns / 1e9
    assert rows[-1][0] + 5.0 - first < 0.2


def test_a_driver_that_mends_its_stamps_is_believed_again():
    bursts = Bursts()
    for k, (stamp, _) in enumerate(in_bursts(100, 5, 2.0)):
        bursts.spread(reading(stamp, k))
    for k in range(200):
        bursts.spread(reading(3 + k / 100, k))
    assert not bursts.found
