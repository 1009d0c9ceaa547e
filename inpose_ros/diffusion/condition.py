"""From measured joints to the prior's condition: the heading-free, size-free view of a window."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.diffusion.denoiser import Condition
from inpose_ros.geometry import rotation

# Whose heading stands for the person's, in this order; any measured joint will do.
_ANCHORS = ('head', 'pelvis', 'spine3', 'spine2', 'spine1', 'neck')
ANCHOR_ORDER = tuple(smpl22.INDEX[name] for name in _ANCHORS) + tuple(
    index for index, name in enumerate(smpl22.JOINTS) if name not in _ANCHORS
)


def window_heading(
    rot_world_joint: Float[Tensor, 'batch frame joint 3 3'], valid: Bool[Tensor, 'batch frame joint']
) -> Float[Tensor, 'batch']:
    """Heading [rad] of the first measured joint in ANCHOR_ORDER, at the newest frame where it was measured.

    Zero where nothing was measured. The prior sees a window turned back by this angle, so where the person faces
    makes no difference.
    """
    order = list(ANCHOR_ORDER)
    batch = torch.arange(len(valid), device=valid.device)
    joint = torch.tensor(order, device=valid.device)[valid.any(1)[:, order].int().argmax(-1)]
    measured = valid[batch, :, joint]
    frame = measured.shape[1] - 1 - measured.flip(1).int().argmax(-1)
    angle = rotation.heading(rot_world_joint[batch, frame, joint])
    return torch.where(measured.any(-1), angle, torch.zeros_like(angle))


def size_free_condition(
    rot: Float[Tensor, 'batch frame joint 3 3'],
    valid: Bool[Tensor, 'batch frame joint'],
    height: Float[Tensor, 'batch frame'],
    height_valid: Bool[Tensor, 'batch frame'],
    zeroed: Bool[Tensor, 'batch'],
    acceleration: Float[Tensor, 'batch frame joint 3'],
    acceleration_valid: Bool[Tensor, 'batch frame joint'],
) -> Condition:
    """The condition on rotations, the head's height and accelerations, the latter two over its standing height.

    All heading-free already.
    """
    zeros = rot.new_zeros(*rot.shape[:-2], 3)
    return Condition(
        rotation=rotation.sixd_from_matrix(rot),
        rotation_mask=valid,
        location=zeros,
        location_mask=torch.zeros_like(valid),
        height=height,
        height_mask=height_valid,
        zeroed=zeroed[:, None].expand(height_valid.shape),
        acceleration=acceleration,
        acceleration_mask=acceleration_valid,
    )
