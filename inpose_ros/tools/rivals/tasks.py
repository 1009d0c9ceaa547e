"""What the networks of the rivals are trained for: the prior's architecture, loss and sensors, another view."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.diffusion.denoiser import Condition, Denoiser
from inpose_ros.diffusion.prior import MotionPrior, Spread
from inpose_ros.diffusion.sampler import InPoseRule
from inpose_ros.geometry import rotation
from inpose_ros.tools.rivals import bodies, condition, residuals
from inpose_ros.training import dropout, self_conditioning, task, validation
from inpose_ros.training.task import Example
from inpose_ros.training.windows import Motion, MotionWindow, WindowSource

_MEASURED_STDDEV = torch.zeros(len(smpl22.JOINTS))  # InPoseRule asks, for a likelihood that rivals have not
_UPPER = list(smpl22.UPPER)
_RESIDUAL_WINDOWS = 4096


@dataclass(frozen=True)
class RivalTask:
    """One rival's network.

    Without `sees_locations` its condition is the prior's own, with the head's height over the person's. A `regression`
    goes from the condition to the pose in one pass instead of denoising. `any_body` varies the body from window to
    window, where the others are trained on the mean skeleton alone. `keeps_residuals`: their covariance is measured
    in the end.
    """

    name: str
    sees_locations: bool = True
    regression: bool = False
    any_body: bool = False
    keeps_residuals: bool = False

    def bodies(self, motion: Motion) -> Motion:
        """Everybody's own bones, which `example` then varies, or the mean skeleton's."""
        return motion if self.any_body else bodies.OnMeanBody(motion)

    def example(self, window: MotionWindow, prior: MotionPrior, generator: torch.Generator) -> Example:
        """As the prior's own, with locations without noise in the condition and no likelihood."""
        if self.any_body:
            window = bodies.with_factors(window, bodies.random_factors(len(window.root), generator))
        given, heading = dropout.draw_condition(window, generator)
        share = torch.where(window.zeroed, self_conditioning.ZEROED_SHARE, self_conditioning.SHARE)
        located = torch.rand(len(share), generator=generator) < share
        given = self.view(given, window, heading, located)
        if self.regression:
            noisy, step = regression_input(given)
            refined = torch.zeros_like(located)
            example = Example(window, given, heading, noisy, torch.full((len(heading),), step))
        else:
            noisy, steps, refined = task.noised(prior.schedule, window, heading, generator)
            example = Example(window, given, heading, noisy, steps)
        return task.with_first_step(example, refined, None, prior)

    def view(
        self, given: Condition, window: MotionWindow, heading: Float[Tensor, 'batch'], located: Bool[Tensor, 'batch']
    ) -> Condition:
        """What the network sees of a window that was dressed as for the prior, where trackers locate what is worn."""
        if not self.sees_locations:
            return given
        trackers = torch.isin(torch.arange(len(smpl22.JOINTS)), torch.tensor(self_conditioning.LOCATED))
        valid = given.rotation_mask & trackers & located[:, None, None]
        location = (rotation.about_z(-heading)[:, None, None] @ window.positions[..., None])[..., 0]
        given = condition.with_locations(
            condition.in_metres(given, dropout.standing_height(window.bones)), location, valid
        )
        return replace(given, height_mask=given.height_mask | valid[..., smpl22.HEAD])

    def estimates(self, prior: MotionPrior, given: Condition) -> dict[str, Float[Tensor, 'batch frame joint 3 3']]:
        """Heading-free rotations by each way to use the network."""
        if self.regression:
            return {'one_pass': regressed(prior, given)}
        return {name: sampled(prior, given, steps) for name, steps in STEPS.items()}

    @torch.no_grad()
    def validate(
        self, denoiser: Denoiser, source: WindowSource, spread: Spread | None, count: int = 768
    ) -> dict[str, float]:
        """Mean error [cm], all joints and upper body, at the newest frame with head and wrists tracked."""
        denoiser.eval()
        prior = MotionPrior(denoiser)
        window, given, heading = self.tracked(source.at(*source.grid(count)))
        truth = rotation.about_z(-heading)[:, None] @ window.rot_world_joint[:, -1]
        scores = {}
        for name, rot in self.estimates(prior, given).items():
            error = validation.position_error(rot[:, -1], truth, window)
            scores |= {f'{name}_cm': float(error.mean()), f'{name}_upper_cm': float(error[:, _UPPER].mean())}
        return scores

    def tracked(self, window: MotionWindow) -> tuple[MotionWindow, Condition, Float[Tensor, 'batch']]:
        """Perfect trackers on head and wrists: the window, what is seen of it, and the heading that was taken off."""
        count = len(window.root)
        worn = torch.zeros(count, len(smpl22.JOINTS), dtype=torch.bool)
        worn[:, [smpl22.INDEX[name] for name in validation.HANDS]] = True
        given, heading = dropout.dress(window, worn, dropout.Known.constant(count, height=True, travel=True), None)
        return window, self.view(given, window, heading, torch.ones(count, dtype=torch.bool)), heading

    @torch.no_grad()
    def finish(self, denoiser: Denoiser, source: WindowSource) -> dict[str, Float[Tensor, '...']]:
        """The residuals' covariance as a factor, of who keeps it."""
        if not self.keeps_residuals:
            return {}
        prior, estimates, truths = MotionPrior(denoiser), [], []
        for clips, newest in zip(*(part.split(256) for part in source.grid(_RESIDUAL_WINDOWS))):
            window, given, heading = self.tracked(source.at(clips, newest))
            truths.append(rotation.about_z(-heading)[:, None] @ window.rot_world_joint[:, -1])
            estimates.append(regressed(prior, given)[:, -1])
        return {residuals.FACTOR: residuals.factor(torch.cat(estimates), torch.cat(truths))}


# One step gives the mean, further ones start from the one before; validation says which is better.
STEPS = {'one_step': (999,), 'two_steps': InPoseRule().steps}


def sampled(prior: MotionPrior, given: Condition, steps: Sequence[int]) -> Float[Tensor, 'batch frame joint 3 3']:
    """The window by our rule without any likelihood, from the noise's mean."""
    noise = torch.zeros_like(given.rotation)
    sample = InPoseRule(steps=steps)(prior, noise, given, None, _MEASURED_STDDEV.to(prior.device))
    return sample.rot_world_joint


def regression_input(given: Condition) -> tuple[Float[Tensor, 'batch frame joint 6'], int]:
    """What stands in place of a noisy pose, and the constant step."""
    return torch.zeros_like(given.rotation), InPoseRule().steps[0]


@torch.no_grad()
def regressed(prior: MotionPrior, given: Condition) -> Float[Tensor, 'batch frame joint 3 3']:
    """The window in one pass; measured rotations are kept."""
    noisy, step = regression_input(given)
    return prior.rotations(prior.denoise(noisy, step, given), given)


TASKS = {
    each.name: each
    for each in (
        RivalTask('location_conditioned'),
        RivalTask('location_augmented', any_body=True),
        RivalTask('regression', regression=True),
        RivalTask('regression_ik', sees_locations=False, regression=True, keeps_residuals=True),
    )
}
