"""URDF: names, angles that compose to the rotation everywhere, unwrapping, and an independent library's kinematics."""

import io
import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inpose_ros.body import kinematics, smpl22, urdf
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.geometry import rotation

SEEDS = st.integers(0, 2**32 - 1)


def random_pose(seed):
    return Rotation.random(22, random_state=np.random.default_rng(seed)).as_matrix()


def odd_skeleton(seed):
    """Bones of nobody: every one random, one of them of no length."""
    bones = torch.from_numpy(np.random.default_rng(seed).normal(size=(22, 3)) * 0.3)
    bones[[0, 3]] = 0
    return Skeleton(bones)


def locked_angles(seed):
    """Angles with all middle ones at +-90 degrees, or very near."""
    rng = np.random.default_rng(seed)
    angles = rng.uniform(-3, 3, (21, 3))
    angles[:, 1] = rng.choice([-1, 1], 21) * (math.pi / 2 - rng.choice([0, 1e-14, 1e-9, 1e-7, 1e-4], 21))
    return angles.ravel()


def test_there_are_63_revolutes_and_each_ball_joint_has_all_three_axes():
    assert len(urdf.REVOLUTE_NAMES) == 63
    assert set(urdf.REVOLUTE_NAMES) == {f'{name}_{axis}' for name in smpl22.JOINTS[1:] for axis in 'xyz'}


def test_both_sides_of_the_body_have_the_same_order():
    for name, order in smpl22.REVOLUTE_ORDER.items():
        assert smpl22.REVOLUTE_ORDER[smpl22.JOINTS[smpl22.MIRROR[smpl22.INDEX[name]]]] == order


