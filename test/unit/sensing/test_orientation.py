"""The orientation of an IMU that gives none, against a motion that is known."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from inpose_ros.body import smpl22
from inpose_ros.errors import MeasurementError
from inpose_ros.geometry import rotation
from inpose_ros.geometry.transform import Transform
from inpose_ros.motion.recording import ImuRecording
from inpose_ros.sensing.calibration.still_pose import REST_POSES, calibrate
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.orientation import SETTLING_NS, OrientationFilter

BIAS = np.array([0.01, -0.015, 0.02])


def true_rotation(seconds: float) -> Rotation:
    """At rest for two seconds, then swinging about a slanted axis; tilted all the time."""
    t = max(0.0, seconds - 2.0)
    return Rotation.from_rotvec([0, 0, 1.0]) * Rotation.from_rotvec(
        math.sin(1.5 * t) * np.array([0.5, 0.8, -0.6])
    ) * Rotation.from_rotvec([0.4, -0.3, 0.0])  # fmt: skip


class Device:
    """A gyro with bias and noise and an accelerometer with noise, on that motion."""

    def __init__(self, rate: float = 100.0, seed: int = 0) -> None:
        self.rate, self.rng = rate, np.random.default_rng(seed)

    def reading(self, seconds: float) -> Measurement:
        step = 1e-4
        before, after = true_rotation(seconds - step), true_rotation(seconds + step)
        gyro = (before.inv() * after).as_rotvec() / (2 * step) + BIAS + self.rng.normal(0, 0.005, 3)
        force = true_rotation(seconds).inv().apply([0, 0, 9.81]) + self.rng.normal(0, 0.03, 3)
        return Measurement('waist', round(seconds * 1e9), None, angular_velocity=gyro, specific_force=force)

    def times(self, begin: float, end: float) -> list[float]:
        return [k / self.rate for k in range(round(begin * self.rate), round(end * self.rate))]


def fed(orientation: OrientationFilter, readings: list[Measurement]) -> list[Measurement]:
    """What came out of it, without those that were refused."""
    got = []
    for reading in readings:
        try:
            got.append(orientation.feed(reading, 0.02))
        except MeasurementError as error:
            assert error.cause == 'no_orientation'
    return got


def errors(measurement: Measurement) -> tuple[float, float]:
    """Of tilt and of heading [degrees]."""
    off = Rotation.from_matrix(measurement.rot_world_sensor) * true_rotation(measurement.stamp_ns / 1e9).inv()
    matrix = off.as_matrix()
    heading = math.atan2(matrix[1, 0] - matrix[0, 1], matrix[0, 0] + matrix[1, 1])
    return math.degrees(math.acos(min(1.0, matrix[2, 2]))), math.degrees(heading)


@pytest.mark.parametrize('rate', [20.0, 100.0, 1000.0])
def test_tilt_is_right_within_three_degrees_and_the_heading_stays_as_it_began(rate):
    device, orientation = Device(rate), OrientationFilter()
    got = fed(orientation, [device.reading(t) for t in device.times(0, 12 if rate < 500 else 5)])
    tilts, headings = np.array([errors(one) for one in got]).T
    assert got[0].stamp_ns == pytest.approx(SETTLING_NS, abs=1e9 / rate + 1)
    assert tilts.max() < 3.0 and np.ptp(headings) < 6.0


def test_it_is_refused_until_it_has_settled():
    device, orientation = Device(), OrientationFilter()
    with pytest.raises(MeasurementError, match='settled') as error:
        for t in device.times(0, 0.9):
            orientation.feed(device.reading(t), 0.02)
    assert error.value.cause == 'no_orientation'


def test_what_it_says_of_its_heading_grows_and_holds():
    device, orientation = Device(), OrientationFilter()
    got = fed(orientation, [device.reading(t) for t in device.times(0, 40)])
    spreads = np.array([one.rotation_stddev for one in got])
    assert (np.diff(spreads) >= 0).all() and spreads[0] < 0.05 and spreads[-1] > spreads[0]
    drift = math.radians(errors(got[-1])[1] - errors(got[0])[1])
    assert abs(drift) < 3 * spreads[-1]


def test_a_lost_reading_and_uneven_stamps_cost_no_angle():
    device, orientation, even = Device(), OrientationFilter(), OrientationFilter()
    rng = np.random.default_rng(1)
    times = [t + rng.uniform(-0.004, 0.004) for t in device.times(0, 8) if rng.uniform() > 0.1]
    rough = errors(fed(orientation, [device.reading(t) for t in times])[-1])
    smooth = errors(fed(even, [device.reading(t) for t in device.times(0, 8)])[-1])
    assert rough[0] < 5 and abs(rough[1] - smooth[1]) < 4


def test_a_reading_out_of_order_is_refused_and_does_no_harm():
    device, orientation = Device(), OrientationFilter()
    readings = [device.reading(t) for t in device.times(0, 4)]
    readings[300], readings[305] = readings[305], readings[300]
    got = fed(orientation, readings)
    assert len(got) == 300 - 5 and errors(got[-1])[0] < 2


def test_after_a_gap_it_settles_anew_and_goes_on_with_the_heading_it_had():
    device, orientation = Device(), OrientationFilter()
    before = fed(orientation, [device.reading(t) for t in device.times(0, 2)])
    after = fed(orientation, [device.reading(t) for t in device.times(2.5, 4)])
    assert len(after) == pytest.approx(50, abs=1)
    held, resumed = Rotation.from_matrix(before[-1].rot_world_sensor), Rotation.from_matrix(after[0].rot_world_sensor)
    assert abs((resumed * held.inv()).as_rotvec()[2]) < 0.3
    assert after[0].rotation_stddev > 0.5 > before[-1].rotation_stddev, 'and says that it may have turned meanwhile'


def test_after_a_long_absence_or_a_reset_whoever_knows_is_to_tell_the_heading():
    device, orientation = Device(), OrientationFilter()
    fed(orientation, [device.reading(t) for t in device.times(0, 2)])
    orientation.align(0.4)
    fed(orientation, [device.reading(t) for t in device.times(2.5, 4)])
    assert orientation.aligned, 'half a second is not long'
    away = fed(orientation, [device.reading(t) for t in device.times(7, 9)])
    assert not orientation.aligned and orientation.has_heading
    assert away[0].rotation_stddev > 1.0, 'until then it may face anywhere'
    assert orientation.follow(0.2) > 0.3 and orientation.aligned, 'told by a body that may look to the side'
    assert orientation.feed(device.reading(9.0), 0.02).rotation_stddev > 0.3
    orientation.begin_again()
    assert not orientation.aligned and orientation.follow(0.1) == 0.0, 'as at first'


def test_aligning_turns_what_comes_and_makes_its_heading_certain():
    device, orientation = Device(), OrientationFilter()
    before = fed(orientation, [device.reading(t) for t in device.times(0, 20)])[-1]
    orientation.align(0.7)
    after = orientation.feed(device.reading(20.0), 0.02)
    turn = Rotation.from_matrix(after.rot_world_sensor) * Rotation.from_matrix(before.rot_world_sensor).inv()
    assert turn.as_rotvec()[2] == pytest.approx(0.7, abs=0.05)
    assert after.rotation_stddev == pytest.approx(0.02, abs=1e-3) and orientation.aligned


@pytest.mark.parametrize('others', [250.0, 20.0])
def test_another_rate_of_the_driver_goes_unnoticed(others):
    device, other, orientation = Device(100.0), Device(others), OrientationFilter()
    before = fed(orientation, [device.reading(t) for t in device.times(0, 3)])
    got = fed(orientation, [other.reading(t) for t in other.times(3, 7)])
    assert len(got) == 4 * others and max(errors(one)[0] for one in got) < 5
    assert abs(errors(got[-1])[1] - errors(before[-1])[1]) < 3


@pytest.mark.parametrize(('rate', 'hole'), [(60.0, 0.2), (200.0, 0.06), (400.0, 0.02), (400.0, 0.095), (1000.0, 0.03)])
def test_a_hole_while_it_settles_costs_nothing_but_what_was_lost(rate, hole):
    device, orientation = Device(rate), OrientationFilter()
    got = fed(orientation, [device.reading(t) for t in device.times(0, 1.5) if not 0.1 <= t < 0.1 + hole])
    assert got[0].stamp_ns == pytest.approx(SETTLING_NS, abs=1e9 / rate + 1)
    assert max(errors(one)[0] for one in got) < 3


@pytest.mark.parametrize(('rate', 'count'), [(100, 5), (200, 16), (1000, 50)])
def test_readings_that_come_several_at_a_time_a_tenth_of_a_millisecond_apart_do_no_harm(rate, count):
    device, orientation = Device(rate), OrientationFilter()
    times = device.times(0, 6 if rate < 500 else 3)
    readings = [
        replace(device.reading(t), stamp_ns=round((times[count * (k // count)] + 1e-4 * (k % count)) * 1e9))
        for k, t in enumerate(times)
    ]
    tilts, headings = np.array([errors(one) for one in fed(orientation, readings)]).T
    assert tilts.max() < 10 and np.ptp(headings) < 20, 'what is 0.1 s behind at the end of its burst is off by that'


def test_one_stamp_twice_is_counted_as_such():
    orientation, reading = OrientationFilter(), Device().reading(0.0)
    for cause in ('no_orientation', 'duplicate'):
        with pytest.raises(MeasurementError) as error:
            orientation.feed(reading, 0.02)
        assert error.value.cause == cause


@pytest.mark.parametrize('vector', [(np.nan, 0, 0), (np.inf, 0, 0), (1e300, 1e300, 0)])
def test_what_no_device_measures_is_refused_and_does_no_harm(vector):
    device, orientation = Device(), OrientationFilter()
    before = fed(orientation, [device.reading(t) for t in device.times(0, 2)])
    with pytest.raises(MeasurementError) as error:
        orientation.feed(replace(device.reading(2.0), angular_velocity=np.array(vector)), 0.02)
    assert error.value.cause == 'not_finite' and len(before) == 100
    assert errors(orientation.feed(device.reading(2.01), 0.02))[0] < 3


def offset(readings: list[Measurement], bias: np.ndarray) -> list[Measurement]:
    return [replace(one, angular_velocity=one.angular_velocity - BIAS + bias) for one in readings]


@pytest.mark.parametrize('degrees', [0.2, 3.0, 8.0])
def test_a_bias_is_learnt_from_rest_and_the_heading_drifts_no_further_than_is_said(degrees):
    """At rest for two seconds, then moving for ten: more than 2 deg/s is more than VQF itself corrects."""
    device, orientation = Device(), OrientationFilter()
    bias = math.radians(degrees) * np.array([0.3, -0.2, 0.93])
    got = fed(orientation, offset([device.reading(t) for t in device.times(0, 12)], bias))
    drift = math.radians(errors(got[-1])[1] - errors(got[0])[1])
    assert abs(drift) < 3 * got[-1].rotation_stddev and got[-1].rotation_stddev < math.radians(3.5)
    assert abs(drift) < math.radians(1.0 + 0.6 * degrees), 'about what it was until the rest was one'
    assert max(errors(one)[0] for one in got[100:]) < 3 and orientation.finding('waist') is None


def test_a_bias_beyond_what_is_corrected_is_named_and_its_drift_owned():
    device, orientation = Device(), OrientationFilter()
    bias = math.radians(15.0) * np.array([0.0, 0.0, 1.0])
    got = fed(orientation, offset([device.reading(t) for t in device.times(0, 2)], bias))
    finding = orientation.finding('waist')
    assert finding.cause == 'gyro_bias' and 'waist' in str(finding) and '15.0 deg/s' in str(finding)
    drift = math.radians(errors(got[-1])[1] - errors(got[0])[1])
    assert abs(drift) < 3 * got[-1].rotation_stddev


def test_a_bias_that_no_rest_has_shown_leaves_the_heading_as_unsure_as_it_is():
    """Swinging from the start; coverage over biases in all directions."""
    covered, widths = [], []
    for seed in range(8):
        device, orientation, rng = Device(40.0, seed), OrientationFilter(), np.random.default_rng(seed)
        bias = math.radians([0.2, 1.0, 4.0, 8.0][seed % 4]) * _direction(rng)
        got = fed(orientation, offset([device.reading(t) for t in device.times(2.5, 14)], bias))
        off = np.unwrap([math.radians(errors(one)[1]) for one in got])
        covered.append((np.abs(off - off[0]) < 3 * np.array([one.rotation_stddev for one in got])).mean())
        widths.append(got[-1].rotation_stddev)
    assert np.mean(covered) > 0.95
    assert max(widths[::4]) < math.radians(15), 'of gyros that are in order'


def _direction(rng: np.random.Generator) -> np.ndarray:
    way = rng.normal(size=3)
    return way / np.linalg.norm(way)


def test_without_a_gyro_or_an_accelerometer_there_is_nothing_to_find_it_from():
    with pytest.raises(MeasurementError, match='both of gyro and accelerometer') as error:
        OrientationFilter().feed(Measurement('waist', 0, None, angular_velocity=np.zeros(3)), 0.02)
    assert error.value.cause == 'no_orientation'


def test_seventeen_real_imus_are_levelled_and_drift_no_further_than_they_say(data_folder):
    """Against the orientations that their maker's filter, which has magnetometers, gave in the same recording."""
    recording = ImuRecording.load(data_folder / 'real' / 'imu17_walk')
    for sensor in recording.sensors:
        rows = recording.measurements([sensor])
        got = fed(OrientationFilter(), [replace(row, rot_world_sensor=None) for row in rows])
        truth = {row.stamp_ns: Rotation.from_matrix(row.rot_world_sensor) for row in rows}
        off = [Rotation.from_matrix(one.rot_world_sensor) * truth[one.stamp_ns].inv() for one in got]
        level = [math.degrees(math.acos(min(1.0, one.as_matrix()[2, 2]))) for one in off]
        assert max(level) < 4.0, sensor
        drift = rotation.heading(torch.from_numpy((off[-1] * off[0].inv()).as_matrix()))
        assert abs(float(drift)) < 3.5 * got[-1].rotation_stddev, sensor


