"""BodyState: what the solver says about a body at one instant."""

import functools
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inpose_ros.body import kinematics
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.geometry import so3


@dataclass(frozen=True)
class BodyState:
    """A pose with its doubt, at the stamp of the newest measurement that went into it.

    `rotation_stddev` [rad] and `position_covariance` [m2] (world axes) are per joint; `measured` is false where a
    joint's rotation was inferred; `root_observed` is false where no sensor gave a location, so that the root only
    stands on the floor. `foot_contact` is a probability for left and right, NaN where unknown.
    """

    stamp_ns: int
    skeleton: Skeleton
    root: Float[Tensor, '3']
    rot_world_joint: Float[Tensor, 'joint 3 3']
    rotation_stddev: Float[Tensor, 'joint']
    position_covariance: Float[Tensor, 'joint 3 3']
    measured: Bool[Tensor, 'joint']
    root_observed: bool
    foot_contact: Float[Tensor, '2']

    @property
    def position_stddev(self) -> Float[Tensor, 'joint']:
        """Per axis, root mean square over the three [m]."""
        variance = self.position_covariance.numpy().trace(axis1=-2, axis2=-1) / 3
        return torch.from_numpy(np.sqrt(np.maximum(variance, 0)))

    @functools.cached_property
    def quaternions(self) -> Float[np.ndarray, 'joint 4']:
        """World <- joint, wxyz."""
        return so3.quaternion(self.rot_world_joint.numpy().astype(np.float64, copy=False))

    @functools.cached_property
    def positions(self) -> Float[Tensor, 'joint 3']:
        """Joint positions in the world [m]."""
        rot = self.rot_world_joint.numpy()
        relative = kinematics.places(self.skeleton.bones.numpy().astype(rot.dtype), rot)
        return self.root + torch.from_numpy(relative.astype(rot.dtype))
