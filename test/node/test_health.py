import math

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
            health.published(now_ns, now_ns - 20_000_000, 0.01)
    return health


NOW = 110 * SECOND


def status(health: Health | None, now_ns: int = NOW, state: str = 'active') -> DiagnosticStatus:
    return diagnostics_from(health, {'device': 'cpu'}, 'inpose', state, now_ns).status[0]


def test_rates_and_latencies_are_those_of_the_last_seconds(health):
    assert health.rate('head', NOW) == pytest.approx(50)
    assert health.pose_rate(NOW) == pytest.approx(25)
    assert health.latency(NOW, (50, 95)) == pytest.approx([0.02, 0.02])
    assert health.rate('head', NOW + 60 * SECOND) == 0 and math.isnan(health.latency(NOW + 60 * SECOND, (50,))[0])


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


def test_rejections_are_told_by_cause_and_apart_from_late_and_dropped(health):
    health.counts.update({'not_finite': 3, 'future': 2, 'late': 7, 'dropped': 1})
    values = {row.key: row.value for row in status(health).values}
    assert values['rejected'] == '5' and values['rejected: not_finite'] == '3'
    assert values['late'] == '7' and values['dropped'] == '1' and values['device'] == 'cpu'
    assert values['latency p95 [ms]'] == '20.0' and values['head rate [Hz]'] == '50.0'


def test_a_clock_that_went_back_makes_no_negative_age(health):
    assert health.age('head', NOW - 5 * SECOND) == 0 and health.silent(NOW - 5 * SECOND) == ()
