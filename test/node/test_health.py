import math
import time

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus

from inpose_ros.node.diagnostics import diagnostics_from
from inpose_ros.node.health import Health

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
            begin = time.perf_counter()
            status(health, seconds * SECOND)
            times.append(time.perf_counter() - begin)
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