def test_in_the_t_pose_all_angles_are_zero():
    assert (urdf.revolute_angles(np.eye(3)[None].repeat(22, 0)) == 0).all()


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_angles_compose_to_the_rotations_they_came_from(seed):
    pose = random_pose(seed)
    np.testing.assert_allclose(urdf.rotations_from_angles(urdf.revolute_angles(pose), pose[0]), pose, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_angles_compose_to_the_rotations_also_where_the_joint_locks(seed):
    pose = urdf.rotations_from_angles(locked_angles(seed))
    angles = urdf.revolute_angles(pose)
    assert np.isfinite(angles).all()
    np.testing.assert_allclose(urdf.rotations_from_angles(angles), pose, atol=1e-11)


@settings(max_examples=20, deadline=None)
@given(SEEDS, SEEDS, st.booleans())
def test_unwrapped_angles_are_the_same_rotations_and_no_farther_from_the_previous(seed, other, locked):
    pose = urdf.rotations_from_angles(locked_angles(seed)) if locked else random_pose(seed)
    angles, previous = urdf.revolute_angles(pose), np.random.default_rng(other).uniform(-20, 20, 63)
    chosen = urdf.unwrapped(angles, previous)
    np.testing.assert_allclose(urdf.rotations_from_angles(chosen, pose[0]), pose, atol=1e-8)
    assert np.abs(chosen - previous).sum() <= np.abs(angles - previous).sum() + 1e-9
    assert np.abs(chosen - previous).max() <= 2 * math.pi


def test_without_previous_angles_unwrapping_changes_nothing():
    angles = urdf.revolute_angles(random_pose(1))
    assert urdf.unwrapped(angles, None) is angles


def followed(path):
    """Unwrapped angles along a path of angles that is only known by its rotations."""
    previous, result = path[0], []
    for angles in urdf.revolute_angles(urdf.rotations_from_angles(path)):
        previous = urdf.unwrapped(angles, previous)
        result.append(previous)
    return np.array(result)


@settings(max_examples=5, deadline=None)
@given(SEEDS)
def test_angles_that_turn_on_and_on_are_followed(seed):
    speed = np.random.default_rng(seed).uniform(-3, 3, 63)
    speed[1::3] = 0
    path = np.linspace(0, 4, 60)[:, None] * speed
    np.testing.assert_allclose(followed(path), path, atol=1e-7)


@settings(max_examples=5, deadline=None)
@given(SEEDS)
def test_middle_angles_pass_ninety_degrees_without_a_jump(seed):
    rng = np.random.default_rng(seed)
    start = rng.uniform(-1, 1, 63)
    path = np.repeat(start[None], 31, 0)
    path[:, 1::3] = np.linspace(0, math.pi, 31)[:, None] * rng.choice([-1, 1], 21)  # meets 90 degrees exactly
    np.testing.assert_allclose(followed(path), path, atol=1e-5)


def test_a_batch_of_poses_gives_the_same_as_one_after_the_other():
    poses = np.stack([random_pose(seed) for seed in range(6)]).reshape(2, 3, 22, 3, 3)
    batch = urdf.revolute_angles(poses)
    assert batch.shape == (2, 3, 63)
    np.testing.assert_array_equal(batch[1, 2], urdf.revolute_angles(poses[1, 2]))
    np.testing.assert_array_equal(batch, urdf.revolute_angles(torch.from_numpy(poses)))


def test_angles_equal_scipys_intrinsic_euler_angles():
    pose = random_pose(5)
    local = kinematics.local_rotations(torch.from_numpy(pose)).numpy()
    angles = urdf.revolute_angles(pose).reshape(21, 3)
    for joint, name in enumerate(smpl22.JOINTS[1:]):
        expected = Rotation.from_matrix(local[joint + 1]).as_euler(smpl22.REVOLUTE_ORDER[name].upper())
        np.testing.assert_allclose(angles[joint], expected, atol=1e-9)


def walk_up(transforms, link, root):
    """T_root_link as a 4x4 matrix, from parent to child transforms."""
    table = {child: (parent, *place) for parent, child, *place in zip(*transforms, strict=True)}
    T_link = np.eye(4)
    while link != root:
        link, translation, (w, x, y, z) = table[link]
        step = np.eye(4)
        step[:3, :3], step[:3, 3] = Rotation.from_quat([x, y, z, w]).as_matrix(), translation
        T_link = step @ T_link
    return T_link


def test_link_transforms_lead_to_every_joint():
    skeleton, pose = odd_skeleton(2), random_pose(3)
    transforms = urdf.link_transforms(skeleton, urdf.revolute_angles(pose), 'human/')
    assert len(transforms.children) == len(set(transforms.children)) == 63
    places = kinematics.joint_positions(skeleton, torch.from_numpy(pose)).numpy()
    for joint, name in enumerate(smpl22.JOINTS):
        T_pelvis_joint = walk_up(transforms, f'human/{name}', 'human/pelvis')
        np.testing.assert_allclose(pose[0] @ T_pelvis_joint[:3, :3], pose[joint], atol=1e-12)
        np.testing.assert_allclose(pose[0] @ T_pelvis_joint[:3, 3], places[joint], atol=1e-12)


def test_link_names_are_the_joints_with_two_links_inside_each():
    _, children = urdf.link_names('human/')
    expected = {f'human/{name}{end}' for name in smpl22.JOINTS[1:] for end in ('_1', '_2', '')}
    assert set(children) == expected


def test_the_urdf_has_the_names_of_the_conventions():
    robot = ET.fromstring(urdf.urdf_xml(Skeleton.mean(), 'anna/', 'anna').encode())
    links = [link.get('name') for link in robot.findall('link')]
    assert robot.tag == 'robot' and robot.get('name') == 'anna'
    assert len(links) == len(set(links)) == 64 and all(link.startswith('anna/') for link in links)
    assert tuple(joint.get('name') for joint in robot.findall('joint')) == urdf.REVOLUTE_NAMES
    assert {joint.get('type') for joint in robot.findall('joint')} == {'revolute'}
    for joint in robot.findall('joint'):
        assert float(joint.find('limit').get('upper')) >= 16 * math.pi
    assert all(len(link.findall('inertial')) == 1 for link in robot.findall('link'))


def test_an_awkward_body_id_still_gives_valid_xml():
    robot = ET.fromstring(urdf.urdf_xml(Skeleton.mean(), 'h/', 'a<b & "c"').encode())
    assert robot.get('name') == 'a<b & "c"'


def test_capsules_end_where_their_bones_end():
    skeleton = odd_skeleton(4)
    robot = ET.fromstring(urdf.urdf_xml(skeleton).encode())
    bones = skeleton.bones.numpy()
    for link in robot.findall('link'):
        for visual in link.findall('visual'):
            origin, cylinder = visual.find('origin'), visual.find('geometry/cylinder')
            if cylinder is None:
                continue
            middle, rpy = (np.array(origin.get(key).split(), dtype=float) for key in ('xyz', 'rpy'))
            half = Rotation.from_euler('xyz', rpy).apply([0, 0, float(cylinder.get('length')) / 2])
            np.testing.assert_allclose(middle - half, 0, atol=1e-9)
            assert np.abs(bones - (middle + half)).sum(-1).min() < 1e-9


def test_every_cylinder_has_a_ball_of_its_radius_at_both_ends():
    robot, found = ET.fromstring(urdf.urdf_xml(odd_skeleton(4)).encode()), 0
    for link in robot.findall('link'):
        balls = [
            (np.array(visual.find('origin').get('xyz').split(), float), float(ball.get('radius')))
            for visual in link.findall('visual')
            if (ball := visual.find('geometry/sphere')) is not None
        ]
        for visual in link.findall('visual'):
            if (cylinder := visual.find('geometry/cylinder')) is None:
                continue
            middle = np.array(visual.find('origin').get('xyz').split(), float)
            radius, found = float(cylinder.get('radius')), found + 1
            same = [place for place, size in balls if size == radius]
            for end in (np.zeros(3), 2 * middle):
                assert min(np.linalg.norm(place - end) for place in same) < 1e-9
    assert found == 20  # the bones of that skeleton that have a length


@pytest.mark.parametrize('seed', range(3))
def test_the_urdf_in_an_independent_library_gives_the_same_kinematics(seed):
    yourdfpy = pytest.importorskip('yourdfpy')
    skeleton = Skeleton.mean() if seed == 0 else odd_skeleton(seed)
    robot = yourdfpy.URDF.load(
        io.BytesIO(urdf.urdf_xml(skeleton, 'human/').encode()), load_meshes=False, build_scene_graph=True
    )
    assert robot.validate()
    pose = random_pose(seed)
    angles = urdf.unwrapped(urdf.revolute_angles(pose), np.random.default_rng(seed).uniform(-20, 20, 63))
    robot.update_cfg(dict(zip(urdf.REVOLUTE_NAMES, angles, strict=True)))
    places = kinematics.joint_positions(skeleton, torch.from_numpy(pose)).numpy()
    for joint, name in enumerate(smpl22.JOINTS):
        T_pelvis_joint = robot.get_transform(f'human/{name}', 'human/pelvis')
        np.testing.assert_allclose(pose[0] @ T_pelvis_joint[:3, 3], places[joint], atol=1e-9)
        np.testing.assert_allclose(pose[0] @ T_pelvis_joint[:3, :3], pose[joint], atol=1e-9)
    transforms = urdf.link_transforms(skeleton, angles, 'human/')
    for parent, child, translation, (w, x, y, z) in zip(*transforms, strict=True):
        T_parent_child = robot.get_transform(child, parent)
        np.testing.assert_allclose(T_parent_child[:3, 3], translation, atol=1e-9)
        np.testing.assert_allclose(T_parent_child[:3, :3], Rotation.from_quat([x, y, z, w]).as_matrix(), atol=1e-9)


def test_a_rotation_in_single_precision_gives_angles_to_its_precision():
    pose = torch.from_numpy(random_pose(8)).float()
    back = torch.from_numpy(urdf.rotations_from_angles(urdf.revolute_angles(pose), pose[0])).float()
    assert rotation.angle_between(back, pose).max() < 1e-5
