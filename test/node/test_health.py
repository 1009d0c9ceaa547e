import math
import time

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus

from inpose_ros.node.clock_watch import Standing
from inpose_ros.node.diagnostics import Idle, diagnostics_from, level_and_message
from inpose_ros.node.health import ClockPace, Health

SECOND = 1_000_000_000


@pytest.fixture
def health() -> Health:
    """Ten seconds of two sensors at 50 Hz and poses at 25 Hz, 20 ms late."""
    health = Health(('head', 'waist'), timeout_ns=SECOND // 2)
    for k in range(501):
        now_ns = 100 * SECOND + k * SECOND // 50
        health.arrived('head', now_ns)
        health.arrived('waist', now_ns)
        if k % 2 == 0:
            health.published(now_ns, 0.02, 0.01)
    return health


NOW = 110 * SECOND


def status(health: Health | None, now_ns: int = NOW, state: str = 'active') -> DiagnosticStatus:
    silent = health.silent(now_ns) if health else ()
    return diagnostics_from(health, silent, {'device': 'cpu'}, 'inpose', state, now_ns).status[0]


def test_rates_and_latencies_are_those_of_the_last_seconds(health):
    assert health.rate('head', NOW) == pytest.approx(50)
    assert health.pose_rate(NOW) == pytest.approx(25)
    assert health.latency(NOW, (50, 95)) == pytest.approx([0.02, 0.02])
    assert health.rate('head', NOW + 60 * SECOND) == 0 and math.isnan(health.latency(NOW + 60 * SECOND, (50,))[0])


def test_percentiles_are_those_of_numpy():
    health, times = Health(('head',), SECOND), np.random.default_rng(0).exponential(0.02, 60)
    for k, late in enumerate(times):
        health.published(NOW - SECOND + k * 10_000_000, late, 0.01)
    asked = (0, 5, 50, 95, 99, 100)
    assert health.latency(NOW, asked) == pytest.approx(np.percentile(times, asked).tolist(), abs=1e-8)


def test_what_has_been_long_ago_does_not_make_the_diagnostics_slow():
    """Once a second they keep the messages waiting."""

    def took(seconds: int) -> float:
        health = Health(tuple('abcdef'), SECOND)
        for k in range(100 * seconds):
            for name in health.sensors:
                health.arrived(name, k * SECOND // 100, 0.001)
            health.published(k * SECOND // 100, 0.01, 0.01)
        times = []
        for _ in range(15):
            begin = time.thread_time()
            status(health, seconds * SECOND)
            times.append(time.thread_time() - begin)
        return sorted(times)[7]

    assert took(60) < 3 * took(5)  # of twelve times as much


def test_all_is_well_while_all_send(health):
    assert status(health).level == DiagnosticStatus.OK


def test_one_silent_sensor_is_a_warning_that_names_it(health):
    health.arrived('head', NOW + SECOND)
    told = status(health, NOW + SECOND)
    assert told.level == DiagnosticStatus.WARN and 'waist' in told.message and 'head' not in told.message


def test_all_silent_is_an_error(health):
    assert status(health, NOW + SECOND).level == DiagnosticStatus.ERROR


def test_a_sensor_that_never_sent_is_silent():
    health = Health(('head',), timeout_ns=SECOND)
    assert health.silent(NOW) == ('head',) and health.age('head', NOW) == math.inf


def test_a_node_that_is_not_active_says_so():
    told = status(None, state='unconfigured')
    assert told.level == DiagnosticStatus.WARN and 'unconfigured' in told.message


def test_what_went_wrong_is_named_with_its_sensors_for_three_seconds(health):
    for name in ('waist', 'head'):
        health.note('teleport', name, NOW)
    assert status(health).message == 'teleport: head, waist' and status(health).level == DiagnosticStatus.WARN
    for k in range(250):
        health.arrived('head', NOW + k * SECOND // 50)
        health.arrived('waist', NOW + k * SECOND // 50)
    assert status(health, NOW + 5 * SECOND).message == 'tracking'


def test_a_sensor_whose_readings_are_rejected_is_not_called_silent(health):
    health.arrived('head', NOW + 2 * SECOND)
    health.note('frozen', 'waist', NOW + 2 * SECOND)
    assert status(health, NOW + 2 * SECOND).message == 'frozen: waist'
    assert health.silent(NOW + 2 * SECOND) == ('waist',), 'though nothing of it is used'


def test_where_all_is_rejected_it_says_so(health):
    for name in health.sensors:
        health.note('wrong_frame', name, NOW + 2 * SECOND)
    told = status(health, NOW + 2 * SECOND)
    assert told.level == DiagnosticStatus.ERROR and 'can be used' in told.message and 'wrong_frame' in told.message


def test_delay_and_jitter_are_told_and_named_when_they_are_large():
    health = Health(('even', 'late', 'ragged'), timeout_ns=SECOND)
    for k in range(200):
        now_ns = NOW - 3 * SECOND + k * SECOND // 66
        health.arrived('even', now_ns, 0.01)
        health.arrived('late', now_ns, 0.18)
        health.arrived('ragged', now_ns, 0.09 * (k % 4) / 3)
    assert health.recent(NOW) == {'delayed': ('late',), 'jitter': ('ragged',)}
    values = {row.key: row.value for row in status(health).values}
    assert values['late delay p95 [ms]'] == '180.0' and values['ragged jitter [ms]'] == '90.0'


def test_counts_are_told_by_cause_and_by_sensor(health):
    health.note('flood', 'head', NOW)
    health.note('flood', 'waist', NOW)
    health.note('late', 'waist', NOW)
    values = {row.key: row.value for row in status(health).values}
    assert values['rejected: flood'] == '2' and values['head rejected: flood'] == '1' and values['waist late'] == '1'


def test_those_that_are_not_worn_any_more_are_forgotten(health):
    health.note('flood', 'waist', NOW)
    health.wear(('head',))
    assert health.recent(NOW) == {} and not health.silent(NOW)


def test_rejections_are_told_by_cause_and_apart_from_late_and_dropped(health):
    health.counts.update({'not_finite': 3, 'future': 2, 'late': 7, 'dropped': 1})
    values = {row.key: row.value for row in status(health).values}
    assert values['rejected'] == '5' and values['rejected: not_finite'] == '3'
    assert values['late'] == '7' and values['dropped'] == '1' and values['device'] == 'cpu'
    assert values['latency p95 [ms]'] == '20.0' and values['head rate [Hz]'] == '50.0'


def test_a_clock_that_went_back_makes_no_negative_age(health):
    assert health.age('head', NOW - 5 * SECOND) == 0 and health.silent(NOW - 5 * SECOND) == ()


def test_while_a_simulated_clock_stands_no_sensor_is_silent_and_one_that_is_heard_starts_anew(health):
    health.fell_behind(2 * SECOND)
    assert health.silent(NOW + 2 * SECOND) == () and health.silent(NOW + 3 * SECOND) == ('head', 'waist')
    health.arrived('head', NOW + SECOND)
    assert health.silent(NOW + 2 * SECOND) == ('head',)


def test_a_simulated_clock_that_goes_ahead_makes_no_sensor_silent_sooner(health):
    health.fell_behind(-60 * SECOND)
    assert health.silent(NOW + SECOND // 4) == () and health.silent(NOW + SECOND) == ('head', 'waist')


def test_when_time_went_back_rates_and_delays_begin_anew_and_ages_go_on(health):
    health.restart()
    assert health.rate('head', NOW) == 0 and math.isnan(health.late_by('head', NOW))
    assert health.age('waist', NOW + SECOND) == 1 and health.silent(NOW + SECOND) == ('head', 'waist')


def test_between_two_steps_of_a_simulated_clock_no_sensor_is_late_or_uneven():
    health = Health(('head',), timeout_ns=SECOND, pace=ClockPace(speed=4.0, step_ns=SECOND // 10))
    for k in range(200):
        health.arrived('head', NOW - SECOND + k * SECOND // 200, 0.3 * (k % 4) / 3)
    assert health.recent(NOW) == {}
    health.pace = ClockPace()
    assert health.recent(NOW) == {'delayed': ('head',), 'jitter': ('head',)}


def test_without_poses_for_five_seconds_it_never_says_that_all_is_well():
    health = Health(('head',), timeout_ns=SECOND)
    health.begin(NOW)

    def told(seconds: int, idle: Idle) -> tuple[bytes, str]:
        health.arrived('head', NOW + seconds * SECOND)
        return level_and_message(health, (), 'active', NOW + seconds * SECOND, idle)

    assert told(4, Idle()) == (DiagnosticStatus.OK, 'tracking')
    level, message = told(6, Idle(why='the solver has not come to an end'))
    assert level == DiagnosticStatus.WARN and message.startswith('no_poses: none has come out for 6 s')
    assert message.endswith('the solver has not come to an end')
    health.published(NOW + 6 * SECOND, 0.02, 0.01)
    assert told(7, Idle()) == (DiagnosticStatus.OK, 'tracking')
    health.begin(NOW + 60 * SECOND)
    assert told(63, Idle()) == (DiagnosticStatus.OK, 'tracking'), 'it was not active for a while'


def test_where_the_clock_stands_that_is_said_and_no_sensor_is_blamed_for_its_stamps(health):
    health.note('future', 'head', NOW)
    health.note('quaternion', 'waist', NOW)
    standing = Standing('no_clock', 'nothing has come')
    told = level_and_message(health, ('head', 'waist'), 'active', NOW, Idle(standing))
    assert told == (DiagnosticStatus.ERROR, 'no_clock: nothing has come; quaternion: waist')
