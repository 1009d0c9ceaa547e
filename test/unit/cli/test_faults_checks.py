"""Each promise to a consumer is told from a record that breaks it."""

import math

import numpy as np
import pytest

from inpose_ros.cli import faults_checks as checks
from inpose_ros.cli.faults import chosen
from inpose_ros.cli.faults_checks import Logged, Record, Told
from inpose_ros.cli.faults_rows import ROWS, WITH_IMU, Errors, judged
from inpose_ros.cli.faults_soak import growth, random_faults
from inpose_ros.errors import FaultError
from inpose_ros.motion.faults import KINDS, Fault

S = 1_000_000_000
START = 1000 * S
COUNT = 180  # six seconds


def record(**changed: object) -> Record:
    """A consumer of a person who stands still, at 30 Hz."""
    stamps = START + np.arange(COUNT, dtype=np.int64) * S // 30
    parts = {
        'joint_stamp_ns': stamps, 'angles': np.zeros((COUNT, 63)), 'velocities': np.zeros((COUNT, 63)),
        'pose_stamp_ns': stamps, 'pose_received_ns': stamps + S // 50, 'position': np.zeros((COUNT, 22, 3)),
        'measured': np.ones((COUNT, 22), dtype=bool), 'degraded': np.zeros(COUNT, dtype=bool), 'tf_stamp_ns': stamps,
        'finite': True, 'told': (told(1, 'tracking'), told(3, 'silent: left_wrist')),
    }  # fmt: skip
    return Record(**(parts | changed))


def told(second: float, message: str, **counts: int) -> Told:
    return Told(START + round(second * S), 0, message, {f'rejected: {name}': str(n) for name, n in counts.items()})


def at(index: int, value: float) -> np.ndarray:
    values = np.zeros((COUNT, 63))
    values[index:, 5] = value
    return values


def verdict(name: str = 'dropout', found: Errors | None = None, alive: bool = True, **changed: object) -> list[str]:
    row = next(row for row in ROWS if row.name == name)
    return judged(row, record(**changed), found or errors(), errors(), START, alive)['failed']


def errors(bad_until: float = 0.0, unused_until: float = 0.0, lost_until: float = 0.0) -> Errors:
    when = np.arange(COUNT) / 30

    def fine(until: float) -> np.ndarray:
        return ~((when > 2) & (when < until))

    return Errors(when, when + 0.02, np.where(fine(bad_until), 0.02, 0.5), fine(unused_until), fine(lost_until))


def test_a_row_that_keeps_every_promise_has_nothing_against_it() -> None:
    assert verdict() == []
    assert verdict(found=errors(bad_until=4.2, unused_until=4.0)) == []


@pytest.mark.parametrize(
    ('changed', 'why'),
    [
        ({'alive': False}, 'the node died'),
        ({'pose_received_ns': record().pose_received_ns + 2 * S}, 'the machine was too busy'),
        ({'finite': False}, 'not finite'),
        ({'velocities': at(50, 16.0)}, 'too fast'),
        ({'angles': at(50, 0.6)}, 'too fast'),  # 18 rad/s over a 30th of a second
        ({'told': (told(1, 'tracking'), told(3, 'tracking'))}, 'not named'),
        ({'told': (told(1, 'silent: head'), told(3, 'tracking'))}, 'not named'),
        ({'found': errors(bad_until=4.8)}, 'as exact as before after'),
        ({'found': errors(unused_until=4.8)}, 'sensors in use after'),
        ({'found': errors(bad_until=9.0)}, 'as exact as before after inf'),
        ({'found': errors(lost_until=2.5)}, 'good sensors out of use'),
    ],
)
def test_a_broken_promise_is_told(changed: dict, why: str) -> None:
    assert any(text.startswith(why) for text in verdict(**changed)), verdict(**changed)


def test_stamps_may_go_back_only_where_the_sensors_clock_does() -> None:
    stamps = record().tf_stamp_ns.copy()
    stamps[100:] -= 10 * S
    back = (told(1, 'tracking'), told(3, 'time_reset: head'))
    assert 'stamps went back' in verdict(tf_stamp_ns=stamps)
    assert verdict('clock_back', tf_stamp_ns=stamps, told=back) == []
    stamps[150:] -= S
    assert 'stamps went back' in verdict('clock_back', tf_stamp_ns=stamps, told=back)


def test_without_a_fault_nothing_may_be_named_but_what_a_busy_machine_does() -> None:
    assert verdict('none', told=(told(3, 'jitter: head'),)) == []
    assert verdict('none') == ['silent named without a fault']


def test_a_cause_is_named_by_the_status_or_by_a_count_that_rises() -> None:
    begin_ns = START + 2 * S
    rows = [told(1, 'teleport: head', nan=1, flood=3), told(3, 'frozen: head, waist; late: head', nan=5, flood=3)]
    assert checks.causes_named(rows, begin_ns) == {'nan': '4 x', 'frozen': 'head, waist', 'late': 'head'}


