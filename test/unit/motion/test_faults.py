"""Each fault does what it says, and nothing outside its interval."""

import functools
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.spatial.transform import Rotation

from inpose_ros.errors import FaultError
from inpose_ros.motion.faults import KINDS, Fault, faulted, load, world_at, written
from inpose_ros.motion.faults_kinds import NEEDS
from inpose_ros.motion.faults_reading import FaultyReading
from inpose_ros.motion.simulate import SimulatedReading
from inpose_ros.sensing.measurement import Measurement

NAMES = ('head', 'left_wrist', 'waist')
RATE = 20
BEGIN, END = 1.0, 2.0
MS = 1_000_000


@functools.cache
def readings() -> list[SimulatedReading]:
    """Three seconds of two trackers and an IMU, none of whose readings equals another; each arrives after 5 ms."""
    rng = np.random.default_rng(5)
    rows = []
    for k in range(3 * RATE):
        for name in NAMES:
            stamp_ns = round(k / RATE * 1e9)
            rot = Rotation.from_rotvec(rng.normal(0, 0.3, 3)).as_matrix()
            if name == 'waist':
                parts = {'angular_velocity': rng.normal(size=3), 'specific_force': rng.normal(size=3)}
            else:
                parts = {'position': rng.normal(size=3)}
            rows.append(SimulatedReading(Measurement(name, stamp_ns, rot, **parts), stamp_ns + 5 * MS))
    return rows


def played(kind: str, *sensors: str, seed: int = 0, amount: float | None = None) -> list[FaultyReading]:
    fault = Fault(kind, BEGIN, END, sensors, amount)
    return faulted(readings(), [fault], NAMES, np.random.default_rng(seed))


def of(rows: list, sensor: str) -> list:
    return [row for row in rows if row.measurement.sensor == sensor]


def inside(rows: list[FaultyReading], sensor: str) -> list[FaultyReading]:
    return [row for row in of(rows, sensor) if BEGIN * 1e9 <= row.taken_ns < END * 1e9]


def true(sensor: str) -> list[SimulatedReading]:
    return [row for row in of(readings(), sensor) if BEGIN * 1e9 <= row.measurement.stamp_ns < END * 1e9]


def bits(row: SimulatedReading) -> tuple:
    m = row.measurement
    parts = (m.rot_world_sensor, m.position, m.angular_velocity, m.specific_force)
    return (m.sensor, m.stamp_ns, row.arrival_ns, *(None if part is None else part.tobytes() for part in parts))


def sensors_for(kind: str) -> tuple[str, ...]:
    if kind == 'swapped':
        return ('head', 'left_wrist')
    return ('head',) if NEEDS.get(kind, 'position') == 'position' else ('waist',)


@pytest.mark.parametrize('kind', KINDS)
def test_nothing_is_changed_outside_the_interval_or_of_other_sensors(kind: str) -> None:
    names = sensors_for(kind)
    rows = played(kind, *names)
    spared = [
        row for row in rows if not (BEGIN * 1e9 <= row.taken_ns < END * 1e9) or row.measurement.sensor not in names
    ]
    wanted = [
        row for row in readings()
        if not (BEGIN * 1e9 <= row.measurement.stamp_ns < END * 1e9) or row.measurement.sensor not in names
    ]  # fmt: skip
    assert sorted(map(bits, spared), key=str) == sorted(map(bits, wanted), key=str)
    assert all(not row.event for row in spared)


@pytest.mark.parametrize('kind', KINDS)
def test_something_is_changed_inside_and_all_comes_in_the_order_of_arrival(kind: str) -> None:
    names = sensors_for(kind)
    rows = played(kind, *names)
    assert [row.arrival_ns for row in rows] == sorted(row.arrival_ns for row in rows)
    for name in names:
        changed = inside(rows, name)
        assert [bits(row) for row in changed] != [bits(row) for row in true(name)] or any(row.event for row in changed)


@pytest.mark.parametrize('kind', KINDS)
def test_the_same_seed_gives_the_same(kind: str) -> None:
    one, other = (played(kind, *sensors_for(kind), seed=3) for _ in range(2))
    assert [(bits(row), row.event) for row in one] == [(bits(row), row.event) for row in other]


def test_another_seed_gives_another_teleport() -> None:
    one, other = (inside(played('teleport', 'head', seed=seed), 'head')[0].measurement.position for seed in (1, 2))
    assert not np.allclose(one, other)


def test_a_dropout_is_silence() -> None:
    assert inside(played('dropout', 'head'), 'head') == []


def test_a_restart_closes_the_publisher_once_and_is_silent() -> None:
    assert [row.event for row in inside(played('restart', 'head'), 'head')] == ['closed']


