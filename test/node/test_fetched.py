"""A queue that is fetched: whether what it loses is told."""

from collections import deque

import pytest

from inpose_ros.node import qos
from inpose_ros.node.fetched import QueueWatch

FETCH, DEPTH = 0.03, qos.SENSOR.depth


def played(rate: float, held_up: tuple[float, ...] = (), seconds: float = 4.0) -> tuple[int, int]:
    """How often a loss is told of, and how many messages are lost; at some times nobody fetches for half a second."""
    watch, queue, told, lost, sent = QueueWatch(DEPTH), deque(maxlen=DEPTH), 0, 0, 0
    for k in range(1, round(seconds / FETCH)):
        now = k * FETCH
        while sent < now * rate:
            lost += len(queue) == DEPTH
            queue.append(sent)
            sent += 1
        if not any(begin <= now < begin + 0.5 for begin in held_up):
            told += watch.overruns(len(queue), now)
            queue.clear()
    return told, lost


@pytest.mark.parametrize('rate', [5, 100, 400, 1000, 1600])
def test_of_what_comes_as_often_as_sensors_do_nothing_is_lost_nor_told(rate):
    assert played(rate) == (0, 0)


@pytest.mark.parametrize('rate', [120, 400, 1000])
def test_a_machine_that_is_held_up_now_and_then_is_not_blamed_on_the_sensor(rate):
    told, lost = played(rate, held_up=(0.5, 1.1, 1.7, 3.0))
    assert lost > 0 and not told


@pytest.mark.parametrize('rate', [120, 400, 1000])
def test_a_machine_that_fetches_late_for_two_seconds_is_not_blamed_on_the_sensor(rate):
    watch = QueueWatch(DEPTH)
    assert not any(watch.overruns(min(DEPTH, round(0.11 * rate)), 0.11 * k) for k in range(18))


@pytest.mark.parametrize('rate', [2000, 4000, 24000])
def test_of_a_bag_that_is_played_too_fast_it_is_told_within_a_second_that_messages_are_lost(rate):
    assert played(rate, seconds=1.0)[0] > 0 and played(rate)[1] > 0.1 * 4 * rate
