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


# A head that is further than this from where it was a frame ago, over the standing height, has not walked there.
JUMP = 0.6


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


def travel(
    place: Float[Tensor, 'batch frame 3'], seen: Bool[Tensor, 'batch frame']
) -> tuple[Float[Tensor, 'batch frame 3'], Bool[Tensor, 'batch frame']]:
    """Where the head was, from where it was last seen: how it moved, not where it is; and where that is known.

    `place` is over the standing height. A tracker that was lost, or jumped, may have found itself elsewhere, which is
    no movement: what was before counts no more.
    """
    frames = seen.shape[1]
    last_seen = frames - 1 - seen.flip(1).int().argmax(-1)
    last = place[torch.arange(len(place), device=place.device), last_seen]
    unbroken = seen[:, 1:] & seen[:, :-1] & (place.diff(dim=1).norm(dim=-1) <= JUMP)
    breaks = ~unbroken & (torch.arange(1, frames, device=seen.device) <= last_seen[:, None])
    later_breaks = torch.nn.functional.pad(breaks.int().flip(1).cumsum(1).flip(1), (0, 1))
    known = seen & (later_breaks == 0)
    return (place - last[:, None]) * known[..., None], known


def size_free_condition(
    rot: Float[Tensor, 'batch frame joint 3 3'],
    valid: Bool[Tensor, 'batch frame joint'],
    height: Float[Tensor, 'batch frame'],
    height_valid: Bool[Tensor, 'batch frame'],
    travelled: Float[Tensor, 'batch frame 3'],
    travel_valid: Bool[Tensor, 'batch frame'],
    zeroed: Bool[Tensor, 'batch'],
    acceleration: Float[Tensor, 'batch frame joint 3'],
    acceleration_valid: Bool[Tensor, 'batch frame joint'],
) -> Condition:
    """The condition on rotations, and on the head's height and travel and accelerations, over its standing height.

    All heading-free already.
    """
    joint = torch.arange(valid.shape[-1], device=valid.device)
    head = joint == smpl22.HEAD
    return Condition(
        rotation=rotation.sixd_from_matrix(rot),
        rotation_mask=valid,
        location=head[:, None] * travelled[..., None, :],
        location_mask=head & travel_valid[..., None],
        height=height,
        height_mask=height_valid,
        zeroed=zeroed[:, None].expand(height_valid.shape),
        acceleration=acceleration,
        acceleration_mask=acceleration_valid,
    )
