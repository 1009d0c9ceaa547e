"""SO(3): the maps between matrix, 6D, quaternion (wxyz) and rotation vector.

A 6D rotation is the first two columns of the matrix, one after the other: `[c1, c2]`.
`matrix_from_6d_raw` (the paper's D) and `matrix_from_6d` (its projection Pi) are two different maps:
the guidance of the paper differentiates the first, outputs use the second.
"""

import roma
import torch
from jaxtyping import Float
from torch import Tensor

Matrix = Float[Tensor, '*batch 3 3']
Vector = Float[Tensor, '*batch 3']


def exp(rotvec: Vector) -> Matrix:
    """Rotation matrix of a rotation vector [rad]."""
    return roma.rotvec_to_rotmat(rotvec)


def log(rot: Matrix) -> Vector:
    """Rotation vector [rad] of a rotation matrix, of length at most pi."""
    return roma.rotmat_to_rotvec(rot)


def skew(v: Vector) -> Matrix:
    """The matrix [v]x with [v]x u = v x u."""
    zero = torch.zeros_like(v[..., 0])
    x, y, z = v.unbind(-1)
    return torch.stack((zero, -z, y, z, zero, -x, -y, x, zero), -1).unflatten(-1, (3, 3))


def right_jacobian(rotvec: Vector) -> Matrix:
    """J with exp(w + dw) = exp(w) exp(J dw) to first order in dw.

    Source: Sola et al., A micro Lie theory (2018), eq. 143.
    """
    angle2 = rotvec.square().sum(-1)[..., None, None]
    small = angle2 < 0.1  # below, the closed form cancels; the series is exact to 1e-15 there
    angle = torch.where(small, torch.ones_like(angle2), angle2).sqrt()
    first_series = 0.5 - angle2 / 24 * (1 - angle2 / 30 * (1 - angle2 / 56 * (1 - angle2 / 90)))
    second_series = 1 / 6 - angle2 / 120 * (1 - angle2 / 42 * (1 - angle2 / 72 * (1 - angle2 / 110)))
    first = torch.where(small, first_series, (1 - angle.cos()) / angle.square())
    second = torch.where(small, second_series, (angle - angle.sin()) / angle**3)
    hat = skew(rotvec)
    eye = torch.eye(3, dtype=rotvec.dtype, device=rotvec.device)
    return eye - first * hat + second * hat @ hat


def sixd_from_matrix(rot: Matrix) -> Float[Tensor, '*batch 6']:
    """The first two columns of a matrix, one after the other."""
    return rot[..., :2].transpose(-1, -2).flatten(-2)


def matrix_from_6d_raw(sixd: Float[Tensor, '*batch 6']) -> Matrix:
    """D(r) = [c1, c2, c1 x c2], without any normalisation: a rotation only if the columns are orthonormal."""
    c1, c2 = sixd[..., :3], sixd[..., 3:]
    return torch.stack((c1, c2, torch.linalg.cross(c1, c2)), -1)


def matrix_from_6d(sixd: Float[Tensor, '*batch 6']) -> Matrix:
    """Pi(r): the rotation that Gram-Schmidt makes of the two columns (Zhou et al., CVPR 2019)."""
    return roma.special_gramschmidt(sixd.unflatten(-1, (2, 3)).transpose(-1, -2))


def project(matrix: Matrix) -> Matrix:
    """The rotation nearest to a matrix in the Frobenius norm (Procrustes)."""
    return roma.special_procrustes(matrix)


def quat_from_matrix(rot: Matrix) -> Float[Tensor, '*batch 4']:
    """Unit quaternion wxyz with w >= 0."""
    quat = roma.quat_xyzw_to_wxyz(roma.rotmat_to_unitquat(rot))
    return torch.where(quat[..., :1] < 0, -quat, quat)


def matrix_from_quat(quat: Float[Tensor, '*batch 4']) -> Matrix:
    """Rotation matrix of a quaternion wxyz of any length but zero."""
    return roma.unitquat_to_rotmat(roma.quat_wxyz_to_xyzw(quat / quat.norm(dim=-1, keepdim=True)))


def angle_between(a: Matrix, b: Matrix) -> Float[Tensor, '*batch']:
    """Geodesic angle between two rotations [rad], exact near zero as well."""
    return roma.rotmat_geodesic_distance(a, b)


def about_z(angle: Float[Tensor, '*batch']) -> Matrix:
    """Rotation by an angle [rad] about the vertical axis."""
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    c, s = angle.cos(), angle.sin()
    return torch.stack((c, -s, zero, s, c, zero, zero, zero, one), -1).unflatten(-1, (3, 3))


def heading(rot: Matrix) -> Float[Tensor, '*batch']:
    """The angle [rad] of the twist of a rotation about the vertical axis.

    Unlike the azimuth of the x axis it stays defined when the body bends by 90 degrees; only a rotation by
    180 degrees about a horizontal axis has none.
    """
    return torch.atan2(rot[..., 1, 0] - rot[..., 0, 1], rot[..., 0, 0] + rot[..., 1, 1])


def mean_rotation(rot: Float[Tensor, 'sample *batch 3 3']) -> Matrix:
    """Chordal mean over the first axis (Hartley et al., 2013)."""
    return project(rot.mean(0))


def slerp(start: Matrix, end: Matrix, fraction: Float[Tensor, '*batch']) -> Matrix:
    """The rotation at a fraction of the shortest way from one to the other."""
    return start @ exp(fraction[..., None] * log(start.transpose(-1, -2) @ end))
