"""Who claims too much is told to be more careful, by as much as it takes for the hard ones among the people."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inpose_ros.diffusion.prior import MotionPrior, Spread
from inpose_ros.training.caution import measure_caution

from .examples import small_denoiser, source


def prior_that_claims(factor: float) -> MotionPrior:
    """One whose claimed standard deviations are so many times larger."""
    spread = Spread.unmeasured()
    return MotionPrior(small_denoiser(), replace(spread, scale=factor * spread.scale))


def caution(packed: Path, factor: float) -> float:
    return float(measure_caution(prior_that_claims(factor), source(packed, 'val'), count=48))


def test_half_the_claim_needs_more_caution(packed: Path) -> None:
    assert caution(packed, 0.05) > 1.5 * caution(packed, 0.1) > 0


def test_caution_widens_what_is_told_but_not_what_a_sensor_measured() -> None:
    prior = MotionPrior(small_denoiser(), replace(Spread.unmeasured(), caution=torch.tensor(1.5)))
    covariance = torch.eye(66)[None] + 0.1
    measured = torch.zeros(1, 22, dtype=torch.bool)
    measured[:, 15] = True
    told = prior.told(covariance, measured)
    assert told[0, 0, 0] == pytest.approx(1.1 * 1.5**2) and told[0, 45, 45] == pytest.approx(1.1)
    assert told[0, 0, 45] == pytest.approx(0.1 * 1.5)
    assert torch.equal(told, told.mT)


def test_without_caution_measured_what_is_told_is_what_was_found() -> None:
    covariance = torch.eye(66)[None] + 0.1
    assert torch.equal(MotionPrior(small_denoiser()).told(covariance, torch.zeros(1, 22, dtype=torch.bool)), covariance)
