"""Who claims the spread that he has is covered to 90 % and has the best score; boasting and modesty cost."""

import pytest
import torch

from inpose_ros.body import kinematics, smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.evaluation.uncertainty import uncertainty_scores
from inpose_ros.geometry import rotation

FRAMES = 4000


@pytest.fixture(scope='module')
def drawn() -> tuple[torch.Tensor, torch.Tensor]:
    """Errors drawn from covariances that differ between frames and joints by a factor of ten."""
    generator = torch.Generator().manual_seed(0)
    root = 0.05 * torch.randn(FRAMES, 22, 3, 3, generator=generator, dtype=torch.float64)
    root = root * torch.logspace(-0.5, 0.5, 22, dtype=torch.float64)[:, None, None]
    error = root @ torch.randn(FRAMES, 22, 3, 1, generator=generator, dtype=torch.float64)
    return error[..., 0], root @ root.mT


def test_the_right_spread_covers_nine_tenths_everywhere(drawn) -> None:
    scores = uncertainty_scores(*drawn, align=smpl22.HEAD)
    assert all(score == pytest.approx(0.9, abs=0.01) for name, score in scores.items() if name.startswith('coverage'))


@pytest.mark.parametrize('factor', [0.5, 2.0])
def test_boasting_and_modesty_cost_and_are_seen_in_the_coverage(drawn, factor: float) -> None:
    error, covariance = drawn
    right, wrong = (uncertainty_scores(error, covariance * f**2, smpl22.HEAD) for f in (1.0, factor))
    assert wrong['interval_score_cm'] > 1.1 * right['interval_score_cm']
    assert (wrong['coverage90'] > 0.95) == (factor > 1) and (wrong['coverage90'] < 0.7) == (factor < 1)


def test_a_spread_that_follows_the_error_beats_the_best_constant_one(drawn) -> None:
    scores = uncertainty_scores(*drawn, align=smpl22.HEAD)
    assert scores['interval_score_cm'] < 0.9 * scores['interval_score_constant_cm']


def test_no_constant_spread_per_joint_beats_the_constant_one(drawn) -> None:
    error, covariance = drawn
    constant = uncertainty_scores(error, covariance, smpl22.HEAD)['interval_score_constant_cm']
    for factor in (0.8, 1.0, 1.2):
        own = (factor * error.square().mean((0, 2)).sqrt())[:, None, None] ** 2 * torch.eye(3, dtype=torch.float64)
        assert uncertainty_scores(error, own.expand_as(covariance), smpl22.HEAD)['interval_score_cm'] > constant - 1e-6


def test_the_covariance_of_places_is_that_of_places_drawn_from_the_tangents() -> None:
    generator = torch.Generator().manual_seed(0)
    bones = Skeleton.mean().bones
    root = 0.01 * torch.randn(66, 66, generator=generator, dtype=torch.float64) / 66**0.5
    rot = rotation.exp(torch.randn(22, 3, generator=generator, dtype=torch.float64))
    tangents = (root @ torch.randn(66, 20000, generator=generator, dtype=torch.float64)).T.unflatten(-1, (22, 3))
    places = kinematics.positions_from_bones(bones, rot @ rotation.exp(tangents))
    seen = places - places[:, [smpl22.HEAD]]
    centred = seen - seen.mean(0)
    expected = torch.einsum('njx,njy->jxy', centred, centred) / len(seen)
    found = kinematics.position_covariance(bones, rot, root @ root.T, smpl22.HEAD)
    assert torch.allclose(found, expected, atol=0.05 * float(expected.abs().max()))