def test_a_frozen_sensor_repeats_its_last_reading_with_new_stamps() -> None:
    rows = inside(played('freeze', 'head'), 'head')
    last = next(row for row in reversed(of(readings(), 'head')) if row.measurement.stamp_ns < BEGIN * 1e9)
    assert all(np.array_equal(row.measurement.position, last.measurement.position) for row in rows)
    assert [row.measurement.stamp_ns for row in rows] == [row.measurement.stamp_ns for row in true('head')]


def test_a_delay_is_the_same_for_all() -> None:
    late = {row.arrival_ns - row.taken_ns for row in inside(played('delay', 'head', amount=0.3), 'head')}
    assert late == {305 * MS}


def test_jitter_delays_each_differently_and_keeps_the_order() -> None:
    rows = inside(played('jitter', 'head', amount=0.1), 'head')
    late = [row.arrival_ns - row.taken_ns for row in rows]
    assert min(late) >= 5 * MS and max(late) <= 105 * MS and np.std(late) > 10 * MS
    assert [row.taken_ns for row in rows] == sorted(row.taken_ns for row in rows)


def test_duplicates_are_sent_as_often_as_told() -> None:
    stamps = [row.measurement.stamp_ns for row in inside(played('duplicates', 'head', amount=2.0), 'head')]
    assert [stamps.count(row.measurement.stamp_ns) for row in true('head')] == [3] * RATE


def test_reordered_messages_come_backwards_in_blocks_and_none_before_it_was_measured() -> None:
    rows = inside(played('reordering', 'head', amount=5.0), 'head')
    order = [round(row.taken_ns * RATE / 1e9) - RATE for row in rows]
    assert order[:10] == [4, 3, 2, 1, 0, 9, 8, 7, 6, 5]
    assert all(row.arrival_ns >= row.taken_ns for row in rows)


@pytest.mark.parametrize('kind', ['nan', 'bad_quaternion'])
def test_the_share_of_spoilt_messages_is_as_told(kind: str) -> None:
    events = [row.event for row in inside(played(kind, amount=0.5), 'head')]
    assert set(events) == {'', kind} and 4 < events.count(kind) < 17
    assert {row.event for row in inside(played(kind, amount=1.0), 'head')} == {kind}


def test_a_teleport_moves_all_positions_by_one_way_of_the_told_length() -> None:
    rows = inside(played('teleport', 'head', amount=3.0), 'head')
    moved = np.array([a.measurement.position - b.measurement.position for a, b in zip(rows, true('head'))])
    assert np.allclose(moved, moved[0]) and np.linalg.norm(moved[0]) == pytest.approx(3.0)


def test_swapped_sensors_speak_with_each_others_names() -> None:
    rows = played('swapped', 'head', 'left_wrist')
    for name, other in (('head', 'left_wrist'), ('left_wrist', 'head')):
        said = [row.measurement.position.tolist() for row in inside(rows, name)]
        assert said == [row.measurement.position.tolist() for row in true(other)]


def test_a_heading_step_turns_the_world_about_its_vertical() -> None:
    rows = inside(played('heading_step', 'waist', amount=0.7), 'waist')
    turn = Rotation.from_rotvec([0, 0, 0.7]).as_matrix()
    for row, was in zip(rows, true('waist')):
        assert np.allclose(row.measurement.rot_world_sensor, turn @ was.measurement.rot_world_sensor)
        assert np.array_equal(row.measurement.specific_force, was.measurement.specific_force)


def test_wrong_units_scale_what_they_are_units_of() -> None:
    for kind, part, factor in (('units_g', 'specific_force', 1 / 9.81), ('units_degrees', 'angular_velocity', 57.2958)):
        rows = inside(played(kind, 'waist'), 'waist')
        for row, was in zip(rows, true('waist')):
            assert np.allclose(getattr(row.measurement, part), factor * getattr(was.measurement, part), rtol=1e-5)


def test_a_flood_is_so_many_times_the_rate_and_passes_through_what_was_measured() -> None:
    rows = inside(played('flood', 'head'), 'head')
    assert len(rows) == 10 * RATE
    assert [bits(row) for row in rows[::10]] == [bits(row) for row in true('head')]
    stamps = np.array([row.measurement.stamp_ns for row in rows])
    assert set(np.diff(stamps)) == {5 * MS}
    middle = (rows[0].measurement.position + rows[10].measurement.position) / 2
    assert np.allclose(rows[5].measurement.position, middle)


@pytest.mark.parametrize(('kind', 'step_ms'), [('clock_forward', 4000), ('clock_back', -4000)])
def test_a_stepped_clock_changes_stamps_and_not_when_messages_come(kind: str, step_ms: int) -> None:
    rows = inside(played(kind, 'head', amount=4.0), 'head')
    assert {row.measurement.stamp_ns - row.taken_ns for row in rows} == {step_ms * MS}
    assert {row.arrival_ns - row.taken_ns for row in rows} == {5 * MS}


