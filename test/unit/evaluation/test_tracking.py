"""Scores of a track: its timing, and beside its errors the best that a constant pose could do."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from inpose_ros.body import kinematics, smpl22
from inpose_ros.evaluation import tracking
from inpose_ros.evaluation.tracking import Track
from inpose_ros.geometry import rotation
from inpose_ros.motion.clip import MotionClip
from inpose_ros.motion.procedural import procedural_clip, random_skeleton

BODY = random_skeleton(2)


@pytest.fixture(scope='module')
def truth() -> MotionClip:
    return procedural_clip(1, 6.0, BODY, 20.0)


def track_of(clip: MotionClip, stamp_ns: np.ndarray) -> Track:
    return Track(stamp_ns, stamp_ns + 10_000_000, clip.rot_world_joint.double(), clip.positions.double())


def stamps(clip: MotionClip, start_ns: int = 0) -> np.ndarray:
    return start_ns + np.round(np.arange(len(clip)) / clip.fps * 1e9).astype(np.int64)


def test_timing_is_that_of_the_stamps() -> None:
    stamp_ns = np.arange(31, dtype=np.int64) * 33_000_000
    late = np.where(np.arange(31) % 10 == 9, 40_000_000, 5_000_000)
    body = torch.zeros(31, 22, 3)
    timing = Track(stamp_ns, stamp_ns + late, torch.eye(3).expand(31, 22, 3, 3), body).timing()
    assert timing == pytest.approx({
        'poses': 31, 'rate_hz': 30 / 0.99, 'latency_p50_ms': 5.0, 'latency_p95_ms': 40.0, 'seconds': 0.99,
    })  # fmt: skip


def test_a_track_from_a_stamp_on_is_its_later_poses(truth: MotionClip) -> None:
    track = track_of(truth, stamps(truth, 5))
    later = track.since(int(track.stamp_ns[20]))
    assert len(later) == len(track) - 20
    assert later.stamp_ns[0] == track.stamp_ns[20] and later.received_ns[0] == track.received_ns[20]
    assert torch.equal(later.position, track.position[20:])
    assert torch.equal(later.rot_world_joint, track.rot_world_joint[20:])


def test_the_truth_is_the_clip_at_the_stamps(truth: MotionClip) -> None:
    start_ns = 1_700_000_000_000_000_000
    at = tracking.truth_at(truth, stamps(truth, start_ns)[3:40:4], start_ns)
    assert torch.allclose(at.positions, truth.positions[3:40:4], atol=1e-6)


def test_a_track_of_the_truth_has_no_error_whatever_its_place(truth: MotionClip) -> None:
    track = track_of(truth, stamps(truth))
    there = replace(track, position=track.position + 2.0)
    assert tracking.position_scores(there, truth)['mpjpe_cm'] < 1e-6
    assert tracking.position_scores(there, truth)['location_residual_cm'] < 1e-6
    assert tracking.rotation_scores(track, truth)['mpjre_deg'] < 1e-3


def test_a_moving_person_is_no_constant_pose(truth: MotionClip) -> None:
    track = track_of(truth, stamps(truth))
    assert tracking.position_scores(track, truth)['constant_pose_mpjpe_cm'] > 2
    assert tracking.rotation_scores(track, truth)['constant_pose_mpjre_deg'] > 2


def test_a_wrist_off_is_the_residual_and_its_share_of_the_error(truth: MotionClip) -> None:
    track = track_of(truth, stamps(truth))
    off = torch.zeros(22, 3, dtype=torch.float64)
    off[smpl22.WRISTS[0], 1] = 0.11
    scores = tracking.position_scores(replace(track, position=track.position + off), truth)
    assert scores['location_residual_cm'] == pytest.approx(5.5)
    assert scores['mpjpe_cm'] == pytest.approx(0.5)


def test_rotation_errors_are_angles_of_the_joints(truth: MotionClip) -> None:
    local = kinematics.local_rotations(truth.rot_world_joint.double())
    bent = local.clone()
    bent[:, 4] = local[:, 4] @ rotation.exp(torch.tensor([0.0, 0.2, 0.0], dtype=torch.float64))
    track = replace(track_of(truth, stamps(truth)), rot_world_joint=kinematics.global_rotations(bent))
    errors = tracking.rotation_errors(track, truth).mean(0)
    expected = torch.zeros(21, dtype=torch.float64)
    expected[3] = np.degrees(0.2)
    assert torch.allclose(errors, expected, atol=1e-3)


def places_around_the_head(clip: MotionClip, turned_back: bool) -> torch.Tensor:
    """Places of the joints relative to the head, in the world's axes or in those of the head's heading."""
    relative = (clip.positions - clip.positions[:, [smpl22.HEAD]]).double()
    turn = rotation.about_z(-rotation.heading(clip.rot_world_joint[:, smpl22.HEAD].double()))
    return torch.stack([place @ back.T if turned_back else place for place, back in zip(relative, turn, strict=True)])


@pytest.mark.parametrize(
    ('errors', 'turned_back'), [(tracking.constant_pose_errors, False), (tracking.constant_posture_errors, True)]
)
def test_the_best_constant_pose_is_better_than_any_other(
    truth: MotionClip, errors: Callable, turned_back: bool
) -> None:
    best, places = errors(truth).mean(0), places_around_the_head(truth, turned_back)
    generator = torch.Generator().manual_seed(0)
    others = [places.mean(0), places.median(0).values, *places[torch.randint(len(places), (20,), generator=generator)]]
    others += [places.mean(0) + 0.02 * torch.randn(22, 3, generator=generator) for _ in range(20)]
    for other in others:
        assert (best <= 100 * (places - other).norm(dim=-1).mean(0) + 1e-3).all()


def test_a_statue_that_is_carried_about_is_a_constant_pose(truth: MotionClip) -> None:
    statue = replace(truth, rot_world_joint=truth.rot_world_joint[40].expand(len(truth), -1, -1, -1))
    assert tracking.constant_pose_errors(statue).max() < 1e-3
    assert tracking.constant_posture_errors(statue).max() < 1e-3


def test_a_statue_that_turns_as_well_is_a_constant_posture_and_no_constant_pose(truth: MotionClip) -> None:
    angle = torch.linspace(0, 5, len(truth), dtype=truth.root.dtype)
    statue = replace(truth, rot_world_joint=rotation.about_z(angle)[:, None] @ truth.rot_world_joint[40])
    assert tracking.constant_posture_errors(statue).max() < 1e-3
    assert tracking.constant_pose_errors(statue).mean() > 2
    assert tracking.rotation_scores(track_of(statue, stamps(statue)), statue)['constant_pose_mpjre_deg'] < 0.01


def test_the_median_rotation_has_the_least_mean_angle() -> None:
    generator = torch.Generator().manual_seed(0)
    rot = rotation.exp(0.5 * torch.randn(40, 3, 3, generator=generator, dtype=torch.float64))
    median = tracking.median_rotation(rot)
    least = rotation.angle_between(median.expand_as(rot), rot).mean(0)
    for size in (0.01, 0.1, 1.0):
        for _ in range(10):
            away = median @ rotation.exp(size * torch.randn(3, 3, generator=generator, dtype=torch.float64))
            assert (least <= rotation.angle_between(away.expand_as(rot), rot).mean(0) + 1e-9).all()
    mean = rotation.mean_rotation(rot)
    assert (least <= rotation.angle_between(mean.expand_as(rot), rot).mean(0)).all()


def test_the_median_rotation_does_not_heed_a_few_outliers() -> None:
    stay, far = torch.tensor([0.0, 0.0, 0.3]), torch.tensor([1.5, 0.0, 0.0])
    rot = rotation.exp(torch.stack([stay] * 9 + [far] * 2).double())
    assert rotation.angle_between(tracking.median_rotation(rot), rotation.exp(stay.double())) < 1e-3
