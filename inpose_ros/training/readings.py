"""What a simulated user's sensors read over a stretch of motion, and what the solver makes of any window of it."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.diffusion import condition as conditions
from inpose_ros.diffusion.denoiser import Condition
from inpose_ros.diffusion.solver import TRACKED_ACCELERATION
from inpose_ros.geometry import rotation
from inpose_ros.sensing.smoothing import smoothed
from inpose_ros.training.windows import MotionWindow

# Joints that a tracker may locate, the head first.
LOCATED = [smpl22.INDEX[name] for name in ('head', 'left_wrist', 'right_wrist', 'pelvis', 'left_ankle', 'right_ankle')]


@dataclass(frozen=True)
class Known:
    """Which windows of a batch know, of what is worn: the head's height, how the head travels, accelerations."""

    height: Bool[Tensor, 'batch']
    travel: Bool[Tensor, 'batch']
    acceleration: Bool[Tensor, 'batch']

    @classmethod
    def constant(cls, count: int, height: bool = False, travel: bool = False, acceleration: bool = False) -> 'Known':
        """The same in all windows."""
        return cls(*(torch.full((count,), flag) for flag in (height, travel, acceleration)))


@dataclass(frozen=True)
class Readings:
    """Of as many frames as the true `motion` has, in the world; lengths are over the standing height of `bones` [m].

    `bones` are what the solver is told of the person. `places` of the LOCATED joints err by white noise of `noise`
    along each axis; `lift` is by how much the floor is too low. Rotations count where `valid`.
    """

    motion: MotionWindow
    bones: Float[Tensor, 'batch joint 3']
    rotation: Float[Tensor, 'batch frame joint 3 3']
    valid: Bool[Tensor, 'batch frame joint']
    places: Float[Tensor, 'batch frame located 3']
    noise: Float[Tensor, 'batch']
    lift: Float[Tensor, 'batch']
    known: Known
    acceleration: Float[Tensor, 'batch frame joint 3']
    acceleration_valid: Bool[Tensor, 'batch frame joint']

    def frames(self, which: slice) -> 'Readings':
        """Some frames of it."""
        names = ('rotation', 'valid', 'places', 'acceleration', 'acceleration_valid')
        return replace(
            self, motion=self.motion.frames(which), **{name: getattr(self, name)[:, which] for name in names}
        )

    def condition(self) -> tuple[Condition, Float[Tensor, 'batch']]:
        """What the prior is told, and the heading [rad] by which that was turned back."""
        heading = conditions.window_heading(self.rotation, self.valid)
        pelvis = rotation.heading(self.motion.rot_world_joint[:, -1, 0])
        heading = torch.where(self.valid.flatten(1).any(-1), heading, pelvis)
        turn = rotation.about_z(-heading)
        seen = self.valid[..., smpl22.HEAD]
        head = (turn[:, None] @ self.smoothed(LOCATED[:1])[0][:, :, 0, :, None])[..., 0]
        travelled, travel_valid = conditions.travel(head, seen)
        condition = conditions.size_free_condition(
            turn[:, None, None] @ self.rotation, self.valid,
            head[..., 2] + self.lift[:, None], seen & self.known.height[:, None],
            travelled, travel_valid & self.known.travel[:, None], self.motion.zeroed,
            (turn[:, None, None] @ self.acceleration[..., None])[..., 0], self.acceleration_valid,
        )  # fmt: skip
        return condition, heading

    def smoothed(
        self, joints: list[int]
    ) -> tuple[Float[Tensor, 'batch frame located 3'], Float[Tensor, 'batch frame located']]:
        """Places of some of the LOCATED joints with their noise taken out as the solver does, and what is left of it.

        Of those without noise nothing is left.
        """
        columns = [LOCATED.index(joint) for joint in joints]
        places, left = self.places[:, :, columns], torch.zeros(*self.places.shape[:2], len(columns))
        noisy = self.noise.nonzero()[:, 0]
        if len(noisy):
            stddev = self.noise[noisy, None].expand(-1, len(columns))
            valid, rate = self.valid[noisy][..., joints], self.motion.rate
            likely, spread = smoothed(places[noisy], valid, stddev, rate, TRACKED_ACCELERATION)
            places, left = places.index_copy(0, noisy, likely), left.index_copy(0, noisy, spread)
        return places, left


def standing_height(bones: Float[Tensor, 'batch joint 3']) -> Float[Tensor, 'batch']:
    """As Skeleton.standing_head_height, for a batch of bones [m]."""
    chain = [smpl22.HEAD]
    while smpl22.PARENTS[chain[-1]] > 0:
        chain.append(smpl22.PARENTS[chain[-1]])
    legs = bones[:, [1, 2, 4, 5, 7, 8, 10, 11], 2].sum(-1) / 2
    return bones[:, chain, 2].sum(-1) - legs
