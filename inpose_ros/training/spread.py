"""The prior's spread, measured on motion that it was not trained on (see diffusion.prior.Spread)."""

import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.diffusion.denoiser import Denoiser
from inpose_ros.diffusion.prior import MotionPrior, Spread
from inpose_ros.geometry import rotation
from inpose_ros.training import dropout
from inpose_ros.training.validation import HANDS
from inpose_ros.training.windows import WindowSource

LEVELS = (999, 700, 500, 300, 150, 50)
_RECENT = 4  # frames of each window that count: those that get published


@torch.no_grad()
def measure_spread(denoiser: Denoiser, source: WindowSource, count: int = 4096, seed: int = 0) -> Spread:
    """Correlation and scale of the errors at each of LEVELS, with head and hands worn, height and travel known in half.

    They are errors from added noise at every level, that at which the default rule ends too: measured there from what
    its first step leaves, the covariance is wider for the legs, and correcting with it moved them for the worse
    (validation: 3.92 cm in place of 3.78).
    """
    prior = MotionPrior(denoiser)
    generator = torch.Generator(prior.device).manual_seed(seed)
    rows = [_level(prior, source, step, count, generator) for step in LEVELS]
    return Spread(
        steps=torch.tensor(LEVELS, dtype=torch.float32),
        correlation=torch.stack([row[0] for row in rows]),
        scale=torch.stack([row[1] for row in rows]),
    )


def _level(
    prior: MotionPrior, source: WindowSource, step: int, count: int, generator: torch.Generator
) -> tuple[Float[Tensor, 'tangent tangent'], Float[Tensor, 'tangent']]:
    clips, newest = source.grid(count)
    errors = torch.cat([
        _standardised_errors(prior, source, step, clips[part], newest[part], generator)
        for part in torch.arange(count).split(256)
    ])  # fmt: skip
    scale = errors.square().mean(0).sqrt()
    unit = errors / scale.clamp(min=1e-6)
    correlation = unit.T @ unit / len(unit)
    measured = torch.zeros(22, dtype=torch.bool)
    measured[[smpl22.INDEX[name] for name in HANDS]] = True
    free = (~measured).repeat_interleave(3)
    both = free[:, None] & free
    return torch.where(both, correlation, torch.eye(len(free))), torch.where(free, scale, torch.ones_like(scale))


def _standardised_errors(
    prior: MotionPrior, source: WindowSource, step: int, clips: Tensor, newest: Tensor, generator: torch.Generator
) -> Float[Tensor, 'sample tangent']:
    """Tangent errors of the newest frames over the predicted standard deviations."""
    window = source.at(clips, newest)
    worn = torch.zeros(len(clips), 22, dtype=torch.bool)
    worn[:, [smpl22.INDEX[name] for name in HANDS]] = True
    half = torch.arange(len(clips)) % 2 == 0
    known = dropout.Known(height=half, travel=half, acceleration=torch.zeros_like(half))
    condition, heading = dropout.dress(window, worn, known, None)
    truth = rotation.about_z(-heading)[:, None, None] @ window.rot_world_joint
    clean = rotation.sixd_from_matrix(truth)
    noise = torch.randn(clean.shape, generator=generator)
    noisy = prior.schedule.noised(clean, torch.full((len(clips),), step), noise)
    prediction = prior.denoise(noisy, step, condition)
    estimate = rotation.matrix_from_6d(prediction.rotation)
    error = rotation.log(estimate.transpose(-1, -2) @ truth) / prediction.log_stddev.clamp(-5, 1).exp()
    return error[:, -_RECENT:].flatten(0, 1).flatten(-2)
