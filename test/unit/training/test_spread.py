"""The measured spread is a correlation, in which what was measured takes no part."""

from pathlib import Path

import pytest
import torch

from inpose_ros.body import smpl22
from inpose_ros.diffusion.prior import Spread
from inpose_ros.training.spread import LEVELS, measure_spread
from inpose_ros.training.validation import HANDS

from .examples import small_denoiser, source

MEASURED = torch.isin(torch.arange(22), torch.tensor([smpl22.INDEX[name] for name in HANDS])).repeat_interleave(3)


@pytest.fixture(scope='module')
def spread(packed: Path) -> Spread:
    return measure_spread(small_denoiser(), source(packed, 'val'), count=24)


def test_each_level_has_a_symmetric_correlation_of_unit_diagonal_that_is_not_negative(spread: Spread) -> None:
    assert spread.steps.tolist() == list(LEVELS)
    assert torch.equal(spread.correlation, spread.correlation.transpose(-1, -2))
    assert torch.allclose(spread.correlation.diagonal(dim1=-1, dim2=-2), torch.ones(len(LEVELS), 66), atol=1e-4)
    assert torch.linalg.eigvalsh(spread.correlation.double()).min() > -1e-5
    assert spread.correlation.abs().max() < 1 + 1e-4


def test_measured_joints_are_independent_and_not_scaled(spread: Spread) -> None:
    rest = spread.correlation - torch.eye(66)
    assert not rest[:, MEASURED].any() and not rest[:, :, MEASURED].any()
    assert (spread.scale[:, MEASURED] == 1).all()


def test_free_joints_go_together_and_have_a_scale(spread: Spread) -> None:
    free = (spread.correlation - torch.eye(66))[:, ~MEASURED][:, :, ~MEASURED]
    assert free.abs().amax((-1, -2)).min() > 0.1
    assert (spread.scale > 0).all()


def test_the_same_seed_measures_the_same(packed: Path, spread: Spread) -> None:
    again = measure_spread(small_denoiser(), source(packed, 'val'), count=24)
    assert all(torch.equal(spread.tensors()[name], again.tensors()[name]) for name in spread.tensors())
