"""Beyond its last reading a sensor goes on as it moved: as its gyroscope says, or else as its readings show."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inpose_ros.body import smpl22
from inpose_ros.geometry.transform import Transform
from inpose_ros.sensing.interpolation import around
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.resample import joint_window
from inpose_ros.sensing.sample_buffer import Columns
from inpose_ros.sensing.window import MeasurementWindow

MS = 1_000_000
OMEGA = np.array([1.0, -2.0, 3.0])  # [rad/s], in sensor axes
START = Rotation.from_rotvec([0.3, 0.8, -0.5])
HEAD = smpl22.HEAD


def turning(t):
    return (START * Rotation.from_rotvec(np.outer(np.atleast_1d(t), OMEGA))).as_matrix()


def beyond(rows, *stamps_ns):
    """The rotations and positions of one sensor at these times, however long after its last reading."""
    columns, grid = Columns.of(rows), np.array([0, 0, *stamps_ns])
    found = around([columns.saying('rotation')], [columns.saying('position')], [], grid, 10_000 * MS)
    return found.rotation.values[0], found.position.values[0]


def solved(last_ms, gyro=True, mount=None, timeout=200 * MS):
    """The head's rotations on a 100 Hz grid that ends at 400 ms; its IMU was heard until `last_ms`."""
    window = MeasurementWindow(span_ns=1000 * MS)
    for stamp in range(0, last_ms * MS + 1, 10 * MS):
        omega = OMEGA if gyro else None
        window.add(Measurement('imu', stamp, turning(stamp / 1e9)[0], angular_velocity=omega), stamp)
    window.add(Measurement('waist', 400 * MS, np.eye(3)), 400 * MS)
    sensors = [Sensor('imu', 'head', 'imu', mount or Transform.identity()), Sensor('waist', 'pelvis', 'imu')]
    return joint_window(window, sensors, 31, 100.0, timeout)


def test_a_steady_turn_is_carried_on_exactly():
    result = solved(350)
    assert result.rot_valid[:, HEAD].all()
    expected = turning(np.arange(100, 401, 10) / 1000)
    np.testing.assert_allclose(result.rot_world_joint[:, HEAD], expected, atol=1e-6)


def test_without_a_gyroscope_it_turns_on_as_it_last_did():
    result = solved(350, gyro=False)
    np.testing.assert_allclose(result.rot_world_joint[-5:, HEAD], turning([0.36, 0.37, 0.38, 0.39, 0.4]), atol=1e-6)


def test_a_gyroscope_goes_over_what_the_rotations_show():
    """It says at once that the turning has stopped."""
    rows = [Measurement('imu', t * MS, turning(t / 1e3)[0], angular_velocity=np.zeros(3)) for t in (0, 50, 100)]
    np.testing.assert_allclose(beyond(rows, 130 * MS)[0], turning(0.1), atol=1e-9)


def test_a_sensor_of_one_reading_or_after_a_gap_stays_where_it_is():
    rows = [Measurement('head', t * MS, turning(t / 1e3)[0], np.full(3, t / 1e3)) for t in (0, 300, 310, 330)]
    for own in (rows[:1], rows):
        rot, position = beyond(own, 350 * MS, 360 * MS)
        np.testing.assert_allclose(position, [own[-1].position] * 2)
        np.testing.assert_allclose(rot, [own[-1].rot_world_sensor] * 2, atol=1e-12)


def test_a_gyroscope_does_not_hold_a_position_up():
    rows = [
        Measurement('head', t * MS, turning(t / 1e3)[0], np.full(3, t / 1e3), angular_velocity=np.zeros(3))
        for t in range(0, 101, 10)
    ]
    rot, position = beyond(rows, 130 * MS)
    np.testing.assert_allclose(rot, turning(0.1), atol=1e-9)
    np.testing.assert_allclose(position, [[0.13] * 3], atol=1e-9)


@pytest.mark.parametrize('rate', [20, 60, 1000])
def test_a_velocity_is_that_of_the_last_moments_at_any_rate(rate):
    """Noise of one reading counts for little: it is a mean over BASELINE_NS at least, and over little more."""
    period = 1000 * MS // rate
    stamps = range(0, 1000 * MS, period)
    rows = [Measurement('head', t, None, np.array([max(0, t - 800 * MS) / 1e9, 0, 0])) for t in stamps]
    rows[-1] = replace(rows[-1], position=rows[-1].position + 0.002)
    ahead = beyond(rows, stamps[-1] + 20 * MS)[1][0] - rows[-1].position
    np.testing.assert_allclose(ahead, 0.02 * np.array([1.0, 0, 0]), atol=0.02 * 0.002 / 0.04 + 1e-9)


def test_who_moves_steadily_is_where_he_is_whatever_the_sensor_lags():
    window = MeasurementWindow(span_ns=1000 * MS)
    for stamp in range(0, 361 * MS, 12 * MS):
        window.add(Measurement('head', stamp, np.eye(3), np.array([0.0, 2.0, -1.0]) * stamp / 1e9), stamp)
    window.add(Measurement('waist', 400 * MS, np.eye(3)), 400 * MS)
    result = joint_window(window, [Sensor('head', 'head'), Sensor('waist', 'pelvis', 'imu')], 31, 100.0, 200 * MS)
    np.testing.assert_allclose(result.location[-1, HEAD], [0.0, 0.8, -0.4], atol=1e-6)


def test_a_mount_is_taken_off_after_the_turn():
    mount = Transform.from_xyz_quat([0.0, 0.0, 0.0, 0.5, 0.5, -0.5, 0.5])
    expected = turning([0.4])[0] @ mount.rotation.numpy().T
    np.testing.assert_allclose(solved(350, mount=mount).rot_world_joint[-1, HEAD], expected, atol=1e-6)


@pytest.mark.parametrize(('last', 'valid'), [(340, True), (330, False)])
def test_it_is_not_carried_further_than_a_value_is_held(last, valid):
    assert bool(solved(last).rot_valid[-1, HEAD]) is valid
