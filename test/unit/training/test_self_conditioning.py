"""The denoiser's last step is trained on what the sampler's first one leaves, on any body."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inpose_ros.body import kinematics
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.sampler import InPoseRule
from inpose_ros.geometry import rotation
from inpose_ros.training import dropout, self_conditioning
from inpose_ros.training.windows import MotionWindow

from .examples import small_denoiser, source

COUNT, HANDS = 12, [15, 20, 21]


@pytest.fixture(scope='module')
def window(packed: Path) -> MotionWindow:
    drawn = source(packed).random(COUNT, torch.Generator().manual_seed(2))
    return replace(drawn, zeroed=torch.arange(COUNT) % 2 == 0)


@pytest.fixture(scope='module')
def prior() -> MotionPrior:
    return MotionPrior(small_denoiser())


def dressed(window: MotionWindow):
    worn = torch.isin(torch.arange(22), torch.tensor(HANDS)).expand(COUNT, -1)
    return dropout.dress(window, worn, dropout.Known.constant(COUNT, height=True), None)


def hand_error(noisy: torch.Tensor, window: MotionWindow, heading: torch.Tensor) -> torch.Tensor:
    """How far the wrists are from the true ones, head on head [m], for each window."""
    rot = rotation.about_z(heading)[:, None, None] @ rotation.matrix_from_6d(noisy)
    places = kinematics.positions_from_bones(window.bones[:, None], rot)
    there = [(p - p[:, :, 15:16])[:, :, [20, 21]] for p in (places, window.positions)]
    return (there[0] - there[1]).norm(dim=-1).mean((1, 2))


def test_locations_bring_the_wrists_nearer_the_less_noise_the_likelihood_is_told(window, prior):
    condition, heading = dressed(window)
    precise = self_conditioning.precise_likelihood(window, condition, heading)
    errors = []
    for stddev in (0.001, 0.3, 1e3):
        told = replace(precise, stddev=torch.full_like(precise.stddev, stddev))
        noisy, step = self_conditioning.last_input(prior, condition, told)
        errors.append(hand_error(noisy, window, heading))
    assert step == InPoseRule().steps[-1]
    assert (errors[0] < 0.95 * errors[2]).all() and (errors[0] < errors[1]).all() and (errors[1] < errors[2]).all()


@pytest.mark.parametrize('factor', [0.6, 1.4])
def test_what_the_denoiser_is_given_knows_no_size(window, prior, factor):
    larger = replace(window, root=window.root * factor, bones=window.bones * factor)
    given = []
    for each, size in ((window, 1.0), (larger, factor)):
        condition, heading = dressed(each)
        likelihood = self_conditioning.precise_likelihood(each, condition, heading)
        likelihood = replace(likelihood, stddev=likelihood.stddev * size)
        given.append(self_conditioning.last_input(prior, condition, likelihood)[0])
    assert torch.allclose(*given, atol=1e-4)


def test_only_what_is_worn_is_located_and_fewer_of_those_calibrated_in_an_n_pose(window):
    condition, heading = dressed(window)
    counts = torch.zeros(2)
    for seed in range(100):
        valid = self_conditioning.draw_likelihood(window, condition, heading, torch.Generator().manual_seed(seed)).valid
        assert not valid[:, :, 3:].any()  # neither pelvis nor ankles are worn
        located = valid[:, -1].any(-1)
        counts += torch.stack([located[window.zeroed].float().mean(), located[~window.zeroed].float().mean()])
    assert counts[0] / 100 == pytest.approx(0.2, abs=0.06) and counts[1] / 100 == pytest.approx(0.85, abs=0.06)


def test_noise_is_as_large_as_the_likelihood_is_told(window):
    condition, heading = dressed(window)
    exact = self_conditioning.precise_likelihood(window, condition, heading).location
    seen = set()
    for seed in range(20):
        drawn = self_conditioning.draw_likelihood(window, condition, heading, torch.Generator().manual_seed(seed))
        for row in range(COUNT):
            told, error = float(drawn.stddev[row, 0, 0, 0]), (drawn.location - exact)[row]
            noisy = bool(error.abs().max() > 0)
            assert noisy is False or float(error.std()) == pytest.approx(told, rel=0.2)
            seen.add(noisy)
    assert seen == {True, False}
