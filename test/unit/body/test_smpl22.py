"""The body tree: what other code takes for granted about its tables."""

import pytest

from inpose_ros.body import smpl22


def test_there_are_22_joints_with_names_of_their_own():
    assert len(set(smpl22.JOINTS)) == len(smpl22.PARENTS) == len(smpl22.MEAN_BONES) == 22
    assert all(smpl22.JOINTS[index] == name for name, index in smpl22.INDEX.items())


def test_parents_come_before_their_children():
    assert smpl22.PARENTS[0] == -1
    assert all(0 <= parent < joint for joint, parent in enumerate(smpl22.PARENTS[1:], start=1))


def test_mirroring_twice_changes_nothing():
    assert [smpl22.MIRROR[other] for other in smpl22.MIRROR] == list(range(22))


def test_a_mirrored_joint_hangs_on_its_mirrored_parent():
    for joint in range(1, 22):
        assert smpl22.PARENTS[smpl22.MIRROR[joint]] == smpl22.MIRROR[smpl22.PARENTS[joint]]


def test_left_becomes_right_and_the_middle_stays():
    for name, other in zip(smpl22.JOINTS, smpl22.MIRROR, strict=True):
        swapped = name.replace('left_', '?_').replace('right_', 'left_').replace('?_', 'right_')
        assert smpl22.JOINTS[other] == swapped


def test_the_mean_body_is_left_right_symmetric():
    for joint, (x, y, z) in enumerate(smpl22.MEAN_BONES):
        assert smpl22.MEAN_BONES[smpl22.MIRROR[joint]] == (x, -y, z)


def test_upper_and_lower_body_share_no_joint_and_leave_out_the_pelvis_only():
    assert len(smpl22.UPPER) == 13 and len(smpl22.LOWER) == 8
    assert sorted((0, *smpl22.UPPER, *smpl22.LOWER)) == list(range(22))


@pytest.mark.parametrize('group', smpl22.BONE_GROUPS)
def test_groups_of_bones_are_symmetric_and_hold_known_joints(group):
    names = smpl22.BONE_GROUPS[group]
    assert len(set(names)) == len(names)
    mirrored = {smpl22.JOINTS[smpl22.MIRROR[smpl22.INDEX[name]]] for name in names}
    assert mirrored == set(names)


def test_every_ball_joint_has_an_order_of_all_three_axes():
    assert set(smpl22.REVOLUTE_ORDER) == set(smpl22.JOINTS[1:])
    assert all(sorted(order) == ['x', 'y', 'z'] for order in smpl22.REVOLUTE_ORDER.values())
