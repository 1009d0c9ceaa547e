"""One rigid move of all located sensors is taken at once; what only some of them say is not."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inpose_ros.sensing.measurement import Measurement
from inpose_ros.sensing.plausibility.checks import Plausibility, Verdict

from .test_checks import SENSORS, Person, stamp

NAMES = ('head', 'left', 'right')


def moved(reading: Measurement, yaw: float, way: tuple[float, float, float]) -> Measurement:
    turn = Rotation.from_euler('z', yaw, degrees=True).as_matrix()
    return replace(
        reading, rot_world_sensor=turn @ reading.rot_world_sensor, position=turn @ reading.position + np.array(way)
    )


def played(
    yaw: float, way: tuple[float, float, float], who: tuple[str, ...] = NAMES, at: float = 1.0, end: float = 1.4
) -> list[tuple[float, str, object]]:
    """What is judged of each reading from `at` on, when the world of some sensors moves."""
    person, plausibility, rows = Person(), Plausibility(), []
    for t in person.times(0, end):
        for name in NAMES:
            reading = person.reading(name, t)
            reading = moved(reading, yaw, way) if t >= at and name in who else reading
            verdict = plausibility.judge(reading, SENSORS[name])
            if t >= at:
                rows.append((t, name, verdict))
    return rows


MOVES = [
    (120, (2.0, -1.0, 0.0)),
    (0, (0.0, 0.0, -1.6)),
    (180, (0.0, 0.0, 0.0)),
    (60, (0.5, 1.0, 0.0)),
    (-90, (0.0, 40.0, 0.0)),
]


@pytest.mark.parametrize(('yaw', 'way'), MOVES)
def test_a_move_of_all_is_taken_as_soon_as_all_have_said_so(yaw, way):
    rows = played(yaw, way)
    (move,) = [verdict.move for _, _, verdict in rows if verdict.move is not None]
    assert set(move.sensors) == set(NAMES)
    turned = Rotation.from_euler('z', move.yaw) * Rotation.from_euler('z', yaw, degrees=True).inv()
    assert turned.magnitude() < 0.1 and np.allclose(move.shift, way, atol=0.35)
    refused = [t for t, _, verdict in rows if verdict.measurement is None]
    assert max(refused) - 1.0 < 2.5 / 60, 'one reading of each at most, and a little'


@pytest.mark.parametrize(('yaw', 'way'), MOVES)
def test_what_one_alone_says_is_a_jump(yaw, way):
    rows = played(yaw, way, who=('left',))
    assert not [verdict for _, _, verdict in rows if verdict.move is not None]
    assert {name for _, name, verdict in rows if verdict.measurement is None} == {'left'}


@pytest.mark.parametrize('way', [0.3, 0.4, 0.5])
def test_a_short_jump_of_one_is_not_shared_out_among_all(way):
    for direction in np.eye(3):
        rows = played(0, tuple(way * direction), who=('left',))
        assert not [verdict for _, _, verdict in rows if verdict.move is not None]


def test_a_move_of_two_of_three_is_a_jump_of_each():
    assert not [verdict for _, _, verdict in played(120, (2.0, -1.0, 0.0), who=('left', 'right')) if verdict.move]


def test_two_hands_that_exchange_names_have_not_turned_the_world():
    person, plausibility = Person(), Plausibility()
    other = {'left': 'right', 'right': 'left'}
    for t in person.times(0, 2):
        for name in ('left', 'right'):
            reading = person.reading(name, t)
            reading = replace(reading, sensor=other[name]) if t >= 1 else reading
            assert plausibility.judge(reading, SENSORS[reading.sensor]).move is None


def test_a_move_says_where_readings_of_before_would_have_been():
    (move,) = [verdict.move for _, _, verdict in played(90, (1.0, 2.0, 0.0)) if verdict.move is not None]
    before = Person(seed=5).reading('head', 0.5)
    expected = moved(before, 90, (1.0, 2.0, 0.0))
    after = move.applied(before)
    assert np.allclose(after.position, expected.position, atol=0.35)
    seen = move.seen_from(math.pi / 2)
    assert np.allclose(seen.shift, Rotation.from_euler('z', 90, degrees=True).apply(move.shift))


def test_flights_of_steps_are_taken_one_after_another():
    person, plausibility, moves = Person(), Plausibility(), 0
    for t in person.times(0, 4):
        for name in NAMES:
            step = moved(person.reading(name, t), 0.0, (3.0 * int(t), 0.0, 0.0))
            moves += plausibility.judge(step, SENSORS[name]).move is not None
    assert moves == 3


Change = Callable[[Measurement], Measurement]
MOVED_AT = 0.2


def said(rates: tuple[float, ...], order: tuple[str, ...], change: Change, end: float) -> list[tuple[float, Verdict]]:
    """What is judged from MOVED_AT on of sensors that speak in an order, each at its rate, with what changes then."""
    person, plausibility, rows = Person(), Plausibility(), []
    phases = zip(order, rates, np.arange(len(order)) / len(order) / max(rates))
    times = sorted((phase + k / rate, name) for name, rate, phase in phases for k in range(round(end * rate)))
    for t, name in times:
        reading = person.reading(name, t)
        verdict = plausibility.judge(change(reading) if t >= MOVED_AT else reading, SENSORS[name])
        assert t >= MOVED_AT or verdict.measurement is not None
        rows += [(t, verdict)] if t >= MOVED_AT else []
    return rows


def about(
    place: np.ndarray, yaw: float, way: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> Callable[[Measurement], Measurement]:
    """Turns readings by an angle [deg] about a place, and shifts them."""
    return lambda reading: moved(reading, yaw, tuple(place - turn_of(yaw) @ place + way))


def turn_of(yaw: float) -> np.ndarray:
    return Rotation.from_euler('z', yaw, degrees=True).as_matrix()


HEAD = Person(noise=0).reading('head', MOVED_AT).position
RATES = [(60, 60, 60), (200, 200, 200), (90, 30, 30)]


@pytest.mark.parametrize('rates', RATES)
@pytest.mark.parametrize(
    ('yaw', 'way'),
    [
        *[(yaw, (0.0, 0.0, 0.0)) for yaw in (15, -40, 60)],
        (30, (0.25, 0.0, 0.0)),
        (25, (-0.05, 0.0, -0.2)),
        (0, (0.0, 0.18, 0.0)),
    ],
)
def test_who_is_near_the_axis_of_a_turn_moves_with_the_others_whoever_speaks_first(rates, yaw, way):
    for order in permutations(NAMES):
        rows = said(rates, order, about(HEAD, yaw, way), MOVED_AT + 0.1)
        refused = [t for t, verdict in rows if verdict.measurement is None]
        assert not refused or max(refused) - MOVED_AT < 2 / min(rates)
        moves = [verdict.move for _, verdict in rows if verdict.move is not None]
        assert len(moves) == 1 or not (refused or moves), 'all are taken together'
        assert all(abs(math.remainder(move.yaw - math.radians(yaw), math.tau)) < 0.1 for move in moves)


def test_what_was_believed_before_the_move_was_found_is_not_moved_twice():
    change = about(HEAD, 40)
    rows = said((60, 60, 60), NAMES, change, MOVED_AT + 0.1)
    (move,) = [verdict.move for _, verdict in rows if verdict.move is not None]
    for t in Person().times(MOVED_AT - 0.1, MOVED_AT + 0.1):
        was = Person().reading('head', t)
        reading = change(was) if t >= MOVED_AT else was
        assert np.allclose(move.applied(reading).rot_world_sensor, change(was).rot_world_sensor, atol=0.1)


@pytest.mark.parametrize(('yaw', 'way'), [(0, (120.0, 0, 0)), (0, (0, 0, 250.0)), (5, (0, 0, 0)), (90, (0, -3e3, 0))])
@pytest.mark.parametrize('rates', [(60, 60, 60), (90, 30, 30)])
def test_a_move_of_all_by_more_than_a_hundred_metres_is_taken_as_any_other(yaw, way, rates):
    change = about(np.array([0.0, 1500.0, 0.0]), yaw, way)
    for order in [*permutations(NAMES), *permutations(NAMES, 2)]:
        rows = said(rates[: len(order)], order, change, MOVED_AT + 0.1)
        assert [set(verdict.move.sensors) for _, verdict in rows if verdict.move is not None] == [set(order)]
        refused = [t for t, verdict in rows if verdict.measurement is None]
        assert max(refused) - MOVED_AT < 1.5 / min(rates)


class Quick(Person):
    """Swings the arms at up to 6 m/s, shakes the head, and turns to and fro."""

    def reading(self, name: str, seconds: float) -> Measurement:
        side = {'left': 1.0, 'right': -1.0, 'head': 0.0}[name]
        swing = (0.4 * abs(side) + 0.08) * np.array([math.sin(12 * seconds + side), 0.0, math.cos(12 * seconds)])
        rot = Rotation.from_rotvec([0.2, 0.8 * math.sin(12 * seconds), side + 0.5 * math.sin(20 * seconds)])
        body = Rotation.from_euler('z', 1.2 * math.sin(5 * seconds))
        tremble = Rotation.from_rotvec(0.005 * self.rng.normal(size=3))
        place = np.array([0.0, 0.5 * side, 1.2]) + swing + 0.002 * self.rng.normal(size=3)
        return Measurement(name, stamp(seconds), (body * rot * tremble).as_matrix(), body.apply(place))


@pytest.mark.parametrize('rate', [30, 90, 200])
@pytest.mark.parametrize('jumps', [False, True])
def test_quick_motion_is_no_move_of_the_world_whether_or_not_one_jumps(rate, jumps):
    person, plausibility, rng = Quick(rate=rate), Plausibility(), np.random.default_rng(1)
    ways = {k: (rng.uniform(-60, 60), tuple(rng.uniform(-0.8, 0.8, 3))) for k in range(30)}
    for t in person.times(0, 2):
        for name in NAMES:
            reading, spell = person.reading(name, t), int(t / 0.15)
            is_away = jumps and spell % 2 and name == 'left'
            reading = about(reading.position, *ways[spell])(reading) if is_away else reading
            verdict = plausibility.judge(reading, SENSORS[name])
            assert verdict.move is None and (jumps or verdict.measurement is not None)
