"""SO(3) in NumPy, for the few matrices of one frame: there PyTorch's cost is that of calling its operations.

The same maps as in rotation.py, in double precision; `test_so3.py` holds the twins together.
"""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

Array = np.ndarray
_EYE = np.eye(3)
_NEAR_HALF_TURN = 3.0  # [rad] from here on the axis is not to be had from sines


def skew(v: Float[Array, '*batch 3']) -> Float[Array, '*batch 3 3']:
    """The matrix [v]x with [v]x u = v x u."""
    result = np.zeros((*v.shape, 3))
    result[..., 2, 1], result[..., 0, 2], result[..., 1, 0] = v[..., 0], v[..., 1], v[..., 2]
    return result - result.swapaxes(-1, -2)


def exp_with_jacobian(
    rotvec: Float[Array, '*batch 3'],
) -> tuple[Float[Array, '*batch 3 3'], Float[Array, '*batch 3 3']]:
    """Rotation matrix of a rotation vector [rad], and the right Jacobian there (Sola et al., 2018, eq. 143)."""
    square, sine, cosine = _rodrigues(rotvec)
    with_series = 1 / 6 - square / 120 + square**2 / 5040  # exact to 1e-13 where it is taken
    third = np.where(square < 1e-4, with_series, (1 - sine) / np.maximum(square, 1e-4))
    hat = skew(rotvec)
    hat2 = hat @ hat
    return _EYE + sine * hat + cosine * hat2, _EYE - cosine * hat + third * hat2


def exp(rotvec: Float[Array, '*batch 3']) -> Float[Array, '*batch 3 3']:
    """Rotation matrix of a rotation vector [rad]."""
    _, sine, cosine = _rodrigues(rotvec)
    hat = skew(rotvec)
    return _EYE + sine * hat + cosine * (hat @ hat)


def _rodrigues(rotvec: Float[Array, '*batch 3']) -> tuple[Float[Array, '*batch 1 1'], ...]:
    """a^2, sin(a) / a and (1 - cos(a)) / a^2 of the angle a [rad], by half of it and so without a case at zero."""
    square = (rotvec * rotvec).sum(-1)[..., None, None]
    half = np.sqrt(square) / 2
    sine = np.sinc(half / np.pi)
    return square, sine * np.cos(half), sine * sine / 2


def log(rot: Float[Array, '*batch 3 3']) -> Float[Array, '*batch 3']:
    """Rotation vector [rad] of a rotation matrix, of length at most pi."""
    axis = np.stack(
        (rot[..., 2, 1] - rot[..., 1, 2], rot[..., 0, 2] - rot[..., 2, 0], rot[..., 1, 0] - rot[..., 0, 1]), -1
    )
    sine = np.sqrt((axis * axis).sum(-1)) / 2
    angle = np.arctan2(sine, (np.trace(rot, axis1=-2, axis2=-1) - 1) / 2)
    vector = axis * (np.where(sine < 1e-9, 1.0, angle / np.maximum(sine, 1e-12)) / 2)[..., None]
    far = angle > _NEAR_HALF_TURN
    if far.any():
        vector[far] = Rotation.from_matrix(rot[far]).as_rotvec()
    return vector


def turned(rot: Float[Array, 'batch 3 3'], vectors: Float[Array, 'batch *rest 3']) -> Float[Array, 'batch *rest 3']:
    """Vectors turned, all of an entry by its one rotation: in one product, where `@` alone makes many small ones."""
    return (vectors.reshape(len(rot), -1, 3) @ rot.swapaxes(-1, -2)).reshape(vectors.shape)


def slerp(
    start: Float[Array, '*batch 3 3'], end: Float[Array, '*batch 3 3'], fraction: Float[Array, '*batch']
) -> Float[Array, '*batch 3 3']:
    """The rotation at a fraction of the shortest way from one to the other."""
    return start @ exp(fraction[..., None] * log(start.swapaxes(-1, -2) @ end))


def from_sixd(sixd: Float[Array, '*batch 6']) -> Float[Array, '*batch 3 3']:
    """Pi(r): see rotation.matrix_from_6d."""
    first = sixd[..., :3] / np.linalg.norm(sixd[..., :3], axis=-1, keepdims=True)
    second = sixd[..., 3:] - (first * sixd[..., 3:]).sum(-1, keepdims=True) * first
    second = second / np.linalg.norm(second, axis=-1, keepdims=True)
    return np.stack((first, second, np.cross(first, second)), -1)
