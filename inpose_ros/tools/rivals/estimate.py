"""What evaluation is given by a rival, and how its body is put where it was measured."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inpose_ros.body import kinematics, smpl22
from inpose_ros.body.skeleton import Skeleton

# The head places the body, or else the first located joint.
_ANCHORS = [smpl22.HEAD, *(joint for joint in range(len(smpl22.JOINTS)) if joint != smpl22.HEAD)]


@dataclass(frozen=True)
class PlacedPose:
    """The newest frames of a batch of windows in the world, the pelvis in metres, and the windows' rotations.

    Rivals do not say how sure they are.
    """

    root: Float[Tensor, 'batch 3']
    rot_world_joint: Float[Tensor, 'batch joint 3 3']
    window: Float[Tensor, 'batch frame joint 3 3']
    covariance: None = None


def placed(
    window: Float[Tensor, 'batch frame joint 3 3'], skeleton: Skeleton,
    location: Float[Tensor, 'batch joint 3'], valid: Bool[Tensor, 'batch joint'],
) -> PlacedPose:  # fmt: skip
    """Rotations with the root where the head (or else the first located joint) is as measured, or on the floor."""
    newest = window[:, -1]
    relative = kinematics.joint_positions(skeleton, newest)
    anchor = torch.tensor(_ANCHORS, device=valid.device)[valid[:, _ANCHORS].int().argmax(-1)]
    rows = torch.arange(len(valid), device=valid.device)
    measured = location[rows, anchor] - relative[rows, anchor]
    standing = torch.zeros_like(measured)
    standing[:, 2] = skeleton.sole - relative[:, list(smpl22.TOES), 2].amin(-1)
    return PlacedPose(torch.where(valid.any(-1, keepdim=True), measured, standing), newest, window)
