"""IMUs that contradict themselves or their fellows, against a body that walks, bends and turns."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inpose_ros.motion.procedural import procedural_clip, random_skeleton
from inpose_ros.motion.simulate import WornSensor, simulate
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.plausibility.checks import Plausibility

NEW_WORDS = {'gyro_disagrees', 'orientation_stuck'}
Fault = Callable[[Measurement], Measurement]
GRAVITY = np.array([0.0, 0.0, 9.81])


def turn_and_sway(seconds: float, rate: float = 50.0, yaw: float = 0.8, seed: int = 0) -> list[tuple[int, Rotation]]:
    """A trunk that turns at `yaw` [rad/s] and sways as in walking."""
    times = np.arange(0, seconds, 1 / rate)
    return [
        (round(t * 1e9), Rotation.from_euler('zyx', [yaw * t, 0.1 * np.sin(6 * t), 0.08 * np.sin(5 * t + seed)]))
        for t in times
    ]


def said(name: str, way: list[tuple[int, Rotation]], raw: bool, rng: np.random.Generator) -> list[Measurement]:
    """What an honest IMU says on that way, a little shaken by steps."""
    rows = []
    for (begin, before), (end, now) in pairwise(way):
        gyro = (before.inv() * now).as_rotvec() / ((end - begin) / 1e9) + 0.005 * rng.normal(size=3)
        step = 1.5 * np.sin(2 * np.pi * 2e-9 * end) * np.array([0.3, 0.0, 1.0])
        force = now.inv().apply(GRAVITY + step) + 0.05 * rng.normal(size=3)
        noisy = (now * Rotation.from_rotvec(0.004 * rng.normal(size=3))).as_matrix()
        rows.append(Measurement(name, end, None if raw else noisy, angular_velocity=gyro, specific_force=force))
    return rows


def found(rows: list[Measurement], sensors: dict[str, Sensor]) -> dict[tuple[str, str], tuple[float, bool]]:
    """Word and sensor: when it was said first [s], and whether the last reading was of any use."""
    plausibility, words, usable = Plausibility(), {}, {}
    begin = min(row.stamp_ns for row in rows)
    for row in sorted(rows, key=lambda one: one.stamp_ns):
        verdict = plausibility.judge(row, sensors[row.sensor])
        usable[row.sensor] = verdict.measurement is not None
        for finding in verdict.findings:
            words.setdefault((finding.cause, row.sensor), (row.stamp_ns - begin) / 1e9)
    return {key: (when, usable[key[1]]) for key, when in words.items()}


def with_gyro(change: Callable[[np.ndarray], np.ndarray]) -> Fault:
    return lambda one: replace(one, angular_velocity=change(one.angular_velocity))


REVERSED = with_gyro(lambda gyro: -gyro)
DEAD = with_gyro(lambda gyro: np.zeros(3))
ORDER = with_gyro(lambda gyro: gyro[[1, 2, 0]])
WAIST = {'waist': Sensor('waist', 'pelvis', 'imu')}
BOTH = WAIST | {'head': Sensor('head', 'head', 'pose')}


@pytest.mark.parametrize('fault', [REVERSED, DEAD, ORDER], ids=['reversed', 'dead', 'order'])
def test_a_gyro_that_turns_otherwise_than_its_orientation_is_left_out_alone_within_five_seconds(fault):
    rows = [fault(row) for row in said('waist', turn_and_sway(6), False, np.random.default_rng(0))]
    when, usable = found(rows, WAIST)['gyro_disagrees', 'waist']
    assert when < 5 and usable


@pytest.mark.parametrize('fixed', [Rotation.identity(), Rotation.from_rotvec([0.3, 1.2, -0.4])])
@pytest.mark.parametrize('noise', [0.0, 0.004])
def test_an_orientation_that_stays_while_the_gyro_turns_leaves_nothing_to_be_used(fixed, noise):
    rng = np.random.default_rng(0)
    rows = [
        replace(row, rot_world_sensor=(fixed * Rotation.from_rotvec(noise * rng.normal(size=3))).as_matrix())
        for row in said('waist', turn_and_sway(6), False, rng)
    ]
    when, usable = found(rows, WAIST)['orientation_stuck', 'waist']
    assert when < 5 and not usable


@pytest.mark.parametrize('rate', [60.0, 200.0])
@pytest.mark.parametrize('noise', [0.0, 0.01])
@pytest.mark.parametrize('yaw', [0.6, 2.0])
def test_the_gyro_is_never_blamed_for_an_orientation_that_stays(rate, noise, yaw):
    rng = np.random.default_rng(1)
    rows = [
        replace(row, rot_world_sensor=Rotation.from_rotvec(noise * rng.normal(size=3)).as_matrix())
        for row in said('waist', turn_and_sway(6, rate, yaw), False, rng)
    ]
    words = found(rows, WAIST)
    assert set(words) == {('orientation_stuck', 'waist')} and words['orientation_stuck', 'waist'][0] < 5


@pytest.mark.parametrize(('rate', 'seed'), [(60.0, 0), (60.0, 1), (200.0, 2)])
def test_an_orientation_that_sticks_for_a_while_is_found_within_five_seconds_and_used_again_within_half_of_one(
    rate, seed
):
    rows = said('waist', turn_and_sway(12, rate, seed=seed), False, np.random.default_rng(seed))
    held = next(row.rot_world_sensor for row in rows if row.stamp_ns >= 4e9)
    rows = [replace(row, rot_world_sensor=held) if 4e9 <= row.stamp_ns < 9e9 else row for row in rows]
    plausibility = Plausibility()
    refused = [row.stamp_ns / 1e9 for row in rows if plausibility.judge(row, WAIST['waist']).measurement is None]
    assert 4 < refused[0] < 8 and 9 <= refused[-1] < 9.5


@pytest.mark.parametrize('raw', [False, True])
@pytest.mark.parametrize('rate', [60.0, 200.0])
def test_an_accelerometer_that_hangs_is_not_used_until_it_goes_on(rate, raw):
    rows = said('waist', turn_and_sway(9, rate), raw, np.random.default_rng(0))
    held = next(row.specific_force for row in rows if row.stamp_ns >= 3e9)
    rows = [replace(row, specific_force=held) if 3e9 <= row.stamp_ns < 6e9 else row for row in rows]
    plausibility, words, left_out = Plausibility(), set(), []
    for row in rows:
        verdict = plausibility.judge(row, WAIST['waist'])
        words |= {finding.cause for finding in verdict.findings}
        if verdict.measurement is None if raw else verdict.measurement.specific_force is None:
            left_out.append(row.stamp_ns / 1e9)
    assert words == {'frozen'} and 3 < left_out[0] < 5 and left_out[-1] < 6


def test_a_coarse_accelerometer_at_rest_does_not_hang_though_its_gyro_is_off():
    rng, up = np.random.default_rng(0), np.array([0.0, 0.0, 9.8])
    rows = [
        Measurement('waist', k * 10_000_000, None, None, [0.05, -0.1, 0.0] + 0.02 * rng.normal(size=3), up)
        for k in range(1000)
    ]
    assert not found(rows, WAIST)


def test_a_raw_imu_whose_gyro_is_dead_is_left_out_within_five_seconds():
    rows = [DEAD(row) for row in said('waist', turn_and_sway(6), True, np.random.default_rng(0))]
    when, usable = found(rows, WAIST)['gyro_disagrees', 'waist']
    assert when < 5 and not usable


def trunk(fault: Fault | None, seconds: float = 8.0, back_at: float = np.inf, yaw: float = 0.8) -> list[Measurement]:
    rng, way = np.random.default_rng(0), turn_and_sway(seconds, yaw=yaw)
    waist = said('waist', way, True, rng)
    if fault is not None:
        waist = [fault(row) if row.stamp_ns < back_at * 1e9 else row for row in waist]
    head = said('head', turn_and_sway(seconds, seed=1, yaw=yaw), False, rng)
    place = np.array([0.0, 0.0, 1.6])
    return waist + [
        replace(row, position=place + 0.002 * rng.normal(size=3), angular_velocity=None, specific_force=None)
        for row in head
    ]


@pytest.mark.parametrize('yaw', [0.8, -0.5])
def test_a_raw_imu_that_turns_against_the_head_is_left_out_within_five_seconds(yaw):
    flipped = with_gyro(lambda gyro: gyro * [1, 1, -1])  # what tilts is right, so gravity does not tell
    when, usable = found(trunk(flipped, yaw=yaw), BOTH)['gyro_disagrees', 'waist']
    assert when < 5 and not usable
    assert not NEW_WORDS & {cause for cause, _ in found(trunk(None, yaw=yaw), BOTH)}


@pytest.mark.parametrize(
    'fault', [with_gyro(lambda gyro: gyro / 57.3), with_gyro(lambda gyro: gyro * [1, 1, 2])], ids=['degrees', 'twice']
)
def test_a_raw_imu_that_turns_by_another_amount_than_the_head_is_left_out_within_five_seconds(fault):
    when, usable = found(trunk(fault), BOTH)['gyro_disagrees', 'waist']
    assert when < 5 and not usable


def test_a_head_that_looks_from_one_shoulder_to_the_other_accuses_nobody():
    """And stays there, and comes back, while the waist faces ahead."""
    rng, times = np.random.default_rng(0), np.arange(0, 12, 0.02)
    looks = 1.5 * np.interp(times, [1, 2, 4, 5, 7, 9.5], [0, 1, 1, -1, -1, 1])
    way = [(round(t * 1e9), Rotation.from_euler('zy', [look, 0.1])) for t, look in zip(times, looks)]
    head = [replace(row, angular_velocity=None, specific_force=None) for row in said('head', way, False, rng)]
    assert not found(said('waist', turn_and_sway(12, yaw=0.0), True, rng) + head, BOTH)


def test_who_turns_as_the_others_again_is_used_again_after_as_much_of_a_turn():
    when, usable = found(trunk(REVERSED, 22.0, back_at=6.0), BOTH)['gyro_disagrees', 'waist']
    assert when < 5 and usable


def test_of_two_raw_imus_that_turn_against_each_other_neither_is_blamed_for_want_of_a_third():
    sensors = WAIST | {'chest': Sensor('chest', 'spine3', 'imu')}
    rng, way = np.random.default_rng(0), turn_and_sway(8)
    rows = said('waist', way, True, rng)
    mirrored = with_gyro(lambda gyro: gyro * [1, 1, -1])
    assert not found(rows + [mirrored(row) for row in said('chest', way, True, rng)], sensors)
    sensors |= {'neck': Sensor('neck', 'neck', 'imu')}
    rows += [mirrored(row) for row in said('chest', way, True, rng)] + said('neck', way, True, rng)
    assert set(found(rows, sensors)) == {('gyro_disagrees', 'chest')}


@pytest.mark.parametrize('rate', [60.0, 100.0])
@pytest.mark.parametrize('raw', [True, False])
def test_honest_imus_all_over_a_moving_body_are_never_accused(rate, raw):
    """Hands that wave and reach among them; their gyros and accelerometers have noise and biases."""
    joints = ('pelvis', 'spine3', 'head', 'left_wrist', 'right_elbow', 'left_knee', 'right_foot')
    clip = procedural_clip(2, 10.0, random_skeleton(2))
    worn = [
        WornSensor(Sensor(joint, joint, 'imu'), rate=rate, rotation_noise=0.005, gyro_noise=0.01, gyro_bias=0.02,
                   force_noise=0.05, force_bias=0.1)
        for joint in joints
    ]  # fmt: skip
    rows = [one.measurement for one in simulate(clip, worn, np.random.default_rng(0))]
    rows = [replace(row, rot_world_sensor=None) if raw else row for row in rows]
    assert not found(rows, {one.sensor.name: one.sensor for one in worn})
