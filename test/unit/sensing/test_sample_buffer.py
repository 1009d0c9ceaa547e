"""Columns say what the readings say, however these came and went."""

import contextlib

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inpose_ros.errors import MeasurementError
from inpose_ros.sensing.measurement import Measurement
from inpose_ros.sensing.sample_buffer import NOTHING, QUANTITIES, Columns
from inpose_ros.sensing.window import CAPACITY, MeasurementWindow

MS = 1_000_000


def _reading(stamp_ns: int, seed: int) -> Measurement:
    """With and without each of its parts, by chance."""
    rng = np.random.default_rng(seed)
    parts = (Rotation.random(rng=rng).as_matrix(), *rng.normal(size=(3, 3)))
    return Measurement('waist', stamp_ns, *(part if rng.random() < 0.8 else None for part in parts))


def _same(one: Columns, other: Columns) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one.rows, other.rows, strict=True))


def test_they_say_what_the_readings_say_and_flag_what_these_do_not() -> None:
    readings = [_reading(k, k) for k in range(40)]
    rows = Columns.of(readings).rows
    assert rows.stamps.tolist() == list(range(40)) and (rows.says.any(0) & ~rows.says.all(0)).all()
    for k, reading in enumerate(readings):
        rot, force = reading.rot_world_sensor, reading.specific_force
        felt = None if rot is None or force is None else rot @ force
        for value, column, said in zip((rot, reading.position, felt, reading.angular_velocity), rows[1:], rows.says[k]):
            assert said == (value is not None)
            assert value is None or np.allclose(column[k], value, atol=1e-12)


@pytest.mark.parametrize('quantity', QUANTITIES)
def test_those_that_say_something_are_told_apart_however_these_came_and_went(quantity: str) -> None:
    which = QUANTITIES.index(quantity)
    columns = Columns.of([])
    for k in range(60):
        columns = columns.then([_reading(k, k // 20)]).without(k % 3 == 2)  # all alike for a while
        rows, saying = columns.rows, columns.saying(quantity)
        if not rows.says[:, which].any():
            assert saying is NOTHING
            continue
        assert np.array_equal(saying.stamps, rows.stamps[rows.says[:, which]])
        assert np.array_equal(saying.values(quantity), rows[1 + which][rows.says[:, which]])
        assert np.array_equal(saying.newest(quantity), saying.values(quantity)[-1])


def test_what_the_last_does_not_say_is_none() -> None:
    columns = Columns.of([Measurement('waist', 1, position=np.ones(3)), Measurement('waist', 2)])
    assert columns.newest('position') is None


@pytest.mark.parametrize('seed', range(6))
def test_a_window_keeps_those_of_what_it_holds(seed: int) -> None:
    """Late, doubled and too old readings among them, and now and then a time that goes back; asked for at any time."""
    rng, window, now = np.random.default_rng(seed), MeasurementWindow(300 * MS), 1000 * MS
    for count in range(400):
        now += int(rng.integers(1, 12)) * MS
        if count == 250:
            now -= 600 * MS
        late = int(rng.choice([0, 0, 0, 3, 40, 500])) * MS if seed % 2 else 0
        with contextlib.suppress(MeasurementError):
            window.add(_reading(now - late, 1000 * seed + count), now)
        if rng.random() < 0.3:
            assert _same(window.columns('waist'), Columns.of(window.series('waist')))
            snapshot = window.snapshot()
            assert _same(snapshot.columns('waist'), Columns.of(snapshot.series('waist')))


@pytest.mark.parametrize('pause', [90, 150, 5000])
def test_a_window_keeps_those_of_what_comes_after_a_pause(pause: int) -> None:
    """Of which fewer were asked for before than are forgotten since."""
    window = MeasurementWindow(100 * MS)
    for k in range(20):
        window.add(_reading(k * 5 * MS, k), k * 5 * MS)
        if k == 4:
            window.columns('waist')
    now = (100 + pause) * MS
    window.add(_reading(now, 99), now)
    assert _same(window.columns('waist'), Columns.of(window.series('waist')))


def test_a_snapshot_stays_as_it_was() -> None:
    window = MeasurementWindow(100 * MS)
    for k in range(30):
        window.add(_reading(k * 5 * MS, k), k * 5 * MS)
    snapshot = window.snapshot()
    before = [part.copy() for part in snapshot.columns('waist').rows]
    for k in range(30, 60):
        window.add(_reading(k * 5 * MS, k), k * 5 * MS)
        window.columns('waist')
    assert all(np.array_equal(a, b) for a, b in zip(snapshot.columns('waist').rows, before, strict=True))


def test_what_goes_on_from_the_same_in_two_ways_stays_apart() -> None:
    readings = [_reading(k, k) for k in range(12)]
    begun = Columns.of(readings[:5]).then(readings[5:6])
    one, other = begun.then(readings[6:9]), begun.then(readings[9:])
    assert _same(begun, Columns.of(readings[:6]))
    assert _same(one, Columns.of(readings[:9]))
    assert _same(other, Columns.of([*readings[:6], *readings[9:]]))
    assert _same(one.without(4).then(readings[9:]), Columns.of(readings[4:]))


def test_who_said_nothing_has_empty_ones_and_a_flood_no_more_than_fit() -> None:
    window = MeasurementWindow(10_000 * MS)
    assert len(window.columns('waist').stamps) == 0 and window.columns('waist').values('rotation').shape == (0, 3, 3)
    for k in range(CAPACITY + 20):
        window.add(Measurement('waist', k * MS), k * MS)
        if k % 500 == 0:
            window.columns('waist')
    assert len(window.columns('waist').stamps) == CAPACITY
