"""Each promise to a consumer is told from a record that breaks it."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from inpose_ros.body import smpl22
from inpose_ros.errors import FaultError
from inpose_ros.evaluation.tracking import truth_at
from inpose_ros.motion.faults import KINDS, Fault, faulted
from inpose_ros.motion.procedural import procedural_clip, random_skeleton
from inpose_ros.motion.simulate import SimulatedReading
from inpose_ros.sensing.measurement import Measurement
from inpose_ros.tools import faults_checks as checks
from inpose_ros.tools.faults import chosen
from inpose_ros.tools.faults_checks import Logged, Record, Told
from inpose_ros.tools.faults_rows import Errors, Played, _undisturbed, disturbance, judged
from inpose_ros.tools.faults_soak import SETTING, growth, random_faults
from inpose_ros.tools.faults_table import ROWS, Row

S = 1_000_000_000
START = 1000 * S
COUNT = 180  # six seconds


def record(**changed: object) -> Record:
    """A consumer of a person who stands still, at 30 Hz."""
    stamps = START + np.arange(COUNT, dtype=np.int64) * S // 30
    parts = {
        'joint_stamp_ns': stamps, 'angles': np.zeros((COUNT, 63)), 'velocities': np.zeros((COUNT, 63)),
        'pose_stamp_ns': stamps, 'pose_received_ns': stamps + S // 50, 'position': np.zeros((COUNT, 22, 3)),
        'measured': np.ones((COUNT, 22), dtype=bool), 'degraded': np.zeros(COUNT, dtype=bool),
        'tracking': np.ones(COUNT, dtype=bool), 'position_stddev': np.full((COUNT, 22), 0.01),
        'bone_length': np.full((COUNT, 22), 0.3), 'tf_stamp_ns': stamps, 'finite': True,
        'told': (told(1, 'tracking'), told(3, 'duplicate: left_wrist')),
    }  # fmt: skip
    return Record(**(parts | changed))


def told(second: float, message: str, **counts: int) -> Told:
    return Told(START + round(second * S), 0, message, {f'rejected: {name}': str(n) for name, n in counts.items()})


def at(index: int, value: float) -> np.ndarray:
    values = np.zeros((COUNT, 63))
    values[index:, 5] = value
    return values


def row_named(name: str) -> Row:
    return next(row for row in ROWS if row.name == name)


def played(found: Errors | None = None, off: np.ndarray | None = None, **changed: object) -> Played:
    off = np.full((COUNT, 22), 0.02) if off is None else off
    return Played(record(**changed), START, found or errors(), off, np.full(22, 0.3))


def verdict(name: str = 'duplicates', alive: bool = True, **changed: object) -> list[str]:
    row = row_named(name)
    changed = {'told': (told(1, 'tracking'), told(3, f'{row.cause}: left_wrist'))} | changed
    return judged(row, played(**changed), played(), alive)['failed']


def errors(bad_until: float = 0.0, unused_until: float = 0.0, lost_until: float = 0.0) -> Errors:
    when = np.arange(COUNT) / 30

    def fine(until: float) -> np.ndarray:
        return ~((when > 2) & (when < until))

    return Errors(when, when + 0.02, np.where(fine(bad_until), 0.02, 0.5), fine(unused_until), fine(lost_until))


def flags(begin: float, end: float) -> np.ndarray:
    """False of every joint between two times, and else true."""
    when = np.arange(COUNT) / 30
    return np.repeat(((when < begin) | (when > end))[:, None], 22, axis=1)


def test_a_row_that_keeps_every_promise_has_nothing_against_it() -> None:
    assert verdict() == []
    assert verdict(found=errors(bad_until=4.2, unused_until=4.0)) == []


@pytest.mark.parametrize(
    ('changed', 'why'),
    [
        ({'alive': False}, 'the node died'),
        ({'finite': False}, 'not finite'),
        ({'velocities': at(50, 16.0)}, 'too fast'),
        ({'angles': at(50, 0.6)}, 'too fast'),  # 18 rad/s over a 30th of a second
        ({'told': (told(1, 'tracking'), told(3, 'tracking'))}, 'not named'),
        ({'told': (told(1, 'duplicate: head'), told(3, 'tracking'))}, 'not named'),
        ({'found': errors(bad_until=4.8)}, 'as exact as before after'),
        ({'found': errors(unused_until=4.8)}, 'sensors in use after'),
        ({'found': errors(bad_until=9.0)}, 'as exact as before after inf'),
        ({'found': errors(lost_until=2.5)}, 'good sensors out of use'),
        ({'measured': flags(2.5, 3.5)}, 'TRACKING for 1.0 s while a sensor did not contribute'),
        ({'tracking': np.arange(COUNT) < 60}, 'not TRACKING again at the end'),
    ],
)
def test_a_broken_promise_is_told(changed: dict, why: str) -> None:
    assert any(text.startswith(why) for text in verdict(**changed)), verdict(**changed)


def test_stamps_may_go_back_only_where_the_sensors_clock_does() -> None:
    stamps = record().tf_stamp_ns.copy()
    stamps[100:] -= 10 * S
    assert 'stamps went back' in verdict(tf_stamp_ns=stamps)
    assert verdict('clock_back', tf_stamp_ns=stamps) == []
    stamps[150:] -= S
    assert 'stamps went back' in verdict('clock_back', tf_stamp_ns=stamps)
    assert 'stamps went back' in verdict('clock_back of one', tf_stamp_ns=record().tf_stamp_ns - stamps)


def test_without_a_fault_nothing_may_be_named_but_what_a_busy_machine_does() -> None:
    assert verdict('none', told=(told(3, 'jitter: head'),)) == []
    assert verdict('none', told=(told(3, 'silent: head'),)) == ['silent named without a fault']


def test_without_a_fault_the_state_is_tracking() -> None:
    assert verdict('none', told=(), tracking=np.arange(COUNT) / 30 > 1) == []
    assert verdict('none', told=(), tracking=np.arange(COUNT) / 30 > 2)[0].startswith('not TRACKING in 2')


def test_a_sensor_at_fault_has_to_be_out_of_use_in_time() -> None:
    silent = record().measured.copy()
    wrist = smpl22.INDEX['left_wrist']
    silent[60:114, wrist] = False
    honest = {'tracking': ~((np.arange(COUNT) > 75) & (np.arange(COUNT) < 114))}
    assert verdict('dropout', measured=silent, **honest) == []
    assert any('sensors at fault in use' in text for text in verdict('dropout'))


def test_a_joint_whose_sensor_is_right_may_not_be_far_from_it_and_measured() -> None:
    off = np.full((COUNT, 22), 0.02)
    off[70:100, smpl22.INDEX['right_wrist']] = 0.3
    assert verdict('freeze', off=off)[0] == 'a measured joint 30 cm off'
    assert not any('cm off' in text for text in verdict('freeze', off=off, position_stddev=np.full((COUNT, 22), 0.1)))
    off[70:100, smpl22.INDEX['right_wrist']] = 0.02
    off[70:100, smpl22.INDEX['left_wrist']] = 0.3  # frozen: its own fault
    assert not any('cm off' in text for text in verdict('freeze', off=off))


def test_what_others_are_compared_with_is_played_until_it_is_undisturbed() -> None:
    machine = Machine(disturbed=2, bad=0)
    machine.said = ''
    assert _undisturbed(machine, row_named('none'), None)[0]['failed'] == [] and machine.runs == 3


def test_a_row_that_the_machine_disturbed_is_said_to_be() -> None:
    row = row_named('duplicates')
    assert disturbance(row, played()) == ''
    assert disturbance(row, played(disturbed='the machine stalled for 80 ms')) == 'the machine stalled for 80 ms'
    slow = disturbance(row, played(pose_received_ns=record().pose_received_ns + 2 * S))
    assert slow == '0 poses a second before the fault'
    assert disturbance(row_named('unworn'), played(pose_received_ns=record().pose_received_ns + 2 * S)) == ''


class Machine:
    """A bench whose first runs are disturbed and not as promised."""

    alive, said = True, 'duplicate: head'

    def __init__(self, disturbed: int, bad: int) -> None:
        self.truth = procedural_clip(0, 6.2, random_skeleton(0))
        self.runs, self._disturbed, self._bad = 0, disturbed, bad

    def play(self, *given: object, **more: object) -> tuple[Record, int]:
        self.runs += 1
        stalled = 'the machine stalled for 80 ms' if self.runs <= self._disturbed else ''
        true = truth_at(self.truth, record().pose_stamp_ns, START).positions.double().numpy()
        named = '' if self.runs <= self._bad else self.said
        rows = (told(1, 'tracking'), told(3, named))
        return record(position=true, told=rows, disturbed=stalled), START


@pytest.mark.parametrize(
    ('disturbed', 'bad', 'runs', 'failed'),
    [
        (0, 0, 1, []),
        (1, 0, 1, []),  # as promised all the same
        (0, 1, 1, ['not named']),
        (2, 2, 3, []),
        (1, 9, 2, ['not named']),
        (9, 9, 3, ['the machine was too busy to tell (the machine stalled for 80 ms)', 'not named']),
    ],
)
def test_a_row_is_played_again_only_where_it_failed_and_was_disturbed(
    disturbed: int, bad: int, runs: int, failed: list[str]
) -> None:
    machine = Machine(disturbed, bad)
    result, _ = _undisturbed(machine, row_named('duplicates'), played())
    assert (machine.runs, result['failed']) == (runs, failed)


def test_a_cause_is_named_by_the_status_or_by_a_count_that_rises() -> None:
    begin_ns = START + 2 * S
    rows = [told(1, 'teleport: head', nan=1, flood=3), told(3, 'frozen: head, waist; late: head', nan=5, flood=3)]
    assert checks.causes_named(rows, begin_ns) == {'nan': '4 x', 'frozen': 'head, waist', 'late': 'head'}


def test_good_sensors_may_not_be_blamed_but_for_what_they_cannot_help() -> None:
    messages = (
        'frozen: head',
        'ahead: head (+50 ms; left_wrist may be right); jitter: head',
        'inconsistent: head | left_wrist',
        'frozen: left_wrist, waist',
    )
    rows = [Told(START + k * S, 1, message, {}) for k, message in enumerate(messages)]
    assert checks.blamed(rows, START, ['head']) == {'frozen': ('head',), 'ahead': ('head',)}
    assert checks.blamed(rows, START + S, ['left_wrist', 'waist']) == {'frozen': ('left_wrist', 'waist')}
    assert checks.blamed(rows, START + 2 * S, ['head']) == {}


def test_a_good_sensor_that_is_blamed_fails_the_row() -> None:
    row = Told(START + 3 * S, 1, 'frozen: left_wrist; heading_step: right_wrist', {})
    assert 'heading_step of right_wrist, which are right' in verdict('freeze', told=(row,))


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
    assert said('no time for all that is wanted: fewer steps, or the past looked at later') == []
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
    played = {fault.kind for row in ROWS for fault in row.faults}
    assert played == set(KINDS) == set(checks.NAMED)
    assert len({row.name for row in ROWS}) == len(ROWS) and not any(',' in row.name for row in ROWS)
    assert sum(not row.setting.library for row in ROWS) >= 40


def test_each_setting_begins_with_a_motion_without_a_fault() -> None:
    settings = list(dict.fromkeys(row.setting for row in ROWS))
    for setting in settings:
        first, *others = [row for row in ROWS if row.setting is setting]
        assert first.is_clean and not any(row.is_clean for row in others)


def test_chosen_kinds_come_with_the_same_motion_without_a_fault() -> None:
    assert [row.name for row in chosen('units_g,nan')] == ['none', 'nan', 'none with an IMU', 'units_g']
    assert [row.name for row in chosen('no_clock')] == ['none in simulated time', 'no_clock']
    assert chosen('') == list(ROWS)
    with pytest.raises(FaultError, match='there is no fault gremlins'):
        chosen('nan,gremlins')


def test_random_faults_are_seeded_and_such_as_can_be_played() -> None:
    one, other = (random_faults(60.0, np.random.default_rng(3)) for _ in range(2))
    assert one == other and len(one) > 5 and one != random_faults(60.0, np.random.default_rng(4))
    many = random_faults(3600.0, np.random.default_rng(0))
    assert {fault.kind for fault in many} == set(KINDS)


def worn_with_mixed_sensors() -> dict[str, bool]:
    """The sensors of the file, and whether each is located."""
    path = Path(__file__).parents[3] / 'config' / SETTING.sensors
    rows = yaml.safe_load(path.read_text())['/**']['ros__parameters']
    return {name: rows[name]['type'] != 'imu' for name in rows['sensors']}


def reading(name: str, located: bool, k: int) -> SimulatedReading:
    parts = {'position': np.ones(3)} if located else dict.fromkeys(('angular_velocity', 'specific_force'), np.ones(3))
    return SimulatedReading(Measurement(name, k * S // 10, np.eye(3), **parts), k * S // 10)


def test_random_faults_of_every_kind_can_befall_the_sensors_that_they_name() -> None:
    worn = worn_with_mixed_sensors()
    for fault in random_faults(1800.0, np.random.default_rng(0)):
        inside = [reading(name, located, k) for k in range(10) for name, located in worn.items()]
        faulted(inside, [replace(fault, begin=0.0, end=1.0)], list(worn), np.random.default_rng(0))


def test_a_stall_explains_what_a_fault_does() -> None:
    degraded = record(degraded=(np.arange(COUNT) > 120) & (np.arange(COUNT) < 130))
    assert checks.unexplained(degraded, [], START, 6.0, 2.0)
    stalled = replace(degraded, stalls=((START + 39 * S // 10, START + 4 * S),))
    assert checks.unexplained(stalled, [], START, 6.0, 2.0) == []


def test_memory_grows_only_after_the_warm_up() -> None:
    samples = [(10.0 * k, 100.0 + (50 if k > 3 else 0)) for k in range(20)]
    assert growth(samples) == 0
    assert growth([(when, used + when) for when, used in samples]) == pytest.approx(110)
    assert math.isnan(growth(samples[:6]))
