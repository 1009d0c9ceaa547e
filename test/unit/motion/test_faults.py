"""Each fault does what it says, and nothing outside its interval."""

import functools
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.spatial.transform import Rotation

from inpose_ros.errors import FaultError
from inpose_ros.motion.faults import KINDS, Fault, faulted, load, written
from inpose_ros.motion.faults_changes import FaultyReading
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
    return {'swapped': ('head', 'left_wrist'), 'units_g': ('waist',), 'units_degrees': ('waist',)}.get(kind, ('head',))


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
    faults = load(Path(__file__).parents[3] / 'config' / 'faults' / 'example.yaml')
    assert len({fault.kind for fault in faults}) == len(faults) >= 5
