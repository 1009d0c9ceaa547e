"""What the paper's procedure costs: a network of the official size, and the likelihood as one dense matrix a window.

Weights are random: they take as long as trained ones. The matrices are those of the authors' published code: A over the
whole window, made once, and at each step A A' + (s^2 / w^2) I, its pseudo-inverse and the product of that with A; Sigma
is the identity and never written down. Our own form of the same formula is LocationLikelihood.guidance.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import kinematics, smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.condition import size_free_condition, travel
from inpose_ros.diffusion.denoiser import Condition, Denoiser, DenoiserConfig
from inpose_ros.diffusion.likelihood import LocationLikelihood
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.sampler import PaperRule

# 41 frames at 60 Hz, of which the paper advances 20 from one window to the next.
OFFICIAL = DenoiserConfig(frames=41, rate=60.0, width=384, layers=12, heads=6, expansion=4, patch=1)
ADVANCE = 20
_TRACKED = [smpl22.HEAD, *smpl22.WRISTS]


@dataclass(frozen=True)
class DenseLikelihood(LocationLikelihood):
    """A likelihood whose guidance is computed over all frames at once; every location has to be measured."""

    def guidance(
        self, matrices: Float[Tensor, '*batch joint 3 3'], variance: float, location_variance: float
    ) -> Float[Tensor, '*batch joint 3 3']:
        """As LocationLikelihood.guidance: A' (A A' + (location_variance / variance) I)^-1 (l - A D)."""
        dense = self.dense_map
        noise = location_variance / variance * torch.eye(len(dense), device=dense.device, dtype=dense.dtype)
        gain = torch.linalg.pinv(dense @ dense.T + noise) @ dense
        residual = self.pair_differences.flatten() - dense @ matrices.flatten()
        return (residual @ gain).reshape(matrices.shape)

    @cached_property
    def dense_map(self) -> Float[Tensor, 'row entry']:
        """A: from all entries of all matrices of the window to all differences; rows by frame, pair and axis."""
        first, second = self._pairs
        eye = torch.eye(3).to(self.chain)
        frame = torch.einsum('pjy,xz->pxjzy', self.chain[first] - self.chain[second], eye).flatten(2).flatten(0, 1)
        return torch.kron(torch.eye(self.location.shape[:-2].numel()).to(frame), frame)

    @cached_property
    def pair_differences(self) -> Float[Tensor, '*batch pair 3']:
        """Measured locations [m]: of every joint minus every later one."""
        first, second = self._pairs
        return self.location[..., first, :] - self.location[..., second, :]

    @property
    def _pairs(self) -> tuple[list[int], list[int]]:
        first, second = zip(*combinations(range(self.location.shape[-2]), 2))
        return list(first), list(second)


@dataclass(frozen=True)
class PaperCost:
    """Milliseconds for one window of the official network: as the authors wrote it, and in closed form."""

    dense_ms: float
    closed_form_ms: float
    parameters: int


def official_prior(device: torch.device, seed: int = 0) -> MotionPrior:
    """A network of the official size with random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        denoiser = Denoiser(OFFICIAL)
    return MotionPrior(denoiser.eval().requires_grad_(False), device=device)


def paper_cost(
    device: torch.device, skeleton: Skeleton, seed: int = 0, windows: int = 3, steps: int = 49,
    clock: Callable[[], float] = time.perf_counter,
) -> PaperCost:  # fmt: skip
    """Sample windows of somebody who stands in a T-pose by both forms; the medians.

    Args:
        steps: of the sampler; the paper takes 49.
        clock: a clock [s].
    """
    prior = official_prior(device, seed)
    condition, likelihood = standing(prior, skeleton)
    dense = DenseLikelihood(**vars(likelihood))
    _ = dense.dense_map, dense.pair_differences  # made once for all windows
    noise = prior.noise(torch.Generator().manual_seed(seed))
    stddev = torch.full((len(smpl22.JOINTS),), 0.01, device=device)
    PaperRule(count=2)(prior, noise, condition, dense, stddev)  # what the first call has to set up

    def milliseconds(form: LocationLikelihood) -> float:
        begin = clock()
        PaperRule(count=steps)(prior, noise, condition, form, stddev).rot_world_joint.cpu()
        return 1e3 * (clock() - begin)

    dense_ms, closed_ms = (
        float(np.median([milliseconds(form) for _ in range(windows)])) for form in (dense, likelihood)
    )
    return PaperCost(dense_ms, closed_ms, sum(part.numel() for part in prior.denoiser.parameters()))


def standing(prior: MotionPrior, skeleton: Skeleton) -> tuple[Condition, LocationLikelihood]:
    """What trackers on head and wrists say of a T-pose."""
    frames, joints = prior.frames, len(smpl22.JOINTS)
    rot = torch.eye(3).expand(1, frames, joints, 3, 3).to(prior.device)
    valid = torch.isin(torch.arange(joints), torch.tensor(_TRACKED)).expand(1, frames, joints).to(prior.device)
    bones = skeleton.bones.float().to(prior.device)
    place = kinematics.positions_from_bones(bones, rot) + torch.tensor([0.0, 0.0, 0.9]).to(bones)
    head, seen = place[..., smpl22.HEAD, :] / skeleton.standing_head_height, valid[..., smpl22.HEAD]
    none = torch.zeros_like(place), torch.zeros_like(valid)
    condition = size_free_condition(rot, valid, head[..., 2], seen, *travel(head, seen), seen[:, 0] & False, *none)
    likelihood = LocationLikelihood.of_joints(
        bones, _TRACKED, place[..., _TRACKED, :], valid[..., _TRACKED], torch.full((len(_TRACKED),), 0.01).to(bones)
    )
    return condition, likelihood
