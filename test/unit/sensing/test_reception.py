"""From readings to the window: what one sensor's clock, world or covariance does to the others, and to itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from inpose_ros.errors import CalibrationError
from inpose_ros.sensing.calibration.gravity import check_gravity
from inpose_ros.sensing.calibration.stillness import Held
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.reception import Reception
from inpose_ros.sensing.resample import joint_window

from .plausibility.test_checks import Person

JOINTS = {'head': 'head', 'left': 'left_wrist', 'right': 'right_wrist'}
SENSORS = {name: Sensor(name, joint) for name, joint in JOINTS.items()}
NOW = 10**18


class Played:
    """A reception that hears a person until a time; `change` makes of each reading what is sent."""

    def __init__(self, seconds: float, change=lambda reading, t: reading) -> None:
        self.reception, self.person, self.said = Reception(1_500_000_000), Person(), []
        self.reception.wear(SENSORS, (), False)
        self.change = change
        self.play(0, seconds)

    def play(self, begin: float, end: float) -> None:
        for t in self.person.times(begin, end):
            now_ns = NOW + round(t * 1e9)
            for name in SENSORS:
                reading = self.change(self.person.reading(name, t), t)
                self.said.append((t, name, self.reception.take(reading, now_ns, now_ns)))
            self.odd = self.reception.odd_clocks(now_ns)

    def window(self):
        return joint_window(self.reception.snapshot(), tuple(SENSORS.values()), 31, 30.0, 500_000_000)


def shifted(sensor: str, seconds: float):
    def change(reading: Measurement, t: float) -> Measurement:
        own_ns = round(seconds * 1e9) if reading.sensor == sensor else 0
        return replace(reading, stamp_ns=reading.stamp_ns + own_ns)

    return change


@pytest.mark.parametrize('offset', [0.1, 0.2, 0.4])
def test_a_clock_that_is_ahead_takes_nothing_from_the_others(offset):
    played = Played(2.0, shifted('left', offset))
    assert played.odd.keys() == {'left'} and played.odd['left'] > 0
    window = played.window()
    assert window.contributing == {'head', 'right'}
    assert window.stamp_ns == NOW + round(1e9 * played.person.times(0, 2.0)[-1])


@pytest.mark.parametrize('offset', [-0.1, -0.3])
def test_a_clock_that_is_behind_is_named_and_does_not_count(offset):
    played = Played(2.0, shifted('left', offset))
    assert played.odd.keys() == {'left'} and played.odd['left'] < 0
    assert played.window().contributing == {'head', 'right'}


def test_a_clock_that_is_set_right_again_resets_nothing_and_counts_within_half_a_second():
    def mended(reading: Measurement, t: float) -> Measurement:
        return shifted('left', 0.2)(reading, t) if t < 2.0 else reading

    played = Played(2.55, mended)
    assert played.window().contributing == SENSORS.keys() and played.reception.epoch == 0
    counted = {cause for _, _, received in played.said for cause, _ in received.counted}
    assert 'time_reset' not in counted


def test_who_is_merely_faster_than_the_others_is_waited_with_and_used():
    reception, person, rows = Reception(1_500_000_000), Person(), []
    reception.wear(SENSORS, (), False)
    for t in person.times(0, 2.0):
        for name in SENSORS:
            rows.append((t + (0.0 if name == 'left' else 0.1), person.reading(name, t)))
    for arrived, reading in sorted(rows, key=lambda row: row[0]):
        now_ns = NOW + round(arrived * 1e9)
        reception.take(reading, now_ns, now_ns)
        assert 'left' not in reception.odd_clocks(now_ns)
    window = joint_window(reception.snapshot(), tuple(SENSORS.values()), 31, 30.0, 500_000_000)
    assert window.contributing == SENSORS.keys()


@pytest.mark.parametrize('away', [0.3, 2.0])
@pytest.mark.parametrize('name', JOINTS)
def test_who_contradicts_the_others_is_believed_as_soon_as_it_steps_and_what_it_said_before_is_forgotten(name, away):
    def lies(reading: Measurement, t: float) -> Measurement:
        off = np.array([2.0, -1.0, 0.0]) if reading.sensor == name and 1.0 <= t < 1.0 + away else np.zeros(3)
        return replace(reading, position=reading.position + off)

    played = Played(1.0 + away, lies)
    played.reception.let_step({name})
    played.play(1.0 + away, 1.3 + away)
    late = [received for t, own, received in played.said if own == name and t >= 1.0 + away]
    assert late and not any(received.findings for received in late)
    for kept in played.reception.snapshot().series(name):
        there = played.person.reading(name, (kept.stamp_ns - NOW) / 1e9).position
        assert np.linalg.norm(kept.position - there) < 0.1


def test_who_does_not_contradict_the_others_may_not_step_while_another_may():
    def lies(reading: Measurement, t: float) -> Measurement:
        off = np.array([2.0, -1.0, 0.0]) if reading.sensor == 'right' and t >= 1.0 else np.zeros(3)
        return replace(reading, position=reading.position + off)

    played = Played(1.0, lies)
    played.reception.let_step({'left'})
    played.play(1.0, 1.3)
    late = {own: received for _, own, received in played.said}
    assert late['right'].measurement is None and late['right'].findings[0].cause == 'teleport'


def test_who_may_step_still_moves_with_the_world():
    way = np.array([5.0, -2.0, 0.3])

    def moved(reading: Measurement, t: float) -> Measurement:
        return replace(reading, position=reading.position + way) if t >= 1.0 else reading

    for name in JOINTS:
        played = Played(1.0, moved)
        played.reception.let_step({name})
        played.play(1.0, 1.2)
        assert ('world_moved', 'head') in [pair for _, _, received in played.said for pair in received.counted]


def test_all_that_are_honest_contribute():
    played = Played(2.0)
    assert not played.odd and played.window().contributing == SENSORS.keys()


def test_when_the_world_moves_the_window_moves_with_it():
    way = np.array([5.0, -2.0, 0.3])

    def moved(reading: Measurement, t: float) -> Measurement:
        return replace(reading, position=reading.position + way) if t >= 1.0 else reading

    played, calm = Played(1.2, moved), Played(1.2)
    assert ('world_moved', 'head') in [pair for _, _, received in played.said for pair in received.counted]
    mine, plain = played.window(), calm.window()
    assert mine.contributing == SENSORS.keys() and played.reception.epoch == calm.reception.epoch + 1
    assert np.allclose(mine.location[mine.location_valid], plain.location[plain.location_valid] + way, atol=0.15)


def test_a_turn_about_the_head_turns_the_window_once_whoever_was_doubted():
    turn, axis = Rotation.from_euler('z', 40, degrees=True).as_matrix(), np.array([0.5, 0.0, 1.2])

    def turned(reading: Measurement, t: float) -> Measurement:
        place = turn @ (reading.position - axis) + axis
        return (
            replace(reading, rot_world_sensor=turn @ reading.rot_world_sensor, position=place) if t >= 1.0 else reading
        )

    played, calm = Played(1.2, turned).reception.snapshot(), Played(1.2).reception.snapshot()
    for name in SENSORS:
        was = {reading.stamp_ns: reading for reading in calm.series(name)}
        for reading in played.series(name):
            plain = was[reading.stamp_ns]
            assert np.allclose(reading.rot_world_sensor, turn @ plain.rot_world_sensor, atol=0.1)
            assert np.allclose(reading.position, turn @ (plain.position - axis) + axis, atol=0.15)


def test_an_imu_turns_with_the_world_of_the_trackers():
    sensors = SENSORS | {'waist': Sensor('waist', 'pelvis', type='imu')}
    reception, person = Reception(1_500_000_000), Person()
    reception.wear(sensors, (), False)
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    for t in person.times(0, 1.5):
        now_ns = NOW + round(t * 1e9)
        for name in SENSORS:
            reading = person.reading(name, t)
            if t >= 1.0:
                reading = replace(
                    reading, rot_world_sensor=quarter @ reading.rot_world_sensor, position=quarter @ reading.position
                )
            reception.take(reading, now_ns, now_ns)
        reception.take(Measurement('waist', now_ns, np.eye(3), specific_force=np.array([0, 0, 9.81])), now_ns, now_ns)
    readings = reception.snapshot().series('waist')
    assert all(np.allclose(reading.rot_world_sensor, quarter, atol=0.1) for reading in readings)


def test_a_reading_that_contradicts_gravity_is_refused_and_handed_on_for_a_calibration_to_say_how():
    sensors, rng = SENSORS | {'waist': Sensor('waist', 'pelvis', type='imu')}, np.random.default_rng(0)
    reception = Reception(1_500_000_000)
    reception.wear(sensors, (), False)
    reception.turn(0.3, NOW)
    for k in range(100):
        force = np.array([9.81, 0, 0]) + 0.05 * rng.normal(size=3)
        reading = Measurement('waist', NOW + k * 10**7, np.eye(3), specific_force=force)
        last = reception.take(reading, reading.stamp_ns, reading.stamp_ns)
    assert last.measurement is None and [finding.cause for finding in last.findings] == ['gravity']
    own = np.linalg.norm(last.contradictory.world_force)
    assert own == pytest.approx(np.linalg.norm(force)) and last.contradictory.rot_world_sensor[0, 1] < -0.2
    held = {
        'waist': Held(torch.from_numpy(last.contradictory.rot_world_sensor), 0.0, None, last.contradictory.world_force)
    }
    with pytest.raises(
        CalibrationError, match=r'waist contradicts gravity.*its \+x axis points up.*\+z axis.*exchanged'
    ):
        check_gravity(held)


@pytest.mark.parametrize(
    ('place', 'turn', 'left'),
    [
        (100.0, 100.0, None),
        (0.01, 100.0, 'position'),
        (0.6, 0.01, None),
        (0.3, 0.9, 'both'),
        (None, None, 'both'),
    ],
)
def test_what_is_lost_by_its_own_word_is_no_measurement(place, turn, left):
    def unsure(reading: Measurement, t: float) -> Measurement:
        return replace(reading, position_stddev=place, rotation_stddev=turn) if reading.sensor == 'left' else reading

    last = next(received for _, name, received in reversed(Played(0.5, unsure).said) if name == 'left')
    assert [finding.cause for finding in last.findings] == ([] if left == 'both' else ['lost'])
    if left is None:
        assert last.measurement is None
    else:
        assert last.measurement.position is not None
        assert (last.measurement.rot_world_sensor is None) == (left == 'position')


def test_somebody_who_is_far_from_the_origin_is_tracked_as_near_it():
    way = np.array([3000.0, -4000.0, 120.0])
    far = Played(1.0, lambda reading, t: replace(reading, position=reading.position + way))
    assert far.window().contributing == SENSORS.keys() and not any(received.findings for _, _, received in far.said)


def test_one_that_says_it_is_far_from_all_others_is_not_believed_however_long():
    def lost(reading: Measurement, t: float) -> Measurement:
        away = t >= 0.5 and reading.sensor == 'left'
        return replace(reading, position=reading.position + np.array([150.0, 0, 0])) if away else reading

    found = [received for t, name, received in Played(3.0, lost).said if name == 'left' and t > 0.5]
    assert all(received.measurement is None for received in found)
    assert {finding.cause for received in found for finding in received.findings} == {'absurd_position'}


def test_a_rotation_that_never_changes_while_its_sensor_moves_is_left_out_and_its_place_is_not():
    def constant(reading: Measurement, t: float) -> Measurement:
        return replace(reading, rot_world_sensor=np.eye(3)) if reading.sensor == 'left' else reading

    last = next(received for _, name, received in reversed(Played(1.5, constant).said) if name == 'left')
    assert [finding.cause for finding in last.findings] == ['frozen']
    assert last.measurement.rot_world_sensor is None and last.measurement.position is not None


WAIST = Sensor('waist', 'pelvis', type='imu', rotation_stddev=0.03)


def stood(
    reception: Reception, begin: float, facing: float, seconds: float = 2.0, worn: tuple[str, ...] = ('head', 'waist')
) -> Measurement:
    """Somebody stands and faces there [rad], with a tracked head where one is worn and a bare IMU; its last reading."""
    turn = np.array([[np.cos(facing), -np.sin(facing), 0], [np.sin(facing), np.cos(facing), 0], [0, 0, 1.0]])
    rng = np.random.default_rng(round(begin))
    for k in range(round(100 * seconds)):
        now_ns = NOW + round((begin + k / 100) * 1e9)
        place = np.array([0, 0, 1.6]) + rng.normal(0, 0.001, 3)
        if 'head' in worn and k % 2 == 0:
            reception.take(Measurement('head', now_ns, turn, place), now_ns, now_ns)
        gyro, force = rng.normal(0, 0.002, 3), np.array([0, 0, 9.81]) + rng.normal(0, 0.03, 3)
        bare = Measurement('waist', now_ns, None, angular_velocity=gyro, specific_force=force)
        reception.take(bare, now_ns, now_ns)
    return reception.latest()['waist']


def heading(measurement: Measurement) -> float:
    return float(np.arctan2(measurement.rot_world_sensor[1, 0], measurement.rot_world_sensor[0, 0]))


@pytest.mark.parametrize(('reset', 'away', 'stddev'), [(True, 0.05, 0.1), (True, 20.0, 0.1), (False, 20.0, 0.6)])
def test_an_imu_without_heading_takes_that_of_the_body_anew_after_a_reset_or_a_long_absence(reset, away, stddev):
    reception = Reception(1_500_000_000)
    reception.wear({'head': SENSORS['head'], 'waist': WAIST}, (), False)
    assert heading(stood(reception, 0.0, 0.3)) == pytest.approx(0.3, abs=0.05)
    if reset:
        reception.restart()
    last = stood(reception, 2.0 + away, 2.4)
    assert heading(last) == pytest.approx(2.4, abs=0.05) and last.rotation_stddev < stddev
    assert reset or last.rotation_stddev > 0.3, 'the head may have looked to the side just then'


def test_where_nobody_knows_the_heading_an_imu_goes_on_with_its_own_and_says_that_it_may_be_any():
    reception = Reception(1_500_000_000)
    reception.wear({'waist': WAIST}, (), False)
    stood(reception, 0.0, 0.0, worn=('waist',))
    reception.align({'waist': 0.8}, NOW + 2_000_000_000)
    last = stood(reception, 20.0, 0.0, worn=('waist',))
    assert heading(last) == pytest.approx(0.8, abs=0.1) and last.rotation_stddev > 1.0
