"""What rivals are shown: locations and heights in metres, so that their network must know whose body it is."""

from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.denoiser import Condition

# A Condition has heights and accelerations over the person's standing height; theirs is this one, whoever it is [m].
UNIT = Skeleton.mean().standing_head_height


def in_metres(condition: Condition, standing_height: Float[Tensor, 'batch'] | float) -> Condition:
    """Lengths over UNIT instead of this person's standing height [m]: that is, in metres times a constant."""
    ratio = torch.as_tensor(standing_height / UNIT).to(condition.height).reshape(-1, 1)
    acceleration = condition.acceleration * ratio[..., None, None]
    return replace(condition, height=condition.height * ratio, acceleration=acceleration)


def with_locations(
    condition: Condition, location: Float[Tensor, 'batch frame joint 3'], valid: Bool[Tensor, 'batch frame joint']
) -> Condition:
    """With heading-free locations [m], those of the other joints relative to the head of the same frame.

    The head's own is relative to where the head was last seen, and so tells how the person moves but not where. Frames
    without a located head tell nothing.
    """
    head, seen = location[:, :, smpl22.HEAD], valid[:, :, smpl22.HEAD]
    newest = seen.shape[1] - 1 - seen.flip(1).int().argmax(-1)
    last = head[torch.arange(len(head), device=head.device), newest]
    relative = location - head[:, :, None]
    relative[:, :, smpl22.HEAD] = head - last[:, None]
    mask = valid & seen[..., None]
    relative = torch.where(mask[..., None], relative, torch.zeros_like(relative))
    return replace(condition, location=relative, location_mask=mask)
