"""What is kept of each frame: the mean of the joints' errors is the mean error, and claims meet what came true."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inpose_ros.body import smpl22
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.sampler import InPoseRule
from inpose_ros.evaluation import detail
from inpose_ros.evaluation.detail import ClipDetail
from inpose_ros.evaluation.evaluate import evaluate
from inpose_ros.motion.procedural import procedural_clip, random_skeleton
from inpose_ros.tools.report_pages import gallery

from ..training.examples import small_denoiser
from .test_evaluate import Cheating, scene

CLIP = procedural_clip(0, 3.0, random_skeleton(0), 10.0)


def made_up(off: float, frames: int, claimed: float | None = None, seed: int = 0) -> ClipDetail:
    """Normal errors of a standard deviation [m] along each axis, with what is claimed of it."""
    error = off * torch.randn(frames, 22, 3, generator=torch.Generator().manual_seed(seed))
    covariance = None if claimed is None else claimed**2 * torch.eye(3).expand(frames, 22, 3, 3)
    return ClipDetail(replace(CLIP, name=f'{off}'), torch.arange(frames) % len(CLIP), smpl22.HEAD, error, covariance)


def test_the_mean_over_joints_is_the_mean_error_and_the_aligned_joint_has_none(packed: Path) -> None:
    prior, given, details = MotionPrior(small_denoiser()), scene(packed, frames=12, bones='mean'), []
    scores = evaluate(given, Cheating(InPoseRule(), True, True, True), prior, 0, on_clip=details.append)
    joints = detail.joint_errors(details)
    assert list(joints) == list(smpl22.JOINTS) and joints['head'] == 0
    assert sum(joints.values()) / len(joints) == pytest.approx(scores['mpjpe_cm'], rel=1e-4)
    assert sum(len(part.frames) for part in details) == 12


def test_an_honest_claim_is_observed_and_a_boast_is_seen_at_every_level() -> None:
    honest, boast = (detail.calibration([made_up(0.05, 2000, claimed)]) for claimed in (0.05, 0.025))
    assert honest['all'] == pytest.approx(honest['claimed'], abs=0.02)
    assert honest['lower'] == pytest.approx(honest['claimed'], abs=0.02)
    assert all(observed < claimed - 0.05 for observed, claimed in zip(boast['all'], boast['claimed'], strict=True))


def test_who_claims_nothing_has_no_calibration() -> None:
    assert detail.calibration([made_up(0.05, 10)]) is None


def test_the_gallery_shows_extremes_and_middle_of_the_clips_that_can_be_drawn() -> None:
    details = [made_up(off, frames) for off, frames in ((0.3, 9), (0.1, 8), (0.2, 6), (0.9, 2), (0.01, 5))]
    assert {name: part.clip.name for name, part in gallery.chosen(details).items()} == {
        'best': '0.1', 'median': '0.2', 'worst': '0.3',
    }  # fmt: skip


def test_clips_of_few_frames_are_shown_where_there_are_no_better() -> None:
    details = [made_up(off, frames) for off, frames in ((0.3, 3), (0.1, 2), (0.2, 2), (0.9, 1))]
    assert [part.clip.name for part in gallery.chosen(details).values()] == ['0.1', '0.2', '0.3']


@pytest.mark.parametrize('frames', [1, 3, 12])
def test_a_gallery_becomes_a_picture(tmp_path: Path, frames: int) -> None:
    path = tmp_path / 'new' / 'gallery.png'
    gallery.draw(path, 'inpose', [made_up(0.05, frames)])
    assert path.read_bytes().startswith(b'\x89PNG')
