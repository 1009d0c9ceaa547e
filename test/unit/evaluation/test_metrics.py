"""The scores are what CONVENTIONS says: against slow twins and cases worked out by hand."""

import math

import numpy as np
import pytest
import torch

from inpose_ros.body import kinematics, smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.evaluation import metrics
from inpose_ros.geometry import rotation

HEAD, LEFT, RIGHT = smpl22.HEAD, *smpl22.WRISTS
KNEE = smpl22.INDEX['left_knee']


def some_positions(seed: int = 0, frames: int = 5) -> torch.Tensor:
    return torch.randn(frames, 22, 3, generator=torch.Generator().manual_seed(seed))


def some_rotations(seed: int = 0, frames: int = 5) -> torch.Tensor:
    return rotation.exp(torch.randn(frames, 22, 3, generator=torch.Generator().manual_seed(seed)))


def moved(positions: torch.Tensor, joint: int, way: tuple[float, float, float]) -> torch.Tensor:
    offset = torch.zeros(22, 3)
    offset[joint] = torch.tensor(way)
    return positions + offset


def test_an_estimate_that_is_only_elsewhere_has_no_error_but_that_of_its_root() -> None:
    truth = some_positions()
    scores = metrics.position_scores(truth + torch.tensor([0.3, 0.0, 0.4]), truth, HEAD, 1.0)
    assert torch.allclose(scores.pop('root_cm'), torch.full((5,), 50.0))
    assert all(torch.allclose(score, torch.zeros(5), atol=1e-4) for score in scores.values())


def test_a_joint_off_counts_in_its_own_group_by_its_share() -> None:
    truth = some_positions()
    hand = metrics.position_scores(moved(truth, LEFT, (0.0, 0.22, 0.0)), truth, HEAD, 1.0)
    knee = metrics.position_scores(moved(truth, KNEE, (0.0, 0.22, 0.0)), truth, HEAD, 1.0)
    expected = {'mpjpe_cm': 1.0, 'upper_cm': 22 / 13, 'lower_cm': 0.0, 'hand_cm': 11.0, 'root_cm': 0.0}
    assert {name: float(hand[name].mean()) for name in expected} == pytest.approx(expected, abs=1e-4)
    expected = {'mpjpe_cm': 1.0, 'upper_cm': 0.0, 'lower_cm': 22 / 8, 'hand_cm': 0.0, 'root_cm': 0.0}
    assert {name: float(knee[name].mean()) for name in expected} == pytest.approx(expected, abs=1e-4)


def test_an_aligned_joint_that_is_off_moves_all_others() -> None:
    truth = some_positions()
    scores = metrics.position_scores(moved(truth, HEAD, (0.0, 0.0, 0.1)), truth, HEAD, 1.0)
    assert torch.allclose(scores['mpjpe_cm'], torch.full((5,), 10 * 21 / 22), atol=1e-4)


@pytest.mark.parametrize('align', [smpl22.HEAD, smpl22.PELVIS])
def test_position_scores_equal_a_slow_twin(align: int) -> None:
    estimate, truth = some_positions(0), some_positions(1)
    scores = metrics.position_scores(estimate, truth, align, 1.4)
    for frame in range(5):
        shift = (truth[frame, align] - estimate[frame, align]).numpy()
        errors = [100 * math.dist(estimate[frame, j].numpy() + shift, truth[frame, j]) for j in range(22)]
        assert float(scores['mpjpe_cm'][frame]) == pytest.approx(np.mean(errors), rel=1e-4)
        assert float(scores['scaled_mpjpe_cm'][frame]) == pytest.approx(np.mean(errors) / 1.4, rel=1e-4)
        assert float(scores['hand_cm'][frame]) == pytest.approx((errors[LEFT] + errors[RIGHT]) / 2, rel=1e-4)


def test_upper_and_lower_are_all_joints_but_the_pelvis() -> None:
    assert len(smpl22.UPPER) == 13 and len(smpl22.LOWER) == 8
    assert sorted((*smpl22.UPPER, *smpl22.LOWER)) == list(range(1, 22))


