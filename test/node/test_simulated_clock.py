"""A simulator's clock runs at its speed, stands still or falls silent when told, and goes on afterwards."""

import pytest
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock

from inpose_ros.node.conversions.stamp import ns_from_stamp
from inpose_ros.node.simulated_clock import DEAD, PAUSED, SimulatedClock

S = 1_000_000_000


@pytest.fixture
def clock(stage):
    """Four times as fast as real time."""
    made = SimulatedClock(stage.other, 4.0)
    yield made
    made.close()


def by_hand(clock: SimulatedClock, *reals: float) -> list[int]:
    """The times that it tells at real ones [s] from now on, its thread aside."""
    clock._closed.set()
    clock._thread.join()
    begin = clock._real
    return [clock._advanced(begin + real) for real in reals]


def test_it_runs_at_its_speed(clock):
    begin_ns, *told = by_hand(clock, 0.0, 0.5, 1.0)
    assert [ns - begin_ns for ns in told] == [2 * S, 4 * S]


def test_a_paused_clock_stands_still_at_the_time_told_and_goes_on_from_there(clock):
    (begin_ns,) = by_hand(clock, 0.0)
    clock.stop(PAUSED, begin_ns + S, 2.0)
    told = [ns - begin_ns for ns in by_hand(clock, 0.2, 0.4, 1.0, 2.3, 2.5, 2.75)]
    assert told == [round(0.8 * S), S, S, S, round(1.8 * S), round(2.8 * S)]


def test_a_dead_clock_is_silent_and_its_simulator_goes_on(clock):
    (begin_ns,) = by_hand(clock, 0.0)
    clock.stop(DEAD, begin_ns + S, 2.0)
    assert by_hand(clock, 0.5) == [begin_ns + S]
    clock._come_or_go()
    assert clock._publisher is None
    assert by_hand(clock, 1.0) == [begin_ns + 5 * S]
    by_hand(clock, 2.0)
    clock._come_or_go()
    assert clock._publisher is not None


def test_it_is_heard_on_its_topic_with_times_that_rise(stage, clock):
    heard = stage.heard(Clock, '/clock', QoSProfile(depth=50, reliability=ReliabilityPolicy.BEST_EFFORT))
    stage.until(lambda: len(heard) > 5)
    times = [ns_from_stamp(msg.clock) for msg in heard]
    assert times == sorted(times) and times[0] >= 10 * S
