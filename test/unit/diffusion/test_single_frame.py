import numpy as np
import pytest
import torch

from inpose_ros.body import kinematics, smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion import single_frame
from inpose_ros.diffusion.likelihood import Floor, LocationLikelihood
from inpose_ros.diffusion.single_frame import FrameLikelihood
from inpose_ros.geometry import rotation, so3

from .examples import HANDS, random_pose

SKELETON = Skeleton.mean()
CHAIN = kinematics.location_map(SKELETON.bones.double())


def _posed(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Poses, and covariances of their tangents with all joints correlated."""
    generator = torch.Generator().manual_seed(seed)
    factor = 0.03 * torch.randn(count, 66, 66, generator=generator, dtype=torch.float64)
    rot = rotation.project(random_pose(count, seed=seed).double())  # rotations to double precision
    return rot, factor @ factor.mT + 1e-3 * torch.eye(66)


@pytest.mark.parametrize('seen', [HANDS, [0, *HANDS], [20, 21], [15], []])
def test_a_frame_is_corrected_as_by_the_likelihood_itself(seen: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """In as many iterations; when fewer will do, is for another test."""
    monkeypatch.setattr(single_frame, '_CLOSE', 0.0)
    rot, covariance = _posed(4)
    joints = [0, *HANDS]
    place = kinematics.joint_positions(SKELETON, random_pose(4, seed=1).double())[:, joints]
    valid = torch.isin(torch.tensor(joints), torch.tensor(seen, dtype=torch.long)).expand(4, -1)
    stddev = torch.tensor([0.01, 0.02, 0.05, 0.001], dtype=torch.float64)
    slow = LocationLikelihood.of_joints(SKELETON.bones.double(), joints, place, valid, stddev.expand(4, -1))
    expected = slow.correct(rot, covariance)
    axes = stddev[:, None].expand(4, 4, 3)
    fast = FrameLikelihood.of(CHAIN[joints].numpy(), place.numpy(), valid.numpy(), axes.numpy())
    found = fast.correct(rot.numpy(), covariance.numpy(), np.zeros((4, 66)))
    for one, other in zip(found, expected):
        assert np.abs(one - other.numpy()).max() < 1e-9
    assert np.abs(rot.numpy() @ so3.exp(found[2].reshape(4, 22, 3)) - found[0]).max() < 1e-12


def test_frames_that_see_different_joints_are_corrected_each_by_its_own() -> None:
    rot, covariance = _posed(2)
    place = kinematics.joint_positions(SKELETON, random_pose(2, seed=1).double())[:, HANDS].numpy()
    valid = np.array([[True, True, True], [False, True, True]])
    axes = np.full((2, 3, 3), 0.01)
    chain = CHAIN[HANDS].numpy()
    both = FrameLikelihood.of(chain, place, valid, axes).correct(rot.numpy(), covariance.numpy(), np.zeros((2, 66)))[0]
    for row in range(2):
        part = slice(row, row + 1)
        alone = FrameLikelihood.of(chain, place[part], valid[part], axes[part])
        found = alone.correct(rot[part].numpy(), covariance[part].numpy(), np.zeros((1, 66)))[0]
        assert np.allclose(found[0], both[row], atol=1e-10)


@pytest.mark.parametrize('spread', [0.03, 0.1])
def test_a_pose_that_moves_no_more_is_where_many_more_iterations_would_bring_it(
    spread: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rot, covariance = _posed(40, seed=3)
    generator = torch.Generator().manual_seed(4)
    truth = rot @ rotation.exp(spread * torch.randn(40, 22, 3, generator=generator, dtype=torch.float64))
    joints = [0, *HANDS]
    place = kinematics.joint_positions(SKELETON, truth)[:, joints].numpy()
    valid, stddev = np.ones((40, 4), dtype=bool), np.full((40, 4, 3), 0.003)
    likelihood = FrameLikelihood.of(CHAIN[joints].numpy(), place, valid, stddev)
    turned = []
    exp = single_frame.so3.exp_with_jacobian
    monkeypatch.setattr(single_frame.so3, 'exp_with_jacobian', lambda flat: turned.append(1) or exp(flat))
    nothing = np.zeros((40, 66))
    found = likelihood.correct(rot.numpy(), covariance.numpy(), nothing, iterations=30)[0]
    few = len(turned)
    for row in range(0, 40, 8):  # whoever is done stays, whatever the others do
        part = slice(row, row + 1)
        alone = FrameLikelihood.of(CHAIN[joints].numpy(), place[part], valid[part], stddev[part])
        same = alone.correct(rot[part].numpy(), covariance[part].numpy(), nothing[part], 30)[0]
        assert np.allclose(same[0], found[row], atol=1e-10)
    turned.clear()
    monkeypatch.setattr(single_frame, '_CLOSE', 0.0)
    most = likelihood.correct(rot.numpy(), covariance.numpy(), nothing, iterations=30)[0]
    assert few < 10 and len(turned) == 30
    apart = single_frame.positions(CHAIN.numpy(), found) - single_frame.positions(CHAIN.numpy(), most)
    assert np.abs(apart[:, joints]).max() < 0.002


def test_who_begins_where_the_frame_before_ended_is_done_in_one_step_and_nearer() -> None:
    """The next frame differs a little: what was measured moves by centimetres, and so does what the network says."""
    rot, covariance = _posed(40, seed=3)
    generator = torch.Generator().manual_seed(4)

    def moved(pose: torch.Tensor, spread: float) -> torch.Tensor:
        return pose @ rotation.exp(spread * torch.randn(40, 22, 3, generator=generator, dtype=torch.float64))

    truth, joints = moved(rot, 0.1), [0, *HANDS]
    valid, stddev = np.ones((40, 4), dtype=bool), np.full((40, 4, 3), 0.003)

    def likelihood(pose: torch.Tensor) -> FrameLikelihood:
        place = kinematics.joint_positions(SKELETON, pose)[:, joints].numpy()
        return FrameLikelihood.of(CHAIN[joints].numpy(), place, valid, stddev)

    nothing = np.zeros((40, 66))
    before = likelihood(truth).correct(rot.numpy(), covariance.numpy(), nothing)[2]
    now, said = likelihood(moved(truth, 0.01)), moved(rot, 0.01).numpy()
    best = now.correct(said, covariance.numpy(), before, iterations=40)[2]
    off = {
        name: np.abs(now.correct(said, covariance.numpy(), start, iterations=1)[2] - best).max(1).mean()
        for name, start in {'anew': nothing, 'on': before}.items()
    }
    assert off['on'] < 0.2 * off['anew'] and off['on'] < 0.01


def test_a_slow_motion_is_followed_without_jumps() -> None:
    """Frame after frame from where the last one ended: however many steps each takes, that must not be seen."""
    rot, covariance = _posed(40, seed=3)
    generator = torch.Generator().manual_seed(4)
    ways = 0.1 * torch.randn(2, 40, 22, 3, generator=generator, dtype=torch.float64)
    valid, stddev, joints = np.ones((40, 4), dtype=bool), np.full((40, 4, 3), 0.003), [0, *HANDS]
    correction, poses = np.zeros((40, 66)), []
    for angle in np.arange(40) * 0.05:
        truth = rot @ rotation.exp(np.cos(angle) * ways[0] + np.sin(angle) * ways[1])
        place = kinematics.joint_positions(SKELETON, truth)[:, joints].numpy()
        likelihood = FrameLikelihood.of(CHAIN[joints].numpy(), place, valid, stddev)
        pose, _, correction = likelihood.correct(rot.numpy(), covariance.numpy(), correction)
        poses.append(pose)
    steps = so3.log(np.swapaxes(poses[:-1], -1, -2) @ poses[1:])
    changes = np.linalg.norm(steps[1:] - steps[:-1], axis=-1)[5:]
    assert np.linalg.norm(steps, axis=-1).max() > 0.015  # [rad]
    assert changes.max() < 0.012


def test_a_start_that_was_far_off_is_none() -> None:
    rot, covariance = _posed(2)
    place = kinematics.joint_positions(SKELETON, random_pose(2, seed=1).double())[:, HANDS].numpy()
    likelihood = FrameLikelihood.of(CHAIN[HANDS].numpy(), place, np.ones((2, 3), dtype=bool), np.full((2, 3, 3), 0.01))
    start = np.zeros((2, 66))
    start[0, 50] = 1.5
    found, expected = (likelihood.correct(rot.numpy(), covariance.numpy(), own)[0] for own in (start, 0 * start))
    assert np.array_equal(found, expected)


def test_places_and_their_covariance_are_those_of_the_body_room() -> None:
    rot, covariance = _posed(3)
    found = single_frame.positions(CHAIN.numpy(), rot.numpy())
    assert np.abs(found - kinematics.joint_positions(SKELETON, rot).numpy()).max() < 1e-12
    heights = single_frame.heights(CHAIN[list(smpl22.TOES)].numpy(), rot.numpy())
    assert np.abs(heights - found[:, list(smpl22.TOES), 2]).max() < 1e-12
    spread = single_frame.position_covariance((CHAIN - CHAIN[15]).numpy(), rot.numpy(), covariance.numpy())
    expected = kinematics.position_covariance(SKELETON.bones.double(), rot, covariance, 15)
    assert np.abs(spread - expected.numpy()).max() < 1e-12


def test_feet_stand_as_on_the_floor_of_the_likelihood() -> None:
    rot = random_pose(64).double()
    contact = torch.rand(64, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    floor = Floor.under(SKELETON, SKELETON.bones, 0.0)
    heights = single_frame.heights(CHAIN[list(smpl22.TOES)].numpy(), rot.numpy())
    found = single_frame.standing_feet(heights, contact.numpy(), floor.lower_by)
    assert np.abs(found - floor.standing(rot, contact).numpy()).max() < 1e-12
