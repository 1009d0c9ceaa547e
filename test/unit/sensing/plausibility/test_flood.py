from itertools import pairwise

import pytest

from inpose_ros.sensing.plausibility.flood import FloodGate
from inpose_ros.sensing.plausibility.source import Source

SECOND = 10**9


def passed(gate: FloodGate, begin: float, end: float, rate: float) -> list[int]:
    """The times of the messages that the gate lets pass, of those sent at a rate [Hz]."""
    sent = [round((begin + k / rate) * SECOND) for k in range(round((end - begin) * rate))]
    return [time for time in sent if gate.admits(time)]


@pytest.mark.parametrize('rate', [1, 20, 60, 333, 1000, 1150])
def test_a_steady_sensor_passes_whole(rate):
    assert len(passed(FloodGate(), 0, 10, rate)) == 10 * rate


@pytest.mark.parametrize('rate', [20, 60, 100, 500])
def test_ten_times_the_rate_is_thinned_to_what_it_was(rate):
    gate = FloodGate()
    passed(gate, 0, 3, rate)
    kept = passed(gate, 3, 6, 10 * rate)
    settled = [time for time in kept if time > 4 * SECOND]
    assert gate.flooded and len(settled) == pytest.approx(2 * rate, rel=0.15)
    gaps = [b - a for a, b in pairwise(settled)]
    assert max(gaps) < 1.5 * SECOND / rate, 'what is kept covers the time'
    after = passed(gate, 6, 8, rate)
    assert len([time for time in after if time > 6.5 * SECOND]) == pytest.approx(1.5 * rate, abs=2) and not gate.flooded


def test_more_than_any_sensor_sends_is_thinned_from_the_start():
    gate = FloodGate()
    assert len(passed(gate, 0, 2, 10_000)) < 4000


def test_a_driver_that_catches_up_loses_nothing():
    gate = FloodGate()
    passed(gate, 0, 3, 60)
    burst = [3 * SECOND + 200_000_000 + k * 100_000 for k in range(12)]
    assert all(gate.admits(time) for time in burst)


def test_a_slower_rate_is_learnt_and_a_silence_forgets_it():
    gate = FloodGate()
    passed(gate, 0, 3, 20)
    assert gate.rate == pytest.approx(20, rel=0.1)
    assert len(passed(gate, 30, 33, 400)) == 1200, 'another device, as it seems'


@pytest.mark.parametrize('speed', [0.25, 4, 20])
def test_where_time_is_simulated_the_speed_of_it_makes_no_flood(speed):
    gate, stamps = FloodGate(), [k * SECOND // 400 for k in range(4000)]
    passed(gate, 0, 3, 400)  # in time as it is
    assert all(gate.admits(3 * SECOND + round(stamp / speed), stamp) for stamp in stamps)


def test_where_time_is_simulated_too_many_stamps_are_a_flood_all_the_same():
    gate = FloodGate()
    for k in range(1200):
        gate.admits(k * SECOND // 1600, k * SECOND // 400)
    flood = [k * SECOND // 4000 for k in range(4000)]
    kept = [stamp for stamp in flood if gate.admits(SECOND + stamp // 4, 3 * SECOND + stamp)]
    assert gate.flooded and len([stamp for stamp in kept if stamp > SECOND // 2]) == pytest.approx(200, rel=0.15)


def test_a_clock_that_goes_back_a_little_makes_no_flood():
    gate = FloodGate()
    passed(gate, 0, 3, 1000)
    assert len(passed(gate, 2, 4, 1000)) == 2000


def test_the_first_publisher_is_heard_and_the_second_not_until_the_first_has_stopped():
    source = Source()
    assert source.admits(b'a', 0) and not source.admits(b'b', 100_000_000) and source.admits(b'a', 200_000_000)
    assert not source.admits(b'b', 400_000_000)
    assert source.admits(b'b', 600_000_000) and not source.admits(b'a', 610_000_000)


def test_where_the_middleware_does_not_tell_who_sends_all_are_heard():
    assert Source().admits(None, 0)
