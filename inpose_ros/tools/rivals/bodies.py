"""The bodies that rivals are trained on: everybody's motion on the mean skeleton, or on bodies of any size."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.motion.clip import MotionClip
from inpose_ros.training.windows import Motion, MotionWindow

SIZES = (0.6, 1.4)
PROPORTION = 1.25  # a group of bones is longer or shorter than the body's size says by this factor at most
GROUPS = ('arms', 'torso', 'legs', 'shoulders', 'hips', 'head')
_LEGS = [4, 5, 7, 8]  # the bones by whose length MotionClip.on_body scales the root's way


class OnMeanBody:
    """The same clips, re-posed on the mean skeleton: rotations kept, the root's way scaled with the legs."""

    def __init__(self, motion: Motion) -> None:
        self._motion, self.rows = motion, motion.rows

    def __iter__(self) -> Iterator[MotionClip]:
        return (clip.on_body(Skeleton.mean()) for clip in self._motion)


def random_factors(count: int, generator: torch.Generator) -> Float[Tensor, 'batch joint']:
    """How much longer each bone is, for `count` bodies: a size, uniform in SIZES, times the proportion of its group."""
    low, high = SIZES
    size = low + (high - low) * torch.rand(count, 1, generator=generator)
    proportion = PROPORTION ** (2 * torch.rand(count, len(GROUPS), generator=generator) - 1)
    factors = size.repeat(1, len(smpl22.JOINTS))
    for group, factor in zip(GROUPS, proportion.unbind(1)):
        joints = [smpl22.INDEX[name] for name in smpl22.BONE_GROUPS[group]]
        factors[:, joints] *= factor[:, None]
    return factors


def with_factors(window: MotionWindow, factors: Float[Tensor, 'batch joint']) -> MotionWindow:
    """The same rotations on bones that are so much longer; the root's way is scaled by the ratio of leg lengths.

    Lengths only, so it holds in whatever axes the joints and bones of a window are described.
    """
    bones = window.bones * factors[..., None]
    ratio = bones[:, _LEGS].norm(dim=-1).sum(-1) / window.bones[:, _LEGS].norm(dim=-1).sum(-1)
    return replace(window, bones=bones, root=window.root * ratio[:, None, None])
