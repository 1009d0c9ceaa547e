"""Measurements brought onto the prior's grid, which is anchored at the newest of them."""

from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class JointWindow:
    """What is known of each joint at each frame of the grid; the last frame is at `stamp_ns`.

    Mountings are already taken off: rotations are world <- joint, locations are those of the joint itself [m].
    Where a mask is false the value is a finite placeholder (identity, zero) and means nothing.
    """

    stamp_ns: int
    rot_world_joint: Float[Tensor, 'frame joint 3 3']
    rot_valid: Bool[Tensor, 'frame joint']
    location: Float[Tensor, 'frame joint 3']
    location_valid: Bool[Tensor, 'frame joint']
    rotation_stddev: Float[Tensor, 'joint']
    position_stddev: Float[Tensor, 'joint']
