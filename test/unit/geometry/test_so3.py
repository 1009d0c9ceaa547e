import numpy as np
import torch

from inpose_ros.geometry import rotation, so3


def _vectors(lengths: list[float]) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    axis = torch.randn(len(lengths), 3, generator=generator, dtype=torch.float64)
    return torch.tensor(lengths, dtype=torch.float64)[:, None] * torch.nn.functional.normalize(axis, dim=-1)


def test_exp_its_jacobian_and_log_are_those_of_pytorch() -> None:
    vector = _vectors([0.0, 1e-12, 1e-9, 1e-4, 9e-3, 1.1e-2, 0.5, 2.0, 2.99, 3.1, np.pi - 1e-7])
    turn, jacobian = so3.exp_with_jacobian(vector.numpy())
    assert np.abs(so3.exp(vector.numpy()) - turn).max() < 1e-12
    assert np.abs(turn - rotation.exp(vector).numpy()).max() < 1e-12
    assert np.abs(jacobian - rotation.right_jacobian(vector).numpy()).max() < 1e-10
    assert np.abs(so3.log(turn) - vector.numpy()).max() < 1e-7
    assert np.abs(so3.exp(so3.log(turn)) - turn).max() < 1e-9


def test_all_vectors_of_an_entry_are_turned_by_its_rotation() -> None:
    turn = rotation.exp(_vectors([0.1, 1.0, 2.0])).numpy()
    vectors = np.random.default_rng(0).normal(size=(3, 5, 2, 3))
    # of numbers up to four, summed in another order
    assert np.abs(so3.turned(turn, vectors) - np.einsum('bxy,bfky->bfkx', turn, vectors)).max() < 1e-13


def test_columns_become_the_rotations_of_pytorch() -> None:
    sixd = torch.randn(5, 22, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert np.abs(so3.from_sixd(sixd.numpy()) - rotation.matrix_from_6d(sixd).numpy()).max() < 1e-12


def test_quaternions_are_those_of_pytorch_at_half_turns_too() -> None:
    vectors = torch.cat((_vectors([0.0, 1e-9, 0.5, 2.0, 3.1]), np.pi * torch.eye(3, dtype=torch.float64)))
    rot = rotation.exp(vectors)
    found = so3.quaternion(rot.numpy().reshape(2, 4, 3, 3)).reshape(8, 4)
    assert (found[:, 0] >= 0).all()
    assert np.abs(found - rotation.quat_from_matrix(rot).numpy()).max() < 1e-12


def test_angles_are_those_of_pytorch() -> None:
    start = rotation.exp(_vectors([0.1, 1.0, 2.0, 3.0, 0.0]))
    end = rotation.exp(_vectors([0.1, 1.0 + 1e-7, 0.3, -0.1, np.pi]))
    for a, b, angle in zip(start, end, rotation.angle_between(start, end)):
        assert abs(so3.angle_between(a.numpy(), b.numpy()) - float(angle)) < 2e-8
