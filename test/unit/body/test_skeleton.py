"""Skeletons: sizes, groups, files, and what is refused."""

import pytest
import torch

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.errors import BodyError


def every_bone(value):
    return f'bones: {{{", ".join(f"{name}: {value}" for name in smpl22.JOINTS[1:])}}}'


def test_the_mean_body_is_as_tall_as_it_says():
    assert Skeleton.mean().stature == pytest.approx(smpl22.MEAN_STATURE)


@pytest.mark.parametrize('stature', [0.9, 1.55, 2.1])
def test_a_stature_is_kept(stature):
    assert Skeleton.from_stature(stature).stature == pytest.approx(stature)


@pytest.mark.parametrize('stature', [0.0, -1.7, 172.0, float('nan')])
def test_a_stature_that_is_no_persons_is_refused(stature):
    with pytest.raises(BodyError, match='metres'):
        Skeleton.from_stature(stature)


def test_scaling_scales_every_length_alike():
    body, twice = Skeleton.mean(), Skeleton.mean().scaled(2.0)
    torch.testing.assert_close(twice.lengths, 2 * body.lengths)
    assert twice.standing_head_height == pytest.approx(2 * body.standing_head_height)
    assert twice.sole == pytest.approx(2 * body.sole)


def test_rest_positions_are_sums_of_bones():
    body = Skeleton.mean()
    rest = body.rest_positions
    for joint, parent in enumerate(smpl22.PARENTS[1:], start=1):
        torch.testing.assert_close(rest[joint] - rest[parent], body.bones[joint])
    assert (rest[0] == 0).all()


def test_in_the_rest_pose_the_arms_point_sideways_the_head_up_and_the_feet_forward():
    rest = Skeleton.mean().rest_positions
    left, right = smpl22.WRISTS
    assert rest[left, 1] > 0.6 and rest[right, 1] < -0.6
    assert rest[smpl22.HEAD, 2] > 0.5
    assert all(rest[toe, 0] > 0.1 for toe in smpl22.TOES)


def test_a_group_of_bones_is_scaled_and_the_others_stay():
    body = Skeleton.mean()
    ratio = body.with_groups({'arms': 1.5}).lengths[1:] / body.lengths[1:]
    arms = {smpl22.INDEX[name] - 1 for name in smpl22.BONE_GROUPS['arms']}
    expected = torch.tensor([1.5 if joint in arms else 1.0 for joint in range(21)]).double()
    torch.testing.assert_close(ratio, expected)


def test_groups_that_overlap_multiply():
    body = Skeleton.mean()
    both = body.with_groups({'arms': 2.0, 'upper': 3.0})
    wrist = smpl22.INDEX['left_wrist']
    torch.testing.assert_close(both.lengths[wrist], 6 * body.lengths[wrist])


def test_an_unknown_group_is_refused_with_those_that_there_are():
    with pytest.raises(BodyError, match=r"'tail'.*arms"):
        Skeleton.mean().with_groups({'tail': 2.0})


def test_a_skeleton_survives_its_file(tmp_path):
    body = Skeleton.from_stature(1.9).with_groups({'arms': 1.1})
    body.save(tmp_path / 'bones.yaml')
    torch.testing.assert_close(Skeleton.load(tmp_path / 'bones.yaml').bones, body.bones, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('bones: {left_hip: [0.1, 0, 0]}', 'right_hip'),
        ('legs: 2', 'bones'),
        ('- a list', 'no bones file'),
        ('bones: [', 'no bones file'),
        (every_bone('[a, b, c]'), 'no bones file'),
        (every_bone('[1, 2]'), 'bone'),
        (every_bone('[.nan, 0, 0]'), 'finite'),
        (every_bone('[40.0, 0, 0]'), 'below'),
    ],
)
def test_a_file_that_is_no_bones_file_is_refused_with_its_name_and_the_reason(tmp_path, text, reason):
    path = tmp_path / 'wrong.yaml'
    path.write_text(text)
    with pytest.raises(BodyError, match=reason) as error:
        Skeleton.load(path)
    assert 'wrong.yaml' in str(error.value)


def test_a_missing_file_is_refused_with_its_name(tmp_path):
    with pytest.raises(BodyError, match='absent'):
        Skeleton.load(tmp_path / 'absent.yaml')
