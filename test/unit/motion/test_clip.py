"""A clip can be sampled, scaled and put on another body, and says the same motion."""

import pytest
import torch

from inpose_ros.body.skeleton import Skeleton
from inpose_ros.geometry import rotation
from inpose_ros.motion.clip import MotionClip


@pytest.fixture(scope='module')
def clip() -> MotionClip:
    t = torch.arange(91, dtype=torch.float64) / 60
    turn = (
        torch.stack((0.3 * t.sin(), 0.2 * t, 0.5 * t), -1)[:, None]
        * torch.linspace(0.5, 1, 22, dtype=torch.float64)[:, None]
    )
    root = torch.stack((t, 0.1 * t.square(), 1 + 0 * t), -1)
    return MotionClip('bow', 'nobody', 60.0, Skeleton.mean(), rotation.exp(turn), root)


@pytest.mark.parametrize('fps', [20.0, 30.0, 120.0])
def test_another_rate_keeps_the_duration(clip: MotionClip, fps: float) -> None:
    other = clip.at_rate(fps)
    assert other.fps == fps
    assert other.seconds == pytest.approx(clip.seconds)
    assert torch.allclose(other.root[-1], clip.root[-1])


def test_a_clip_at_its_own_rate_is_itself(clip: MotionClip) -> None:
    assert clip.at_rate(60.0) is clip


def test_samples_at_the_frames_are_the_frames(clip: MotionClip) -> None:
    times = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)
    some = clip.sampled(times)
    assert torch.allclose(some.rot_world_joint, clip.rot_world_joint[[0, 30, 60]], atol=1e-9)
    assert torch.allclose(some.root, clip.root[[0, 30, 60]])


def test_samples_between_frames_stay_rotations_between_them(clip: MotionClip) -> None:
    half = clip.sampled(torch.tensor([0.5 + 0.5 / 60], dtype=torch.float64)).rot_world_joint[0]
    before, after = clip.rot_world_joint[30], clip.rot_world_joint[31]
    whole = rotation.angle_between(before, after)
    assert torch.allclose(rotation.angle_between(before, half), whole / 2, atol=1e-9)
    assert torch.allclose(half @ half.transpose(-1, -2), torch.eye(3, dtype=torch.float64), atol=1e-9)


def test_samples_beyond_the_ends_hold_them(clip: MotionClip) -> None:
    beyond = clip.sampled(torch.tensor([-1.0, 9.0], dtype=torch.float64))
    assert torch.allclose(beyond.root, clip.root[[0, -1]])


def test_a_scaled_clip_has_scaled_positions_and_the_same_rotations(clip: MotionClip) -> None:
    large = clip.scaled(1.4)
    assert torch.allclose(large.positions, 1.4 * clip.positions)
    assert torch.equal(large.rot_world_joint, clip.rot_world_joint)


def test_on_another_body_the_rotations_are_kept_and_the_way_goes_with_the_legs(clip: MotionClip) -> None:
    other = clip.on_body(Skeleton.mean().with_groups({'legs': 1.2, 'arms': 0.7}))
    assert torch.equal(other.rot_world_joint, clip.rot_world_joint)
    assert torch.allclose(other.root, 1.2 * clip.root)
    assert torch.allclose(other.skeleton.lengths[18], 0.7 * clip.skeleton.lengths[18])


def test_there_and_back_never_jumps_not_even_from_its_end_to_its_beginning(clip):
    round_trip = clip.there_and_back()
    assert len(round_trip) == 2 * len(clip) - 2
    looped = torch.cat((round_trip.positions, round_trip.positions[:1]))
    step = looped.diff(dim=0).norm(dim=-1).max()
    torch.testing.assert_close(step, clip.positions.diff(dim=0).norm(dim=-1).max())
