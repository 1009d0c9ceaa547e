"""Worn sensors say what a body did: kinematics without noise, and errors that are seeded and as large as told."""

import functools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.errors import SensorError
from inpose_ros.geometry import rotation
from inpose_ros.geometry.transform import Transform
from inpose_ros.motion.clip import MotionClip
from inpose_ros.motion.simulate import GRAVITY, SensorPath, WornSensor, disturbed, simulate
from inpose_ros.sensing.measurement import Sensor

MOUNT = Transform.from_xyz_quat([0.05, -0.02, 0.1, 0.8, 0.1, -0.5, 0.3])
START = 1_700_000_000_000_000_000


def still(seconds: float = 2.0) -> MotionClip:
    count = int(seconds * 60) + 1
    rot = torch.eye(3, dtype=torch.float64).expand(count, 22, 3, 3)
    root = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64).expand(count, 3)
    return MotionClip('still', 'nobody', 60.0, Skeleton.mean(), rot, root)


@functools.cache
def moving() -> MotionClip:
    """A stiff body that tumbles and drifts, smoothly: sines in rotation and place."""
    t = torch.arange(241, dtype=torch.float64) / 60
    turn = torch.stack((0.6 * (2 * t).sin(), 0.4 * (3 * t).sin(), 0.8 * t + 0.2 * (2.5 * t).cos()), -1)
    root = torch.stack((0.5 * (2 * t).sin(), 0.3 * (3 * t).cos(), 1 + 0.1 * (4 * t).sin()), -1)
    rot = rotation.exp(turn)[:, None].expand(-1, 22, 3, 3)
    return MotionClip('tumbling', 'nobody', 60.0, Skeleton.mean(), rot, root)


def worn(kind: str = 'pose', joint: str = 'left_wrist', **more: object) -> WornSensor:
    return WornSensor(Sensor('hand', joint, kind), T_joint_sensor=MOUNT, **more)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def stamps(readings: list) -> np.ndarray:
    return np.array([reading.measurement.stamp_ns for reading in readings])


def test_a_pose_without_noise_is_the_joint_times_the_mounting() -> None:
    clip, index = moving(), smpl22.INDEX['left_wrist']
    readings = simulate(clip, [worn()], rng(), START)
    joints = zip(clip.rot_world_joint[:, index], clip.positions[:, index], strict=False)
    truth = [Transform(rot, place) @ MOUNT for rot, place in joints]
    assert len(readings) == len(truth)
    for reading, T_world_sensor in zip(readings, truth, strict=True):
        assert np.allclose(reading.measurement.rot_world_sensor, T_world_sensor.rotation, atol=1e-9)
        assert np.allclose(reading.measurement.position, T_world_sensor.translation, atol=1e-9)
    assert all(r.measurement.angular_velocity is None and r.measurement.specific_force is None for r in readings)


def test_a_sensor_without_a_mounting_of_its_own_sits_where_the_tracker_is_told() -> None:
    told = Sensor('hand', 'left_wrist', T_joint_sensor=MOUNT)
    one, other = (simulate(moving(), [w], rng()) for w in (WornSensor(told), worn()))
    assert np.array_equal(one[50].measurement.position, other[50].measurement.position)


def test_the_specific_force_at_rest_points_up() -> None:
    for reading in simulate(still(), [worn('imu')], rng()):
        up = reading.measurement.rot_world_sensor @ reading.measurement.specific_force
        assert np.allclose(up, [0, 0, 9.81], atol=1e-6)
        assert np.allclose(reading.measurement.angular_velocity, 0, atol=1e-6)
        assert reading.measurement.position is None


def test_the_gyro_integrates_to_the_change_of_orientation() -> None:
    rate = 1000.0
    readings = [r.measurement for r in simulate(moving(), [worn('imu', rate=rate)], rng())]
    gyro = np.array([m.angular_velocity for m in readings])
    turned = Rotation.from_matrix(readings[0].rot_world_sensor)
    for step in (gyro[1:] + gyro[:-1]) / 2 / rate:
        turned = turned * Rotation.from_rotvec(step)
    last = Rotation.from_matrix(readings[-1].rot_world_sensor)
    assert (turned.inv() * last).magnitude() < 1e-3


def test_the_specific_force_integrates_to_the_displacement_of_the_sensor_itself() -> None:
    rate = 1000.0
    readings = [r.measurement for r in simulate(moving(), [worn('imu', rate=rate)], rng())]
    path = SensorPath(moving(), smpl22.INDEX['left_wrist'], MOUNT)
    force = np.array([m.rot_world_sensor @ m.specific_force for m in readings]) + GRAVITY
    begin = (path.position(np.array([0.0, 1e-6]))[1] - path.position(np.array([0.0, 1e-6]))[0]) / 1e-6
    velocity = begin + np.cumsum((force[1:] + force[:-1]) / 2, 0) / rate
    velocity = np.concatenate((begin[None], velocity))
    moved = np.cumsum((velocity[1:] + velocity[:-1]) / 2, 0)[-1] / rate
    ends = path.position(np.array([0.0, (len(force) - 1) / rate]))
    assert np.allclose(moved, ends[1] - ends[0], atol=2e-3)


def test_a_sensor_away_from_the_joint_feels_the_turning() -> None:
    """On a body that spins about its pelvis at w, a sensor at the distance r is accelerated by w^2 r inward."""
    t = torch.arange(121, dtype=torch.float64) / 60
    spin = rotation.about_z(3 * t)[:, None].expand(-1, 22, 3, 3)
    clip = replace(still(), rot_world_joint=spin)
    mount = Transform(torch.eye(3, dtype=torch.float64), torch.tensor([0.2, 0.0, 0.0], dtype=torch.float64))
    readings = simulate(clip, [WornSensor(Sensor('hip', 'pelvis', 'imu', mount))], rng())
    force = np.array([r.measurement.specific_force for r in readings])[5:-5]
    assert np.allclose(force, [-9 * 0.2, 0, 9.81], atol=0.01)
    assert np.allclose(readings[60].measurement.angular_velocity, [0, 0, 3], atol=1e-3)


