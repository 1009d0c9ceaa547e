"""Bad input of every kind against a person who moves; the person's own readings must get through."""

import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.plausibility.checks import Plausibility

RATE = 60
SENSORS = {
    name: Sensor(name, joint, type=kind)
    for name, joint, kind in [
        ('head', 'head', 'pose'),
        ('left', 'left_wrist', 'pose'),
        ('right', 'right_wrist', 'pose'),
        ('waist', 'pelvis', 'imu'),
    ]
}


class Person:
    """Walks and waves: two hands, each on a circle of its own, and noise as trackers have it."""

    def __init__(self, seed: int = 0, noise: float = 0.001, rate: float = RATE) -> None:
        self.rng, self.noise, self.rate = np.random.default_rng(seed), noise, rate

    def reading(self, name: str, seconds: float) -> Measurement:
        side = {'left': 1.0, 'right': -1.0, 'head': 0.0}[name]
        place = np.array([0.5 * seconds, 0.6 * side, 1.2])
        place += 0.15 * np.array([math.sin(5 * seconds), 0.0, math.cos(5 * seconds + side)])
        rot = Rotation.from_rotvec([0.2, 0.5 * math.sin(3 * seconds), side])
        place, tremble = place + self.noise * self.rng.normal(size=3), self.noise * self.rng.normal(size=3)
        return Measurement(name, stamp(seconds), (rot * Rotation.from_rotvec(tremble)).as_matrix(), place)

    def times(self, begin: float, end: float) -> list[float]:
        return [k / self.rate for k in range(round(begin * self.rate), round(end * self.rate))]


def stamp(seconds: float) -> int:
    return 10**18 + round(seconds * 1e9)


def yaw(angle: float) -> np.ndarray:
    return Rotation.from_euler('z', angle).as_matrix()


def causes(plausibility: Plausibility, readings: list[Measurement]) -> list[str | None]:
    """What each was rejected for; None: for nothing."""
    found = []
    for reading in readings:
        verdict = plausibility.judge(reading, SENSORS[reading.sensor])
        assert verdict.measurement is not None or len(verdict.findings) == 1
        found.append(verdict.findings[0].cause if verdict.findings else None)
    return found


def moved(reading: Measurement, way: tuple[float, float, float]) -> Measurement:
    return Measurement(reading.sensor, reading.stamp_ns, reading.rot_world_sensor, reading.position + np.array(way))


def turned(reading: Measurement, yaw: float) -> Measurement:
    rot = Rotation.from_rotvec([0, 0, yaw]).as_matrix() @ reading.rot_world_sensor
    return Measurement(reading.sensor, reading.stamp_ns, rot, reading.position)


@pytest.mark.parametrize('rate', [20, 60, 250, 1000])
def test_somebody_who_moves_is_never_doubted(rate):
    person, plausibility = Person(rate=rate), Plausibility()
    readings = [
        person.reading(name, t) for t in person.times(0, 5 if rate < 100 else 1.5) for name in ('head', 'left', 'right')
    ]
    assert causes(plausibility, readings) == [None] * len(readings)


def test_a_throw_at_eleven_metres_a_second_is_believed():
    plausibility = Plausibility()
    readings = [Measurement('left', stamp(k / RATE), yaw(k / 99), np.array([11.0 * k / RATE, 0, 1])) for k in range(60)]
    assert causes(plausibility, readings) == [None] * 60


@pytest.mark.parametrize(
    ('position', 'words'),
    [
        ((312.0, -220.0, 1650.0), 'millimetres'),
        ((0.0, 0.0, 850.0), '850 m high'),
        ((1e200, 1e300, 0.0), 'from the origin'),
    ],
)
def test_a_position_off_the_earth_is_absurd_and_millimetres_are_named(position, words):
    verdict = Plausibility().judge(Measurement('head', stamp(0), np.eye(3), np.array(position)), SENSORS['head'])
    assert verdict.measurement is None and verdict.findings[0].cause == 'absurd_position'
    assert words in str(verdict.findings[0])


def test_a_teleport_is_rejected_while_it_lasts_and_what_comes_after_is_believed_at_once():
    person, plausibility = Person(), Plausibility()
    assert not any(causes(plausibility, [person.reading('left', t) for t in person.times(0, 1)]))
    away = [moved(person.reading('left', t), (2.0, 0, 0)) for t in person.times(1, 1.3)]
    assert causes(plausibility, away) == ['teleport'] * len(away)
    assert not any(causes(plausibility, [person.reading('left', t) for t in person.times(1.3, 2)]))


