"""The loss is least at the truth, blind to heading, and looks at real frames only."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inpose_ros.body import smpl22
from inpose_ros.diffusion.denoiser import Prediction
from inpose_ros.geometry import rotation
from inpose_ros.training import dropout, loss
from inpose_ros.training.windows import MotionWindow

from .examples import FRAMES, source, turned

COUNT = 6
OF_THE_POSE = ('rotation', 'position', 'velocity')


@pytest.fixture(scope='module')
def window(packed: Path) -> MotionWindow:
    return source(packed).random(COUNT, torch.Generator().manual_seed(7))


@pytest.fixture(scope='module')
def heading() -> torch.Tensor:
    return torch.linspace(-2, 2, COUNT)


def exact(window: MotionWindow, heading: torch.Tensor) -> Prediction:
    """The prediction of somebody who knows."""
    turn = rotation.about_z(-heading)[:, None]
    velocity = (turn @ window.root_velocity[..., None])[..., 0]
    return Prediction(
        rotation=rotation.sixd_from_matrix(turn[:, :, None] @ window.rot_world_joint),
        log_stddev=torch.full((COUNT, FRAMES, 22, 3), -2.0),
        contact=100 * (window.contact.float() - 0.5),
        root_velocity=velocity / dropout.standing_height(window.bones)[:, None, None],
    )


def wrong(prediction: Prediction, seed: int = 0, size: float = 0.1) -> Prediction:
    generator = torch.Generator().manual_seed(seed)
    parts = {
        name: part + size * torch.randn(part.shape, generator=generator) for name, part in vars(prediction).items()
    }
    return Prediction(**parts)


def test_every_term_but_the_spread_vanishes_at_the_truth(window: MotionWindow, heading: torch.Tensor) -> None:
    terms = loss.loss_terms(exact(window, heading), window, heading)
    assert set(terms) == set(loss.WEIGHTS)
    assert all(abs(float(value)) < 1e-5 for name, value in terms.items() if name != 'spread')


def test_every_term_is_larger_elsewhere(window: MotionWindow, heading: torch.Tensor) -> None:
    truth = exact(window, heading)
    off = replace(wrong(truth, size=0.5), contact=-truth.contact)
    best, worse = (loss.loss_terms(guess, window, heading) for guess in (truth, off))
    assert all(worse[name] > best[name] + 1e-3 for name in loss.WEIGHTS)
    assert loss.total_loss(worse) > loss.total_loss(best)


def test_the_total_is_the_weighted_sum() -> None:
    terms = {name: torch.tensor(float(number)) for number, name in enumerate(loss.WEIGHTS)}
    assert float(loss.total_loss(terms)) == pytest.approx(sum(n * w for n, w in enumerate(loss.WEIGHTS.values())))


@pytest.mark.parametrize('angle', [0.5, -2.5])
def test_where_the_person_faces_makes_no_difference(window: MotionWindow, heading: torch.Tensor, angle: float) -> None:
    guess = wrong(exact(window, heading))
    terms = loss.loss_terms(guess, window, heading)
    about = loss.loss_terms(guess, turned(window, angle), heading + angle)
    assert all(torch.isclose(about[name], terms[name], atol=1e-4) for name in terms)


def test_the_size_of_the_person_makes_no_difference(window: MotionWindow, heading: torch.Tensor) -> None:
    guess = wrong(exact(window, heading))
    terms = loss.loss_terms(guess, window, heading)
    larger = replace(window, root=1.3 * window.root, bones=1.3 * window.bones)
    scaled = loss.loss_terms(guess, larger, heading)
    assert all(torch.isclose(scaled[name], terms[name], atol=1e-4) for name in (*OF_THE_POSE, 'root_velocity'))


def test_frames_that_are_not_real_do_not_count(window: MotionWindow, heading: torch.Tensor) -> None:
    partly = replace(window, real=(torch.arange(FRAMES) >= 3).expand(COUNT, -1))
    guess = wrong(exact(window, heading))
    other = wrong(guess, seed=1, size=1.0)
    mixed = Prediction(**{
        name: torch.cat((getattr(other, name)[:, :3], part[:, 3:]), 1) for name, part in vars(guess).items()
    })  # fmt: skip
    terms, again = (loss.loss_terms(prediction, partly, heading) for prediction in (guess, mixed))
    assert all(torch.equal(terms[name], again[name]) for name in terms)


def test_the_newest_frame_counts_most(window: MotionWindow, heading: torch.Tensor) -> None:
    truth = exact(window, heading)
    costs = []
    for frame in range(FRAMES):
        off = torch.zeros(FRAMES)
        off[frame] = 0.1
        guess = replace(truth, rotation=truth.rotation + off[:, None, None])
        costs.append(float(loss.loss_terms(guess, window, heading)['rotation']))
    assert max(costs[:-1]) < costs[-1]


def test_the_best_spread_is_the_size_of_the_error(window: MotionWindow, heading: torch.Tensor) -> None:
    truth = exact(window, heading)
    size = 0.1
    off = rotation.exp(torch.full((3,), size))
    rot = rotation.matrix_from_6d(truth.rotation) @ off
    guess = replace(truth, rotation=rotation.sixd_from_matrix(rot))
    levels = [math.log(size) + off for off in (-0.3, 0.0, 0.3)]
    guesses = [replace(guess, log_stddev=torch.full_like(guess.log_stddev, level)) for level in levels]
    spread = [float(loss.loss_terms(each, window, heading)['spread']) for each in guesses]
    assert spread[1] < min(spread[0], spread[2])


def test_the_local_error_is_the_rotation_vector_while_small_and_never_longer_than_one() -> None:
    generator = torch.Generator().manual_seed(0)
    estimate = rotation.exp(torch.randn(50, 3, generator=generator))
    small = 0.02 * torch.randn(50, 3, generator=generator)
    assert torch.allclose(loss.local_error(estimate, estimate @ rotation.exp(small)), small, atol=1e-4)
    any_way = loss.local_error(estimate, rotation.exp(3 * torch.randn(50, 3, generator=generator)))
    assert any_way.norm(dim=-1).max() < 1 + 1e-5


def test_relative_positions_are_from_the_head_and_free_of_size(window: MotionWindow) -> None:
    where = loss.relative_positions(window.rot_world_joint, window.bones)
    assert not where[:, :, smpl22.HEAD].any()
    assert torch.allclose(where, loss.relative_positions(window.rot_world_joint, 0.7 * window.bones), atol=1e-5)
    true = window.positions - window.positions[:, :, [smpl22.HEAD]]
    assert torch.allclose(where * dropout.standing_height(window.bones)[:, None, None, None], true, atol=1e-5)
