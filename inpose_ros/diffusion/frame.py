"""What is made of the network's answer for the one frame that is handed out: measured, corrected, and how sure."""

import functools
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float

from inpose_ros.body import kinematics, smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion import single_frame
from inpose_ros.diffusion.denoiser import JOINTS
from inpose_ros.diffusion.likelihood import LEAST_STANDING, UNKNOWN, Floor
from inpose_ros.diffusion.prior import Spread
from inpose_ros.diffusion.seen import Seen
from inpose_ros.diffusion.single_frame import FrameLikelihood
from inpose_ros.geometry import so3

Array = np.ndarray


@dataclass(frozen=True)
class Answer:
    """The network's rows, read as Prediction reads them."""

    rotation: Float[Array, 'batch frame joint 6']
    log_stddev: Float[Array, 'batch frame joint 3']
    contact: Float[Array, 'batch frame 2']

    @classmethod
    def read(cls, rows: Float[Array, 'batch frame output'], seen: Seen) -> 'Answer':
        """With the measurement where a rotation was measured; contacts as probabilities."""
        joints = rows[..., : JOINTS * 9].reshape(*rows.shape[:2], JOINTS, 9)
        rot = np.where(seen.measured[..., None], seen.rotation, joints[..., :6])
        return cls(rot, joints[..., 6:] - 2.0, 1 / (1 + np.exp(-rows[..., -5:-3].astype(np.float64))))


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

    spread: Spread
    skeleton: Skeleton
    frame: int
    use_floor: bool

    @functools.cached_property
    def chain(self) -> Float[Array, 'joint joint 3']:
        """See kinematics.location_map."""
        return kinematics.location_map(self.skeleton.bones.double()).numpy()

    def __call__(
        self, seen: Seen, answer: Answer, level: int, located: list[int], floor: float,
        turn: Float[Array, 'batch joint 3'] | None = None,
    ) -> FramePose:  # fmt: skip
        """The frame by an answer at a noise level, on a floor of that height [m].

        Args:
            located: joints that trackers may have located; the floor counts only where there are some.
            turn: by what the predicted joints are turned before they are corrected [rad].
        """
        rot = self._rotations(seen, answer)
        if turn is not None:
            rot = rot @ so3.exp(turn * ~seen.measured[:, self.frame, :, None])
        contact = answer.contact[:, self.frame]
        covariance = self.covariance(seen, answer, level)
        if located:
            rot, covariance = self._likelihood(seen, located, rot, contact, floor).correct(rot, covariance)
        return FramePose(rot, covariance, contact)

    def _rotations(self, seen: Seen, answer: Answer) -> Float[Array, 'batch joint 3 3']:
        """As MotionPrior.rotations, of one frame."""
        rot = so3.from_sixd(answer.rotation[:, self.frame].astype(np.float64))
        if seen.zeroed.any():
            free = seen.zeroed[:, None] & ~seen.measured[:, self.frame]
            rot = np.where(free[..., None, None], kinematics.shared_out(torch.from_numpy(rot)).numpy(), rot)
        return rot

    def covariance(self, seen: Seen, answer: Answer, level: int) -> Float[Array, 'batch tangent tangent']:
        """As MotionPrior.covariance, of one frame."""
        correlation, scale = _level(self.spread, level)
        measured = seen.measured[:, self.frame].repeat(3, -1)
        stddev = np.exp(answer.log_stddev[:, self.frame].clip(-5, 1).astype(np.float64)).reshape(measured.shape)
        stddev = stddev * scale * ~measured
        covariance = stddev[..., :, None] * correlation * stddev[..., None, :]
        axes = np.arange(measured.shape[-1])
        covariance[:, axes, axes] += np.square(seen.rotation_stddev).repeat(3) * measured
        return covariance

    def _likelihood(
        self, seen: Seen, joints: list[int], rot: Float[Array, 'batch joint 3 3'], contact: Float[Array, 'batch 2'],
        floor: float,
    ) -> FrameLikelihood:  # fmt: skip
        """Of the located joints, and of the toes of feet that stand: their height is known, their place is not."""
        frame, chain = self.frame, self.chain
        location = (seen.turn[:, None] @ seen.location[:, frame, :, :, None])[..., 0]
        stddev = seen.location_stddev[:, frame, :, None].repeat(3, -1)
        valid = seen.location_valid[:, frame]
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


def told(
    covariance: Float[Array, 'batch tangent tangent'], spread: Spread, measured: Bool[Array, 'batch joint']
) -> Float[Array, 'batch tangent tangent']:
    """See MotionPrior.told."""
    wider = np.where(measured, 1.0, float(spread.caution)).repeat(3, -1)
    return wider[..., :, None] * covariance * wider[..., None, :]


@functools.lru_cache(maxsize=64)
def _level(spread: Spread, step: int) -> tuple[Float[Array, 'tangent tangent'], Float[Array, 'tangent']]:
    """Of the nearest measured noise level, in double precision."""
    return tuple(part.double().cpu().numpy() for part in spread.level(step))