def test_a_teleport_that_lasts_half_a_second_is_the_new_truth():
    person, plausibility = Person(), Plausibility()
    causes(plausibility, [person.reading('left', t) for t in person.times(0, 1)])
    found = causes(plausibility, [moved(person.reading('left', t), (0, 3.0, 0)) for t in person.times(1, 2)])
    assert set(found[: RATE // 2]) == {'teleport'} and not any(found[RATE // 2 + 1 :])


def test_places_at_random_are_never_the_truth():
    person, plausibility, rng = Person(), Plausibility(), np.random.default_rng(3)
    causes(plausibility, [person.reading('left', t) for t in person.times(0, 1)])
    wild = [moved(person.reading('left', t), tuple(rng.uniform(-4, 4, 3))) for t in person.times(1, 4)]
    found = causes(plausibility, wild)
    believed = [np.linalg.norm(w.position - person.reading('left', 1).position) for w, f in zip(wild, found) if not f]
    assert found.count('teleport') > 0.95 * len(found) and all(distance < 1.4 for distance in believed)


def test_headings_at_random_are_never_the_truth():
    person, plausibility, rng = Person(), Plausibility(), np.random.default_rng(3)
    causes(plausibility, [person.reading('left', t) for t in person.times(0, 1)])
    found = causes(plausibility, [turned(person.reading('left', t), rng.uniform(1.5, 4.5)) for t in person.times(1, 4)])
    assert found.count('heading_step') > 0.9 * len(found)


def test_after_a_silence_a_sensor_may_be_anywhere():
    person, plausibility = Person(), Plausibility()
    causes(plausibility, [person.reading('left', t) for t in person.times(0, 1)])
    assert causes(plausibility, [moved(person.reading('left', 2.0), (3.0, 0, 0))]) == [None]


def test_a_reading_that_comes_late_is_compared_with_its_own_time():
    person, plausibility = Person(), Plausibility()
    readings = [person.reading('left', t) for t in person.times(0, 1)]
    readings[40], readings[46] = readings[46], readings[40]
    assert not any(causes(plausibility, readings))


def test_a_heading_step_is_rejected_until_it_is_taken_back_or_lasts():
    person, plausibility = Person(), Plausibility()
    causes(plausibility, [person.reading('left', t) for t in person.times(0, 1)])
    found = causes(plausibility, [turned(person.reading('left', t), 1.5) for t in person.times(1, 1.2)])
    assert set(found) == {'heading_step'}
    assert not any(causes(plausibility, [person.reading('left', t) for t in person.times(1.2, 2)]))
    found = causes(plausibility, [turned(person.reading('left', t), 1.5) for t in person.times(2, 3)])
    assert found.count('heading_step') == pytest.approx(RATE // 2, abs=1) and found[-1] is None


def exchanged(person: Person, begin: float, end: float) -> list[Measurement]:
    other = {'left': 'right', 'right': 'left'}
    readings = [person.reading(name, t) for t in person.times(begin, end) for name in ('left', 'right')]
    return [Measurement(other[r.sensor], r.stamp_ns, r.rot_world_sensor, r.position) for r in readings]


def test_two_that_exchange_places_are_swapped_as_long_as_they_are():
    person, plausibility = Person(), Plausibility()
    both = [person.reading(name, t) for t in person.times(0, 1) for name in ('left', 'right')]
    assert not any(causes(plausibility, both))
    found = causes(plausibility, exchanged(person, 1, 3))
    assert found[0] == 'teleport' and set(found[1:]) == {'swapped'}, 'also beyond half a second'
    both = [person.reading(name, t) for t in person.times(3, 4) for name in ('left', 'right')]
    assert not any(causes(plausibility, both))


def test_who_stays_exchanged_for_five_seconds_is_believed():
    person, plausibility = Person(), Plausibility()
    causes(plausibility, [person.reading(name, t) for t in person.times(0, 1) for name in ('left', 'right')])
    found = causes(plausibility, exchanged(person, 1, 8))
    believed = found.index(None) / 2 / RATE
    assert believed == pytest.approx(5, abs=0.6) and not any(found[round(2 * RATE * 5.7) :])


def test_a_swap_ends_when_the_two_come_so_near_that_nobody_could_tell():
    plausibility = Plausibility()

    def hands(seconds: float, apart: float, sign: float = 1.0) -> list[Measurement]:
        places = {'left': (0, sign * apart / 2, 1), 'right': (0, -sign * apart / 2, 1)}
        return [Measurement(name, stamp(seconds), None, np.array(place, float)) for name, place in places.items()]

    for k in range(30):
        causes(plausibility, hands(k / RATE, 1.0))
    found = [c for k in range(30, 90) for c in causes(plausibility, hands(k / RATE, 1.0, -1.0))]
    assert 'swapped' in found and None not in found
    for k in range(90, 150):
        found = causes(plausibility, hands(k / RATE, 1.0 - (k - 90) / 60 * 0.9, -1.0))
    assert found == [None, None]


def test_one_that_jumps_onto_another_is_not_swapped():
    person, plausibility = Person(), Plausibility()
    causes(plausibility, [person.reading(name, t) for t in person.times(0, 1) for name in ('left', 'right')])
    found = []
    for t in person.times(1, 1.4):
        onto = person.reading('right', t)
        jumped = Measurement('left', onto.stamp_ns, onto.rot_world_sensor, onto.position)
        found += causes(plausibility, [person.reading('right', t), jumped])
    assert set(found[::2]) == {None} and set(found[1::2]) == {'teleport'}


def held(reading: Measurement, person: Person, begin: float, end: float) -> list[Measurement]:
    """The same reading again and again, with stamps that go on."""
    rows = (reading.rot_world_sensor, reading.position, reading.angular_velocity, reading.specific_force)
    return [Measurement(reading.sensor, stamp(t), *rows) for t in person.times(begin, end)]


def standing(person: Person, begin: float, end: float) -> list[Measurement]:
    """Somebody who stands still, seen by a tracker with noise."""
    return [
        Measurement('head', stamp(t), np.eye(3), np.array([0, 0, 1.6]) + 0.0003 * person.rng.normal(size=3))
        for t in person.times(begin, end)
    ]


def test_a_tracker_with_noise_that_repeats_itself_is_frozen_and_good_again_at_once():
    person, plausibility = Person(), Plausibility()
    rows = standing(person, 0, 2)
    assert not any(causes(plausibility, rows))
    found = causes(plausibility, held(rows[-1], person, 2, 3))
    assert set(found[: round(0.3 * RATE) - 1]) == {None} and set(found[round(0.3 * RATE) + 1 :]) == {'frozen'}
    assert not any(causes(plausibility, [person.reading('head', t + 2) for t in person.times(3, 4)]))


@pytest.mark.parametrize('rate', [60, 500])
def test_one_without_noise_that_stops_dead_is_frozen(rate):
    person, plausibility = Person(noise=0.0, rate=rate), Plausibility()
    rows = [person.reading('left', t) for t in person.times(0, 1)]
    causes(plausibility, rows)
    assert causes(plausibility, held(rows[-1], person, 1, 2))[-1] == 'frozen'


@pytest.mark.parametrize('rate', [20, 60, 500])
def test_a_simulated_person_who_stands_still_is_not_frozen(rate):
    """Without noise, at rest from the beginning, and after walking that comes smoothly to its end."""
    person, plausibility = Person(rate=rate), Plausibility()
    still = Measurement('head', stamp(0), np.eye(3), np.array([0, 0, 1.6]))
    assert not any(causes(plausibility, held(still, person, 0, 3)))
    for t in person.times(3, 4):
        along = 0.5 - 0.5 * math.cos(math.pi * (t - 3))
        last = Measurement('head', stamp(t), yaw(0.2 * along), np.array([along, 0, 1.6]))
        assert causes(plausibility, [last]) == [None]
    assert not any(causes(plausibility, held(last, person, 4, 6)))


def test_a_stray_reading_of_a_constant_sensor_does_not_make_it_frozen():
    person, plausibility = Person(), Plausibility()
    still = Measurement('head', stamp(0), np.eye(3), np.array([0, 0, 1.6]))
    causes(plausibility, held(still, person, 0, 1))
    assert causes(plausibility, [moved(held(still, person, 1, 1.1)[0], (1.0, 0, 0))]) == ['teleport']
    assert not any(causes(plausibility, held(still, person, 1.1, 2)))


def test_after_time_went_back_nothing_is_compared_with_before():
    person, plausibility = Person(), Plausibility()
    causes(plausibility, [person.reading('left', t) for t in person.times(0, 1)])
    plausibility.restart()
    assert causes(plausibility, [moved(person.reading('left', 0.99), (5, 0, 0))]) == [None]
