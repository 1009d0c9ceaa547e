"""An IMU whose orientation does not put gravity down is named, and no honest one is."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inpose_ros.geometry.transform import Transform
from inpose_ros.motion.procedural import procedural_clip, random_skeleton
from inpose_ros.motion.simulate import WornSensor, simulate
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.plausibility.checks import Plausibility
from inpose_ros.sensing.plausibility.gravity import Gravity

WAIST = Sensor('waist', 'pelvis', 'imu')
NED = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])


def walked(seconds: float = 12.0) -> list[Measurement]:
    """IMUs at a wrist, a shin and the pelvis of somebody who walks, turns, squats and waves."""
    clip = procedural_clip(3, seconds, random_skeleton(3))
    worn = [
        WornSensor(Sensor(joint, joint, 'imu', Transform.identity()), rate=100.0, rotation_noise=0.01,
                   rotation_drift=0.05, gyro_noise=0.02, force_noise=0.1, force_bias=0.3)
        for joint in ('left_wrist', 'right_knee', 'pelvis')
    ]  # fmt: skip
    return [reading.measurement for reading in simulate(clip, worn, np.random.default_rng(1))]


def named(measurements: list[Measurement]) -> set[str]:
    judges: dict[str, Gravity] = {}
    return {
        m.sensor
        for m in measurements
        if judges.setdefault(m.sensor, Gravity()).judge(m, Sensor(m.sensor, m.sensor, 'imu'))
    }


def test_honest_imus_are_never_named():
    assert not named(walked())


@pytest.mark.parametrize('world', [NED, Rotation.from_euler('x', 90, degrees=True).as_matrix()])
def test_a_world_that_is_not_ours_is_named_for_each_of_its_sensors(world):
    rows = [replace(m, rot_world_sensor=world @ m.rot_world_sensor) for m in walked()]
    assert named(rows) == {'left_wrist', 'right_knee', 'pelvis'}


def test_an_acceleration_of_the_opposite_sign_is_named_and_not_used_while_the_orientation_is():
    plausibility, sensor = Plausibility(), Sensor('waist', 'pelvis', 'imu')
    rng = np.random.default_rng(0)
    for k in range(100):
        force = np.array([0.0, 0.0, -9.81]) + 0.05 * rng.normal(size=3)
        reading = Measurement('waist', k * 10_000_000, np.eye(3), None, 0.01 * rng.normal(size=3), force)
        verdict = plausibility.judge(reading, sensor)
    assert [finding.cause for finding in verdict.findings] == ['gravity'] and '180 degrees' in str(verdict.findings[0])
    assert verdict.measurement.specific_force is None and verdict.measurement.rot_world_sensor is not None


@pytest.mark.parametrize('joint', ['pelvis', 'head', 'left_knee'])
@pytest.mark.parametrize('axes', [np.eye(3), np.diag([1.0, -1.0, -1.0])], ids=['our axes', 'FRD'])
def test_of_an_imu_by_which_the_body_is_upside_down_nothing_is_used(joint, axes):
    """Strapped on with its x axis up, in a world with z down: the acceleration points down, and not for its sign."""
    mount = Transform.from_xyz_quat([0.0, 0.0, 0.0, 0.70710678, 0.0, -0.70710678, 0.0])
    plausibility, sensor, rng = Plausibility(), Sensor('imu', joint, 'imu', mount), np.random.default_rng(0)
    for k in range(100):
        lean = Rotation.from_euler('xy', 0.1 * rng.normal(size=2)).as_matrix() @ sensor.mount[0]
        force, gyro = axes @ lean.T @ [0.0, 0.0, 9.81], 0.01 * rng.normal(size=3)
        verdict = plausibility.judge(Measurement('imu', k * 10_000_000, NED @ lean @ axes, None, gyro, force), sensor)
    assert verdict.measurement is None and [one.cause for one in verdict.findings] == ['gravity']


def test_an_orientation_that_is_put_right_is_believed_again():
    judge, up = Gravity(), np.array([0.0, 0.0, 9.81])
    said = [
        judge.judge(Measurement('waist', k * 10_000_000, NED if k < 100 else np.eye(3), specific_force=up), WAIST)
        for k in range(200)
    ]
    assert said[99] and not said[199]


def test_an_imu_without_orientation_or_acceleration_is_not_judged():
    judge = Gravity()
    assert not any(judge.judge(Measurement('waist', k * 10_000_000, NED), WAIST) for k in range(200))
    up = np.array([0.0, 0.0, 9.81])
    assert not any(judge.judge(Measurement('waist', k * 10_000_000, specific_force=up), WAIST) for k in range(200, 400))
