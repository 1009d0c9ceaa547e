"""JointHeights: how high joints are, and which are upright, by what of a window is measured; nothing is guessed."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.sensing.resample import JointWindow

Array = np.ndarray
ANKLES = (smpl22.INDEX['left_ankle'], smpl22.INDEX['right_ankle'])
# A joint whose own axis is within 45 degrees of where it points in standing is upright.
UPRIGHT = 0.7


@dataclass(frozen=True)
class JointHeights:
    """The `values` [m] of joints that are located, or that measured rotations lead to from one that is; NaN elsewhere.

    So a knee that is located and turned tells where its ankle is. `upright` are joints that are measured to be, and
    `source` is the located joint by which each is known (itself where none is).
    """

    values: Float[Array, 'frame joint']
    upright: Bool[Array, 'frame joint']
    source: Int[Array, 'joint']

    @classmethod
    def of(cls, window: JointWindow, skeleton: Skeleton) -> 'JointHeights':
        located, turned = window.location_valid.numpy(), window.rot_valid.numpy()
        rows = window.rot_world_joint[..., 2, :].numpy()
        values = np.where(located, window.location.numpy()[..., 2].astype(np.float64), np.nan)
        source, bones = np.arange(values.shape[1]), skeleton.bones.numpy()
        pairs = [(child, parent) for child, parent in enumerate(smpl22.PARENTS) if child and turned[:, parent].any()]
        up = [(child, parent, -1) for child, parent in reversed(pairs)]
        down = [(child, parent, 1) for child, parent in pairs]
        for child, parent, sign in up + down:
            known, sought = (child, parent) if sign < 0 else (parent, child)
            missing = np.isnan(values[:, sought]) & turned[:, parent] & ~np.isnan(values[:, known])
            if missing.any():
                rise = rows[missing, parent] @ bones[child]
                values[missing, sought] = values[missing, known] + sign * rise
                source[sought] = source[known]
        return cls(values, turned & (rows[..., 2] > UPRIGHT), source)

    def last(self, frames: int) -> 'JointHeights':
        """Of a window's newest frames alone."""
        return JointHeights(self.values[-frames:], self.upright[-frames:], self.source)

    def located(self, joints: Bool[Array, 'joint']) -> tuple[int, ...]:
        """The joints that were located themselves by which these are known, rising."""
        return tuple(np.unique(self.source[joints]).tolist())