@pytest.mark.parametrize(('rate', 'phase'), [(30.0, 0.0), (100.0, 0.004), (17.0, 0.02)])
def test_readings_come_at_their_own_rate_and_phase(rate: float, phase: float) -> None:
    at = stamps(simulate(still(), [worn(rate=rate, phase=phase)], rng(), START))
    assert at[0] == START + round(phase * 1e9)
    assert np.abs(np.diff(at) - 1e9 / rate).max() <= 1
    assert at[-1] <= START + 2_000_000_000 < at[-1] + 1e9 / rate + 1


def test_readings_are_in_the_order_of_arrival_which_delay_may_change() -> None:
    slow, fast = worn(delay=0.2, delay_jitter=0.05), replace(worn(), sensor=Sensor('head', 'head'))
    readings = simulate(still(), [slow, fast], rng(), START)
    arrivals = [reading.arrival_ns for reading in readings]
    assert arrivals == sorted(arrivals)
    late = [r.arrival_ns - r.measurement.stamp_ns for r in readings if r.measurement.sensor == 'hand']
    assert min(late) >= 200_000_000
    assert np.mean(late) == pytest.approx(250_000_000, rel=0.1)
    assert (np.diff(stamps(readings)) < 0).any()


def test_a_dropout_leaves_no_reading_in_its_interval() -> None:
    seconds = (stamps(simulate(still(), [worn(dropouts=((0.5, 0.9), (1.2, 1.3)))], rng(), START)) - START) / 1e9
    assert not ((seconds >= 0.5) & (seconds < 0.9) | (seconds >= 1.2) & (seconds < 1.3)).any()
    assert len(seconds) == 121 - 24 - 6


def test_random_silences_and_losses_take_their_share() -> None:
    whole = len(simulate(still(20.0), [worn()], rng()))
    lost = len(simulate(still(20.0), [worn(loss=0.3)], rng()))
    silent = len(simulate(still(20.0), [worn(dropout_rate=0.5, dropout_duration=0.4)], rng()))
    assert lost / whole == pytest.approx(0.7, abs=0.05)
    assert 0.6 < silent / whole < 0.98


def test_noise_has_the_spread_that_was_asked_for() -> None:
    spec = {'rotation_noise': 0.02, 'gyro_noise': 0.1, 'force_noise': 0.3}
    noisy = [r.measurement for r in simulate(still(30.0), [worn('imu', **spec)], rng())]
    assert np.std([m.angular_velocity for m in noisy]) == pytest.approx(0.1, rel=0.05)
    force = np.array([m.rot_world_sensor @ m.specific_force for m in noisy])
    assert np.std(force[:, 2]) == pytest.approx(0.3, rel=0.1)
    error = Rotation.from_matrix(np.array([MOUNT.rotation.numpy().T @ m.rot_world_sensor for m in noisy])).as_rotvec()
    assert error.std() == pytest.approx(0.02, rel=0.05)
    placed = [r.measurement.position for r in simulate(still(30.0), [worn(position_noise=0.01)], rng())]
    assert np.std(placed, axis=0) == pytest.approx(0.01, rel=0.1)


def test_a_drift_is_slow() -> None:
    readings = simulate(still(60.0), [worn(rotation_drift=0.05)], rng())
    rot = torch.from_numpy(np.stack([r.measurement.rot_world_sensor for r in readings]))
    step, long = rotation.angle_between(rot[1:], rot[:-1]), rotation.angle_between(rot[1200:], rot[:-1200])
    assert step.mean() < 0.006
    assert long.mean() > 0.04


def test_the_same_seed_gives_the_same_errors_and_another_gives_others() -> None:
    spec = worn(position_noise=0.01, rotation_noise=0.01, delay_jitter=0.01, loss=0.1)
    first, again, other = (simulate(moving(), [spec], rng(seed)) for seed in (1, 1, 2))
    assert [r.arrival_ns for r in first] == [r.arrival_ns for r in again]
    assert all(
        np.array_equal(a.measurement.position, b.measurement.position) for a, b in zip(first, again, strict=True)
    )
    assert [r.arrival_ns for r in first] != [r.arrival_ns for r in other]


def test_a_sensor_errs_alike_whoever_comes_after_it() -> None:
    spec = worn(position_noise=0.01)
    alone = simulate(moving(), [spec], rng())
    both = simulate(moving(), [spec, replace(spec, sensor=Sensor('head', 'head'))], rng())
    same = [r for r in both if r.measurement.sensor == 'hand']
    assert all(np.array_equal(a.measurement.position, b.measurement.position) for a, b in zip(alone, same, strict=True))


def test_a_careless_mounting_is_off_by_what_was_said() -> None:
    off = disturbed(MOUNT, rng(), math.radians(10), 0.03)
    assert float(rotation.angle_between(off.rotation, MOUNT.rotation)) == pytest.approx(math.radians(10))
    assert float((off.translation - MOUNT.translation).norm()) == pytest.approx(0.03)


@pytest.mark.parametrize('spec', [{'rate': 0.0}, {'loss': 1.5}, {'delay': -0.1}])
def test_a_sensor_that_cannot_be_is_refused_by_name(spec: dict[str, float]) -> None:
    with pytest.raises(SensorError, match='hand'):
        worn(**spec)
