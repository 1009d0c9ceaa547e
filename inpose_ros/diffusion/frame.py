"""What is made of the network's answer for the one frame that is handed out: measured, corrected, and how sure."""

import functools
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from inpose_ros.body import kinematics, smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion import single_frame
from inpose_ros.diffusion.denoiser import Prediction
from inpose_ros.diffusion.likelihood import LEAST_STANDING, UNKNOWN, Floor
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.single_frame import FrameLikelihood
from inpose_ros.diffusion.solver import Given
from inpose_ros.geometry import so3

Array = np.ndarray


@dataclass(frozen=True)
class FramePose:
    """A frame of each window: heading-free rotations, covariance [rad^2] of their tangents, contact."""

    rot: Float[Array, 'batch joint 3 3']
    covariance: Float[Array, 'batch tangent tangent']
    contact: Float[Array, 'batch 2']

    def where(self, rows: list[bool], other: 'FramePose') -> 'FramePose':
        """With these rows of another."""
        parts = zip(vars(self).values(), vars(other).values())
        return FramePose(*(np.where(np.reshape(rows, (-1, *[1] * (own.ndim - 1))), new, own) for own, new in parts))


@dataclass(frozen=True)
class FrameCorrector:
    """One frame of every window, with the measured rotations, corrected by locations and by the floor.

    Args:
        frame: which frame of the window.
        use_floor: whether feet stand on it.
    """

    prior: MotionPrior
    skeleton: Skeleton
    frame: int
    use_floor: bool

    @functools.cached_property
    def chain(self) -> Float[Array, 'joint joint 3']:
        """See kinematics.location_map."""
        return kinematics.location_map(self.skeleton.bones.double()).numpy()

    def __call__(
        self, given: Given, prediction: Prediction, level: int, located: list[int], floor: float,
        turn: Float[Array, 'batch joint 3'] | None = None,
    ) -> FramePose:  # fmt: skip
        """The frame by a prediction at a noise level, on a floor of that height [m].

        Args:
            located: joints that trackers may have located; the floor counts only where there are some.
            turn: by what the predicted joints are turned before they are corrected [rad].
        """
        rot = self._rotations(given, prediction)
        if turn is not None:
            free = ~given.condition.rotation_mask[:, self.frame].cpu().numpy()
            rot = rot @ so3.exp(turn * free[..., None])
        contact = prediction.contact[:, self.frame].sigmoid().double().cpu().numpy()
        covariance = self.covariance(given, prediction, level)
        if located:
            rot, covariance = self._likelihood(given, located, rot, contact, floor).correct(rot, covariance)
        return FramePose(rot, covariance, contact)

    def _rotations(self, given: Given, prediction: Prediction) -> Float[Array, 'batch joint 3 3']:
        """As MotionPrior.rotations, of one frame."""
        condition, frame = given.condition, self.frame
        measured = condition.rotation_mask[:, frame]
        sixd = torch.where(measured[..., None], condition.rotation[:, frame], prediction.rotation[:, frame])
        rot = so3.from_sixd(sixd.double().cpu().numpy())
        zeroed = condition.zeroed[:, frame]
        if bool(zeroed.any()):
            free = (zeroed[:, None] & ~measured).cpu().numpy()
            rot = np.where(free[..., None, None], kinematics.shared_out(torch.from_numpy(rot)).numpy(), rot)
        return rot

    def covariance(self, given: Given, prediction: Prediction, level: int) -> Float[Array, 'batch tangent tangent']:
        frame = slice(self.frame, self.frame + 1)
        covariance = self.prior.covariance(
            prediction.frames(frame), given.condition.frames(frame), level, given.rotation_stddev
        )
        return covariance[:, 0].double().cpu().numpy()

    def _likelihood(
        self, given: Given, joints: list[int], rot: Float[Array, 'batch joint 3 3'], contact: Float[Array, 'batch 2'],
        floor: float,
    ) -> FrameLikelihood:  # fmt: skip
        """Of the located joints, and of the toes of feet that stand: their height is known, their place is not."""
        frame, chain = self.frame, self.chain
        turn, location, valid, stddev = (
            part.double().cpu().numpy()
            for part in (given.turn[:, 0], given.location[:, frame, joints], given.location_valid[:, frame, joints],
                         given.location_stddev[:, frame, joints])
        )  # fmt: skip
        location, valid = (turn @ location[..., None])[..., 0], valid > 0
        stddev = np.repeat(stddev[..., None], 3, -1)
        if self.use_floor:
            under = Floor.under(self.skeleton, self.skeleton.bones, floor)
            standing = single_frame.standing_feet(single_frame.toe_heights(chain, rot), contact, under.lower_by)
            spread = np.full((len(rot), 2, 3), UNKNOWN)
            spread[..., 2] = under.stddev / np.sqrt(np.maximum(standing, LEAST_STANDING))
            location = np.concatenate((location, np.full((len(rot), 2, 3), (0.0, 0.0, under.height))), 1)
            stddev = np.concatenate((stddev, spread), 1)
            valid = np.concatenate((valid, (standing > LEAST_STANDING) & valid.any(-1, keepdims=True)), 1)
            joints = [*joints, *smpl22.TOES]
        return FrameLikelihood.of(chain[joints], location, valid, stddev)
