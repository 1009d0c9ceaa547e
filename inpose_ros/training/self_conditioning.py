"""The last step of the sampler, in training: from what its first step really leaves, not from noise.

Added noise is another error than the one that the sampler makes. So the denoiser also learns from its own estimates,
corrected by the locations of simulated trackers; these reach it through the user's bones alone, as rotations, and so
it stays free of body size.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inpose_ros.body import kinematics, smpl22
from inpose_ros.diffusion.denoiser import Condition
from inpose_ros.diffusion.likelihood import LocationLikelihood
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.sampler import InPoseRule
from inpose_ros.geometry import rotation
from inpose_ros.training.windows import MotionWindow

# Joints that a tracker may locate.
LOCATED = [smpl22.INDEX[name] for name in ('head', 'left_wrist', 'right_wrist', 'pelvis', 'left_ankle', 'right_ankle')]
SHARE, ZEROED_SHARE = 0.85, 0.2  # of the windows have trackers; who is calibrated in an N-pose wears IMUs
_NOISY_SHARE = 0.4  # of them have noisy ones, ...
_LEAST, _MOST = 0.01, 0.2  # ... of between so much [m], as the likelihood is told;
_PRECISE = 0.005  # the others have none, but the likelihood is told this.
_ROTATION_STDDEV = 0.02  # what the likelihood is told of measured rotations [rad]


def draw_likelihood(
    window: MotionWindow, condition: Condition, heading: Float[Tensor, 'batch'], generator: torch.Generator
) -> LocationLikelihood:
    """The locations of joints that are worn, of a share of the windows, now and then with noise."""
    count = len(heading)
    chance = torch.rand(4, count, generator=generator)
    known = chance[0] < torch.where(window.zeroed, ZEROED_SHARE, SHARE)
    noisy = chance[1] < _NOISY_SHARE
    stddev = torch.where(noisy, _LEAST * (_MOST / _LEAST) ** chance[2], _PRECISE)
    noise = torch.where(noisy, stddev, 0.0)[:, None, None, None]
    error = noise * torch.randn(count, window.rot_world_joint.shape[1], len(LOCATED), 3, generator=generator)
    return _likelihood(window, condition, heading, known, stddev, error)


def precise_likelihood(
    window: MotionWindow, condition: Condition, heading: Float[Tensor, 'batch']
) -> LocationLikelihood:
    """The locations of all joints that are worn, without noise."""
    count = len(heading)
    return _likelihood(
        window, condition, heading, torch.ones(count, dtype=torch.bool), torch.full((count,), _PRECISE), torch.zeros(())
    )


def _likelihood(
    window: MotionWindow, condition: Condition, heading: Float[Tensor, 'batch'], known: Bool[Tensor, 'batch'],
    stddev: Float[Tensor, 'batch'], error: Float[Tensor, '...'],
) -> LocationLikelihood:  # fmt: skip
    turn = rotation.about_z(-heading)[:, None, None]
    location = (turn @ window.positions[:, :, LOCATED, :, None])[..., 0]
    return LocationLikelihood(
        chain=kinematics.location_map(window.bones)[:, None, LOCATED],
        location=location + error,
        valid=condition.rotation_mask[..., LOCATED] & known[:, None, None],
        stddev=stddev[:, None, None, None].expand(-1, 1, len(LOCATED), 3),
    )


def last_input(
    prior: MotionPrior, condition: Condition, likelihood: LocationLikelihood | None
) -> tuple[Float[Tensor, 'batch frame joint 6'], int]:
    """What the default rule gives the denoiser in its last step, and that step."""
    rule = InPoseRule()
    measured = torch.full((len(smpl22.JOINTS),), _ROTATION_STDDEV, device=prior.device)
    noise = torch.zeros_like(condition.rotation)
    return rule.on_the_way(prior, noise, condition, likelihood, measured), rule.steps[-1]
