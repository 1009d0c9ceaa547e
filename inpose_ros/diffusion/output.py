"""What others are told of a frame of the streaming solver: where the body is in the world, and how sure that is."""

import functools

import numpy as np
import torch
from jaxtyping import Bool, Float

from inpose_ros.body import smpl22
from inpose_ros.diffusion import single_frame
from inpose_ros.diffusion.frame import FrameCorrector, FramePose
from inpose_ros.diffusion.observation import Seen
from inpose_ros.diffusion.prior import Spread
from inpose_ros.diffusion.solver import Posterior
from inpose_ros.sensing.resample import JointWindow

Array = np.ndarray
_EYE = np.eye(3)


def posterior_of(pose: FramePose, seen: Seen, corrector: FrameCorrector, located: list[int], floor: float) -> Posterior:
    """A pose in the world, with the covariance that others are told; `window` holds this frame alone.

    Args:
        located: the joints of `seen.location`.
        floor: its height [m], on which a body stands that nothing locates.
    """
    rot = pose.in_world(seen)
    root, observed = _placed(seen, corrector, single_frame.positions(corrector.chain, rot), located, floor)
    covariance = told(pose.covariance, corrector.spread, seen.measured[:, corrector.frame])
    return Posterior(
        torch.from_numpy(rot), torch.from_numpy(root), torch.from_numpy(observed), torch.from_numpy(covariance),
        torch.from_numpy(pose.contact), torch.from_numpy(rot[:, None]),
    )  # fmt: skip


def _placed(
    seen: Seen, corrector: FrameCorrector, relative: Float[Array, 'batch joint 3'], located: list[int], floor: float
) -> tuple[Float[Array, 'batch 3'], Bool[Array, 'batch']]:
    """See PoseSolver._place."""
    valid, root = seen.location_valid[:, corrector.frame], np.zeros_like(relative[:, 0])
    observed = valid.any(-1)
    if located:
        column, rows = valid.argmax(-1), np.arange(len(valid))
        if smpl22.HEAD in located:
            head = located.index(smpl22.HEAD)
            column[valid[:, head]] = head
        root = seen.location[rows, corrector.frame, column] - relative[rows, np.array(located)[column]]
    if not observed.all():
        lowest = relative[~observed][:, list(smpl22.TOES), 2].min(-1)
        root[~observed] = np.array([0.0, 0.0, 1.0]) * (floor + corrector.skeleton.sole - lowest)[:, None]
    return root, observed


def told(
    covariance: Float[Array, 'batch tangent tangent'], spread: Spread, measured: Bool[Array, 'batch joint']
) -> Float[Array, 'batch tangent tangent']:
    """See MotionPrior.told."""
    wider = np.where(measured, 1.0, _caution(spread)).repeat(3, -1)
    wide = wider[..., :, None] * covariance
    wide *= wider[..., None, :]
    return wide


@functools.lru_cache(maxsize=16)
def _caution(spread: Spread) -> float:
    """As a number, read once: a tensor takes its time."""
    return float(spread.caution)


def rotation_stddev(covariance: Float[Array, 'tangent tangent']) -> Float[Array, 'joint']:
    """Of each joint about an axis, root mean square over the three [rad]."""
    return np.sqrt(covariance.diagonal().reshape(-1, 3).sum(-1) / 3)


def seen_covariance(
    posterior: Posterior, window: JointWindow, corrector: FrameCorrector, anchor: int
) -> Float[torch.Tensor, 'joint 3 3']:
    """Of the joints' places in the world [m^2], for the one window that a posterior is of.

    As PoseSolver._position_covariance, of the frame that is handed out, but for the bones.
    """
    spread = single_frame.position_covariance(
        corrector.levers_from(anchor), posterior.rot_world_joint.numpy(), posterior.covariance.numpy()
    )[0]
    if window.location_valid.numpy()[corrector.frame].any():
        spread += float(window.position_stddev.numpy()[anchor]) ** 2 * _EYE
    return torch.from_numpy(spread)
