"""What is kept of a method's scored frames besides mean scores: where each joint was off, and what was claimed."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.evaluation.uncertainty import coverage_curve
from inpose_ros.motion.clip import MotionClip


@dataclass(frozen=True)
class ClipDetail:
    """The scored frames of one clip: `error` is estimate minus truth [m], laid on each other at the joint `align`.

    `covariance` is what the method claims of it, seen from the same joint, or None where it claims nothing.
    """

    clip: MotionClip
    frames: Int[Tensor, 'frame']
    align: int
    error: Float[Tensor, 'frame joint 3']
    covariance: Float[Tensor, 'frame joint 3 3'] | None

    @property
    def mean_cm(self) -> float:
        """Mean distance of the joints from the truth [cm]."""
        return 100 * float(self.error.norm(dim=-1).mean())


def joint_errors(details: Sequence[ClipDetail]) -> dict[str, float]:
    """Mean distance from the truth [cm] of each joint by its name; over frames, so clips count by theirs."""
    error = torch.cat([part.error for part in details])
    return dict(zip(smpl22.JOINTS, (100 * error.norm(dim=-1).mean(0)).tolist()))


def calibration(details: Sequence[ClipDetail]) -> dict[str, list[float]] | None:
    """Claimed and observed coverages (see uncertainty.coverage_curve); None of a method that claims nothing."""
    if any(part.covariance is None for part in details):
        return None
    error, covariance = (torch.cat([getattr(part, name) for part in details]) for name in ('error', 'covariance'))
    return coverage_curve(error, covariance, details[0].align)
