"""Factors of bodies: what they scale, what is left beside them, and their file."""

import pytest
import torch

from inpose_ros.body import kinematics, proportions
from inpose_ros.body.proportions import BodyGuess
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.errors import BodyError

MEAN = Skeleton.mean()


def test_stature_scales_every_bone():
    column = proportions.factor_columns(MEAN)[:, 0].unflatten(-1, (-1, 3))
    assert torch.allclose(MEAN.bones + 0.2 * column, MEAN.scaled(1.2).bones)


@pytest.mark.parametrize(('factor', 'group'), [('arm', 'arms'), ('torso', 'torso'), ('leg', 'legs')])
def test_a_factor_scales_its_group_alone(factor, group):
    column = proportions.factor_columns(MEAN)[:, list(proportions.FACTORS).index(factor)]
    assert torch.allclose(MEAN.bones + 0.2 * column.unflatten(-1, (-1, 3)), MEAN.with_groups({group: 1.2}).bones)


def test_factors_of_a_body_are_those_by_which_it_was_scaled():
    found = proportions.factors(MEAN.with_groups({'arms': 1.1}).scaled(1.2))
    assert {name: row.value for name, row in found.items()} == pytest.approx(
        {'stature': 1.2, 'torso': 1.0, 'arm': 1.1, 'leg': 1.0, 'shoulder_width': 1.0, 'hip_width': 1.0}
    )


def test_deviations_of_factors_are_those_of_drawn_bodies():
    spread = 0.0002 * torch.eye(66, dtype=torch.float64)
    drawn = torch.randn(4000, 66, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 0.0002**0.5
    bodies = [proportions.factors(Skeleton(MEAN.bones + row.unflatten(-1, (-1, 3)))) for row in drawn]
    told = proportions.factors(MEAN, spread)
    for name in ('stature', 'arm', 'leg'):
        values = torch.tensor([body[name].value for body in bodies])
        assert told[name].stddev == pytest.approx(float(values.std()), rel=0.1)


def test_what_no_factor_explains_is_the_same_on_both_sides():
    columns = proportions.residual_columns().T.unflatten(-1, (-1, 3))
    assert torch.allclose(kinematics.mirrored_bones(columns), columns)


def test_the_residual_has_the_spread_of_a_covariance():
    assert torch.linalg.eigvalsh(proportions.residual_covariance()).min() > 0


def test_a_standing_head_is_as_high_as_the_skeleton_says():
    body = MEAN.with_groups({'legs': 1.1})
    height = float(proportions.standing_head_row() @ body.bones.flatten())
    assert height == pytest.approx(body.standing_head_height + body.sole, abs=1e-6)


def test_a_guess_comes_back_from_its_file(tmp_path):
    guess = BodyGuess(MEAN.scaled(0.9), proportions.SPREADS | {'arm': 0.031}, residual=0.4)
    guess.save(tmp_path / 'body.yaml')
    again = BodyGuess.load(tmp_path / 'body.yaml')
    assert torch.allclose(again.skeleton.bones, guess.skeleton.bones, atol=1e-5)
    assert again.spreads == pytest.approx(guess.spreads)
    assert again.residual == pytest.approx(0.4)


def test_a_file_of_a_guess_is_a_file_of_bones(tmp_path):
    BodyGuess.of_stature(1.8).save(tmp_path / 'body.yaml')
    assert Skeleton.load(tmp_path / 'body.yaml').stature == pytest.approx(1.8, abs=1e-3)


def test_bones_alone_are_taken_for_certain(tmp_path):
    MEAN.save(tmp_path / 'bones.yaml')
    assert BodyGuess.load(tmp_path / 'bones.yaml').is_certain
    assert not BodyGuess.unknown().is_certain


@pytest.mark.parametrize(
    'factors',
    ['factors: {arms: [1.0, 0.1]}', 'factors: [1, 2]', 'factors: {arm: [1.0]}', 'factors: {arm: [1.0, -1.0]}'],
)
def test_factors_that_are_none_are_refused_by_name(tmp_path, factors):
    MEAN.save(tmp_path / 'body.yaml')
    with (tmp_path / 'body.yaml').open('a') as file:
        file.write(factors)
    with pytest.raises(BodyError, match='factors'):
        BodyGuess.load(tmp_path / 'body.yaml')
