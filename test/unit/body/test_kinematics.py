"""Kinematics: against a slow twin that goes from joint to joint, and by its laws."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inpose_ros.body import kinematics, smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.geometry import rotation

SEEDS = st.integers(0, 2**32 - 1)
few = settings(max_examples=25, deadline=None)


def random_pose(seed, *batch):
    rng = np.random.default_rng(seed)
    count = 22 * int(np.prod(batch))
    return torch.from_numpy(Rotation.random(count, random_state=rng).as_matrix()).reshape(*batch, 22, 3, 3)


def random_bones(seed, *batch):
    bones = torch.from_numpy(np.random.default_rng(seed).normal(size=(*batch, 22, 3)))
    bones[..., 0, :] = 0
    return bones


def slow_positions(bones, local):
    """Textbook forward kinematics with homogeneous matrices, one joint after the other."""
    frames = []
    for joint, parent in enumerate(smpl22.PARENTS):
        T_parent_joint = torch.eye(4, dtype=torch.float64)
        T_parent_joint[:3, :3], T_parent_joint[:3, 3] = local[joint], bones[joint]
        frames.append(T_parent_joint if parent < 0 else frames[parent] @ T_parent_joint)
    return torch.stack([frame[:3, 3] for frame in frames]), torch.stack([frame[:3, :3] for frame in frames])


def close(a, b, atol=1e-10):
    torch.testing.assert_close(a, b, atol=atol, rtol=0)


@few
@given(SEEDS)
def test_positions_and_rotations_equal_those_of_the_slow_twin(seed):
    bones, local = random_bones(seed), random_pose(seed)
    positions, rot_world_joint = slow_positions(bones, local)
    close(kinematics.global_rotations(local), rot_world_joint)
    close(kinematics.joint_positions(Skeleton(bones), rot_world_joint), positions)
    close(torch.from_numpy(kinematics.places(bones.numpy(), rot_world_joint.numpy())), positions)


@few
@given(SEEDS)
def test_the_location_map_gives_the_same_positions(seed):
    bones, rot = random_bones(seed), random_pose(seed)
    by_map = torch.einsum('jxy,kjy->kx', rot, kinematics.location_map(bones))
    close(by_map, kinematics.joint_positions(Skeleton(bones), rot))


@few
@given(SEEDS, st.floats(-3, 3), st.floats(-3, 3))
def test_positions_are_linear_in_rotation_matrices(seed, a, b):
    bones, one, two = random_bones(seed), random_pose(seed), random_pose(seed + 1)
    mixed = kinematics.positions_from_bones(bones, a * one + b * two)
    close(mixed, a * kinematics.positions_from_bones(bones, one) + b * kinematics.positions_from_bones(bones, two))


@few
@given(SEEDS, st.floats(-3, 3), st.floats(-3, 3))
def test_positions_are_linear_in_bones(seed, a, b):
    rot, one, two = random_pose(seed), random_bones(seed), random_bones(seed + 1)
    mixed = kinematics.positions_from_bones(a * one + b * two, rot)
    close(mixed, a * kinematics.positions_from_bones(one, rot) + b * kinematics.positions_from_bones(two, rot))


def test_a_location_depends_only_on_joints_on_its_way_to_the_root():
    table = kinematics.location_map(Skeleton.mean().bones)
    wrist = smpl22.INDEX['left_wrist']
    joint, way = smpl22.PARENTS[wrist], set()
    while joint >= 0:
        way.add(joint)
        joint = smpl22.PARENTS[joint]
    used = set(table[wrist].norm(dim=-1).nonzero()[:, 0].tolist())
    assert used <= way and wrist not in used


def test_in_the_t_pose_positions_are_those_of_rest():
    body = Skeleton.mean()
    close(kinematics.joint_positions(body, torch.eye(3).double().expand(22, 3, 3)), body.rest_positions)


@few
@given(SEEDS)
def test_local_and_global_rotations_are_inverse_to_each_other(seed):
    rot = random_pose(seed, 2)
    close(kinematics.global_rotations(kinematics.local_rotations(rot)), rot)
    close(kinematics.local_rotations(kinematics.global_rotations(rot)), rot)


@few
@given(SEEDS)
def test_turning_the_whole_body_turns_the_positions_and_only_the_roots_local_rotation(seed):
    bones, rot = random_bones(seed), random_pose(seed)
    turn = random_pose(seed + 1)[0]
    close(kinematics.positions_from_bones(bones, turn @ rot), kinematics.positions_from_bones(bones, rot) @ turn.T)
    close(kinematics.local_rotations(turn @ rot)[1:], kinematics.local_rotations(rot)[1:])


@few
@given(SEEDS)
def test_mirroring_twice_changes_nothing_and_once_gives_rotations(seed):
    rot = random_pose(seed)
    once = kinematics.mirrored(rot)
    close(kinematics.mirrored(once), rot)
    close(torch.linalg.det(once), torch.ones(22).double())


@few
@given(SEEDS)
def test_a_mirrored_pose_on_a_symmetric_body_has_mirrored_positions(seed):
    body, rot = Skeleton.mean(), random_pose(seed)
    mirrored = kinematics.joint_positions(body, kinematics.mirrored(rot))
    expected = kinematics.joint_positions(body, rot)[list(smpl22.MIRROR)] * torch.tensor([1.0, -1.0, 1.0])
    close(mirrored, expected)


def test_mirroring_reverses_the_heading():
    turn = rotation.about_z(torch.tensor(0.7).double()).expand(22, 3, 3)
    close(rotation.heading(kinematics.mirrored(turn)), torch.full((22,), -0.7).double())


def test_bones_may_differ_along_the_batch():
    bones, rot = random_bones(1, 4), random_pose(2, 4)
    batch = kinematics.positions_from_bones(bones, rot)
    maps = kinematics.location_map(bones)
    for i in range(4):
        close(batch[i], kinematics.positions_from_bones(bones[i], rot[i]))
        close(maps[i], kinematics.location_map(bones[i]))


def test_one_body_serves_a_batch_of_poses_in_single_precision():
    rot = random_pose(3, 2, 5)
    single = kinematics.joint_positions(Skeleton.mean(), rot.float())
    assert single.dtype == torch.float32 and single.shape == (2, 5, 22, 3)
    close(single.double(), kinematics.joint_positions(Skeleton.mean(), rot), 1e-5)


def test_shared_bends_leave_limbs_and_ends_alone_and_are_the_same_in_each_joint_between():
    rot = rotation.exp(0.4 * torch.randn(5, 22, 3, generator=torch.Generator().manual_seed(9), dtype=torch.float64))
    shared = kinematics.shared_out(rot)
    between = [smpl22.INDEX[name] for name in ('spine1', 'spine2', 'neck', 'left_foot', 'right_foot')]
    kept = [joint for joint in range(22) if joint not in between]
    assert torch.equal(shared[:, kept], rot[:, kept])
    local = kinematics.local_rotations(shared)
    spine, neck = (
        [local[:, smpl22.INDEX[name]] for name in ('spine1', 'spine2', 'spine3')],
        local[:, [smpl22.INDEX['neck'], smpl22.HEAD]],
    )
    assert torch.allclose(spine[0], spine[1], atol=1e-9) and torch.allclose(spine[1], spine[2], atol=1e-9)
    assert torch.allclose(neck[:, 0], neck[:, 1], atol=1e-9)
    assert torch.allclose(local[:, list(smpl22.TOES)], torch.eye(3, dtype=torch.float64), atol=1e-9)
    assert torch.allclose(kinematics.shared_out(shared), shared, atol=1e-9)


def test_uncertain_bones_spread_places_as_bones_drawn_at_random_do():
    """Seen from the head, which does not move; against a hundred thousand bodies."""
    generator = torch.Generator().manual_seed(0)
    rot = random_pose(1)
    root = 0.01 * torch.randn(66, 66, generator=generator, dtype=torch.float64)
    spread = kinematics.bone_position_covariance(rot, root @ root.T, smpl22.HEAD)
    drawn = (torch.randn(100_000, 66, generator=generator, dtype=torch.float64) @ root.T).unflatten(-1, (22, 3))
    places = kinematics.positions_from_bones(drawn, rot.expand(len(drawn), -1, -1, -1))
    places = places - places[:, [smpl22.HEAD]]
    seen = torch.einsum('bjx,bjy->jxy', places, places) / len(drawn)
    assert spread[smpl22.HEAD].abs().max() == 0
    assert (spread - seen).abs().max() < 0.03 * spread.abs().max()