def test_one_joint_turned_by_a_known_angle_counts_by_its_share() -> None:
    truth = torch.eye(3).expand(4, 22, 3, 3)
    local = truth.clone()
    local[:, KNEE] = rotation.exp(torch.tensor([0.0, math.radians(42), 0.0]))
    scores = metrics.rotation_scores(kinematics.global_rotations(local), truth)
    assert torch.allclose(scores['mpjre_deg'], torch.full((4,), 42 / 21), atol=1e-3)
    assert torch.allclose(scores['mpjre_paper_deg'], torch.full((4,), 42 / 63), atol=1e-3)


def test_turning_the_whole_body_is_no_rotation_error() -> None:
    truth = some_rotations()
    scores = metrics.rotation_scores(rotation.about_z(torch.tensor(1.0)) @ truth, truth)
    assert all(score.abs().max() < 0.1 for score in scores.values())


def test_rotation_errors_are_alike_both_ways() -> None:
    first, second = some_rotations(0), some_rotations(1)
    there, back = metrics.rotation_scores(first, second), metrics.rotation_scores(second, first)
    assert all(torch.allclose(there[name], back[name], atol=1e-3) for name in there)


def test_the_location_residual_is_that_of_the_wrists_from_the_head() -> None:
    measured = some_positions()
    estimate = moved(measured, LEFT, (0.03, 0.04, 0.0)) + 1.0
    for located, expected in (([HEAD, LEFT, RIGHT], 2.5), ([HEAD, LEFT], 5.0), ([HEAD, RIGHT], 0.0)):
        residual = metrics.location_residual(estimate, measured, located)
        assert torch.allclose(residual, torch.full((5,), expected), atol=1e-3)


@pytest.mark.parametrize('located', [[], [HEAD], [LEFT, RIGHT], [HEAD, 0]])
def test_without_a_located_head_and_wrist_there_is_no_residual(located: list[int]) -> None:
    assert metrics.location_residual(some_positions(), some_positions(1), located).isnan().all()


def test_a_body_that_slides_off_has_a_velocity_error_of_its_speed() -> None:
    rate = 30.0
    truth = some_positions(frames=10)
    way = torch.arange(10)[:, None, None] / rate * torch.tensor([0.3, 0.0, 0.4])
    assert torch.allclose(metrics.velocity_error(truth + way, truth, rate), torch.full((9,), 50.0), atol=1e-2)
    assert torch.allclose(metrics.velocity_error(truth + 1, truth, rate), torch.zeros(9), atol=1e-2)


def test_a_parabola_has_no_jitter_and_a_cubic_its_third_derivative() -> None:
    rate = 30.0
    t = torch.arange(12, dtype=torch.float64)[:, None, None] / rate
    way = torch.randn(3, 22, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    parabola = way[0] + way[1] * t + way[2] * t**2
    assert metrics.jitter(parabola, rate).abs().max() < 1e-9
    cubic = parabola + torch.tensor([0.0, 0.0, 5.0], dtype=torch.float64) * t**3
    assert torch.allclose(metrics.jitter(cubic, rate), torch.full((9,), 0.3, dtype=torch.float64))


def test_windows_score_as_they_do_one_by_one() -> None:
    first, second = (torch.stack((some_positions(seed), some_positions(seed + 1))) for seed in (0, 5))
    assert torch.allclose(metrics.jitter(first, 30.0)[1], metrics.jitter(first[1], 30.0))
    both, alone = metrics.velocity_error(first, second, 30.0), metrics.velocity_error(first[1], second[1], 30.0)
    assert torch.allclose(both[1], alone)


def test_a_larger_body_has_the_same_scaled_error() -> None:
    estimate, truth = (kinematics.joint_positions(Skeleton.mean(), some_rotations(seed)) for seed in (0, 1))
    own = metrics.position_scores(estimate, truth, HEAD, 1.0)
    larger = metrics.position_scores(1.4 * estimate, 1.4 * truth, HEAD, 1.4)
    assert torch.allclose(larger['scaled_mpjpe_cm'], own['mpjpe_cm'], rtol=1e-4)
    assert torch.allclose(larger['mpjpe_cm'], 1.4 * own['mpjpe_cm'], rtol=1e-4)