def test_a_calibration_gives_headings_back_to_imus_that_have_none():
    """A bow of the back is measured as a bow, though each IMU's own idea of north is somewhere else."""
    mounts = {'pelvis': (0.3, -1.4, 0.1), 'spine3': (-0.2, 1.3, 0.4), 'head': (0.0, 0.0, 0.2)}
    sensors = [
        Sensor(name, name, 'imu', Transform(rotation.exp(torch.tensor(mount).double()), torch.zeros(3).double()))
        for name, mount in mounts.items()
    ]
    north = {'pelvis': 2.0, 'spine3': -1.0, 'head': 0.0}
    bow = rotation.exp(torch.tensor([0.0, 0.6, 0.0]).double()).numpy()

    def said(sensor: Sensor, rot_world_joint: np.ndarray) -> np.ndarray:
        yaw = Rotation.from_rotvec([0, 0, north[sensor.name]]).as_matrix()
        return yaw @ rot_world_joint @ sensor.T_joint_sensor.rotation.numpy()

    samples = {
        s.name: [Measurement(s.name, k, said(s, REST_POSES['n_pose'][s.joint_index].numpy())) for k in range(20)]
        for s in sensors
    }
    calibrated, _, found = calibrate(samples, sensors, 'n_pose', adrift={'pelvis', 'spine3'})
    assert found == pytest.approx({'pelvis': -2.0, 'spine3': 1.0})
    right = {s.name: Rotation.from_rotvec([0, 0, found.get(s.name, 0)]).as_matrix() for s in sensors}
    for sensor in sensors:
        got = right[sensor.name] @ said(sensor, bow) @ calibrated[sensor.name].rotation.numpy().T
        assert np.allclose(got, bow, atol=1e-9), smpl22.JOINTS[sensor.joint_index]
