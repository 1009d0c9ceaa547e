"""The body estimate: laws of the mean matrix and of least squares, and made-up users whose bones are known."""

import numpy as np
import pytest
import torch

from inpose_ros.body import kinematics, proportions, smpl22
from inpose_ros.body.proportions import BodyGuess
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.bone_estimator import BodyEstimator, held_height
from inpose_ros.diffusion.bone_evidence import Seen, information, mean_matrix, seen
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.geometry import rotation

from .examples import HANDS, random_pose, small_denoiser, window_of

MEAN = Skeleton.mean()
TRUNK_AND_ENDS = [0, 7, 8, *HANDS]


def _covariance(spread: float) -> torch.Tensor:
    """Of all tangents, correlated and unequal [rad2]."""
    generator = torch.Generator().manual_seed(5)
    factor = torch.randn(66, 66, generator=generator, dtype=torch.float64) / 66**0.5
    return spread**2 * (0.5 * factor @ factor.T + 0.5 * torch.eye(66, dtype=torch.float64))


def _seen_of(skeleton: Skeleton, joints: list[int], count: int, spread: float, seed: int = 0) -> Seen:
    """A pass that claims exactly what is so: true rotations drawn from its Gaussian around random poses."""
    generator = torch.Generator().manual_seed(seed)
    rot = random_pose(count, seed=seed + 1).double()
    covariance = _covariance(spread)
    drawn = torch.randn(count, 66, generator=generator, dtype=torch.float64)
    tangent = (drawn @ torch.linalg.cholesky(covariance).T).unflatten(-1, (-1, 3))
    own = torch.stack([covariance[3 * j : 3 * j + 3, 3 * j : 3 * j + 3] for j in range(22)])
    return Seen(
        matrices=mean_matrix(rot, own),
        covariance=covariance.expand(count, -1, -1),
        location=kinematics.joint_positions(skeleton, rot @ rotation.exp(tangent)),
        valid=torch.isin(torch.arange(22), torch.tensor(joints)).expand(count, -1),
        stddev=torch.full((22,), 0.01, dtype=torch.float64),
    )


def _standing(skeleton: Skeleton, floor: float = 0.0) -> float:
    return float(proportions.standing_head_row() @ skeleton.bones.flatten()) + floor


def _known_factors(seen: Seen, columns: torch.Tensor) -> torch.Tensor:
    found = information(seen, columns, MEAN.bones)
    return torch.linalg.solve(found.matrix, found.vector)


