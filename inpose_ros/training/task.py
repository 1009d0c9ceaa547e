"""What a network is trained for: all of a training step that is not optimisation.

The prior's own task is the default. The rivals of evaluation bring theirs, so that one loop with one loss trains all.
"""

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from inpose_ros.diffusion.denoiser import Denoiser
from inpose_ros.diffusion.likelihood import LocationLikelihood
from inpose_ros.diffusion.prior import MotionPrior, Spread
from inpose_ros.diffusion.schedule import NoiseSchedule
from inpose_ros.geometry import rotation
from inpose_ros.training import dropout, refinement, validation
from inpose_ros.training.caution import measure_caution
from inpose_ros.training.example import Example, joined, moved, rows_of
from inpose_ros.training.spread import measure_spread
from inpose_ros.training.streams import Streams
from inpose_ros.training.windows import Motion, MotionWindow, WindowSource

_STREAM_SHARE = 0.375  # of what the prior learns from are frames of streams; of the windows by themselves
_PURE_NOISE_SHARE = 0.5  # start from pure noise: few-step samplers stand on that step,
_REFINED_SHARE = 0.35  # and these from what its first step leaves; the others serve samplers of many steps


@runtime_checkable
class Task(Protocol):
    """What to train a Denoiser for; `name` keeps a run from being resumed with another task."""

    name: str

    def bodies(self, motion: Motion) -> Motion:
        """The clips on the bodies that the network shall see."""

    def example(self, source: WindowSource, count: int, prior: MotionPrior, generator: torch.Generator) -> Example:
        """A batch of so many windows, measured and noised; `prior` is the average of the weights so far."""

    def restart(self) -> None:
        """Forget what examples carry on: called at each checkpoint, so that a run can go on from there."""

    def validate(self, denoiser: Denoiser, source: WindowSource, spread: Spread | None) -> dict[str, float]:
        """Scores on motion that it was not trained on, always the same ones; those in [cm] end in `_cm`."""

    def finish(self, denoiser: Denoiser, source: WindowSource) -> dict[str, Float[Tensor, '...']]:
        """What is measured of the trained network on that motion, and stored beside its weights."""


@dataclass
class PriorTask:
    """MotionPrior's: free of body size, on everybody's own bones."""

    name: str = 'prior'
    streams: Streams | None = None

    def bodies(self, motion: Motion) -> Motion:
        return motion

    def example(self, source: WindowSource, count: int, prior: MotionPrior, generator: torch.Generator) -> Example:
        """Windows by themselves, and frames of streams."""
        followed = round(_STREAM_SHARE * count)
        self.streams = self.streams or Streams(source, followed)
        window = source.random(count - followed, generator)
        condition, heading = dropout.draw_condition(window, generator)
        noisy, steps, refined = noised(prior.schedule, window, heading, generator)
        likelihood = refinement.draw_likelihood(window, condition, heading, generator)
        alone = with_first_step(Example(window, condition, heading, noisy, steps), refined, likelihood, prior)
        return joined([alone, self.streams.next(prior, generator)])

    def restart(self) -> None:
        self.streams = None

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
    example, likelihood = moved(example, prior.device), moved(likelihood, prior.device)
    rows = refined.nonzero()[:, 0].to(prior.device)
    if not len(rows):
        return example
    given, step = refinement.last_input(prior, rows_of(example.condition, rows), rows_of(likelihood, rows))
    steps = example.steps.index_fill(0, rows, step)
    return replace(example, noisy=example.noisy.index_copy(0, rows, given), steps=steps)
