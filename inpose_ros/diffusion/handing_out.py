"""What others are told of a frame of the streaming solver: where the body is in the world, and how sure that is."""

import numpy as np
import torch
from jaxtyping import Bool, Float

from inpose_ros.body import smpl22
from inpose_ros.diffusion import single_frame
from inpose_ros.diffusion.frame import FrameCorrector, FramePose
from inpose_ros.diffusion.prior import Spread
from inpose_ros.diffusion.seen import Seen
from inpose_ros.diffusion.solver import Posterior
from inpose_ros.sensing.resample import JointWindow

Array = np.ndarray


def posterior_of(pose: FramePose, seen: Seen, corrector: FrameCorrector, located: list[int], floor: float) -> Posterior:
    """A pose in the world, with the covariance that others are told; `window` holds this frame alone.

    Args:
        located: the joints of `seen.location`.
        floor: its height [m], on which a body stands that nothing locates.
    """
    rot = pose.in_world(seen)
    relative = single_frame.positions(corrector.chain, rot)
    roots, observed = zip(*(_placed(seen, corrector, row, place, located, floor) for row, place in enumerate(relative)))
    covariance = told(pose.covariance, corrector.spread, seen.measured[:, corrector.frame])
    found = torch.from_numpy(rot)
    return Posterior(
        found, torch.from_numpy(np.stack(roots)), torch.tensor(observed), torch.from_numpy(covariance),
        torch.from_numpy(pose.contact), found[:, None],
    )  # fmt: skip


def _placed(
    seen: Seen, corrector: FrameCorrector, row: int, relative: Float[Array, 'joint 3'], joints: list[int], floor: float
) -> tuple[Float[Array, '3'], bool]:
    """See PoseSolver._place."""
    valid = seen.location_valid[row, corrector.frame]
    there = [column for column in range(len(joints)) if valid[column]]
    if there:
        column = min(there, key=lambda column: joints[column] != smpl22.HEAD)
        return seen.location[row, corrector.frame, column] - relative[joints[column]], True
    return np.array([0.0, 0.0, floor + corrector.skeleton.sole - relative[list(smpl22.TOES), 2].min()]), False


def told(
    covariance: Float[Array, 'batch tangent tangent'], spread: Spread, measured: Bool[Array, 'batch joint']
) -> Float[Array, 'batch tangent tangent']:
    """See MotionPrior.told."""
    wider = np.where(measured, 1.0, float(spread.caution)).repeat(3, -1)
    wide = wider[..., :, None] * covariance
    wide *= wider[..., None, :]
    return wide


def rotation_stddev(covariance: Float[Array, 'tangent tangent']) -> Float[Array, 'joint']:
    """Of each joint about an axis, root mean square over the three [rad]."""
    return np.sqrt(covariance.diagonal().reshape(-1, 3).mean(-1))


def seen_covariance(
    posterior: Posterior, window: JointWindow, corrector: FrameCorrector, anchor: int
) -> Float[torch.Tensor, 'joint 3 3']:
    """Of the joints' places in the world [m^2], for the one window that a posterior is of.

    As PoseSolver._position_covariance, of the frame that is handed out, but for the bones.
    """
    chain = corrector.chain
    spread = single_frame.position_covariance(
        chain - chain[anchor], posterior.rot_world_joint.numpy(), posterior.covariance.numpy()
    )[0]
    if window.location_valid[corrector.frame].any():
        spread = spread + float(window.position_stddev[anchor]) ** 2 * np.eye(3)
    return torch.from_numpy(spread)
