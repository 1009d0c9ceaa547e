"""Rigid transforms: a group that acts on points."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inpose_ros.geometry.transform import Transform

SEEDS = st.integers(0, 2**32 - 1)
few = settings(max_examples=25, deadline=None)


def random_transforms(seed, count=3, batch=5):
    rng = np.random.default_rng(seed)
    return [
        Transform(
            torch.from_numpy(Rotation.random(batch, random_state=rng).as_matrix()),
            torch.from_numpy(rng.normal(size=(batch, 3))),
        )
        for _ in range(count)
    ]


def points(seed, batch=5):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(batch, 3)))


def matrix(T):
    result = torch.eye(4, dtype=torch.float64).repeat(len(T.translation), 1, 1)
    result[:, :3, :3], result[:, :3, 3] = T.rotation, T.translation
    return result


def same(a, b):
    torch.testing.assert_close(matrix(a), matrix(b), atol=1e-12, rtol=0)


@few
@given(SEEDS)
def test_composition_is_the_product_of_homogeneous_matrices(seed):
    T_a_b, T_b_c, _ = random_transforms(seed)
    torch.testing.assert_close(matrix(T_a_b @ T_b_c), matrix(T_a_b) @ matrix(T_b_c))


@few
@given(SEEDS)
def test_composition_is_associative(seed):
    T_a_b, T_b_c, T_c_d = random_transforms(seed)
    same((T_a_b @ T_b_c) @ T_c_d, T_a_b @ (T_b_c @ T_c_d))


@few
@given(SEEDS)
def test_a_transform_and_its_inverse_cancel(seed):
    (T,) = random_transforms(seed, count=1, batch=1)
    identity = Transform(torch.eye(3).double()[None], torch.zeros(1, 3).double())
    same(T @ T.inverse(), identity)
    same(T.inverse() @ T, identity)


@few
@given(SEEDS)
def test_applying_one_after_the_other_is_applying_the_composition(seed):
    T_a_b, T_b_c, _ = random_transforms(seed)
    point = points(seed)
    torch.testing.assert_close((T_a_b @ T_b_c).apply(point), T_a_b.apply(T_b_c.apply(point)))


@few
@given(SEEDS)
def test_transforms_keep_distances(seed):
    (T,) = random_transforms(seed, count=1)
    a, b = points(seed), points(seed + 1)
    torch.testing.assert_close((T.apply(a) - T.apply(b)).norm(dim=-1), (a - b).norm(dim=-1))


def test_the_identity_leaves_points_where_they_are():
    point = points(1, batch=1)[0]
    torch.testing.assert_close(Transform.identity().apply(point), point)


def test_numbers_of_a_parameter_survive_the_round_trip():
    values = [0.1, -0.2, 0.3, 0.5, 0.5, -0.5, 0.5]
    torch.testing.assert_close(Transform.from_xyz_quat(values).to_xyz_quat(), values)


def test_quaternions_of_a_parameter_are_scalar_first():
    T = Transform.from_xyz_quat([0.0, 0.0, 0.0, 0.8, 0.6, 0.0, 0.0])
    expected = Rotation.from_quat([0.6, 0.0, 0.0, 0.8]).as_matrix()
    torch.testing.assert_close(T.rotation, torch.from_numpy(expected))