@pytest.mark.parametrize('stddevs', [(0.1, 0.1, 0.1), (0.4, 0.1, 0.2), (0.3, 0.3, 0.3)])
def test_the_mean_matrix_is_the_mean_of_drawn_rotations(stddevs):
    turn = rotation.exp(torch.tensor([0.3, -0.8, 0.5], dtype=torch.float64))
    covariance = turn @ torch.tensor(stddevs, dtype=torch.float64).square().diag() @ turn.T
    drawn = torch.randn(400_000, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    drawn = turn @ rotation.exp(drawn @ torch.linalg.cholesky(covariance).T)
    assert torch.allclose(mean_matrix(turn, covariance), drawn.mean(0), atol=3e-3)


def test_a_rotation_that_is_known_is_its_own_mean():
    rot = random_pose(3).double()
    assert torch.allclose(mean_matrix(rot, torch.zeros(3, 22, 3, 3, dtype=torch.float64)), rot)


def test_true_factors_are_found_without_bias_from_true_mean_matrices():
    columns = proportions.factor_columns(MEAN)
    truth = torch.tensor([0.1, -0.15, 0.2, 0.1, -0.2, 0.15], dtype=torch.float64)
    skeleton = Skeleton(MEAN.bones + (columns @ truth).unflatten(-1, (-1, 3)))
    found = _known_factors(_seen_of(skeleton, TRUNK_AND_ENDS, 20_000, spread=0.3), columns)
    assert torch.allclose(found, truth, atol=0.015)


def test_bones_would_be_found_too_short_if_the_best_guess_were_taken_for_the_mean():
    """What the mean matrix is for."""
    columns = proportions.factor_columns(MEAN)
    seen = _seen_of(MEAN, TRUNK_AND_ENDS, 20_000, spread=0.3)
    best = Seen(rotation.project(seen.matrices), seen.covariance, seen.location, seen.valid, seen.stddev)
    arm = list(proportions.FACTORS).index('arm')
    assert (_known_factors(best, columns)[[0, arm]].sum() < -0.03).item()


def test_summing_up_gives_what_least_squares_over_everything_gives():
    seen = _seen_of(MEAN.scaled(1.1), HANDS, 40, spread=0.2)
    seen = Seen(seen.matrices, torch.zeros_like(seen.covariance), seen.location, seen.valid, seen.stddev)
    columns = proportions.factor_columns(MEAN)[:, [0, 2]]
    table = kinematics.bone_map(seen.matrices)
    table = (table[:, HANDS[1:]] - table[:, HANDS[:1]]).flatten(1, 2)
    away = (seen.location[:, HANDS[1:]] - seen.location[:, HANDS[:1]]).flatten(1)
    whitening = torch.linalg.inv(torch.linalg.cholesky(torch.eye(2, dtype=torch.float64) + 1)).contiguous()
    whitening = torch.kron(whitening, torch.eye(3, dtype=torch.float64))
    rows = (whitening @ table @ columns).flatten(0, 1).numpy()
    values = (away - table @ MEAN.bones.flatten()) @ whitening.T
    expected = np.linalg.lstsq(rows, values.reshape(-1).numpy(), rcond=None)[0]
    assert torch.allclose(_known_factors(seen, columns), torch.from_numpy(expected))


def test_the_order_and_the_pace_of_observations_make_no_difference(prior):
    motion = random_pose(6, 8, spread=0.2)
    skeleton = MEAN.scaled(0.9)
    windows = [window_of(rot, skeleton, torch.tensor([0.0, 0.0, 0.9]).expand(8, 3), HANDS, HANDS) for rot in motion]
    one, other = (BodyEstimator(prior, BodyGuess.unknown()) for _ in range(2))
    one.observe_all(windows)
    for window in reversed(windows):
        other.observe(window)
    assert torch.allclose(one.skeleton.bones, other.skeleton.bones, atol=1e-5)
    assert one.stddevs == pytest.approx(other.stddevs, rel=1e-4)


@pytest.mark.parametrize('scale', [0.6, 1.0, 1.4])
def test_a_person_of_any_size_is_found(prior, scale):
    skeleton = MEAN.with_groups({'arms': 1.08}).scaled(scale)
    estimator = BodyEstimator(prior, BodyGuess.unknown())
    estimator.take(_seen_of(skeleton, HANDS, 240, spread=0.2), [_standing(skeleton)] * 240)
    arms = [float(body.lengths[[18, 20]].sum()) for body in (estimator.skeleton, skeleton)]
    assert estimator.skeleton.stature == pytest.approx(skeleton.stature, rel=0.03)
    assert arms[0] == pytest.approx(arms[1], rel=0.05)


def test_stated_deviations_cover_made_up_people_and_shrink(prior):
    spreads = torch.tensor(list(proportions.SPREADS.values()), dtype=torch.float64)
    generator = torch.Generator().manual_seed(1)
    columns, residual = proportions.factor_columns(MEAN), proportions.residual_columns()
    root = torch.linalg.cholesky(proportions.residual_covariance())
    inside, before = [], BodyEstimator(prior, BodyGuess.unknown()).stddevs
    for person in range(40):
        drawn = torch.randn(6 + len(root), generator=generator, dtype=torch.float64)
        drawn[0] *= 0.4  # of some 1.4 to 2.1 m; the extremes are the test above
        bones = columns @ (spreads * drawn[:6]) + residual @ (root @ drawn[6:])
        skeleton = Skeleton(MEAN.bones + bones.unflatten(-1, (-1, 3)))
        estimator = BodyEstimator(prior, BodyGuess.unknown())
        posture = 1 + 0.02 * float(torch.randn(1, generator=generator))
        estimator.take(_seen_of(skeleton, HANDS, 120, spread=0.3, seed=person), [posture * _standing(skeleton)])
        truth = proportions.factors(skeleton)
        inside += [
            abs(row.value - truth[name].value) <= 2 * row.stddev for name, row in estimator.estimate.factors.items()
        ]
        assert estimator.stddevs['stature'] < 0.2 * before['stature']
        assert estimator.stddevs['arm'] < before['arm']
    assert np.mean(inside) > 0.9


def test_a_stature_that_is_said_narrows_it(prior):
    said, unsaid = (BodyEstimator(prior, guess) for guess in (BodyGuess.of_stature(1.9), BodyGuess.unknown()))
    assert said.skeleton.stature == pytest.approx(1.9)
    assert said.stddevs['stature'] < unsaid.stddevs['stature']


def test_with_a_stature_the_floor_follows_from_a_standing_head(prior):
    skeleton = Skeleton.from_stature(1.9)
    estimator = BodyEstimator(prior, BodyGuess.of_stature(1.9), floor_height=None)
    unsure = estimator.estimate.floor_stddev
    estimator.take(_seen_of(skeleton, HANDS, 60, spread=0.2), [_standing(skeleton, floor=0.08)])
    found = estimator.estimate
    assert found.floor_height == pytest.approx(0.08, abs=2 * found.floor_stddev)
    assert found.floor_height > 0.04
    assert found.floor_stddev < unsure


def test_a_floor_that_is_given_is_kept(prior):
    estimator = BodyEstimator(prior, BodyGuess.unknown(), floor_height=-0.5)
    estimator.take(_seen_of(MEAN, HANDS, 60, spread=0.2), [_standing(MEAN, floor=-0.5)])
    assert estimator.estimate.floor_height == pytest.approx(-0.5)
    assert estimator.skeleton.stature == pytest.approx(MEAN.stature, rel=0.02)


def test_who_says_their_stature_may_sit(prior):
    estimator = BodyEstimator(prior, BodyGuess.of_stature(1.7))
    estimator.take(_seen_of(Skeleton.from_stature(1.7), HANDS, 60, spread=0.2), [1.1] * 60)
    assert estimator.skeleton.stature == pytest.approx(1.7, rel=0.02)


def test_a_jump_raises_nobody():
    height = torch.full((8,), 1.6)
    still = window_of(torch.eye(3).expand(8, 22, 3, 3), MEAN, torch.zeros(8, 3), HANDS, HANDS)
    moving = still.location.clone()
    moving[:, smpl22.HEAD, 2] = height + torch.tensor([0.0, 0.0, 0.1, 0.3, 0.3, 0.1, 0.0, 0.0])
    object.__setattr__(still, 'location', moving)
    assert held_height(still) == pytest.approx(1.6, abs=0.01)


def test_a_head_that_was_not_seen_throughout_says_no_height():
    window = window_of(torch.eye(3).expand(8, 22, 3, 3), MEAN, torch.zeros(8, 3), HANDS, HANDS[1:])
    assert held_height(window) is None


def test_going_on_from_an_estimate_keeps_what_was_known(prior, tmp_path):
    skeleton = MEAN.scaled(1.1)
    estimator = BodyEstimator(prior, BodyGuess.unknown())
    estimator.take(_seen_of(skeleton, HANDS, 120, spread=0.2), [_standing(skeleton)])
    estimator.estimate.as_guess().save(tmp_path / 'body.yaml')
    later = BodyEstimator(prior, BodyGuess.load(tmp_path / 'body.yaml'))
    assert torch.allclose(later.skeleton.bones, estimator.skeleton.bones, atol=1e-5)
    assert later.stddevs['stature'] < 0.1
    assert later.stddevs['arm'] < BodyEstimator(prior, BodyGuess.unknown()).stddevs['arm']


def test_bones_that_are_certain_stay_and_tell_the_floor(prior):
    skeleton = MEAN.scaled(1.05)
    estimator = BodyEstimator(prior, BodyGuess.certain(skeleton), floor_height=None)
    estimator.take(_seen_of(MEAN, HANDS, 60, spread=0.2), [_standing(skeleton, floor=0.06)])
    assert (estimator.skeleton.bones - skeleton.bones).abs().max() < 0.005
    assert 0.03 < estimator.estimate.floor_height < 0.06


def test_what_is_forgotten_leaves_the_start(prior):
    estimator = BodyEstimator(prior, BodyGuess.unknown())
    start = estimator.skeleton.bones
    estimator.take(_seen_of(MEAN.scaled(1.2), HANDS, 60, spread=0.2), [_standing(MEAN.scaled(1.2))])
    estimator.forget()
    assert torch.allclose(estimator.skeleton.bones, start)
    assert estimator.observations == 0


def test_a_look_sees_the_same_wherever_the_network_is(prior: MotionPrior) -> None:
    rot = random_pose(8, spread=0.2)
    window = window_of(rot, MEAN, torch.zeros(8, 3), HANDS, HANDS)
    found, expected = (seen(own, [window]) for own in (prior, MotionPrior(small_denoiser())))
    for name, value in vars(expected).items():
        assert getattr(found, name).device.type == 'cpu'
        assert torch.allclose(getattr(found, name).double(), value.double(), atol=1e-4)
