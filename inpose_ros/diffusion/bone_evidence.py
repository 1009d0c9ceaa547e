"""What one pass of the prior says of the bones of whoever moves: matrices that are linear in them.

E[l | measured rotations, b] = M(E[R]) b, where E[R] is the mean matrix of a pass that saw no location, no height and no
travel; seen any of them, bones would explain themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inpose_ros.body import kinematics, smpl22
from inpose_ros.diffusion.condition import size_free_condition, window_heading
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.geometry import rotation
from inpose_ros.sensing.resample import JointWindow

# The noisiest level, from whose mean the prior's own estimate is one step.
_STEP = 999
# Errors of the pass are much the same from one moment to the next, and part of them stays with a person whatever they
# do: the mean of n observations has as much variance as one, times (_ALIKE / n + _LASTING). From validation.
_ALIKE, _LASTING = 20.0, 0.2
_HEIGHTS = 2400  # of the latest, twenty minutes at two a second
# How well the pass and the skeleton fit anybody at best [m].
_MISFIT = 0.01


def mean_matrix(
    rot: Float[Tensor, '*#batch 3 3'], covariance: Float[Tensor, '*#batch 3 3']
) -> Float[Tensor, '*batch 3 3']:
    """E[R exp(w)] of a tangent w ~ N(0, S): R exp(-(tr(S) I - S) / 2), exact to the second order in w.

    It is E[I + [w]x + [w]x^2 / 2] with [w]x^2 = w w' - w'w I, and the exponential keeps it a contraction for any S.
    """
    trace = covariance.diagonal(dim1=-2, dim2=-1).sum(-1)[..., None, None]
    eye = torch.eye(3, dtype=rot.dtype, device=rot.device)
    return rot @ torch.linalg.matrix_exp((covariance - trace * eye) / 2)


@dataclass(frozen=True)
class Seen:
    """The newest frames of a batch of windows as the pass sees them: mean matrices, their covariance, and locations."""

    matrices: Float[Tensor, 'batch joint 3 3']
    covariance: Float[Tensor, 'batch tangent tangent']
    location: Float[Tensor, 'batch joint 3']
    valid: Bool[Tensor, 'batch joint']
    stddev: Float[Tensor, 'joint']


@torch.no_grad()
def seen(prior: MotionPrior, windows: Sequence[JointWindow]) -> Seen:
    """One pass of the prior on the rotations alone, heading-free; all but the network on the CPU.

    It is a hundred operations on small arrays: on a GPU they took so long that poses were lost to the first of them.
    """
    rot, rot_valid, location, valid = (
        torch.stack([getattr(window, name) for window in windows])
        for name in ('rot_world_joint', 'rot_valid', 'location', 'location_valid')
    )
    turn = rotation.about_z(-window_heading(rot, rot_valid))[:, None, None]
    nothing = torch.zeros_like(valid[..., 0])
    condition = size_free_condition(
        turn @ rot, rot_valid, location[..., 0, 0], nothing, torch.zeros_like(location[..., 0, :]), nothing,
        torch.tensor([window.zeroed for window in windows]),
        torch.zeros_like(location), torch.zeros_like(valid),
    )  # fmt: skip
    noise = torch.zeros(*rot_valid.shape, 6)
    newest = slice(-1, None)
    prediction, condition = prior.denoise(noise, _STEP, condition).frames(newest), condition.frames(newest)
    estimate = prior.rotations(prediction, condition)[:, -1]
    covariance = prior.covariance(prediction, condition, _STEP, windows[0].rotation_stddev)[:, -1]
    own = covariance.unflatten(-1, (-1, 3)).unflatten(-3, (-1, 3)).diagonal(dim1=-4, dim2=-2).movedim(-1, -3)
    places = (turn[:, 0] @ location[:, -1, :, :, None])[..., 0]
    parts = (mean_matrix(estimate, own), covariance, places)
    return Seen(*(part.double() for part in parts), valid[:, -1], windows[0].position_stddev.double())


@dataclass(frozen=True)
class Information:
    """What observations say of x in y = A x + noise, summed up in any order: A' S^-1 A and A' S^-1 y."""

    matrix: Float[Tensor, 'state state']
    vector: Float[Tensor, 'state']
    count: int = 0

    @classmethod
    def none(cls, states: int) -> 'Information':
        return cls(torch.zeros(states, states, dtype=torch.float64), torch.zeros(states, dtype=torch.float64))

    def __add__(self, other: 'Information') -> 'Information':
        return Information(self.matrix + other.matrix, self.vector + other.vector, self.count + other.count)

    def weighed(self, size: float) -> tuple[Float[Tensor, 'state state'], Float[Tensor, 'state']]:
        """As precise as it truly is, of somebody `size` times as large as the start: observations are much alike."""
        share = size**2 * (_ALIKE + _LASTING * self.count)
        return self.matrix / share, self.vector / share


@dataclass(frozen=True)
class Evidence:
    """What was seen of a body: what locations say of its bones, and the heights [m] that the head kept."""

    information: Information
    heights: tuple[float, ...] = ()

    @classmethod
    def none(cls, states: int) -> 'Evidence':
        return cls(Information.none(states))

    def __add__(self, other: 'Evidence') -> 'Evidence':
        return Evidence(self.information + other.information, (*self.heights, *other.heights)[-_HEIGHTS:])


def information(
    observed: Seen, columns: Float[Tensor, 'bone_axis state'], bones: Float[Tensor, 'joint 3']
) -> Information:
    """What differences of locations say of x in bones + columns x; noise is that of somebody with these bones."""
    total = Information.none(columns.shape[1])
    for pattern in observed.valid.unique(dim=0):
        joints = pattern.nonzero().flatten().tolist()
        if len(joints) < 2:
            continue
        rows = (observed.valid == pattern).all(-1)
        origin = smpl22.HEAD if smpl22.HEAD in joints else joints[0]
        total += _of_differences(observed, rows, origin, [j for j in joints if j != origin], columns, bones)
    return total


def _of_differences(
    observed: Seen, rows: Bool[Tensor, 'batch'], origin: int, joints: list[int],
    columns: Float[Tensor, 'bone_axis state'], bones: Float[Tensor, 'joint 3'],
) -> Information:  # fmt: skip
    matrices = observed.matrices[rows]
    table = kinematics.bone_map(matrices)
    table = (table[:, joints] - table[:, [origin]]).flatten(1, 2)
    measured = (observed.location[rows][:, joints] - observed.location[rows][:, [origin]]).flatten(1)
    residual = measured - table @ bones.flatten()
    chain = kinematics.location_map(bones)
    chain = chain[joints] - chain[origin]
    jacobian = (-matrices[:, None] @ rotation.skew(chain)).transpose(-3, -2).flatten(-2).flatten(1, 2)
    variance = observed.stddev.square() + _MISFIT**2
    noise = variance[joints].diag() + variance[origin]
    spread = jacobian @ observed.covariance[rows] @ jacobian.mT + torch.kron(noise, torch.eye(3).to(noise))
    design = table @ columns
    weighted = torch.linalg.solve(spread, design)
    matrix = torch.einsum('bis,bit->st', design, weighted)
    return Information(matrix, torch.einsum('bis,bi->s', weighted, residual), int(rows.sum()))
