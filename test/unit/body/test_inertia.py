"""Inertials: the mass of a body is that of its parts, they lie as parts of a body do, and nothing is impossible."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inpose_ros.body import inertia, smpl22
from inpose_ros.body.skeleton import Skeleton

SIZES = st.floats(0.6, 2.5)
MIRROR_Y = np.diag([1.0, -1.0, 1.0])
# Shares of the body's mass in per cent, women and men: P. de Leva, J. Biomech. 29(9):1223-1230, 1996, table 4.
SHARES = {
    ('head',): (6.68, 6.94),
    ('pelvis', 'spine1', 'spine2', 'spine3', 'neck', 'left_collar', 'right_collar'): (42.57, 43.46),
    ('left_shoulder',): (2.55, 2.71),
    ('left_elbow',): (1.38, 1.62),
    ('left_wrist',): (0.56, 0.61),
    ('left_hip',): (14.78, 14.16),
    ('left_knee',): (4.81, 4.33),
    ('left_ankle', 'left_foot'): (1.29, 1.37),
}


def of(skeleton, names):
    """Mass, centre in the T-pose and inertia about it, in the axes of the T-pose, of several links together."""
    parts = [inertia.inertials(skeleton)[smpl22.INDEX[name]] for name in names]
    places = [skeleton.rest_positions[smpl22.INDEX[name]].numpy() + part.centre for name, part in zip(names, parts)]
    mass = sum(part.mass for part in parts)
    centre = sum(part.mass * place for part, place in zip(parts, places)) / mass
    offsets = [place - centre for place in places]
    moved = [x @ x * np.eye(3) - np.outer(x, x) for x in offsets]
    return mass, centre, sum(part.inertia + part.mass * square for part, square in zip(parts, moved))


def somebody(seed):
    """A body of odd proportions, symmetric."""
    bones = Skeleton.mean().bones.clone()
    bones += 0.03 * torch.from_numpy(np.random.default_rng(seed).normal(size=(22, 3)))
    mirrored = bones[list(smpl22.MIRROR)] * torch.tensor([1.0, -1.0, 1.0])
    return Skeleton((bones + mirrored) / 2)


@pytest.mark.parametrize('stature', [1.1, 1.72, 2.1])
def test_a_body_weighs_22_kilograms_for_each_square_metre_of_its_stature(stature):
    whole = sum(part.mass for part in inertia.inertials(Skeleton.from_stature(stature)))
    assert whole == pytest.approx(22 * stature**2, rel=1e-12) == inertia.body_mass(stature)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_whatever_the_proportions_no_mass_is_lost(seed):
    whole = sum(part.mass for part in inertia.inertials(somebody(seed)))
    assert whole == pytest.approx(inertia.body_mass(somebody(seed).stature), rel=1e-12)


@pytest.mark.parametrize('names', SHARES, ids=lambda names: names[0])
def test_each_part_has_the_share_of_the_mass_that_it_has_in_women_and_men(names):
    whole = inertia.body_mass(Skeleton.mean().stature)
    assert of(Skeleton.mean(), names)[0] / whole == pytest.approx(np.mean(SHARES[names]) / 100, rel=1e-3)


def test_a_thigh_has_the_centre_and_the_radii_of_gyration_of_the_table():
    mass, centre, moments = inertia.inertials(Skeleton.mean())[smpl22.INDEX['left_hip']]
    knee = Skeleton.mean().bones[smpl22.INDEX['left_knee']].numpy()
    np.testing.assert_allclose(centre, knee * (0.3612 + 0.4095) / 2, atol=1e-12)
    radii = np.sqrt(np.diag(moments) / mass) / np.linalg.norm(knee)
    np.testing.assert_allclose(radii, [(0.369 + 0.329) / 2, (0.364 + 0.329) / 2, (0.162 + 0.149) / 2], rtol=1e-9)
    np.testing.assert_allclose(moments, np.diag(np.diag(moments)), atol=1e-15)


def test_a_trunk_cut_at_its_joints_has_the_centre_and_the_radii_of_a_whole_one():
    """The table has the whole trunk too, from which the three parts differ by their own means."""
    names = ('pelvis', 'spine1', 'spine2', 'spine3', 'neck', 'left_collar', 'right_collar')
    mass, centre, moments = of(Skeleton.mean(), names)
    neck, hips = (Skeleton.mean().rest_positions[smpl22.INDEX[name]].numpy() for name in ('neck', 'left_hip'))
    length = neck[2] - hips[2]
    assert (neck[2] - centre[2]) / length == pytest.approx((0.4151 + 0.4486) / 2, abs=0.02)
    radii = np.sqrt(np.diag(moments) / mass) / length
    np.testing.assert_allclose(radii, [(0.357 + 0.372) / 2, (0.339 + 0.347) / 2, (0.171 + 0.191) / 2], rtol=0.1)


def test_the_centre_of_a_standing_body_is_at_the_height_where_it_is_measured():
    """55 to 58 % of the stature with hanging arms; arms that are stretched out lift it by somewhat more than one."""
    skeleton = Skeleton.mean()
    centre = of(skeleton, smpl22.JOINTS)[1]
    height = centre[2] - skeleton.rest_positions[smpl22.TOES[0], 2].item() + skeleton.sole
    assert 0.56 < height / skeleton.stature < 0.595
    assert abs(centre[0]) < 0.03 and abs(centre[1]) < 1e-12


def test_left_and_right_are_mirror_images():
    for skeleton in (Skeleton.mean(), somebody(1), somebody(2)):
        parts = inertia.inertials(skeleton)
        for joint, part in enumerate(parts):
            other = parts[smpl22.MIRROR[joint]]
            assert other.mass == pytest.approx(part.mass, rel=1e-12)
            np.testing.assert_allclose(other.centre, MIRROR_Y @ part.centre, atol=1e-12)
            np.testing.assert_allclose(other.inertia, MIRROR_Y @ part.inertia @ MIRROR_Y, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(SIZES)
def test_a_body_of_another_size_has_the_same_shape(size):
    """Mass goes by the square of the size, by the rule, so inertia by its fourth power."""
    for part, large in zip(inertia.inertials(Skeleton.mean()), inertia.inertials(Skeleton.mean().scaled(size))):
        assert large.mass == pytest.approx(size**2 * part.mass, rel=1e-9)
        np.testing.assert_allclose(large.centre, size * part.centre, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(large.inertia, size**4 * part.inertia, rtol=1e-9, atol=1e-12)


def nobody(seed):
    """Bones of nobody: random ones, some of no length at all."""
    rng = np.random.default_rng(seed)
    bones = 0.3 * rng.normal(size=(22, 3)) * (rng.random(22) < 0.8)[:, None]
    bones[0] = 0
    return Skeleton(torch.from_numpy(bones))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_inertia_is_one_that_something_can_have(seed):
    for skeleton in (nobody(seed), somebody(seed)):
        for part in inertia.inertials(skeleton):
            for inertial in (part, *part.split()):
                least, middle, most = np.linalg.eigvalsh(inertial.inertia)
                assert inertial.mass > 0 and least > 0 and np.isfinite(inertial.centre).all()
                np.testing.assert_array_equal(inertial.inertia, inertial.inertia.T)
                assert most < least + middle


def test_where_all_joints_are_in_one_place_a_body_still_has_a_mass():
    for part in inertia.inertials(Skeleton(torch.zeros(22, 3))):
        assert part.mass > 0 and np.linalg.eigvalsh(part.inertia)[0] > 0


def test_the_links_inside_a_ball_joint_take_a_thousandth_each_and_nothing_is_lost():
    for part in inertia.inertials(Skeleton.mean()):
        inner, rest = part.split()
        assert 2 * inner.mass + rest.mass == pytest.approx(part.mass, rel=1e-12)
        assert inner.mass == pytest.approx(part.mass / 1000)
