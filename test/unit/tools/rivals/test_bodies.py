"""Re-posing keeps rotations and makes the bodies that were asked for."""

from pathlib import Path

import pytest
import torch

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.motion.packed import PackedMotion
from inpose_ros.tools.rivals import bodies
from inpose_ros.training.windows import WindowSource

from ...training.examples import FRAMES, RATE, source


def test_everybody_has_the_mean_body_and_moves_as_before(packed: Path) -> None:
    motion = PackedMotion(packed, 'train')
    reposed = bodies.OnMeanBody(motion)
    assert reposed.rows == motion.rows
    for clip, other in zip(motion, reposed, strict=True):
        assert torch.equal(other.skeleton.bones, Skeleton.mean().bones)
        assert torch.equal(other.rot_world_joint, clip.rot_world_joint)


def test_all_windows_of_the_mean_body_have_its_bones(packed: Path) -> None:
    drawn = WindowSource(bodies.OnMeanBody(PackedMotion(packed, 'train')), FRAMES, RATE).random(
        16, torch.Generator().manual_seed(0)
    )
    lengths = Skeleton.mean().lengths.float()
    assert torch.allclose(drawn.bones.norm(dim=-1), lengths.expand(16, -1), atol=1e-5)


def test_sizes_and_proportions_are_spread_over_their_ranges() -> None:
    factors = bodies.random_factors(4000, torch.Generator().manual_seed(0))
    least, most = bodies.SIZES
    assert factors.min() > least / bodies.PROPORTION - 1e-4 and factors.max() < most * bodies.PROPORTION + 1e-4
    assert factors.min() < 1.1 * least / bodies.PROPORTION and factors.max() > 0.9 * most * bodies.PROPORTION
    size = factors[:, smpl22.PELVIS]  # in no group
    assert float(size.mean()) == pytest.approx(1.0, abs=0.02)
    arms, legs = (factors[:, smpl22.INDEX[name]] / size for name in ('left_wrist', 'left_knee'))
    assert abs(float(torch.corrcoef(torch.stack((arms, legs)))[0, 1])) < 0.05


def test_left_and_right_are_of_one_length() -> None:
    factors = bodies.random_factors(10, torch.Generator().manual_seed(0))
    assert torch.equal(factors, factors[:, list(smpl22.MIRROR)])


def test_a_window_on_factors_is_the_clip_on_that_body(packed: Path) -> None:
    """With one person's frames as they are, it is what MotionClip.on_body does."""
    clip = PackedMotion(packed, 'train').clip(0)
    body = clip.skeleton.with_groups({'arms': 1.3, 'legs': 0.8})
    factors = torch.where(clip.skeleton.lengths > 0, body.lengths / clip.skeleton.lengths, 1.0).float()
    place = (torch.tensor([0]), torch.tensor([60.0]))
    window = bodies.with_factors(source(packed).at(*place), factors[None])
    frames = 60 - 2 * torch.arange(FRAMES - 1, -1, -1)
    assert torch.allclose(window.positions[0], clip.on_body(body).positions.float()[frames], atol=1e-4)
    assert torch.allclose(window.rot_world_joint[0], clip.rot_world_joint[frames], atol=1e-5)
