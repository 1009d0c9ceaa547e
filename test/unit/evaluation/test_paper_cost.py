"""The paper's procedure as its cost is measured: the same formula as ours, at the official size."""

import pytest
import torch

from inpose_ros.body import kinematics
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.denoiser import DenoiserConfig
from inpose_ros.diffusion.likelihood import LocationLikelihood
from inpose_ros.evaluation import paper_cost
from inpose_ros.evaluation.paper_cost import DenseLikelihood, official_prior

from ..diffusion.examples import random_pose

SKELETON = Skeleton.mean()


@pytest.mark.parametrize('joints', [[15, 20, 21], [20, 21], [15, 20, 21, 0]])
def test_the_dense_pull_is_that_of_the_closed_form(joints):
    rot, estimate = random_pose(1, 5, seed=1).double(), random_pose(1, 5, seed=2).double()
    location = kinematics.joint_positions(SKELETON, rot)[..., joints, :] + 1.3
    valid = torch.ones(location.shape[:-1], dtype=torch.bool)
    stddev = torch.full((len(joints),), 0.01, dtype=torch.float64)
    closed = LocationLikelihood.of_joints(SKELETON.bones.double(), joints, location, valid, stddev)
    dense = DenseLikelihood(**vars(closed))
    pairs = len(joints) * (len(joints) - 1) // 2
    assert dense.dense_map.shape == (5 * pairs * 3, 5 * 22 * 9)
    for variance in (0.9, 1e-3):
        pull = dense.guidance(estimate, variance, 0.1)
        assert torch.allclose(pull, closed.guidance(estimate, variance, 0.1), atol=1e-9) and pull.abs().max() > 1e-5


def test_the_network_has_the_official_size_and_its_weights_follow_the_seed():
    before = torch.random.get_rng_state()
    prior = official_prior(torch.device('cpu'), seed=3)
    parameters = sum(part.numel() for part in prior.denoiser.parameters())
    assert prior.frames == 41 and 21e6 < parameters < 23.5e6
    assert torch.equal(torch.random.get_rng_state(), before)
    again = official_prior(torch.device('cpu'), seed=3)
    assert torch.equal(prior.denoiser.head.weight, again.denoiser.head.weight)


def test_both_forms_are_timed_and_the_median_of_the_windows_counts(monkeypatch):
    small = DenoiserConfig(frames=4, width=32, layers=1, heads=2, patch=1)
    monkeypatch.setattr(paper_cost, 'OFFICIAL', small)
    ticks = iter([tick for seconds in (1.0, 9.0, 2.0, 0.5, 0.1, 0.3) for tick in (0.0, seconds)])
    cost = paper_cost.paper_cost(torch.device('cpu'), SKELETON, windows=3, steps=2, clock=lambda: next(ticks))
    assert cost.dense_ms == pytest.approx(2000.0) and cost.closed_form_ms == pytest.approx(300.0)
