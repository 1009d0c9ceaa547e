from dataclasses import replace

import torch

from inpose_ros.body import kinematics
from inpose_ros.diffusion.backend import TorchBackend
from inpose_ros.diffusion.condition import size_free_condition
from inpose_ros.diffusion.prior import MotionPrior, Spread
from inpose_ros.geometry import rotation

from .examples import HANDS, random_pose, small_denoiser


def _condition(valid: torch.Tensor):
    rot = random_pose(*valid.shape[:2])
    none = torch.zeros(valid.shape[:2])
    return size_free_condition(
        rot,
        valid,
        none,
        none.bool(),
        torch.zeros(*rot.shape[:2], 3),
        none.bool(),
        none[:, 0].bool(),
        torch.zeros(*rot.shape[:3], 3),
        torch.zeros_like(valid),
    )


def _hands(batch: int = 2) -> torch.Tensor:
    return torch.isin(torch.arange(22), torch.tensor(HANDS)).expand(batch, 8, -1)


def test_measured_rotations_are_taken_as_they_are():
    prior, condition = MotionPrior(small_denoiser()), _condition(_hands())
    prediction = prior.denoise(torch.randn(2, 8, 22, 6), 999, condition)
    rot = prior.rotations(prediction, condition)
    assert torch.allclose(rot[:, :, HANDS], random_pose(2, 8)[:, :, HANDS], atol=1e-6)
    assert torch.allclose(rot @ rot.mT, torch.eye(3).expand_as(rot), atol=1e-5)


def test_what_is_on_the_cpu_stays_there_wherever_the_network_is(monkeypatch):
    prior, condition, noisy = MotionPrior(small_denoiser()), _condition(_hands()), torch.randn(2, 8, 22, 6)
    expected = prior.denoise(noisy, 999, condition)
    monkeypatch.setattr(prior, 'device', torch.device('cuda'))
    monkeypatch.setattr(TorchBackend, '__call__', None)  # it would be given tensors of another device
    found = prior.denoise(noisy, 999, condition)
    for name, value in vars(expected).items():
        assert torch.allclose(getattr(found, name), value, atol=1e-6)


def test_measured_joints_err_as_their_sensors_do_and_the_rest_as_predicted():
    root = torch.randn(66, 66, generator=torch.Generator().manual_seed(0))
    correlation = root @ root.T
    correlation = correlation / correlation.diagonal().sqrt()[:, None] / correlation.diagonal().sqrt()
    prior = MotionPrior(small_denoiser(), Spread(torch.zeros(1), correlation[None], torch.full((1, 66), 2.0)))
    condition = _condition(_hands())
    prediction = prior.denoise(torch.zeros(2, 8, 22, 6), 999, condition)
    stddev = torch.full((22,), 0.03)
    covariance = prior.covariance(prediction, condition, 999, stddev)
    found = covariance.diagonal(dim1=-2, dim2=-1).sqrt().unflatten(-1, (22, 3))
    assert torch.allclose(found[:, :, HANDS], torch.tensor(0.03))
    free = [joint for joint in range(22) if joint not in HANDS]
    assert torch.allclose(found[:, :, free], 2 * prediction.log_stddev.exp()[:, :, free], rtol=1e-4)
    assert covariance[..., 45:48, :45].abs().max() == 0
    assert torch.linalg.eigvalsh(covariance).min() > -1e-5


def test_the_nearest_measured_noise_level_counts():
    spread = Spread(
        torch.tensor([999.0, 300.0]), torch.eye(66).expand(2, -1, -1), torch.tensor([[1.0], [2.0]]).expand(2, 66)
    )
    assert spread.level(700)[1][0] == 1
    assert spread.level(310)[1][0] == 2


def test_bends_of_who_is_zeroed_are_shared_out_where_nothing_measured_them():
    prior, condition = MotionPrior(small_denoiser()), _condition(_hands())
    zeroed = replace(condition, zeroed=torch.ones(2, 8, dtype=torch.bool))
    prediction = prior.denoise(torch.zeros(2, 8, 22, 6), 999, condition)
    plain, shared = prior.rotations(prediction, condition), prior.rotations(prediction, zeroed)
    assert torch.allclose(shared, kinematics.shared_out(plain), atol=1e-6) and not torch.allclose(shared, plain)
    measured = replace(zeroed, rotation_mask=torch.ones_like(zeroed.rotation_mask))
    assert torch.equal(prior.rotations(prediction, measured), rotation.matrix_from_6d(measured.rotation))
