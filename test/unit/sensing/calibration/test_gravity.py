"""Gravity tells what orientations and mounts are worth: six IMUs in an N-pose, and what their drivers get wrong."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from inpose_ros.body import smpl22
from inpose_ros.errors import CalibrationError
from inpose_ros.geometry import rotation
from inpose_ros.geometry.transform import Transform
from inpose_ros.sensing.calibration.rest_poses import REST_POSES
from inpose_ros.sensing.calibration.still_pose import calibrate, reset_heading
from inpose_ros.sensing.measurement import Measurement, Sensor

JOINTS = ('pelvis', 'head', 'left_wrist', 'right_wrist', 'left_knee', 'right_knee')
UP = np.array([0.0, 0.0, 9.81])
SAME = np.eye(3)
NED = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
FRD = np.diag([1.0, -1.0, -1.0])
Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
ALL = '.*'.join(JOINTS)


def turned(*degrees: float, axes: str = 'xyz') -> np.ndarray:
    return Rotation.from_euler(axes, degrees, degrees=True).as_matrix()


def mount(rot: np.ndarray) -> Transform:
    return Transform(torch.from_numpy(rot), torch.zeros(3).double())


def wearing(told: dict[str, np.ndarray] | None = None, joints: tuple[str, ...] = JOINTS) -> list[Sensor]:
    """Sensors of which only some are told how they sit."""
    return [Sensor(j, j, 'imu', mount((told or {}).get(j, np.eye(3)))) for j in joints]


def standing(
    sit: dict[str, np.ndarray], joints: tuple[str, ...] = JOINTS, tilt: float = 4.0, bias: float = 0.3, yaw: float = 0.8
) -> dict[str, list[Measurement]]:
    """Noisy readings of IMUs that sit anyhow but for those in `sit`; with biases [m/s2], their tilt off by degrees."""
    rng = np.random.default_rng(5)
    samples = {}
    for joint in joints:
        on_joint = sit.get(joint, Rotation.random(random_state=rng).as_matrix())
        true = turned(math.degrees(yaw), axes='z') @ REST_POSES['n_pose'][smpl22.INDEX[joint]].numpy() @ on_joint
        off = rng.normal(size=3)
        off *= math.radians(tilt) / np.linalg.norm(off)
        biases = rng.choice([-bias, bias], 3) / math.sqrt(3)
        samples[joint] = []
        for k in range(100):
            rot = Rotation.from_rotvec(off + 0.005 * rng.normal(size=3)).as_matrix() @ true
            gyro, force = 0.01 * rng.normal(size=3), true.T @ UP + biases + 0.05 * rng.normal(size=3)
            samples[joint].append(Measurement(joint, round(k * 1e7), rot, None, gyro, force))
    return samples


def changed(samples: dict, names: tuple[str, ...] = JOINTS, world=SAME, axes=SAME, force=None) -> dict:
    """As of drivers with another world, other axes, or (`force`) another idea of acceleration."""

    def one(m: Measurement) -> Measurement:
        rot, said = world @ m.rot_world_sensor @ axes, axes.T @ m.specific_force
        return Measurement(m.sensor, m.stamp_ns, rot, None, m.angular_velocity, force(rot, said) if force else said)

    return {name: [one(m) for m in rows] if name in names else rows for name, rows in samples.items()}


HONEST = {'head': np.eye(3), 'pelvis': np.eye(3)}


@pytest.mark.parametrize('lean', [turned(0, 15, 0), turned(-12, -10, 0), turned(0, 30, 0)])
def test_honest_imus_with_biases_on_somebody_whose_head_nods_are_accepted(lean):
    found = calibrate(standing(HONEST | {'head': lean}), wearing(), 'n_pose')
    assert set(found.mounts) == set(JOINTS)


@pytest.mark.parametrize('axes', [np.eye(3), FRD])
def test_a_world_with_z_down_is_refused_as_ned_and_all_its_sensors_are_named(axes):
    with pytest.raises(CalibrationError, match=f"{ALL}.*the world's -z axis.*NED"):
        calibrate(changed(standing(HONEST), world=NED, axes=axes), wearing(), 'n_pose')


def test_a_world_with_y_up_is_refused_with_its_axis():
    with pytest.raises(CalibrationError, match=f"{ALL}.*the world's -y axis|{ALL}.*the world's \\+y axis"):
        calibrate(changed(standing(HONEST), world=Y_UP), wearing(), 'n_pose')


def test_axes_of_aviation_in_a_world_with_z_up_are_accepted():
    """As long as orientation and acceleration are in the same axes, a mount makes them good."""
    told = {'head': FRD, 'pelvis': FRD}
    calibrate(changed(standing(HONEST), axes=FRD), wearing(told), 'n_pose')


@pytest.mark.parametrize('name', JOINTS)
def test_one_sensor_whose_world_has_z_down_is_named_alone(name):
    with pytest.raises(CalibrationError, match='NED') as refusal:
        calibrate(changed(standing(HONEST), (name,), world=NED), wearing(), 'n_pose')
    assert [joint for joint in JOINTS if joint in str(refusal.value)] == [name]


@pytest.mark.parametrize('name', ['left_wrist', 'pelvis'])
@pytest.mark.parametrize('force', [lambda rot, said: said[[1, 2, 0]], lambda rot, said: said[[0, 2, 1]] * [1, -1, 1]])
def test_acceleration_in_other_axes_than_the_orientation_is_refused_with_both_axes(name, force):
    with pytest.raises(
        CalibrationError, match=f'{name} contradicts gravity.*its [+-][xyz] axis points up.*degrees apart'
    ):
        calibrate(changed(standing(HONEST), (name,), force=force), wearing(), 'n_pose')


def test_acceleration_with_the_opposite_sign_is_refused():
    with pytest.raises(CalibrationError, match=r'right_knee contradicts gravity.*opposite sign'):
        calibrate(changed(standing(HONEST), ('right_knee',), force=lambda rot, said: -said), wearing(), 'n_pose')


@pytest.mark.parametrize('names', [('left_wrist',), JOINTS])
def test_acceleration_without_gravity_is_refused_with_all_that_leave_it_out(names):
    samples = changed(standing(HONEST), names, force=lambda rot, said: said - rot.T @ UP)
    with pytest.raises(CalibrationError, match=r'without gravity.*-1') as refusal:
        calibrate(samples, wearing(), 'n_pose')
    assert [joint for joint in JOINTS if joint in str(refusal.value)] == [j for j in JOINTS if j in names]


def test_acceleration_in_g_tells_up_as_well():
    calibrate(changed(standing(HONEST, bias=0.1), force=lambda rot, said: said / 9.81), wearing(), 'n_pose')


@pytest.mark.parametrize('teller', ['head', 'pelvis'])
@pytest.mark.parametrize('wrong', [turned(180, 0, 0), turned(8, 180, 0), turned(172, 5, 90), turned(90, 0, 0)])
def test_a_mount_that_tells_the_heading_and_contradicts_gravity_is_refused_by_name(teller, wrong):
    joints = tuple(joint for joint in JOINTS if teller == 'head' or joint != 'head')
    samples = standing(HONEST | {teller: wrong}, joints=joints)
    with pytest.raises(CalibrationError, match=f'^{teller} has to tell where the user faces.*{teller}.mount'):
        calibrate(samples, wearing(joints=joints), 'n_pose')


def test_other_sensors_may_sit_upside_down():
    calibrate(standing(HONEST | {'pelvis': turned(180, 0, 0), 'left_wrist': turned(0, 180, 0)}), wearing(), 'n_pose')


def test_somebody_who_lies_is_refused():
    lying = turned(0, -90, 0)
    samples = {
        name: [Measurement(name, m.stamp_ns, lying @ m.rot_world_sensor, None, None, m.specific_force) for m in rows]
        for name, rows in standing(HONEST, yaw=0.0).items()
    }
    with pytest.raises(CalibrationError, match='contradict gravity'):  # acceleration as of somebody who stands
        calibrate(samples, wearing(), 'n_pose')
    for name, rows in samples.items():
        samples[name] = [
            Measurement(name, m.stamp_ns, m.rot_world_sensor, None, None, m.rot_world_sensor.T @ UP) for m in rows
        ]
    with pytest.raises(CalibrationError, match=r'head has to tell.*does not stand upright'):
        calibrate(samples, wearing(), 'n_pose')


@pytest.mark.parametrize('sit', [turned(0, 80, 0), turned(0, -95, 0), turned(180, 0, 0)])
def test_an_imu_without_a_heading_whose_mount_cannot_give_it_one_is_refused(sit):
    with pytest.raises(CalibrationError, match=r'^left_knee has no heading'):
        calibrate(standing(HONEST | {'left_knee': sit}), wearing(), 'n_pose', adrift={'left_knee'})


@pytest.mark.parametrize(('pitch', 'fine'), [(0, True), (60, True), (75, False), (90, False), (-100, False)])
def test_a_heading_is_taken_from_no_head_that_looks_straight_up_or_down(pitch, fine):
    rot = rotation.about_z(torch.tensor(1.0).double()).numpy() @ turned(0, pitch, 0)
    if fine:
        assert reset_heading({'head': rot}, [Sensor('head', 'head')]) == pytest.approx(-1.0)
        return
    with pytest.raises(CalibrationError, match=r'head has no heading.*forward axis'):
        reset_heading({'head': rot}, [Sensor('head', 'head')])
