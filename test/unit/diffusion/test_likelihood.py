"""The likelihood of locations against its dense form, finite differences and a general least-squares solver."""

import numpy as np
import pytest
import scipy.optimize
import torch

from inpose_ros.body import kinematics, smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.likelihood import Floor, LocationLikelihood
from inpose_ros.geometry import rotation

from .examples import random_pose

JOINTS = [15, 20, 21, 0]
SKELETON = Skeleton.mean()


def _likelihood(rot, joints=JOINTS, stddev=0.01, offset=1.3, valid=None, scale=1.0) -> LocationLikelihood:
    """What perfect sensors would say of a pose [*batch, 22, 3, 3]; the root's place is arbitrary."""
    location = offset + kinematics.joint_positions(SKELETON.scaled(scale), rot)[..., joints, :]
    valid = torch.ones(location.shape[:-1], dtype=torch.bool) if valid is None else valid
    bones = SKELETON.scaled(scale).bones.to(rot)
    return LocationLikelihood.of_joints(bones, joints, location, valid, torch.full((len(joints),), stddev).to(rot))


def _covariance(seed=0, size=0.2) -> torch.Tensor:
    root = torch.randn(66, 66, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return size**2 * (root @ root.T / 66 + 0.3 * torch.eye(66))


def _dense_guidance(rot, estimate, joints, variance, location_variance):
    """The paper's own form: one matrix over all frames, pairs of joints and axes."""
    frames, pairs = len(rot), [(a, b) for i, a in enumerate(joints) for b in joints[i + 1 :]]
    table = kinematics.location_map(SKELETON.bones)
    dense = np.zeros((frames, len(pairs), 3, frames, 22, 3, 3))
    for frame in range(frames):
        for row, (a, b) in enumerate(pairs):
            for axis in range(3):
                dense[frame, row, axis, frame, :, axis, :] = table[a] - table[b]
    dense = dense.reshape(frames * len(pairs) * 3, -1)
    residual = dense @ (rot - estimate).numpy().reshape(-1)
    gram = variance * dense @ dense.T + location_variance * np.eye(len(dense))
    return torch.from_numpy(variance * dense.T @ np.linalg.solve(gram, residual)).reshape(estimate.shape)


@pytest.mark.parametrize('joints', [[15, 20, 21], [15, 20, 21, 0, 7], [20, 21]])
def test_guidance_in_closed_form_equals_the_dense_form(joints):
    rot, estimate = random_pose(4, seed=1).double(), random_pose(4, seed=2).double()
    guidance = _likelihood(rot, joints).guidance(estimate, 0.37, 0.1)
    assert torch.allclose(guidance, _dense_guidance(rot, estimate, joints, 0.37, 0.1), atol=1e-10)


def test_guidance_vanishes_where_the_pose_explains_the_measurement():
    rot = random_pose(4).double()
    assert _likelihood(rot).guidance(rot, 0.5, 0.1).abs().max() < 1e-12


def test_correction_leaves_a_pose_that_explains_the_measurement():
    rot = random_pose(3).double()
    corrected, _ = _likelihood(rot).correct(rot, _covariance().expand(3, -1, -1))
    assert torch.allclose(corrected, rot, atol=1e-9)


def test_jacobian_is_the_derivative_of_the_prediction():
    rot = random_pose(seed=3).double()
    likelihood = _likelihood(rot)
    tangent = 0.5 * torch.randn(22, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = torch.autograd.functional.jacobian(
        lambda w: likelihood.predict(rot @ rotation.exp(w)).flatten(), tangent
    )
    moved = rot @ rotation.exp(tangent)
    found = likelihood._jacobian(moved, tangent, likelihood.difference_map())
    assert torch.allclose(found, expected.flatten(-2), atol=1e-8)


def test_correction_finds_the_most_probable_pose():
    prior_mean, truth = random_pose(seed=4, spread=0.3).double(), random_pose(seed=5, spread=0.3).double()
    likelihood, covariance = _likelihood(truth, stddev=0.05), _covariance()
    corrected, _ = likelihood.correct(prior_mean, covariance, iterations=40)
    white_prior = torch.linalg.inv(torch.linalg.cholesky(covariance))
    white_noise = torch.linalg.inv(torch.linalg.cholesky(likelihood.noise_covariance()))

    def whitened(w: np.ndarray) -> np.ndarray:
        moved = prior_mean @ rotation.exp(torch.from_numpy(w).unflatten(0, (22, 3)))
        residual = (likelihood.differences() - likelihood.predict(moved)).flatten()
        return torch.cat((white_prior @ torch.from_numpy(w), white_noise @ residual)).numpy()

    best = scipy.optimize.least_squares(whitened, np.zeros(66), xtol=1e-12, ftol=1e-12, gtol=1e-12)
    cost = np.sum(whitened(rotation.log(prior_mean.mT @ corrected).flatten().numpy()) ** 2)
    assert cost <= 2 * best.cost * (1 + 1e-3)


def test_exact_measurements_are_met():
    rot, truth = (random_pose(200, seed=seed, spread=0.05).double() for seed in (6, 7))
    likelihood = _likelihood(truth, [15, 20, 21], stddev=1e-3)
    corrected, _ = likelihood.correct(rot, _covariance().expand(200, -1, -1), iterations=8)
    before, after = (
        (likelihood.differences() - likelihood.predict(pose)).norm(dim=-1)[:, 1:].mean() for pose in (rot, corrected)
    )
    assert before > 0.1
    assert after < 0.0003


@pytest.mark.parametrize('beyond', [0.0, 0.05, 0.2])
def test_an_arm_that_cannot_reach_its_tracker_comes_to_rest(beyond: float):
    """Not to and fro around where it would: the tracker is so much farther than the arm is long."""
    generator = torch.Generator().manual_seed(0)
    rot = kinematics.global_rotations(
        rotation.exp(0.3 * torch.randn(20, 22, 3, generator=generator, dtype=torch.float64))
    )
    place = kinematics.joint_positions(SKELETON, rot)
    shoulder, wrist = (place[:, smpl22.INDEX[name]] for name in ('left_shoulder', 'left_wrist'))
    arm = SKELETON.bones[[smpl22.INDEX[name] for name in ('left_elbow', 'left_wrist')]].norm(dim=-1).sum()
    way = torch.nn.functional.normalize(wrist - shoulder, dim=-1)
    location = torch.stack((place[:, smpl22.HEAD], shoulder + (1 + beyond) * arm * way), 1)
    likelihood = LocationLikelihood.of_joints(
        SKELETON.bones.double(), [smpl22.HEAD, smpl22.INDEX['left_wrist']], location,
        torch.ones(20, 2, dtype=torch.bool), torch.full((20, 2), 0.01, dtype=torch.float64),
    )  # fmt: skip
    covariance = 0.2**2 * torch.eye(66, dtype=torch.float64).expand(20, -1, -1)
    last, again = (likelihood.correct(rot, covariance, iterations=count)[0] for count in (30, 31))
    assert rotation.angle_between(last, again).max() < 1e-3


def test_a_measurement_never_widens_the_spread():
    prior_covariance = _covariance()
    _, posterior = _likelihood(random_pose(seed=8).double()).correct(random_pose().double(), prior_covariance)
    assert torch.linalg.eigvalsh(prior_covariance - posterior).min() > -1e-9
    assert torch.linalg.eigvalsh(posterior).min() > -1e-9
    assert posterior.diagonal().sum() < 0.95 * prior_covariance.diagonal().sum()


def test_what_is_not_valid_makes_no_difference():
    rot, truth = random_pose(2, seed=9).double(), random_pose(2, seed=10).double()
    valid = torch.tensor([[True, False, True, True], [False, True, True, False]])
    likelihood = _likelihood(truth, valid=valid)
    spoiled = torch.where(valid[..., None], likelihood.location, torch.full_like(likelihood.location, 99.0))
    other = LocationLikelihood(likelihood.chain, spoiled, valid, likelihood.stddev)
    covariance = _covariance().expand(2, -1, -1)
    for a, b in zip(likelihood.correct(rot, covariance), other.correct(rot, covariance)):
        assert torch.allclose(a, b)
    fewer = _likelihood(truth[:1], [15, 21, 0]).correct(rot[:1], covariance[:1])
    assert torch.allclose(likelihood.correct(rot, covariance)[0][:1], fewer[0], atol=1e-9)


def test_one_location_alone_says_nothing_of_the_pose():
    rot = random_pose(1).double()
    valid = torch.tensor([[False, True, False, False]])
    corrected, posterior = _likelihood(random_pose(1, seed=1).double(), valid=valid).correct(rot, _covariance()[None])
    assert torch.allclose(corrected, rot)
    assert torch.allclose(posterior, _covariance()[None])


def test_body_size_makes_no_difference():
    rot, truth = random_pose(seed=11).double(), random_pose(seed=12).double()
    small, large = (
        _likelihood(truth, stddev=0.01 * scale, scale=scale).correct(rot, _covariance())[0] for scale in (0.6, 1.4)
    )
    assert torch.allclose(small, large, atol=1e-9)


def test_noise_of_the_reference_is_shared_by_all_differences():
    noise = _likelihood(random_pose().double(), [15, 20, 21], stddev=0.1).noise_covariance()
    expected = torch.tensor([[1, 0, 0], [0, 0.02, 0.01], [0, 0.01, 0.02]], dtype=torch.float64)
    assert torch.allclose(noise, torch.kron(expected, torch.eye(3, dtype=torch.float64)))


def _toes(rot):
    return kinematics.joint_positions(SKELETON, rot)[..., [10, 11], 2]


def test_a_standing_foot_comes_to_the_floor_and_a_lifted_one_stays():
    rot = random_pose(50, seed=13, spread=0.2).double()
    head = kinematics.joint_positions(SKELETON, rot)[..., 15, 2]
    floor = Floor(SKELETON.bones, height=0.05, stddev=0.001)
    # The head is measured at such a height that the left toe is 5 cm under the floor.
    location = torch.zeros(50, 1, 3, dtype=torch.float64)
    location[..., 0, 2] = head - _toes(rot)[:, 0] + floor.height - 0.05
    alone = LocationLikelihood.of_joints(
        SKELETON.bones, [15], location, torch.ones(50, 1, dtype=torch.bool), torch.full((1,), 1e-3).double(), floor
    )
    for contact, expected in (([1.0, 0.0], 0.0), ([0.0, 0.0], 0.05)):
        likelihood = alone.with_feet(rot, torch.tensor(contact, dtype=torch.float64).expand(50, 2))
        corrected, _ = likelihood.correct(rot, _covariance().expand(50, -1, -1))
        toe = location[:, 0, 2] + _toes(corrected)[:, 0] - kinematics.joint_positions(SKELETON, corrected)[..., 15, 2]
        assert float((toe - floor.height).abs().mean()) == pytest.approx(expected, abs=0.003)


def test_the_lower_foot_stands_on_less_evidence_than_both():
    rot = random_pose(1, seed=14).double()
    floor, lower = Floor.under(SKELETON, SKELETON.bones, 0.0), int(_toes(rot)[0].argmin())
    standing = [floor.standing(rot, torch.full((1, 2), contact).double())[0] for contact in (0.0, 0.4, 0.6, 1.0)]
    assert standing[0].tolist() == [0.0, 0.0] and standing[3].tolist() == [1.0, 1.0]
    for middle in standing[1:3]:
        assert middle[lower] > 0.4 and middle[lower] > middle[1 - lower]


def test_how_far_a_foot_stands_never_jumps():
    """A thousand small steps of contact and of pose, none of which changes it by much."""
    floor = Floor.under(SKELETON, SKELETON.bones, 0.0)
    part = torch.linspace(0, 1, 1000, dtype=torch.float64)
    start, end = random_pose(2, seed=15, spread=0.3).double()
    rot = rotation.slerp(start.expand(1000, -1, -1, -1), end.expand(1000, -1, -1, -1), part[:, None].expand(-1, 22))
    standing = floor.standing(rot, torch.stack((part, 1 - part), -1))
    assert standing.diff(dim=0).abs().max() < 0.02
    assert standing.amax() == 1.0 and standing.amin() == 0.0


def test_without_a_floor_the_feet_are_free():
    likelihood = _likelihood(random_pose(2).double())
    assert likelihood.with_feet(random_pose(2).double(), torch.ones(2, 2).double()) is likelihood
