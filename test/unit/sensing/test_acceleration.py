"""Accelerations on the grid against the places that they come from."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from inpose_ros.body.skeleton import Skeleton
from inpose_ros.geometry.transform import Transform
from inpose_ros.motion.procedural import procedural_clip
from inpose_ros.motion.simulate import SensorPath, WornSensor, simulate
from inpose_ros.sensing.acceleration import GRAVITY
from inpose_ros.sensing.interpolation import around
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.resample import joint_window
from inpose_ros.sensing.sample_buffer import Columns
from inpose_ros.sensing.window import MeasurementWindow

FRAMES, RATE = 40, 30.0


def _reading(seconds: float, rot: np.ndarray, acceleration: np.ndarray) -> Measurement:
    return Measurement(
        'imu', round(seconds * 1e9), rot_world_sensor=rot, specific_force=rot.T @ (acceleration - GRAVITY)
    )


def _differences(own: list[Measurement], grid: np.ndarray) -> np.ndarray:
    return _together([own], grid)[0]


def _together(every: list[list[Measurement]], grid: np.ndarray) -> np.ndarray:
    """Of each sensor, at the frames of a grid."""
    interval = round(1e9 / RATE)
    longer = np.concatenate((grid[0] - interval * np.array([2, 1]), grid))
    return around([], [], [Columns.of(own).saying('force') for own in every], longer, 10**12).acceleration


def _grid(frames: int = 10) -> np.ndarray:
    return np.rint(1e9 * (1.0 + np.arange(frames) / RATE)).astype(np.int64)


def test_a_sensor_at_rest_is_not_accelerated_however_it_is_turned():
    turns = Rotation.random(50, rng=np.random.default_rng(0)).as_matrix()
    own = [_reading(0.5 + k / 50, rot, np.zeros(3)) for k, rot in enumerate(turns)]
    assert np.allclose(_differences(own, _grid()), 0, atol=1e-9)


@pytest.mark.parametrize('rate', [20.0, 60.0, 400.0])
def test_it_is_the_second_difference_of_the_places_at_any_rate_of_the_sensor(rate):
    times = np.arange(0.2, 1.5, 1 / rate)
    knots = np.random.default_rng(1).normal(size=(len(times), 3))
    place = CubicSpline(times, knots, bc_type='natural')  # its second derivative is the line that is assumed
    own = [_reading(t, np.eye(3), place(t, 2)) for t in times]
    grid = _grid()
    instants = grid[0] / 1e9 + np.arange(-2, len(grid)) / RATE
    expected = np.diff(place(instants), n=2, axis=0) * RATE**2
    assert np.allclose(_differences(own, grid), expected, atol=1e-3 * np.abs(expected).max())


def test_beyond_its_last_reading_the_acceleration_is_held():
    own = [_reading(0.1 * k, np.eye(3), np.array([1.0, 2.0, 3.0])) for k in range(9)]
    assert np.allclose(_differences(own, _grid()), [1.0, 2.0, 3.0])


def test_sensors_do_not_disturb_each_other():
    """Whatever the others' rates, and however long ago they were last heard."""
    rng, grid = np.random.default_rng(2), _grid()
    every = [
        [_reading(t, np.eye(3), rng.normal(size=3)) for t in np.sort(rng.uniform(0, end, size=count))]
        for end, count in ((1.3, 150), (0.9, 7), (1.25, 1))
    ]
    for own, found in zip(every, _together(every, grid)):
        assert np.allclose(_differences(own, grid), found, atol=1e-9)


def _window(worn: WornSensor, until: float) -> tuple[MeasurementWindow, SensorPath]:
    clip = procedural_clip(0, 20.0, Skeleton.mean())
    window = MeasurementWindow(2_000_000_000)
    for reading in simulate(clip, [worn], np.random.default_rng(0)):
        if reading.measurement.stamp_ns / 1e9 <= until:
            window.add(reading.measurement, reading.arrival_ns)
    return window, SensorPath(clip, worn.sensor.joint_index, Transform.identity())


@pytest.mark.parametrize('offset', [(0.0, 0.0, 0.0), (0.02, 0.03, -0.2)])
def test_an_imu_on_the_shank_says_how_the_knee_is_accelerated_wherever_its_mount_has_it(offset):
    mount = Transform.from_xyz_quat([*offset, 1.0, 0.0, 0.0, 0.0])
    worn = WornSensor(Sensor('shank', 'left_knee', 'imu', T_joint_sensor=mount), rate=200.0)
    window, path = _window(worn, 17.0)
    known = joint_window(window, [worn.sensor], FRAMES, RATE, 500_000_000)
    joint = worn.sensor.joint_index
    instants = known.stamp_ns / 1e9 + np.arange(-FRAMES - 1, 1) / RATE
    expected = np.diff(path.position(instants), n=2, axis=0)[2:] * RATE**2
    assert known.acceleration_valid[:, joint].tolist() == [False] * 2 + [True] * (FRAMES - 2)
    assert np.abs(expected).max() > 3
    assert np.allclose(known.acceleration[2:, joint].numpy(), expected, atol=0.15)


def test_who_wears_no_accelerometer_has_none():
    window, _ = _window(WornSensor(Sensor('head', 'head'), rate=90.0), 17.0)
    assert not joint_window(window, [Sensor('head', 'head')], FRAMES, RATE, 500_000_000).acceleration_valid.any()
