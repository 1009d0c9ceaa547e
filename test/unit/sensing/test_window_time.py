"""MeasurementWindow where time goes back: it is followed, and what only looks like that is not."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inpose_ros.sensing.window import MeasurementWindow

from .windows import MS, SECOND, add, stamps


@pytest.fixture
def window():
    return MeasurementWindow(span_ns=2 * SECOND)


def test_one_lone_old_stamp_is_only_dropped(window):
    add(window, 'head', 10 * SECOND)
    assert add(window, 'head', SECOND) == 'too_old'
    assert add(window, 'head', 10 * SECOND + MS) is None
    assert add(window, 'head', SECOND + MS) == 'too_old'
    assert stamps(window, 'head') == [10 * SECOND, 10 * SECOND + MS]
    assert window.counts == {'too_old': 2}


def test_one_sensor_with_a_wrong_clock_does_not_empty_the_window(window):
    for i in range(50):
        now = 10 * SECOND + i * 10 * MS
        assert add(window, 'head', now) is None
        assert add(window, 'pelvis', i * 10 * MS, now_ns=now) == 'too_old'
    assert len(window.series('head')) == 50
    assert window.counts == {'too_old': 50}


def test_when_all_sensors_go_back_the_window_goes_on_in_the_new_time(window):
    names = ('head', 'left_wrist', 'pelvis')
    for i in range(100):
        for name in names:
            add(window, name, 10 * SECOND + i * 10 * MS)
    for i in range(10):
        for name in names:
            add(window, name, SECOND + i * 10 * MS)
    assert window.counts['time_reset'] == 1
    assert window.newest_stamp_ns == SECOND + 90 * MS
    assert all(stamps(window, name) == [SECOND + i * 10 * MS for i in range(10)] for name in names)


def test_a_looping_bag_goes_on_while_the_clock_runs_on(window):
    for i in range(1000):
        add(window, 'head', (i % 500) * 10 * MS, now_ns=100 * SECOND + i * 10 * MS)
    assert window.counts['time_reset'] == 1
    assert window.newest_stamp_ns == 4990 * MS


def test_a_sensor_that_died_before_does_not_hold_time_back(window):
    add(window, 'pelvis', 10 * SECOND)
    for i in range(100):
        add(window, 'head', 10 * SECOND + i * 10 * MS)
    for i in range(300):
        add(window, 'head', i * 10 * MS, now_ns=11 * SECOND + i * 10 * MS)
    assert window.counts['time_reset'] == 1
    assert window.newest_stamp_ns == 2990 * MS


@pytest.mark.parametrize(('rate', 'back'), [(20, 400), (20, 1500), (60, 200), (60, 500), (100, 150), (100, 1500)])
def test_a_clock_that_goes_back_by_less_than_the_span_is_followed_within_six_readings(window, rate, back):
    """These readings lie inside the window; nothing newer came until the time had caught up."""
    names = ('head', 'left_wrist', 'pelvis')
    for i in range(100):
        for name in names:
            add(window, name, 10 * SECOND + i * SECOND // rate)
    begin = window.newest_stamp_ns - back * MS
    again = [begin + MS + i * SECOND // rate for i in range(6)]
    for stamp in again:
        for name in names:
            add(window, name, stamp)
    assert window.counts['time_reset'] == 1
    assert all(stamps(window, name) == again for name in names)


def test_a_loop_shorter_than_the_window_goes_round(window):
    """A bag of one second: every stamp of the second round is there already."""
    for i in range(300):
        add(window, 'head', (i % 100) * 10 * MS, now_ns=100 * SECOND + i * 10 * MS)
    assert window.counts['time_reset'] == 2
    assert window.newest_stamp_ns == 990 * MS and len(stamps(window, 'head')) == 100


def test_one_sensor_that_is_late_by_half_a_second_does_not_turn_time_back(window):
    for i in range(200):
        add(window, 'head', SECOND + i * 10 * MS)
        assert add(window, 'left_wrist', SECOND + (i - 50) * 10 * MS, now_ns=SECOND + i * 10 * MS) is None
    assert window.counts['time_reset'] == 0


def test_a_burst_after_a_hitch_of_the_network_does_not_turn_time_back(window):
    """One sensor's queue is delivered after the other's."""
    for name in ('head', 'left_wrist', 'pelvis'):
        for i in range(100):
            assert add(window, name, SECOND + i * 10 * MS, now_ns=3 * SECOND) is None
    assert window.counts['time_reset'] == 0
    assert all(len(stamps(window, name)) == 100 for name in ('head', 'left_wrist', 'pelvis'))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_readings_up_to_a_tenth_of_a_second_late_in_any_order_never_turn_time_back(seed):
    rng = random.Random(seed)
    window = MeasurementWindow(span_ns=2 * SECOND)
    sent = [(i * 10 * MS, name) for i in range(100) for name in ('head', 'left_wrist')]
    for stamp, name in sorted(sent, key=lambda row: row[0] + rng.randrange(100 * MS)):
        assert add(window, name, SECOND + stamp, now_ns=3 * SECOND) is None
    assert window.counts['time_reset'] == 0 and len(stamps(window, 'head')) == 100


def test_a_clock_that_is_set_back_again_and_again_is_followed(window):
    for start in (10_000, 9_500, 9_200):
        for i in range(60):
            for name in ('head', 'left_wrist'):
                add(window, name, (start + i * 10) * MS, now_ns=(20_000 + i) * MS)
    assert window.counts['time_reset'] == 2
    assert window.newest_stamp_ns == 9_790 * MS


def play(window, arrivals):
    """Add what arrives, as (arrival [ns], sensor, stamp [ns]), in the order of arrival; the newest stamp after each."""
    newest = []
    for now, sensor, stamp in sorted(arrivals):
        add(window, sensor, stamp, now_ns=now)
        newest.append(window.newest_stamp_ns)
    return newest


RATES = {'head': 60, 'left_wrist': 20, 'waist': 1000}


def ticks(sensor, begin, end):
    return range(begin, end, SECOND // RATES[sensor])


@pytest.mark.parametrize('back', [400 * MS, 1900 * MS, 2100 * MS, 60 * SECOND])
def test_a_clock_that_goes_back_by_less_or_more_than_the_span_does_not_hold_up_what_follows(window, back):
    """Sensors from 20 Hz to 1 kHz; the newest stamp is in the new time within five readings of the slowest."""
    arrivals = [
        (now, sensor, now + 100 * SECOND if now < 5 * SECOND else now + 100 * SECOND - back)
        for sensor in RATES for now in ticks(sensor, 0, 7 * SECOND)
    ]  # fmt: skip
    for now, sensor, stamp in sorted(arrivals):
        add(window, sensor, stamp, now_ns=now + 100 * SECOND)
        if now >= 5 * SECOND + 250 * MS:
            assert window.newest_stamp_ns == stamp or window.newest_stamp_ns >= now + 100 * SECOND - back - 2 * MS
            assert window.newest_stamp_ns <= now + 100 * SECOND - back
    assert window.counts['time_reset'] == 1


def test_one_stamp_ahead_of_all_others_holds_up_nothing_for_long(window):
    for now in range(SECOND, 2 * SECOND, 10 * MS):
        add(window, 'head', now)
    add(window, 'head', 2 * SECOND + 450 * MS, now_ns=2 * SECOND)
    for now in range(2 * SECOND + 10 * MS, 2 * SECOND + 60 * MS, 10 * MS):
        add(window, 'head', now)
    assert window.newest_stamp_ns == 2 * SECOND + 50 * MS
    assert window.counts['time_reset'] == 1


@pytest.mark.parametrize('delay', [150 * MS, 900 * MS])
def test_a_sensor_that_is_always_late_is_not_time_going_back_even_when_the_others_stop(window, delay):
    arrivals = [(now, 'head', now) for now in range(0, 4 * SECOND, 10 * MS)]
    arrivals += [(now + delay, 'waist', now) for now in range(0, 8 * SECOND, 10 * MS)]
    newest = play(window, arrivals)
    assert window.counts['time_reset'] == 0 and newest == sorted(newest)
    assert newest[-1] == 8 * SECOND - 10 * MS


def test_one_sensor_ahead_by_a_constant_offset_is_not_time_going_back(window):
    arrivals = [(now, 'head', now + 300 * MS) for now in range(0, 4 * SECOND, 10 * MS)]
    arrivals += [(now, 'waist', now) for now in range(0, 4 * SECOND, 10 * MS)]
    play(window, arrivals)
    assert window.counts == {} and len(window.series('waist')) == 171


def test_a_jump_ahead_of_more_than_the_span_and_back_again(window):
    """A simulation skips a minute, and is then reset: both times there is nothing to wait for."""
    for begin in (0, 60 * SECOND, SECOND):
        for now in range(begin, begin + SECOND, 10 * MS):
            add(window, 'head', now)
            add(window, 'pelvis', now)
        assert window.newest_stamp_ns == begin + 990 * MS
        assert stamps(window, 'pelvis') == stamps(window, 'head') == list(range(begin, begin + SECOND, 10 * MS))
    assert window.counts['time_reset'] == 1


def test_stamps_that_are_dropped_as_future_do_not_hold_time_back(window):
    """The head's clock is 3 s ahead, and so the head never counts; then the bag of the others loops."""
    for i in range(400):
        now = 10 * SECOND + i * 10 * MS
        assert add(window, 'head', now + 3 * SECOND, now_ns=now) == 'future'
        add(window, 'pelvis', now - (3 * SECOND if i >= 300 else 0), now_ns=now)
    assert window.counts['time_reset'] == 1
    assert window.newest_stamp_ns == 10 * SECOND + 990 * MS


