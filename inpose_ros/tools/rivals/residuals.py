"""The half-page baseline's second half: one constant covariance of a regression's errors, and the update with it."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.diffusion.likelihood import LocationLikelihood
from inpose_ros.geometry import rotation
from inpose_ros.sensing.resample import JointWindow

FACTOR = 'residual_factor'
ITERATIONS = 4
# The joints between head and wrists: only these move a wrist against the head.
_PAIRS = ('collar', 'shoulder', 'elbow')
_BETWEEN = ('spine3', 'neck', *(f'{side}_{part}' for part in _PAIRS for side in ('left', 'right')))
BETWEEN = [smpl22.INDEX[name] for name in _BETWEEN]
LOCATED = [smpl22.HEAD, *smpl22.WRISTS]
_AXES = [3 * joint + axis for joint in BETWEEN for axis in range(3)]
_LEAST = 1e-4  # variance [rad^2] that is added: half a degree, so that the factor of few samples exists


def factor(
    estimate: Float[Tensor, 'sample joint 3 3'], truth: Float[Tensor, 'sample joint 3 3']
) -> Float[Tensor, '24 24']:
    """L of the covariance L L' of the errors w in truth = estimate exp(w) [rad] of BETWEEN.

    It is stored in half precision, where a covariance may lose its definiteness and its factor cannot.
    """
    error = rotation.log(estimate.transpose(-1, -2) @ truth)[:, BETWEEN].flatten(-2).double()
    covariance = error.T @ error / len(error) + _LEAST * torch.eye(len(_AXES), dtype=torch.float64)
    return torch.linalg.cholesky(covariance).float()


def covariance(
    lower: Float[Tensor, '24 24'], measured: Bool[Tensor, 'batch joint']
) -> Float[Tensor, 'batch tangent tangent']:
    """Of all joints: zero but for BETWEEN, and zero for those of them that are measured."""
    whole = lower.new_zeros(3 * len(smpl22.JOINTS), 3 * len(smpl22.JOINTS))
    whole[torch.tensor(_AXES)[:, None], torch.tensor(_AXES)] = lower @ lower.T
    free = (~measured).repeat_interleave(3, -1)
    return whole * (free[:, :, None] & free[:, None, :])


def corrected(
    rot: Float[Tensor, 'batch joint 3 3'], lower: Float[Tensor, '24 24'], bones: Float[Tensor, 'joint 3'],
    windows: list[JointWindow],
) -> Float[Tensor, 'batch joint 3 3']:  # fmt: skip
    """Newest rotations, in world axes, after the iterated update on the wrists seen from the head.

    Through this person's bones; the noise is what the windows say that it is.
    """
    location, valid, measured = (
        torch.stack([getattr(window, name)[-1] for window in windows]).to(rot.device)
        for name in ('location', 'location_valid', 'rot_valid')
    )
    stddev = windows[0].position_stddev.to(rot.device)[LOCATED]
    # Wrists alone tell of each other, and not through the head.
    valid = valid[:, LOCATED] & valid[:, smpl22.HEAD, None]
    likelihood = LocationLikelihood.of_joints(bones, LOCATED, location[:, LOCATED], valid, stddev)
    return likelihood.correct(rot, covariance(lower, measured), ITERATIONS)[0]
