"""joint_window: the grid, interpolation, holding, gaps, mounts, two sensors on a joint."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation, Slerp

from inpose_ros.body import smpl22
from inpose_ros.errors import MeasurementError
from inpose_ros.geometry import rotation
from inpose_ros.geometry.transform import Transform
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.resample import joint_window
from inpose_ros.sensing.window import MeasurementWindow

MS = 1_000_000
FRAMES, RATE, TIMEOUT = 31, 100.0, 200 * MS


def turning(t):
    """Sensor rotation at time t [s]: turning about a skew axis at 1 rad/s."""
    return Rotation.from_rotvec(np.outer(np.atleast_1d(t), [0.6, 0.0, 0.8])).as_matrix()


def moving(t):
    return np.array([1.0, 2.0, 3.0]) + np.outer(np.atleast_1d(t), [0.5, -1.0, 0.25])


def filled(stamps_by_sensor, position=True):
    window = MeasurementWindow(span_ns=2000 * MS)
    for sensor, stamps in stamps_by_sensor.items():
        for stamp in stamps:
            t = stamp / 1e9
            window.add(Measurement(sensor, stamp, turning(t)[0], moving(t)[0] if position else None), stamp)
    return window


def solve(window, *sensors, frames=FRAMES, timeout=TIMEOUT):
    return joint_window(window, sensors, frames, RATE, timeout)


def grid(newest, frames=FRAMES):
    return (newest - np.arange(frames - 1, -1, -1) * 10 * MS) / 1e9


HEAD = smpl22.HEAD


def test_the_last_frame_is_at_the_newest_measurement_of_all_sensors():
    window = filled({'head': range(0, 500 * MS, 7 * MS), 'left_wrist': range(0, 481 * MS, 11 * MS)})
    assert solve(window, Sensor('head', 'head')).stamp_ns == window.newest_stamp_ns == 497 * MS


def test_between_measurements_rotations_follow_the_great_circle_and_locations_the_line():
    window = filled({'head': range(0, 500 * MS, 7 * MS)})
    result = solve(window, Sensor('head', 'head'))
    times = grid(497 * MS)
    assert result.rot_valid[:, HEAD].all() and result.location_valid[:, HEAD].all()
    np.testing.assert_allclose(result.rot_world_joint[:, HEAD], turning(times), atol=1e-6)
    np.testing.assert_allclose(result.location[:, HEAD], moving(times), atol=1e-6)


def test_rotations_equal_scipys_slerp_for_irregular_stamps():
    rng = np.random.default_rng(3)
    stamps = np.unique(np.append(rng.integers(0, 400 * MS, 40), [0, 400 * MS]))
    rots = Rotation.random(len(stamps), random_state=rng)
    window = MeasurementWindow(span_ns=2000 * MS)
    for stamp, rot in zip(stamps, rots.as_matrix(), strict=True):
        window.add(Measurement('head', int(stamp), rot), int(stamp))
    result = solve(window, Sensor('head', 'head', 'imu'))
    expected = Slerp(stamps / 1e9, rots)(grid(400 * MS).clip(0)).as_matrix()
    np.testing.assert_allclose(result.rot_world_joint[:, HEAD], expected, atol=1e-5)


def test_results_are_float32_and_placeholders_are_finite():
    result = solve(filled({'head': [0]}), Sensor('head', 'head'), Sensor('silent', 'pelvis'))
    for tensor in (result.rot_world_joint, result.location, result.rotation_stddev, result.position_stddev):
        assert tensor.dtype == torch.float32 and tensor.isfinite().all()
    assert result.rot_valid.sum() == result.location_valid.sum() == 1
    assert (result.rot_world_joint[~result.rot_valid] == torch.eye(3)).all()
    assert (result.location[~result.location_valid] == 0).all()


def test_no_sensor_at_all_gives_a_window_without_a_valid_value():
    result = solve(filled({'head': [0]}))
    assert not result.rot_valid.any() and not result.location_valid.any()
    assert not result.zeroed


def test_frames_before_the_first_measurement_are_not_valid():
    result = solve(filled({'head': range(200 * MS, 401 * MS, 10 * MS)}), Sensor('head', 'head'))
    assert result.rot_valid[:, HEAD].tolist() == [False] * 10 + [True] * 21


def test_a_sensor_somewhat_behind_the_newest_stamp_goes_on_as_it_moved():
    window = filled({'head': range(0, 401 * MS, 10 * MS), 'left_wrist': range(0, 371 * MS, 10 * MS)})
    result = solve(window, Sensor('head', 'head'), Sensor('left_wrist', 'left_wrist'))
    wrist = smpl22.INDEX['left_wrist']
    assert result.rot_valid[:, wrist].all()
    np.testing.assert_allclose(result.location[-3:, wrist], moving([0.38, 0.39, 0.40]), atol=1e-6)
    np.testing.assert_allclose(result.rot_world_joint[-3:, wrist], turning([0.38, 0.39, 0.40]), atol=1e-6)


def test_readings_that_lack_a_part_do_not_disturb_those_that_have_it():
    """Every third reading has no place, every fourth no rotation; both are as if those readings were not there."""
    stamps = range(0, 401 * MS, 10 * MS)
    window, placed, turned = (MeasurementWindow(span_ns=2000 * MS) for _ in range(3))
    for i, stamp in enumerate(stamps):
        rot, place = turning(stamp / 1e9)[0], np.sin(moving(7 * stamp / 1e9))[0]
        window.add(Measurement('head', stamp, rot if i % 4 != 2 else None, place if i % 3 != 2 else None), stamp)
        if i % 3 != 2:
            placed.add(Measurement('head', stamp, rot, place), stamp)
        if i % 4 != 2:
            turned.add(Measurement('head', stamp, rot, place), stamp)
    mine, where, how = (solve(w, Sensor('head', 'head')) for w in (window, placed, turned))
    np.testing.assert_allclose(mine.location[:, HEAD], where.location[:, HEAD], atol=1e-6)
    np.testing.assert_allclose(mine.rot_world_joint[:, HEAD], how.rot_world_joint[:, HEAD], atol=1e-6)


@pytest.mark.parametrize(('timeout', 'held'), [(200 * MS, 6), (20 * MS, 2)])
def test_a_sensor_far_behind_is_held_shortly_and_then_not_valid(timeout, held):
    window = filled({'head': range(0, 401 * MS, 10 * MS), 'left_wrist': range(0, 301 * MS, 10 * MS)})
    result = solve(window, Sensor('head', 'head'), Sensor('left_wrist', 'left_wrist'), timeout=timeout)
    valid = result.rot_valid[:, smpl22.INDEX['left_wrist']].tolist()
    assert valid == [True] * (21 + held) + [False] * (10 - held)


@pytest.mark.parametrize(
    ('interval', 'timeout', 'held'),
    [(50, 500, 120), (50, 100, 100), (10, 500, 60), (100, 500, 250), (400, 500, 500)],
)
def test_a_slow_sensor_is_held_for_two_and_a_half_of_its_intervals(interval, timeout, held):
    """60 ms at least, the timeout at most; one that sends at 20 Hz must not flicker beside faster ones."""
    last = 1600 * MS
    for behind in (held - 10, held, held + 10):
        window = filled({'head': [last + behind * MS], 'left_wrist': range(400 * MS, last + 1, interval * MS)})
        result = solve(window, Sensor('head', 'head'), Sensor('left_wrist', 'left_wrist'), timeout=timeout * MS)
        assert bool(result.rot_valid[-1, smpl22.INDEX['left_wrist']]) is (behind <= held), behind


def test_a_sensor_of_whose_readings_few_are_plausible_is_not_held_for_longer():
    some = [900, 930, 1100, 1140, 1300, 1600]
    for behind, valid in ((60, True), (70, False)):
        window = filled({'head': [(1600 + behind) * MS], 'left_wrist': [stamp * MS for stamp in some]})
        result = solve(window, Sensor('head', 'head'), Sensor('left_wrist', 'left_wrist'))
        assert bool(result.rot_valid[-1, smpl22.INDEX['left_wrist']]) is valid


def test_a_sensor_at_20_hz_stays_valid_beside_one_at_90():
    slow = range(0, 1000 * MS, 50 * MS)
    for end in range(500 * MS, 1000 * MS, 11 * MS):
        heard = [stamp for stamp in slow if stamp + 30 * MS <= end]  # it arrives 30 ms late
        window = filled({'head': range(0, end + 1, 11 * MS), 'left_wrist': heard})
        result = solve(window, Sensor('head', 'head'), Sensor('left_wrist', 'left_wrist'))
        assert result.rot_valid[-1, smpl22.INDEX['left_wrist']]


def test_a_reading_that_knows_its_noise_goes_over_its_sensors():
    window = MeasurementWindow(span_ns=2000 * MS)
    window.add(Measurement('head', 0, np.eye(3), np.zeros(3), position_stddev=0.5, rotation_stddev=0.6), 0)
    window.add(Measurement('head', MS, np.eye(3), np.zeros(3), position_stddev=0.04), MS)
    result = solve(window, Sensor('head', 'head', position_stddev=0.01, rotation_stddev=0.02))
    assert result.position_stddev[HEAD] == pytest.approx(0.04)
    assert result.rotation_stddev[HEAD] == pytest.approx(0.02), 'the newest reading does not say'


@pytest.mark.parametrize('doubt', [0.001, 0.1])
def test_of_two_sensors_on_a_joint_the_one_counts_whose_newest_reading_is_more_precise(doubt):
    window = MeasurementWindow(span_ns=2000 * MS)
    window.add(Measurement('one', 0, np.eye(3), np.ones(3)), 0)
    window.add(Measurement('other', 0, np.eye(3), np.zeros(3), position_stddev=doubt), 0)
    result = solve(window, Sensor('one', 'head'), Sensor('other', 'head'), frames=1)
    assert result.location[0, HEAD, 0] == (0 if doubt < 0.005 else 1)


def test_a_long_gap_is_not_bridged_but_a_short_one_is():
    stamps = [*range(0, 101 * MS, 10 * MS), *range(200 * MS, 401 * MS, 10 * MS)]
    bridged = solve(filled({'head': stamps}), Sensor('head', 'head'), timeout=100 * MS)
    assert bridged.rot_valid[:, HEAD].all()
    gap = solve(filled({'head': stamps}), Sensor('head', 'head'), timeout=99 * MS)
    assert gap.rot_valid[:, HEAD].tolist() == [True] + [False] * 9 + [True] * 21
    assert gap.location_valid[:, HEAD].tolist() == [True] + [False] * 9 + [True] * 21


def test_the_mount_is_taken_off():
    mount = Transform.from_xyz_quat([0.1, -0.2, 0.05, 0.5, 0.5, -0.5, 0.5])
    T_world_joint = Transform(torch.from_numpy(turning(0.3)[0]), torch.tensor([0.3, 0.4, 1.5], dtype=torch.float64))
    T_world_sensor = T_world_joint @ mount
    window = MeasurementWindow(span_ns=2000 * MS)
    measurement = Measurement('hmd', 0, T_world_sensor.rotation.numpy(), T_world_sensor.translation.numpy())
    window.add(measurement, 0)
    result = solve(window, Sensor('hmd', 'head', T_joint_sensor=mount), frames=1)
    torch.testing.assert_close(result.rot_world_joint[0, HEAD], T_world_joint.rotation.float())
    torch.testing.assert_close(result.location[0, HEAD], T_world_joint.translation.float())


def test_an_imu_has_no_location():
    window = filled({'imu': range(0, 401 * MS, 10 * MS)})
    result = solve(window, Sensor('imu', 'head', 'imu'))
    assert result.rot_valid[:, HEAD].all() and not result.location_valid.any()


@pytest.mark.parametrize(('lever', 'known'), [(0.0, True), (0.1, False)])
def test_a_location_without_rotation_counts_only_right_at_the_joint(lever, known):
    window = MeasurementWindow(span_ns=2000 * MS)
    window.add(Measurement('marker', 0, None, np.array([1.0, 2.0, 3.0])), 0)
    sensor = Sensor('marker', 'head', T_joint_sensor=Transform.from_xyz_quat([lever, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]))
    result = solve(window, sensor, frames=1)
    assert bool(result.location_valid[0, HEAD]) is known and not result.rot_valid.any()


@pytest.mark.parametrize('swapped', [False, True])
def test_of_two_sensors_on_a_joint_the_more_precise_counts_while_it_is_there(swapped):
    stamps = range(0, 401 * MS, 10 * MS)
    window = MeasurementWindow(span_ns=2000 * MS)
    for stamp in stamps:
        window.add(Measurement('coarse', stamp, np.eye(3), np.zeros(3)), stamp)
        if stamp <= 200 * MS:
            window.add(Measurement('fine', stamp, turning(1.0)[0], np.ones(3)), stamp)
    sensors = [
        Sensor('fine', 'head', rotation_stddev=0.01, position_stddev=0.001),
        Sensor('coarse', 'head', rotation_stddev=0.05, position_stddev=0.02),
    ]
    result = solve(window, *(sensors[::-1] if swapped else sensors))
    assert result.rot_valid[:, HEAD].all()
    np.testing.assert_allclose(result.rot_world_joint[:17, HEAD], turning([1.0] * 17), atol=1e-6)
    np.testing.assert_allclose(result.rot_world_joint[17:, HEAD], np.broadcast_to(np.eye(3), (14, 3, 3)), atol=1e-6)
    np.testing.assert_allclose(result.location[[10, 25], HEAD], [[1, 1, 1], [0, 0, 0]], atol=1e-6)
    assert result.rotation_stddev[HEAD] == pytest.approx(0.01)
    assert result.position_stddev[HEAD] == pytest.approx(0.001)


def test_half_a_turn_between_measurements_stays_a_rotation():
    window = MeasurementWindow(span_ns=2000 * MS)
    window.add(Measurement('head', 0, np.eye(3)), 0)
    window.add(Measurement('head', 100 * MS, np.diag([-1.0, -1.0, 1.0])), 100 * MS)
    rot = solve(window, Sensor('head', 'head'), frames=11).rot_world_joint[:, HEAD]
    torch.testing.assert_close(rot @ rot.mT, torch.eye(3).expand(11, 3, 3), atol=1e-5, rtol=0)
    assert rotation.angle_between(rot[:1], rot[5:6]) == pytest.approx(np.pi / 2, abs=1e-3)


@pytest.mark.parametrize('head', [False, True])
@pytest.mark.parametrize('wrist', [False, True])
def test_a_window_is_zeroed_only_if_every_sensor_is(head, wrist):
    window = filled({'head': [0], 'left_wrist': [0]})
    sensors = Sensor('head', 'head', zeroed=head), Sensor('left_wrist', 'left_wrist', zeroed=wrist)
    assert solve(window, *sensors).zeroed is (head and wrist)


def test_a_snapshot_gives_the_same_as_its_window():
    window = filled({'head': range(0, 500 * MS, 7 * MS)})
    mine, copy = (solve(w, Sensor('head', 'head')) for w in (window, window.snapshot()))
    assert torch.equal(mine.rot_world_joint, copy.rot_world_joint) and torch.equal(mine.location, copy.location)


def test_an_empty_window_is_refused():
    with pytest.raises(MeasurementError, match='no measurement'):
        solve(MeasurementWindow(span_ns=1000 * MS), Sensor('head', 'head'))
