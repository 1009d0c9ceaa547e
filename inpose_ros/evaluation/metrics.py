"""Scores of an estimate against the truth, defined once; means over frames.

All are functions of global rotations and world positions of the 22 joints; `align` is the joint at which the estimate
is laid over the truth (the head where a sensor gives a location, else the pelvis).
"""

import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import kinematics, smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.geometry import rotation

Rotations = Float[Tensor, 'frame joint 3 3']
Positions = Float[Tensor, 'frame joint 3']

_DEGREES = 180 / torch.pi


def displacements(estimate: Positions, truth: Positions, align: int) -> Positions:
    """Of each joint from the truth [m] once the aligned joint coincides."""
    return (estimate - estimate[:, align, None]) - (truth - truth[:, align, None])


def joint_errors(estimate: Positions, truth: Positions, align: int) -> Float[Tensor, 'frame joint']:
    """Distance of each joint from the truth [cm] once the aligned joint coincides."""
    return 100 * displacements(estimate, truth, align).norm(dim=-1)


def position_scores(
    estimate: Positions, truth: Positions, align: int, scale: float
) -> dict[str, Float[Tensor, 'frame']]:
    """mpjpe_cm and its parts."""
    error = joint_errors(estimate, truth, align)
    return {
        'mpjpe_cm': error.mean(-1),
        'scaled_mpjpe_cm': error.mean(-1) / scale,
        'upper_cm': error[:, list(smpl22.UPPER)].mean(-1),
        'lower_cm': error[:, list(smpl22.LOWER)].mean(-1),
        'hand_cm': error[:, list(smpl22.WRISTS)].mean(-1),
        'root_cm': 100 * (estimate[:, 0] - truth[:, 0]).norm(dim=-1),
    }


def rotation_scores(estimate: Rotations, truth: Rotations) -> dict[str, Float[Tensor, 'frame']]:
    """Errors of the 21 local rotations: geodesic angle, and the mean component of the rotation vectors' difference."""
    local, local_true = (kinematics.local_rotations(rot)[:, 1:] for rot in (estimate, truth))
    components = (rotation.log(local) - rotation.log(local_true)).abs()
    return {
        'mpjre_deg': rotation.angle_between(local, local_true).mean(-1) * _DEGREES,
        'mpjre_paper_deg': components.mean((-1, -2)) * _DEGREES,
    }


def location_residual(
    estimate: Positions, measured: Float[Tensor, 'frame joint 3'], located: list[int]
) -> Float[Tensor, 'frame']:
    """|(wrist - head) of the estimate - the measured one| [cm], mean over the located wrists."""
    wrists = [joint for joint in smpl22.WRISTS if joint in located]
    if smpl22.HEAD not in located or not wrists:
        return torch.full((len(estimate),), float('nan'))
    difference = (estimate - estimate[:, smpl22.HEAD, None]) - (measured - measured[:, smpl22.HEAD, None])
    return 100 * difference[:, wrists].norm(dim=-1).mean(-1)


def bone_error(estimate: Skeleton, truth: Skeleton) -> Float[Tensor, '']:
    """How far bones are from as long as they are [%]: the sum of all differences over the sum of all lengths."""
    return 100 * (estimate.lengths - truth.lengths).abs().sum() / truth.lengths.sum()


def velocity_error(
    estimate: Float[Tensor, '*window frame joint 3'], truth: Float[Tensor, '*window frame joint 3'], rate: float
) -> Float[Tensor, '*window step']:
    """Mean joint velocity error [cm/s] between consecutive frames, one value fewer than frames."""
    return 100 * rate * (estimate.diff(dim=-3) - truth.diff(dim=-3)).norm(dim=-1).mean(-1)


def jitter(positions: Float[Tensor, '*window frame joint 3'], rate: float) -> Float[Tensor, '*window step']:
    """Mean third difference of the joints' world positions [100 m/s^3], three values fewer than frames."""
    return positions.diff(n=3, dim=-3).norm(dim=-1).mean(-1) * rate**3 / 100