@pytest.mark.parametrize(('kind', 'step_ms'), [('ahead', 200), ('behind', -200)])
def test_stamps_are_ahead_or_behind_by_as_much_as_told(kind: str, step_ms: int) -> None:
    rows = inside(played(kind, 'head', amount=0.2), 'head')
    assert {row.measurement.stamp_ns - row.taken_ns for row in rows} == {step_ms * MS}


def test_a_burst_is_stamped_as_it_is_read() -> None:
    rows = inside(played('burst', 'head', amount=6.0), 'head')
    assert [row.measurement.stamp_ns for row in rows] == [row.arrival_ns for row in rows]
    steps = np.diff([row.arrival_ns for row in rows])
    assert set(steps[:5]) == {MS // 10} and steps[5] > 250 * MS
    assert all(row.arrival_ns >= row.taken_ns for row in rows)
    assert [row.taken_ns for row in rows] == sorted(row.taken_ns for row in rows)


def test_stamps_of_zero_are_played_as_such_whenever_the_motion_begins() -> None:
    ahead = Fault('clock_forward', BEGIN, END, ('head',), 1e6)
    rows = faulted(readings(), [Fault('stamp_zero', BEGIN, END, ('head',)), ahead], NAMES, np.random.default_rng(0))
    start_ns = 1_800_000_000 * 10**9
    assert all(start_ns + row.measurement.stamp_ns < 0 for row in inside(rows, 'head'))


def test_a_lost_tracker_drifts_from_where_it_was_and_says_that_it_knows_nothing() -> None:
    rows = inside(played('lost', 'head', amount=2.0), 'head')
    last = next(row for row in reversed(of(readings(), 'head')) if row.measurement.stamp_ns < BEGIN * 1e9)
    gone = [np.linalg.norm(row.measurement.position - last.measurement.position) for row in rows]
    assert np.allclose(gone, [2.0 * (row.taken_ns - last.measurement.stamp_ns) / 1e9 for row in rows])
    assert {row.measurement.position_stddev for row in rows} == {100.0}
    assert np.array_equal(rows[-1].measurement.rot_world_sensor, last.measurement.rot_world_sensor)


def test_a_frozen_rotation_stays_while_the_position_goes_on() -> None:
    rows = inside(played('rotation_frozen', 'head'), 'head')
    assert all(np.array_equal(row.measurement.rot_world_sensor, rows[0].measurement.rot_world_sensor) for row in rows)
    assert all(np.array_equal(a.measurement.position, b.measurement.position) for a, b in zip(rows, true('head')))


def test_a_device_lies_on_a_table_and_is_then_put_on() -> None:
    fault = Fault('unworn', 0.0, 2.0, ('head',))
    rows = faulted(readings(), [fault], NAMES, np.random.default_rng(0))
    lying = [row.measurement for row in of(rows, 'head') if row.taken_ns < 0.9e9]
    assert np.ptp([row.position for row in lying], axis=0).max() < 0.01 and 0.7 < lying[0].position[2] < 0.85
    assert len({row.position.tobytes() for row in lying}) == len(lying)  # no frozen one: a device jitters
    worn, was = [of(some, 'head')[2 * RATE - 1].measurement for some in (rows, readings())]
    assert np.allclose(worn.position, was.position, atol=0.01)


@pytest.mark.parametrize('kind', ['world_moved', 'lowered', 'elevator', 'far'])
def test_a_world_moves_rigidly_for_all_in_it_and_as_it_is_told(kind: str) -> None:
    fault = Fault(kind, BEGIN, END, ('head', 'left_wrist'))
    rows = faulted(readings(), [fault], NAMES, np.random.default_rng(0))
    for name in fault.sensors:
        for row, was in zip(inside(rows, name), true(name), strict=True):
            move = world_at(fault, row.taken_ns / 1e9)
            assert np.allclose(row.measurement.position, move.rot @ was.measurement.position + move.shift, atol=1e-6)
            assert np.allclose(row.measurement.rot_world_sensor, move.rot @ was.measurement.rot_world_sensor)
    assert world_at(fault, BEGIN - 0.1) is None and world_at(fault, END) is None
    assert world_at(Fault('dropout', BEGIN, END), 1.5) is None


def test_an_elevator_goes_down_gently_and_up_again() -> None:
    fault = Fault('elevator', BEGIN, END, amount=3.0)
    heights = [world_at(fault, when).shift[2] for when in np.linspace(BEGIN, END - 1e-9, 101)]
    assert heights[0] == 0 and min(heights) == pytest.approx(-3) and abs(heights[-1]) < 1e-6
    assert np.abs(np.diff(heights)).max() < 0.15


def test_an_imu_contradicts_itself_as_told() -> None:
    was = [row.measurement for row in true('waist')]

    def said(kind: str) -> list[Measurement]:
        return [row.measurement for row in inside(played(kind, 'waist'), 'waist')]

    assert all(np.array_equal(row.rot_world_sensor, np.eye(3)) for row in said('orientation_identity'))
    assert all(not row.angular_velocity.any() for row in said('gyro_zero'))
    for now, before in zip(said('gyro_reversed'), was, strict=True):
        assert np.array_equal(now.angular_velocity, -before.angular_velocity)
    for now, before in zip(said('gyro_bias'), was, strict=True):
        assert np.linalg.norm(now.angular_velocity - before.angular_velocity) == pytest.approx(0.09)
    halves = said('halves')
    assert not any(row.specific_force.any() for row in halves[::2])
    assert not any(row.angular_velocity.any() for row in halves[1::2])
    assert all(row.angular_velocity.any() for row in halves[::2])


def test_aviation_has_gravity_the_other_way_round() -> None:
    up = np.array([0.0, 0.0, 9.81])
    still = [
        SimulatedReading(Measurement('waist', k * MS, rot, angular_velocity=np.zeros(3), specific_force=rot.T @ up), 0)
        for k, rot in enumerate(Rotation.random(10, random_state=1).as_matrix())
    ]
    for row in faulted(still, [Fault('ned', 0.0, 1.0)], ('waist',), np.random.default_rng(0)):
        assert np.allclose(row.measurement.world_force, -up)
        assert np.linalg.det(row.measurement.rot_world_sensor) == pytest.approx(1)


def test_a_second_publisher_speaks_beside_the_first() -> None:
    rows = inside(played('second_publisher', 'head'), 'head')
    assert [bits(row) for row in rows if not row.event] == [bits(row) for row in true('head')]
    assert [row.event for row in rows if row.event] == ['second'] * RATE


def test_faults_lie_one_over_the_other() -> None:
    pair = [Fault('clock_back', 1.0, 2.0, ('head',), 4.0), Fault('dropout', 1.5, 2.5, ('head',))]
    rows = of(faulted(readings(), pair, NAMES, np.random.default_rng(0)), 'head')
    assert {
        row.measurement.stamp_ns - row.taken_ns for row in rows if row.taken_ns >= 1e9 and row.taken_ns < 1.5e9
    } == {-4000 * MS}
    assert not [row for row in rows if 1.5e9 <= row.taken_ns < 2.5e9]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    faults = tuple(Fault(kind, 0.5, 1.5, sensors_for(kind)) for kind in KINDS)
    path = tmp_path / 'faults.yaml'
    path.write_text(yaml.safe_dump([written(fault) for fault in faults]))
    assert load(path) == faults


@pytest.mark.parametrize(
    ('text', 'told'),
    [
        ('{kind: dropout}', 'holds no list'),
        ('- {kind: dropout, begin: 1.0}', 'needs kind, begin and end'),
        ('- {kind: gremlins, begin: 1.0, end: 2.0}', 'it must be one of dropout, freeze'),
        ('- {kind: dropout, begin: 2.0, end: 1.0}', 'give 0 <= begin < end'),
        ('- {kind: dropout, begin: soon, end: 1.0}', "begin is 'soon'; it must be a number"),
        ('- {kind: delay, begin: 1.0, end: 2.0, delay: -1}', 'between 0 and 60'),
        ('- {kind: delay, begin: 1.0, end: 2.0, share: 0.5}', r"has \['share'\]; delay takes"),
        ('- {kind: swapped, begin: 1.0, end: 2.0}', 'name the two that change places'),
        ('- {kind: dropout, sensors: head, begin: 1.0, end: 2.0}', r'write all or a list such as'),
        ('- {kind: [', 'is not YAML'),
    ],
)
def test_a_file_that_will_not_do_is_told_what_would(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / 'faults.yaml'
    path.write_text(text)
    with pytest.raises(FaultError, match=told):
        load(path)


def test_a_missing_file_and_unknown_or_unable_sensors_are_told(tmp_path: Path) -> None:
    with pytest.raises(FaultError, match='no file of faults'):
        load(tmp_path / 'none.yaml')
    with pytest.raises(FaultError, match='there are head, left_wrist, waist'):
        played('dropout', 'tail')
    with pytest.raises(FaultError, match='do not measure'):
        played('units_g', 'head')
    with pytest.raises(FaultError, match='not of the same type'):
        played('swapped', 'head', 'waist')


def test_the_example_that_users_start_from_can_be_played() -> None:
    path = Path(__file__).parents[3] / 'config' / 'faults' / 'example.yaml'
    faults = load(path)
    assert len({fault.kind for fault in faults}) == len(faults) >= 5
    comments = ' '.join(line for line in path.read_text().splitlines() if line.startswith('#'))
    told = set(re.findall(r'\w+', comments))
    assert not [kind for kind in KINDS if kind not in told]
