"""One rigid move of all located sensors is taken at once; what only some of them say is not."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inpose_ros.sensing.measurement import Measurement
from inpose_ros.sensing.plausibility.checks import Plausibility

from .test_checks import SENSORS, Person

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
