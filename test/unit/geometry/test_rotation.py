"""Rotations: against scipy, by finite differences, and by their laws."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inpose_ros.geometry import rotation

# Angles where formulas go wrong: none, tiny, around the switch to a series, half a turn and just before it.
ANGLES = st.one_of(
    st.floats(0, math.pi),
    st.sampled_from([0.0, 1e-12, 1e-8, 1e-5, 1e-3, 0.316, 0.317, math.pi / 2]),
    st.sampled_from([math.pi - 1e-3, math.pi - 1e-7, math.pi]),
)
AXES = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: 0.1 < math.hypot(*v))
ROTVECS = st.builds(
    lambda axis, angle: torch.tensor(axis, dtype=torch.float64) * (angle / math.hypot(*axis)), AXES, ANGLES
)
few = settings(max_examples=60, deadline=None)


def random_rotations(count, seed=0):
    return torch.from_numpy(Rotation.random(count, random_state=np.random.default_rng(seed)).as_matrix())


def close(a, b, atol=1e-9):
    torch.testing.assert_close(a, b, atol=atol, rtol=0)


@few
@given(ROTVECS)
def test_exp_equals_scipy(rotvec):
    close(rotation.exp(rotvec), torch.from_numpy(Rotation.from_rotvec(rotvec.numpy()).as_matrix()), 1e-12)


@few
@given(ROTVECS)
def test_exp_of_log_is_the_rotation(rotvec):
    rot = rotation.exp(rotvec)
    close(rotation.exp(rotation.log(rot)), rot, 1e-7)
    assert rotation.log(rot).norm() <= math.pi + 1e-9


@few
@given(ROTVECS.filter(lambda v: v.norm() < 3.1))
def test_log_of_exp_is_the_vector_below_half_a_turn(rotvec):
    close(rotation.log(rotation.exp(rotvec)), rotvec, 1e-8)


def test_log_is_finite_in_single_precision_everywhere():
    axes = torch.nn.functional.normalize(torch.randn(200, 3, generator=torch.Generator().manual_seed(0)), dim=-1)
    for angle in (0.0, 1e-7, 1e-4, 3.14, 3.1415, math.pi):
        rot = rotation.exp(axes * angle)
        assert rotation.angle_between(rotation.exp(rotation.log(rot)), rot).max() < 3e-3


def test_skew_is_the_cross_product():
    u, v = torch.randn(2, 7, 3, generator=torch.Generator().manual_seed(1)).double()
    close((rotation.skew(u) @ v[..., None])[..., 0], torch.linalg.cross(u, v))


@few
@given(ROTVECS, AXES)
def test_right_jacobian_equals_finite_differences(rotvec, direction):
    step = 1e-6 * torch.tensor(direction).double()
    ahead, behind = rotation.exp(rotvec + step), rotation.exp(rotvec - step)
    difference = rotation.log(behind.mT @ ahead) / 2
    close(rotation.right_jacobian(rotvec) @ step, difference, 1e-12)


def test_right_jacobian_is_as_good_in_single_precision():
    rotvec = torch.logspace(-6, 0.5, 200).double()[:, None] * torch.tensor([0.6, 0.0, 0.8]).double()
    close(rotation.right_jacobian(rotvec.float()).double(), rotation.right_jacobian(rotvec), 2e-6)


def test_right_jacobian_at_zero_is_the_identity():
    close(rotation.right_jacobian(torch.zeros(3).double()), torch.eye(3).double())


def test_the_raw_6d_map_and_the_projection_agree_on_rotations_only():
    rot = random_rotations(9)
    sixd = rotation.sixd_from_matrix(rot)
    close(rotation.matrix_from_6d_raw(sixd), rot)
    close(rotation.matrix_from_6d(sixd), rot)
    stretched = sixd * torch.tensor([2.0, 2, 2, 3, 3, 3])
    close(rotation.matrix_from_6d(stretched), rot)
    close(torch.linalg.det(rotation.matrix_from_6d_raw(stretched)), torch.full((9,), 36.0).double())


def test_the_raw_6d_map_keeps_the_columns_as_they_are():
    sixd = torch.arange(1.0, 7.0)
    raw = rotation.matrix_from_6d_raw(sixd)
    close(raw[:, 0], sixd[:3])
    close(raw[:, 1], sixd[3:])
    close(raw[:, 2], torch.linalg.cross(sixd[:3], sixd[3:]))


def test_any_six_numbers_project_to_a_rotation_whose_first_column_keeps_its_direction():
    sixd = torch.randn(50, 6, generator=torch.Generator().manual_seed(2)).double()
    rot = rotation.matrix_from_6d(sixd)
    close(rot @ rot.mT, torch.eye(3).double().expand(50, 3, 3))
    close(torch.linalg.det(rot), torch.ones(50).double())
    close(rot[..., 0], torch.nn.functional.normalize(sixd[:, :3], dim=-1))


def test_project_gives_the_nearest_rotation():
    generator = torch.Generator().manual_seed(3)
    matrix = random_rotations(20) + 0.2 * torch.randn(20, 3, 3, generator=generator).double()
    nearest = rotation.project(matrix)
    close(nearest @ nearest.mT, torch.eye(3).double().expand(20, 3, 3))
    distance = (nearest - matrix).square().sum((-1, -2))
    for _ in range(20):
        other = nearest @ rotation.exp(0.05 * torch.randn(20, 3, generator=generator).double())
        assert ((other - matrix).square().sum((-1, -2)) >= distance).all()


def test_project_never_gives_a_mirror():
    reflection = torch.diag(torch.tensor([1.0, 1.0, -1.0])).double()
    close(torch.linalg.det(rotation.project(reflection[None])), torch.ones(1).double())


@few
@given(ROTVECS)
def test_quaternions_are_scalar_first_with_positive_scalar(rotvec):
    rot = rotation.exp(rotvec)
    quat = rotation.quat_from_matrix(rot)
    x, y, z, w = Rotation.from_matrix(rot.numpy()).as_quat()
    expected = torch.tensor([w, x, y, z])
    assert quat[0] >= 0
    assert abs(abs(quat @ expected) - 1) < 1e-9
    close(rotation.matrix_from_quat(quat), rot)


def test_a_quaternion_of_any_length_is_read():
    quat = torch.tensor([[0.9, 0.1, -0.3, 0.2]]).double()
    close(rotation.matrix_from_quat(7 * quat), rotation.matrix_from_quat(quat))
    close(rotation.matrix_from_quat(-quat), rotation.matrix_from_quat(quat))


@few
@given(ROTVECS)
def test_the_angle_between_two_rotations_is_that_of_the_turn(rotvec):
    start = random_rotations(1)[0]
    angle = rotation.angle_between(start, start @ rotation.exp(rotvec))
    # At half a turn an arcsine multiplies what rounding does to its argument: the root of some 1e-15.
    close(angle, rotvec.norm(), 5e-7)


def test_the_angle_is_exact_near_zero_in_single_precision():
    rot = rotation.exp(torch.tensor([1e-4, 0.0, 0.0]))
    assert rotation.angle_between(torch.eye(3), rot).item() == pytest.approx(1e-4, rel=1e-2)


@few
@given(st.floats(-3.14, 3.14))
def test_the_heading_of_a_turn_about_the_vertical_is_its_angle(angle):
    close(rotation.heading(rotation.about_z(torch.tensor(angle).double())), torch.tensor(angle).double())


@few
@given(st.floats(-3, 3), ROTVECS.filter(lambda v: 2 * abs(v.norm() - math.pi) > 0.3))
def test_turning_about_the_vertical_adds_to_the_heading(angle, rotvec):
    rot, turn = rotation.exp(rotvec), torch.tensor(angle).double()
    for turned in (rotation.about_z(turn) @ rot, rot @ rotation.about_z(turn)):
        difference = rotation.heading(turned) - rotation.heading(rot) - turn
        close(torch.remainder(difference + math.pi, 2 * math.pi), torch.tensor(math.pi).double(), 1e-7)


@few
@given(st.floats(-3.1, 3.1), st.floats(-3.0, 3.0), st.floats(-3, 3))
def test_leaning_in_any_direction_keeps_the_heading(angle, lean, direction):
    axis = torch.tensor([math.cos(direction), math.sin(direction), 0.0]).double()
    rot = rotation.about_z(torch.tensor(angle).double()) @ rotation.exp(lean * axis)
    close(rotation.heading(rot), torch.tensor(angle).double(), 1e-7)


def test_the_mean_of_a_cloud_around_a_rotation_is_that_rotation():
    centre = random_rotations(4)
    offsets = 0.3 * torch.randn(500, 4, 3, generator=torch.Generator().manual_seed(4)).double()
    cloud = torch.cat((centre @ rotation.exp(offsets), centre @ rotation.exp(-offsets)))
    close(rotation.mean_rotation(cloud), centre, 1e-9)


def test_slerp_starts_at_the_start_ends_at_the_end_and_turns_evenly():
    start, end = random_rotations(30, 5), random_rotations(30, 6)
    whole = rotation.angle_between(start, end)
    for fraction in (0.0, 0.25, 0.5, 1.0):
        between = rotation.slerp(start, end, torch.full((30,), fraction).double())
        close(rotation.angle_between(start, between), fraction * whole, 1e-6)
        close(rotation.angle_between(between, end), (1 - fraction) * whole, 1e-6)


def test_gradients_are_finite_at_the_identity():
    rotvec = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    sixd = rotation.sixd_from_matrix(rotation.exp(rotvec))
    (rotation.matrix_from_6d(sixd) * torch.arange(9.0).reshape(3, 3)).sum().backward()
    assert rotvec.grad.isfinite().all()
