"""Static calibration: rest poses, recovered mounts, refusals, headings, and the real recording."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inpose_ros.body import kinematics, smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.errors import CalibrationError
from inpose_ros.geometry import rotation
from inpose_ros.geometry.transform import Transform
from inpose_ros.sensing.calibration.still_pose import REST_POSES, calibrate, reset_heading, turned
from inpose_ros.sensing.measurement import Measurement, Sensor

JOINTS = ('head', 'left_wrist', 'right_wrist', 'pelvis', 'left_elbow', 'right_knee')


def random_mount(rng):
    rot = Rotation.random(random_state=rng).as_matrix()
    return Transform(torch.from_numpy(rot), torch.from_numpy(rng.normal(size=3)))


def worn(pose, psi, mounts, sway=0.0, count=20, rng=None):
    """Samples of sensors on a user who holds a pose facing psi [rad]; sway [rad] is random per sample."""
    rng = rng or np.random.default_rng(0)
    rot_world_joint = Rotation.from_rotvec([0, 0, psi]).as_matrix() @ REST_POSES[pose].numpy()
    return {
        joint: turning(
            joint,
            [
                rot_world_joint[smpl22.INDEX[joint]] @ mount.rotation.numpy() @ Rotation.from_rotvec(v).as_matrix()
                for v in rng.normal(size=(count, 3)) * sway
            ],
        )
        for joint, mount in mounts.items()
    }


def turning(name, rotations):
    """Readings of rotations alone, at 60 Hz."""
    return [Measurement(name, round(k * 1e9 / 60), rot) for k, rot in enumerate(rotations)]


def test_in_the_t_pose_every_rotation_is_the_identity():
    assert torch.equal(REST_POSES['t_pose'], torch.eye(3, dtype=torch.float64).repeat(22, 1, 1))


def test_in_the_n_pose_the_arms_hang_straight_down():
    skeleton = Skeleton.mean()
    places = kinematics.joint_positions(skeleton, REST_POSES['n_pose'])
    for side in ('left', 'right'):
        shoulder, elbow, wrist = (places[smpl22.INDEX[f'{side}_{name}']] for name in ('shoulder', 'elbow', 'wrist'))
        assert elbow[2] < shoulder[2] - 0.2 and wrist[2] < elbow[2] - 0.2
        torch.testing.assert_close(wrist[:2], shoulder[:2], atol=1e-9, rtol=0)


def test_the_n_pose_is_left_right_symmetric():
    torch.testing.assert_close(kinematics.mirrored(REST_POSES['n_pose']), REST_POSES['n_pose'])


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(sorted(REST_POSES)), st.floats(-3.1, 3.1), st.integers(0, 2**32 - 1))
def test_mounts_are_recovered_whatever_way_the_user_faces(pose, psi, seed):
    rng = np.random.default_rng(seed)
    mounts = {joint: random_mount(rng) for joint in JOINTS}
    # Only the head's mount is configured; it tells the facing direction.
    sensors = [Sensor(j, j, T_joint_sensor=mounts[j] if j == 'head' else Transform.identity()) for j in JOINTS]
    found, residuals, _ = calibrate(worn(pose, psi, mounts), sensors, pose)
    for joint in JOINTS:
        assert rotation.angle_between(found[joint].rotation, mounts[joint].rotation) < 1e-6
        assert residuals[joint] < 1e-6


def test_translations_are_kept():
    mounts = {joint: random_mount(np.random.default_rng(1)) for joint in JOINTS}
    sensors = [Sensor(joint, joint, T_joint_sensor=mounts[joint]) for joint in JOINTS]
    found = calibrate(worn('t_pose', 0.4, mounts), sensors, 't_pose').mounts
    assert all(torch.equal(found[joint].translation, mounts[joint].translation) for joint in JOINTS)


@pytest.mark.parametrize('joints', [('left_wrist', 'pelvis'), ('left_wrist', 'right_knee')])
def test_without_a_head_the_pelvis_or_the_first_sensor_tells_the_facing_direction(joints):
    rng = np.random.default_rng(2)
    mounts = {joint: random_mount(rng) for joint in joints}
    teller = 'pelvis' if 'pelvis' in joints else 'left_wrist'
    sensors = [Sensor(j, j, T_joint_sensor=mounts[j] if j == teller else Transform.identity()) for j in joints]
    found = calibrate(worn('n_pose', 2.0, mounts), sensors, 'n_pose').mounts
    assert all(rotation.angle_between(found[j].rotation, mounts[j].rotation) < 1e-6 for j in joints)


def test_the_residual_is_the_rms_sway():
    rng = np.random.default_rng(3)
    mounts = {joint: random_mount(rng) for joint in JOINTS}
    sensors = [Sensor(joint, joint, T_joint_sensor=mounts[joint]) for joint in JOINTS]
    residuals = calibrate(worn('t_pose', 0.0, mounts, sway=0.01, count=400, rng=rng), sensors, 't_pose').residuals
    assert all(residual == pytest.approx(0.01 * math.sqrt(3), rel=0.1) for residual in residuals.values())


def test_a_user_who_moves_is_refused_with_the_sensor_and_the_angle():
    mounts = {joint: Transform.identity() for joint in JOINTS}
    samples = worn('t_pose', 0.0, mounts)
    angles = np.linspace(-0.5, 0.5, 20)
    samples['right_wrist'] = turning('right_wrist', [Rotation.from_rotvec([0, a, 0]).as_matrix() for a in angles])
    with pytest.raises(CalibrationError, match=r'right_wrist moved by 28\.6 degrees'):
        calibrate(samples, [Sensor(joint, joint) for joint in JOINTS], 't_pose')


def test_a_silent_sensor_is_refused_by_name():
    samples = worn('t_pose', 0.0, {'head': Transform.identity()})
    with pytest.raises(CalibrationError, match='left_wrist gave 0 rotations'):
        calibrate(samples, [Sensor('head', 'head'), Sensor('left_wrist', 'left_wrist')], 't_pose')


def test_readings_without_a_rotation_do_not_count():
    samples = worn('t_pose', 0.0, {'head': Transform.identity()})
    without = [Measurement('head', k) for k in range(20)]
    found = calibrate({'head': [*without, *samples['head']]}, [Sensor('head', 'head')], 't_pose').mounts
    torch.testing.assert_close(found['head'].rotation, torch.eye(3).double())
    with pytest.raises(CalibrationError, match='head gave 0 rotations'):
        calibrate({'head': without}, [Sensor('head', 'head')], 't_pose')


def test_an_unknown_pose_is_refused_with_those_that_would_do():
    with pytest.raises(CalibrationError, match='t_pose, n_pose'):
        calibrate({}, [Sensor('head', 'head')], 'lotus')


@settings(max_examples=20, deadline=None)
@given(st.floats(-3.1, 3.1), st.floats(-1.2, 1.2), st.integers(0, 2**32 - 1))
def test_after_a_heading_reset_the_user_faces_forward(psi, pitch, seed):
    mount = random_mount(np.random.default_rng(seed))
    rot_world_head = (Rotation.from_euler('ZY', [psi, pitch])).as_matrix()
    rot_world_sensor = rot_world_head @ mount.rotation.numpy()
    sensors = [Sensor('wrist', 'left_wrist'), Sensor('hmd', 'head', T_joint_sensor=mount)]
    yaw = reset_heading({'hmd': rot_world_sensor, 'wrist': np.eye(3)}, sensors)
    after = turned(Measurement('hmd', 0, rot_world_sensor, np.array([1.0, 0, 2.0])), yaw)
    rot_world_joint = torch.from_numpy(after.rot_world_sensor) @ mount.rotation.T
    assert rotation.heading(rot_world_joint).item() == pytest.approx(0, abs=1e-9)


def test_a_heading_reset_without_any_reading_is_refused():
    with pytest.raises(CalibrationError, match='no sensor'):
        reset_heading({'head': None}, [Sensor('head', 'head'), Sensor('left_wrist', 'left_wrist')])


def test_turning_a_measurement_turns_place_and_rotation_about_the_origin():
    measurement = Measurement('head', 7, np.eye(3), np.array([1.0, 0.0, 2.0]), np.ones(3), np.ones(3))
    after = turned(measurement, math.pi / 2)
    np.testing.assert_allclose(after.position, [0, 1, 2], atol=1e-12)
    np.testing.assert_allclose(
        after.rot_world_sensor, Rotation.from_rotvec([0, 0, math.pi / 2]).as_matrix(), atol=1e-12
    )
    assert after.stamp_ns == 7 and after.angular_velocity is measurement.angular_velocity
    assert turned(Measurement('head', 0), 1.0) == Measurement('head', 0)


def test_calibrating_on_a_real_recording_agrees_with_its_reference(data_folder):
    """Seventeen IMUs, mounted anyhow but for the head's, whose axes are known; an N-pose at the beginning."""
    path = data_folder / 'real' / 'imu17_walk.npz'
    if not path.exists():
        pytest.skip(f'{path} is absent')
    about = json.loads(path.with_suffix('.json').read_text())
    with np.load(path) as file:
        quat, reference = file['sensor_quat'].astype(float), torch.from_numpy(file['ref_quat'].astype(float))
    rot = rotation.matrix_from_quat(torch.from_numpy(quat)).numpy()
    head = Transform(torch.tensor([[0.0, 0, -1], [0, 1, 0], [1, 0, 0]]).double(), torch.zeros(3).double())
    sensors = [
        Sensor(name, joint, 'imu', T_joint_sensor=head if name == 'head' else Transform.identity())
        for name, joint in zip(about['sensors'], about['sensor_joint'], strict=True)
    ]
    standing = {sensor.name: turning(sensor.name, rot[30:210, i]) for i, sensor in enumerate(sensors)}
    found, residuals, _ = calibrate(standing, sensors, 'n_pose')
    joints = [sensor.joint_index for sensor in sensors]
    mounts = torch.stack([found[sensor.name].rotation for sensor in sensors])
    estimate, truth = torch.from_numpy(rot) @ mounts.mT, rotation.matrix_from_quat(reference)[:, joints]
    # What a single strap with nominal axes cannot tell is the heading; it is the same for all joints.
    common = rotation.heading(rotation.project((estimate @ truth.mT).mean((0, 1))))
    turned_back = rotation.about_z(-common) @ estimate
    assert max(residuals.values()) < math.radians(2)
    assert rotation.angle_between(estimate, truth).mean() < math.radians(6)  # measured: 5.3 degrees
    assert rotation.angle_between(turned_back, truth).mean() < math.radians(1.5)  # measured: 0.9 degrees
