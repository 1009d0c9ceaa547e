"""MeasurementWindow: order, stragglers, doubles, and stamps from nowhere."""

from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inpose_ros.errors import MeasurementError
from inpose_ros.sensing.measurement import Measurement
from inpose_ros.sensing.window import CAPACITY, MeasurementWindow

from .windows import MS, SECOND, add, stamps


@pytest.fixture
def window():
    return MeasurementWindow(span_ns=2 * SECOND)


def test_an_empty_window_has_no_newest_stamp(window):
    assert window.newest_stamp_ns is None
    assert window.series('head') == ()
    assert window.snapshot().newest_stamp_ns is None


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(12)))
def test_any_order_of_arrival_gives_the_same_window(order):
    window = MeasurementWindow(span_ns=2 * SECOND)
    for i in order:
        assert add(window, 'head', i * 10 * MS, now_ns=SECOND) is None
    assert stamps(window, 'head') == [i * 10 * MS for i in range(12)]
    assert window.newest_stamp_ns == 110 * MS


def test_a_late_measurement_is_inserted_and_counted(window):
    for stamp in (10, 30, 20):
        assert add(window, 'head', stamp * MS) is None
    assert stamps(window, 'head') == [10 * MS, 20 * MS, 30 * MS]
    assert window.counts == {'late': 1}


def test_sensors_that_are_behind_each_other_are_not_late(window):
    add(window, 'head', 100 * MS)
    add(window, 'left_wrist', 60 * MS)
    assert window.counts['late'] == 0
    assert window.newest_stamp_ns == 100 * MS


def test_the_same_stamp_twice_is_dropped_for_one_sensor_but_not_for_two(window):
    assert add(window, 'head', 5 * MS) is None
    assert add(window, 'left_wrist', 5 * MS) is None
    assert add(window, 'head', 5 * MS) == 'duplicate'
    assert stamps(window, 'head') == [5 * MS]
    assert window.counts == {'duplicate': 1}


def test_a_stamp_far_ahead_of_the_clock_is_dropped_and_does_not_move_the_window(window):
    add(window, 'head', SECOND)
    assert add(window, 'head', 100 * SECOND, now_ns=SECOND) == 'future'
    assert add(window, 'head', SECOND + 400 * MS, now_ns=SECOND) is None
    assert window.newest_stamp_ns == SECOND + 400 * MS
    assert window.counts == {'future': 1}


def test_the_error_names_the_sensor(window):
    with pytest.raises(MeasurementError, match='left_wrist'):
        window.add(Measurement('left_wrist', 10 * SECOND), SECOND)


def test_what_is_older_than_the_span_is_forgotten(window):
    for i in range(100):
        add(window, 'head', i * 100 * MS)
    add(window, 'left_wrist', 9900 * MS)
    assert stamps(window, 'head') == [i * 100 * MS for i in range(79, 100)]
    add(window, 'left_wrist', 20 * SECOND)
    assert window.series('head') == ()


def test_a_flood_of_stamps_does_not_fill_the_memory(window):
    for i in range(CAPACITY + 100):
        add(window, 'head', i)
    assert len(window.series('head')) == CAPACITY


def test_clear_empties_the_window_but_keeps_the_counts(window):
    add(window, 'head', 5 * MS)
    add(window, 'head', 5 * MS)
    window.clear()
    assert window.newest_stamp_ns is None
    assert window.series('head') == ()
    assert window.counts == {'duplicate': 1}


def test_a_snapshot_does_not_change_when_the_window_goes_on(window):
    add(window, 'head', 5 * MS)
    snapshot = window.snapshot()
    add(window, 'head', 10 * SECOND)
    assert snapshot.newest_stamp_ns == 5 * MS
    assert [m.stamp_ns for m in snapshot.series('head')] == [5 * MS]
    with pytest.raises(FrozenInstanceError):
        snapshot.newest_stamp_ns = 0
