"""What a network is trained for: all of a training step that is not optimisation.

The prior's own task is the default. The rivals of evaluation bring theirs, so that one loop with one loss trains all.
"""

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from inpose_ros.diffusion.denoiser import Condition, Denoiser
from inpose_ros.diffusion.likelihood import LocationLikelihood
from inpose_ros.diffusion.prior import MotionPrior, Spread
from inpose_ros.diffusion.schedule import NoiseSchedule
from inpose_ros.geometry import rotation
from inpose_ros.training import dropout, self_conditioning, validation
from inpose_ros.training.caution import measure_caution
from inpose_ros.training.spread import measure_spread
from inpose_ros.training.windows import Motion, MotionWindow, WindowSource

_PURE_NOISE_SHARE = 0.5  # of the windows start from pure noise: few-step samplers stand on that step,
_REFINED_SHARE = 0.35  # and of those from what its first step leaves; the others serve samplers of many steps


@dataclass(frozen=True)
class Example:
    """A training batch on its device: what the network is given, and the motion that it shall find."""

    window: MotionWindow
    condition: Condition
    heading: Float[Tensor, 'batch']
    noisy: Float[Tensor, 'batch frame joint 6']
    steps: Int[Tensor, 'batch']


@runtime_checkable
class Task(Protocol):
    """What to train a Denoiser for; `name` keeps a run from being resumed with another task."""

    name: str

    def bodies(self, motion: Motion) -> Motion:
        """The clips on the bodies that the network shall see."""

    def example(self, window: MotionWindow, prior: MotionPrior, generator: torch.Generator) -> Example:
        """Measure and noise a batch of windows; `prior` is the average of the weights so far."""

    def validate(self, denoiser: Denoiser, source: WindowSource, spread: Spread | None) -> dict[str, float]:
        """Scores on motion that it was not trained on, always the same ones; those in [cm] end in `_cm`."""

    def finish(self, denoiser: Denoiser, source: WindowSource) -> dict[str, Float[Tensor, '...']]:
        """What is measured of the trained network on that motion, and stored beside its weights."""


@dataclass(frozen=True)
class PriorTask:
    """MotionPrior's: free of body size, on everybody's own bones."""

    name: str = 'prior'

    def bodies(self, motion: Motion) -> Motion:
        return motion

    def example(self, window: MotionWindow, prior: MotionPrior, generator: torch.Generator) -> Example:
        condition, heading = dropout.draw_condition(window, generator)
        noisy, steps, refined = noised(prior.schedule, window, heading, generator)
        likelihood = self_conditioning.draw_likelihood(window, condition, heading, generator)
        example = Example(window, condition, heading, noisy, steps)
        return with_first_step(example, refined, likelihood, prior)

    def validate(self, denoiser: Denoiser, source: WindowSource, spread: Spread | None) -> dict[str, float]:
        return validation.validate(denoiser, source, spread)

    def finish(self, denoiser: Denoiser, source: WindowSource) -> dict[str, Float[Tensor, '...']]:
        spread = measure_spread(denoiser, source)
        return replace(spread, caution=measure_caution(MotionPrior(denoiser, spread), source)).tensors()


def noised(
    schedule: NoiseSchedule, window: MotionWindow, heading: Float[Tensor, 'batch'], generator: torch.Generator
) -> tuple[Float[Tensor, 'batch frame joint 6'], Int[Tensor, 'batch'], Bool[Tensor, 'batch']]:
    """x_t, its step, and which windows are to have what the sampler's first step leaves in its place."""
    clean = rotation.sixd_from_matrix(rotation.about_z(-heading)[:, None, None] @ window.rot_world_joint)
    draw = torch.rand(2, len(clean), generator=generator)
    steps = (draw[0] * len(schedule)).long()
    steps = torch.where(draw[1] < _PURE_NOISE_SHARE, torch.full_like(steps, schedule.last), steps)
    noise = torch.randn(clean.shape, generator=generator)
    refined = (draw[1] >= _PURE_NOISE_SHARE) & (draw[1] < _PURE_NOISE_SHARE + _REFINED_SHARE)
    return schedule.noised(clean, steps, noise), steps, refined


def with_first_step(
    example: Example, refined: Bool[Tensor, 'batch'], likelihood: LocationLikelihood | None, prior: MotionPrior
) -> Example:
    """The example on the prior's device, where `refined` from what the sampler's first step leaves."""
    window, condition, heading, noisy, likelihood = _to(
        prior.device, example.window, example.condition, example.heading, example.noisy, likelihood
    )
    steps, rows = example.steps, refined.nonzero()[:, 0].to(prior.device)
    if len(rows):
        given, step = self_conditioning.last_input(prior, rows_of(condition, rows), rows_of(likelihood, rows))
        noisy, steps = noisy.index_copy(0, rows, given), torch.where(refined, step, steps)
    return Example(window, condition, heading, noisy, steps)


def _to(device: torch.device, *values: object) -> tuple:
    """Move tensors and dataclasses of tensors."""

    def move(value: object) -> object:
        if isinstance(value, Tensor):
            return value.to(device)
        if isinstance(value, (MotionWindow, Condition, LocationLikelihood)):
            return type(value)(**{name: move(part) for name, part in vars(value).items()})
        return value

    return tuple(move(value) for value in values)


def rows_of(
    value: Condition | LocationLikelihood | None, rows: Int[Tensor, 'row']
) -> Condition | LocationLikelihood | None:
    """Some windows of a batch."""
    if value is None:
        return None
    return type(value)(**{name: part if part is None else part[rows] for name, part in vars(value).items()})