STARTS = {'head': 60, 'left_wrist': 60, 'right_wrist': 100, 'waist': 20, 'left_foot': 400, 'right_foot': 5}
YEAR = 365 * 86400 * SECOND


def until_it_is_seen(window, names, lost, back, turn=3 * SECOND):
    """How long after `turn` [ns] the window's end goes on, where all but who are lost go back then."""
    arrivals = [
        (now, name, now + 2 * YEAR - (back if now >= turn else 0))
        for name in names for now in range(name_phase(name), turn + SECOND, SECOND // STARTS[name])
        if now < turn or name not in lost
    ]  # fmt: skip
    for now, name, stamp in sorted(arrivals):
        add(window, name, stamp, now_ns=now + 2 * YEAR)
        if window.counts['time_reset'] or window.newest_stamp_ns > turn + 2 * YEAR:
            assert window.newest_stamp_ns <= now + 2 * YEAR - back
            return now - turn
    return SECOND


def name_phase(name):
    return 1 + list(STARTS).index(name) * MS


@pytest.mark.parametrize('back', [600 * MS, 1500 * MS, 60 * SECOND, YEAR])
@pytest.mark.parametrize(
    ('names', 'lost'),
    [
        (('head',), ()),
        (('head', 'left_wrist'), ('left_wrist',)),
        (('head', 'left_wrist', 'right_wrist'), ('head',)),
        (('head', 'left_wrist', 'right_wrist'), ('left_wrist', 'right_wrist')),
        (('head', 'waist'), ('head',)),
        (('head', 'waist', 'left_foot'), ('waist',)),
        (('head', 'right_foot'), ('head',)),
        (('head', 'waist', 'right_foot'), ('right_foot',)),
        (tuple(STARTS), ('left_foot',)),
        (tuple(STARTS), ('head', 'left_wrist', 'right_wrist', 'waist', 'left_foot')),
        (tuple(STARTS), ()),
    ],
)
def test_who_does_not_come_back_from_the_old_time_holds_up_the_others_for_less_than_half_a_second(
    window, names, lost, back
):
    """A little longer where one has five readings a second."""
    assert until_it_is_seen(window, names, lost, back) < (700 if 'right_foot' in names else 500) * MS


@pytest.mark.parametrize('slow', [1, 5, 20])
@pytest.mark.parametrize('back', [200 * MS, 1500 * MS, 60 * SECOND])
def test_a_slow_sensor_that_goes_on_is_not_taken_for_lost_when_stamps_of_another_go_back(window, slow, back):
    """The head's stamps are those of before for a while, again and again."""
    arrivals = [(now, 'waist', now + 100 * SECOND) for now in range(1, 9 * SECOND, SECOND // slow)]
    for now in range(0, 9 * SECOND, SECOND // 60):
        stray = now > 3 * SECOND and now % SECOND < 900 * MS
        arrivals.append((now, 'head', now + 100 * SECOND - (back if stray else 0)))
    for now, name, stamp in sorted(arrivals):
        add(window, name, stamp, now_ns=now + 100 * SECOND)
    assert window.counts['time_reset'] == 0


@pytest.mark.parametrize('pause', [300 * MS, SECOND])
@pytest.mark.parametrize('wrong', [150 * MS, 3 * SECOND, 60 * SECOND])
def test_who_has_always_been_behind_does_not_turn_time_back_while_the_others_are_silent(window, pause, wrong):
    arrivals = [(now, 'head', now + 100 * SECOND - wrong) for now in range(1, 12 * SECOND, SECOND // 60)]
    for now in range(0, 12 * SECOND, SECOND // 100):
        if now % (4 * SECOND) < 4 * SECOND - pause:
            arrivals += [(now, name, now + 100 * SECOND) for name in ('left_wrist', 'waist')]
    for now, name, stamp in sorted(arrivals):
        add(window, name, stamp, now_ns=now + 100 * SECOND)
    assert window.counts['time_reset'] == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_sensors_of_any_rates_that_come_and_go_a_little_late_never_turn_time_back(seed):
    rng = random.Random(seed)
    window, arrivals = MeasurementWindow(span_ns=round(1.8 * SECOND)), []
    for name in rng.sample(sorted(STARTS), rng.choice((1, 2, 3, 6))):
        period, late, silent = SECOND // rng.choice((1, 3, 5, 20, 60, 200)), rng.randrange(400) * MS, False
        for now in range(1, 10 * SECOND, period):
            silent = rng.random() < (0.9 if silent else 0.03)
            if not silent:
                arrivals.append((now + late + rng.randrange(90) * MS, name, now + 100 * SECOND))
    for now, name, stamp in sorted(arrivals):
        add(window, name, stamp, now_ns=now + 100 * SECOND)
    assert window.counts['time_reset'] == 0
