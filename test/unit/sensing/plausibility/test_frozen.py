"""Trackers that hang in part, from the start or while slow, and honest ones that rest or round."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inpose_ros.body import smpl22
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.plausibility.checks import Plausibility, Verdict
from inpose_ros.sensing.plausibility.fellows import Among, Fellow

JOINTS = ('head', 'left_wrist', 'right_wrist', 'left_ankle')
RATES = pytest.mark.parametrize('rate', [20, 90])
Change = Callable[[Measurement, float], Measurement]


def readings(rate: float, seconds: float, noise: float, speed: float = 0.1) -> Iterator[tuple[float, Measurement]]:
    """Somebody who moves slowly to and fro, and whose foot stays where it is."""
    rng = np.random.default_rng(0)
    for t in np.arange(round(rate * seconds)) / rate:
        for number, name in enumerate(JOINTS):
            moved = 0.0 if name == 'left_ankle' else 0.3 * np.sin(speed / 0.3 * t)
            place = np.array([1.0, 0.7, 0.4]) * moved + [0.0, 0.3 * number, 1.2] + noise * rng.normal(size=3)
            rot = Rotation.from_rotvec(moved * np.array([0.2, 0.5, 1.0]) + noise * rng.normal(size=3))
            yield t, Measurement(name, 10**18 + round(t * 1e9), rot.as_matrix(), place)


def held(name: str, begin: float, end: float = np.inf, parts: tuple[str, ...] = ('position',)) -> Change:
    """Repeat those parts of what a sensor said at the beginning."""
    first = {}

    def change(reading: Measurement, t: float) -> Measurement:
        if reading.sensor != name or not begin <= t < end:
            return reading
        return replace(reading, **{part: first.setdefault(part, getattr(reading, part)) for part in parts})

    return change


ALL = ('position', 'rot_world_sensor')


def judged(
    change: Change, rate: float, seconds: float, noise: float, speed: float = 0.1
) -> list[tuple[float, str, Verdict]]:
    plausibility = Plausibility()
    sensors = {name: Sensor(name, name) for name in JOINTS}
    return [
        (t, reading.sensor, plausibility.judge(change(reading, t), sensors[reading.sensor]))
        for t, reading in readings(rate, seconds, noise, speed)
    ]


def times_frozen(found: list[tuple[float, str, Verdict]], name: str) -> list[float]:
    """When one was; nobody else is ever doubted."""
    doubted = [(t, sensor, verdict) for t, sensor, verdict in found if verdict.findings]
    assert all(sensor == name and verdict.findings[0].cause == 'frozen' for _, sensor, verdict in doubted)
    assert all(verdict.measurement is None for _, _, verdict in doubted)
    return [t for t, _, _ in doubted]


@RATES
@pytest.mark.parametrize('name', JOINTS)
def test_a_place_that_hangs_while_the_rotation_goes_on_is_frozen_and_good_again_at_once(rate, name):
    times = times_frozen(judged(held(name, 5.0, 7.0), rate, 9.0, 0.002), name)
    assert times[0] == pytest.approx(5.3, abs=0.11) and times[-1] < 7.0
    assert len(times) == pytest.approx(1.7 * rate, abs=2)


@RATES
@pytest.mark.parametrize('name', JOINTS)
def test_who_hangs_from_the_start_beside_others_with_noise_is_frozen(rate, name):
    times = times_frozen(judged(held(name, 0.0, parts=ALL), rate, 4.0, 0.002, speed=0.05), name)
    assert 1.0 < times[0] < 2.6 and len(times) > 1.3 * rate  # 50 readings tell noise


@RATES
def test_a_hand_that_hangs_without_noise_while_slow_is_frozen_once_the_head_has_moved_on(rate):
    times = times_frozen(judged(held('left_wrist', 2.0, parts=ALL), rate, 4.0, 0.0), 'left_wrist')
    assert 3.0 < times[0] < 3.2


@RATES
def test_without_noise_a_foot_may_rest_and_all_but_one_arm_may(rate):
    assert not times_frozen(judged(held('left_ankle', 0.0, parts=ALL), rate, 4.0, 0.0), '')

    def waving(reading: Measurement, t: float) -> Measurement:
        return reading if reading.sensor == 'left_wrist' else resting[reading.sensor](reading, t)

    resting = {name: held(name, 0.0, parts=ALL) for name in JOINTS}
    assert not times_frozen(judged(waving, rate, 4.0, 0.0), '')


@RATES
@pytest.mark.parametrize('noise', [0.0, 0.0001, 0.0003, 0.002])
def test_places_that_are_rounded_may_stay_the_same(rate, noise):
    def rounded(reading: Measurement, t: float) -> Measurement:
        return replace(reading, position=reading.position.round(3), rot_world_sensor=reading.rot_world_sensor.round(2))

    assert not times_frozen(judged(rounded, rate, 6.0, noise, speed=0.02), '')


def test_the_last_bits_of_a_simulator_are_no_noise_by_which_others_are_judged():
    rng, rests = np.random.default_rng(1), held('left_ankle', 0.0, parts=ALL)

    def single(reading: Measurement, t: float) -> Measurement:
        dither = np.float32(2e-7) * rng.integers(-1, 2, 3) if reading.sensor == 'right_wrist' else 0.0
        return rests(replace(reading, position=reading.position + dither), t)

    assert not times_frozen(judged(single, 60, 4.0, 0.0, speed=1e-9), '')


def test_a_driver_may_send_each_reading_several_times():
    last = {}

    def seldom(reading: Measurement, t: float) -> Measurement:
        if round(90 * t) % 18 == 0:
            last[reading.sensor] = reading
        return replace(last[reading.sensor], stamp_ns=reading.stamp_ns)

    assert not times_frozen(judged(seldom, 90, 6.0, 0.002), '')


def test_fellows_that_step_have_not_moved_away_from_one_that_rests():
    among = Among(smpl22.HEAD)
    arms = [smpl22.INDEX['left_wrist'], smpl22.INDEX['right_wrist']]
    denied = False
    for k in range(180):
        low = -0.8 if k > 60 else 0.0  # from one reading to the next: a calibration's other pose, in a simulator
        fellows = {str(arm): Fellow(arm, False, np.array([0.0, 0.3, low])) for arm in arms}
        denied |= among.denied(k * 16_666_667, 0, 0, fellows)
    assert not denied


def test_one_reading_that_is_the_same_as_before_a_silence_has_not_hung():
    plausibility, rows = Plausibility(), [reading for _, reading in readings(60, 3.0, 0.002)]
    for reading in rows:
        plausibility.judge(reading, Sensor(reading.sensor, reading.sensor))
    last = rows[-1]
    again = replace(last, stamp_ns=last.stamp_ns + 700_000_000)
    assert plausibility.judge(again, Sensor(last.sensor, last.sensor)).measurement is not None
