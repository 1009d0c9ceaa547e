"""Two ways to draw a window of rotations from prior and likelihood, behind one interface.

`PaperRule` is the procedure of InPose (arXiv 2510.02043), on our prior: many steps, and the likelihood's gradient
back-propagated through the network. `InPoseRule` is ours: few steps, no back-propagation, and the likelihood as
a Kalman-like correction of each denoised estimate on SO(3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.diffusion.denoiser import Condition, Prediction
from inpose_ros.diffusion.likelihood import ITERATIONS, LocationLikelihood
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.geometry import rotation

_NEWEST = slice(-1, None)  # a covariance is wanted of the newest frame alone


@dataclass(frozen=True)
class Sample:
    """A window drawn from the posterior, heading-free, with the covariance of its newest frame's tangent [rad^2]."""

    rot_world_joint: Float[Tensor, 'batch frame joint 3 3']
    covariance: Float[Tensor, 'batch tangent tangent']
    prediction: Prediction


@runtime_checkable
class SamplingRule(Protocol):
    """Noise, condition and likelihood (None: no locations) in, a window of rotations out."""

    def __call__(
        self, prior: MotionPrior, noise: Float[Tensor, 'batch frame joint 6'], condition: Condition,
        likelihood: LocationLikelihood | None, measured_stddev: Float[Tensor, 'joint'],
    ) -> Sample: ...  # fmt: skip


@dataclass(frozen=True)
class InPoseRule:
    """Deterministic DDIM (Song et al., 2021) over few steps, each denoised estimate corrected on SO(3).

    Before the last step the whole window is corrected (roughly: `early_iterations`), and its noise level lowered
    around the corrected estimate; the last step corrects the newest frame, which is the one that is published, and
    there puts the feet that stand on the floor.

    `temperature` scales the noise that it starts from: 1 draws a sample of the posterior, 0 (the default) starts from
    the noise's mean, which estimates the pose better and does not depend on the seed.
    """

    steps: Sequence[int] = (999, 300)
    iterations: int = ITERATIONS
    early_iterations: int = 1
    temperature: float = 0.0

    @torch.no_grad()
    def __call__(
        self, prior: MotionPrior, noise: Float[Tensor, 'batch frame joint 6'], condition: Condition,
        likelihood: LocationLikelihood | None, measured_stddev: Float[Tensor, 'joint'],
    ) -> Sample:  # fmt: skip
        noisy = self.on_the_way(prior, noise, condition, likelihood, measured_stddev)
        return self._last(
            prior, prior.denoise(noisy, self.steps[-1], condition), condition, likelihood, measured_stddev
        )

    @torch.no_grad()
    def on_the_way(
        self, prior: MotionPrior, noise: Float[Tensor, 'batch frame joint 6'], condition: Condition,
        likelihood: LocationLikelihood | None, measured_stddev: Float[Tensor, 'joint'],
    ) -> Float[Tensor, 'batch frame joint 6']:  # fmt: skip
        """What the denoiser is given in the last step; it is trained on this too."""
        noisy = self.temperature * noise
        for step, following in zip(self.steps, self.steps[1:]):
            prediction = prior.denoise(noisy, step, condition)
            rot = prior.rotations(prediction, condition)
            if likelihood is not None:
                covariance = prior.covariance(prediction, condition, step, measured_stddev)
                rot, _ = likelihood.correct(rot, covariance, self.early_iterations)
            clean = rotation.sixd_from_matrix(rot)
            alpha_bar = float(prior.schedule.alpha_bar[following])
            noisy = alpha_bar**0.5 * clean + (1 - alpha_bar) ** 0.5 * prior.schedule.noise_in(noisy, clean, step)
        return noisy

    def _last(
        self, prior: MotionPrior, prediction: Prediction, condition: Condition, likelihood: LocationLikelihood | None,
        measured_stddev: Float[Tensor, 'joint'],
    ) -> Sample:  # fmt: skip
        rot = prior.rotations(prediction, condition)
        covariance = prior.covariance(
            prediction.frames(_NEWEST), condition.frames(_NEWEST), self.steps[-1], measured_stddev
        )
        if likelihood is not None:
            contact = prediction.contact[:, -1:].sigmoid()
            likelihood = likelihood.newest().with_feet(rot[:, -1:], contact)
            newest, covariance = likelihood.correct(rot[:, -1:], covariance, self.iterations)
            rot = torch.cat((rot[:, :-1], newest), 1)
        return Sample(rot, covariance[:, -1], prediction)


@dataclass(frozen=True)
class PaperRule:
    """Pi-GDM as the paper runs it: posterior means without noise, `x <- mean + 5 sqrt(abar) w^2 grad log p(l | x)`.

    w^2 = 1 - abar and Sigma = I; the gradient goes through the raw map D and through the network.
    """

    count: int = 49
    location_variance: float = 0.1
    strength: float = 5.0

    @torch.no_grad()
    def __call__(
        self, prior: MotionPrior, noise: Float[Tensor, 'batch frame joint 6'], condition: Condition,
        likelihood: LocationLikelihood | None, measured_stddev: Float[Tensor, 'joint'],
    ) -> Sample:  # fmt: skip
        steps = prior.schedule.respaced(self.count)
        noisy = noise
        for step, following in zip(steps, [*steps[1:], None]):
            alpha_bar = float(prior.schedule.alpha_bar[step])
            before = 1.0 if following is None else float(prior.schedule.alpha_bar[following])
            prediction, clean, pull = self._denoise(prior, noisy, step, condition, likelihood)
            ratio = alpha_bar / before
            mean = (before**0.5 * (1 - ratio) * clean + ratio**0.5 * (1 - before) * noisy) / (1 - alpha_bar)
            noisy = mean + self.strength * alpha_bar**0.5 * pull
        covariance = prior.covariance(prediction.frames(_NEWEST), condition.frames(_NEWEST), 0, measured_stddev)[:, -1]
        return Sample(rotation.matrix_from_6d(noisy), covariance, prediction)

    def _denoise(
        self, prior: MotionPrior, noisy: Float[Tensor, 'batch frame joint 6'], step: int, condition: Condition,
        likelihood: LocationLikelihood | None,
    ) -> tuple[Prediction, Float[Tensor, '...'], Float[Tensor, '...'] | float]:  # fmt: skip
        """The clean estimate, clamped to +-1, and w^2 times the likelihood's gradient with respect to x_t."""
        if likelihood is None:
            prediction = prior.denoise(noisy, step, condition)
            return prediction, prediction.rotation.clamp(-1, 1), 0.0
        with torch.enable_grad():
            noisy = noisy.detach().requires_grad_()
            prediction = prior.denoise(noisy, step, condition)
            clean = prediction.rotation.clamp(-1, 1)
            matrices = rotation.matrix_from_6d_raw(clean)
            variance = 1 - float(prior.schedule.alpha_bar[step])
            pull = likelihood.guidance(matrices.detach(), variance, self.location_variance)
            (gradient,) = torch.autograd.grad((matrices * pull).sum(), noisy)
        parts = {name: part.detach() for name, part in vars(prediction).items()}
        return Prediction(**parts), clean.detach(), gradient