def test_recovery_is_counted_from_the_last_bad_pose_after_the_end() -> None:
    times = np.arange(10.0)
    good = np.array([True, True, False, True, False, False, True, True, True, True])
    assert checks.recovery_time(times, good, 3.5) == pytest.approx(2.5)
    assert checks.recovery_time(times, good, 6.5) == pytest.approx(0.5)
    assert math.isinf(checks.recovery_time(times, ~good, 3.5)) and math.isinf(checks.recovery_time(times, good, 20.0))


def test_a_single_odd_pose_is_smoothed_away_and_a_spell_is_not() -> None:
    values = np.zeros(20)
    values[5] = 1
    assert not checks.smoothed(values).any()
    values[5:9] = 1
    assert checks.smoothed(values).max() == 1


def test_a_flag_that_one_pose_lacks_is_not_lost() -> None:
    flags = np.ones(20, dtype=bool)
    flags[5:7] = False
    assert checks.mostly(flags).all()
    flags[5:9] = False
    assert (~checks.mostly(flags)).sum() == 4


def test_a_warning_in_the_diagnostics_has_to_be_explained_by_a_fault() -> None:
    late = 8.0

    def said(message: str, *faults: Fault) -> list[str]:
        row = Told(START + round(late * S), 1, message, {})
        whole = record(pose_received_ns=START + np.linspace(0, 12 * S, COUNT).astype(np.int64), told=(row,))
        return checks.unexplained(whole, faults, START, 12.0, 2.0)

    assert said('jitter: head; frozen: waist') == ['"frozen: waist" in the diagnostics at 8.0 s']
    assert said('jitter: head; late: waist') == []
    assert said('frozen: waist', Fault('freeze', 2.0, 2.5)) == []
    assert said('frozen: waist', Fault('freeze', 0.2, 0.9))


def test_a_change_of_state_has_to_be_in_the_log() -> None:
    degraded = (np.arange(COUNT) > 60) & (np.arange(COUNT) < 120)
    lines = tuple(Logged(START + round(t * S), 'a line') for t in (2.5, 3.7))
    assert checks.unlogged(record(), START) == []
    assert checks.unlogged(record(degraded=degraded, log=lines), START) == []
    assert checks.unlogged(record(degraded=degraded, log=lines[:1]), START) == [
        'no word in the log of the change at 4.0 s'
    ]
    assert len(checks.unlogged(record(degraded=degraded), START)) == 2


def test_silence_and_degraded_poses_have_to_be_explained_by_a_fault() -> None:
    good = record()
    keep = (good.pose_received_ns < START + 2 * S) | (good.pose_received_ns > START + 5 * S)
    gap = record(pose_received_ns=good.pose_received_ns[keep], degraded=good.degraded[keep])
    fault = Fault('dropout', 1.9, 3.0)
    assert checks.unexplained(good, [], START, 6.0, 2.0) == []
    assert len(checks.unexplained(gap, [], START, 6.0, 2.0)) == 1
    assert checks.unexplained(gap, [fault], START, 6.0, 2.0) == []
    degraded = record(degraded=np.arange(COUNT) > 170)
    assert checks.unexplained(degraded, [fault], START, 6.0, 2.0)
    assert not checks.unexplained(degraded, [Fault('freeze', 5.0, 5.5)], START, 6.0, 2.0)
    early = [Fault(kind, 0.5, 1.0, ('head', 'left_wrist')) for kind in ('freeze', 'swapped')]
    assert checks.unexplained(degraded, early[:1], START, 6.0, 2.0)
    assert not checks.unexplained(degraded, early[1:], START, 6.0, 2.0)


def test_every_kind_has_a_row_and_a_cause() -> None:
    assert {row.fault.kind for row in ROWS if row.fault} == set(KINDS) == set(checks.NAMED)


def test_chosen_kinds_come_with_the_same_motion_without_a_fault() -> None:
    assert [row.name for row in chosen('units_g,nan')] == ['none', 'nan', 'none with an IMU', 'units_g']
    assert chosen('') == list(ROWS)
    with pytest.raises(FaultError, match='there is no fault gremlins'):
        chosen('nan,gremlins')


def test_random_faults_are_seeded_and_such_as_can_be_played() -> None:
    one, other = (random_faults(60.0, np.random.default_rng(3)) for _ in range(2))
    assert one == other and len(one) > 5 and one != random_faults(60.0, np.random.default_rng(4))
    many = random_faults(3600.0, np.random.default_rng(0))
    assert {fault.kind for fault in many} == set(KINDS)
    assert ROWS[-1].sensors == WITH_IMU


def test_memory_grows_only_after_the_warm_up() -> None:
    samples = [(10.0 * k, 100.0 + (50 if k > 3 else 0)) for k in range(20)]
    assert growth(samples) == 0
    assert growth([(when, used + when) for when, used in samples]) == pytest.approx(110)
    assert math.isnan(growth(samples[:6]))
