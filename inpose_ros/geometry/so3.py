"""SO(3) in NumPy, for the few matrices of one frame: there PyTorch's cost is that of calling its operations.

The same maps as in rotation.py, in double precision; `test_so3.py` holds the twins together.
"""

import math

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

Array = np.ndarray


def _products_of_quaternion() -> Float[Array, '9 16']:
    """From the entries of a matrix to 4 q q', less the identity, of its quaternion q: that is linear in them."""
    table = np.zeros((3, 3, 4, 4))
    for axis, (row, column) in enumerate(((2, 1), (0, 2), (1, 0))):
        table[axis, axis] = np.diag([1.0, *(1.0 if other == axis else -1.0 for other in range(3))])
        for here, there, sign in ((row, column, 1.0), (column, row, -1.0)):
            table[here, there, 0, 1 + axis] = table[here, there, 1 + axis, 0] = sign
            table[here, there, 1 + row, 1 + column] = table[here, there, 1 + column, 1 + row] = 1.0
    return table.reshape(9, 16)


_EYE = np.eye(3)
_ONES = np.ones(3)
_TINY = np.finfo(float).tiny  # in place of nothing, so that limits need no case of their own
_NEAR_HALF_TURN = 3.0  # [rad] from here on the axis is not to be had from sines
_EYE4 = np.eye(4).ravel()
_SKEW = np.cross(_EYE[:, None], _EYE).swapaxes(1, 2).reshape(3, 9)  # [e]x of each axis
# From the entries of a rotation to sin(a) n of its axis and angle, and to its trace.
_AXIS_AND_TRACE = np.concatenate((_SKEW / 2, _EYE.reshape(1, 9))).T
_PRODUCTS = _products_of_quaternion()
_ENTRIES = _PRODUCTS.T  # and back from q q': its rows are orthogonal, and of length 2


def skew(v: Float[Array, '*batch 3']) -> Float[Array, '*batch 3 3']:
    """The matrix [v]x with [v]x u = v x u."""
    return (v @ _SKEW).reshape(*v.shape, 3)


def squared_norm(v: Float[Array, '*batch 3']) -> Float[Array, '*batch']:
    """v . v, as a product: summing along an axis of three takes NumPy three times as long."""
    return (v * v) @ _ONES


def exp_with_jacobian(
    rotvec: Float[Array, '*batch 3'],
) -> tuple[Float[Array, '*batch 3 3'], Float[Array, '*batch 3 3']]:
    """Rotation matrix of a rotation vector [rad], and the right Jacobian there (Sola et al., 2018, eq. 143)."""
    squared = squared_norm(rotvec)[..., None, None] + _TINY
    half = np.sqrt(squared) / 2
    sine = np.sin(half) / half
    sine, cosine = sine * np.cos(half), sine * sine / 2  # sin(a) / a and (1 - cos(a)) / a^2
    hat = skew(rotvec)
    twice = hat @ hat
    # What cancels in the last factor is as small as what it multiplies.
    jacobian = _EYE - cosine * hat + (1 - sine) / squared * twice
    return _EYE + sine * hat + cosine * twice, jacobian


def exp(rotvec: Float[Array, '*batch 3']) -> Float[Array, '*batch 3 3']:
    """Rotation matrix of a rotation vector [rad]: of its quaternion, in few operations."""
    half = np.sqrt(squared_norm(rotvec) + _TINY) / 2
    quaternion = np.empty((*rotvec.shape[:-1], 4))
    np.cos(half, out=quaternion[..., 0])
    np.multiply(rotvec, (np.sin(half) / half / 2)[..., None], out=quaternion[..., 1:])
    products = quaternion[..., :, None] * quaternion[..., None, :]
    return (products.reshape(-1, 16) @ _ENTRIES).reshape(*rotvec.shape, 3)


def log(rot: Float[Array, '*batch 3 3']) -> Float[Array, '*batch 3']:
    """Rotation vector [rad] of a rotation matrix, of length at most pi."""
    axis, sine, angle = _axis_and_angle(rot)
    vector = axis * (angle / sine)[..., None]
    far = angle > _NEAR_HALF_TURN
    if far.any():
        vector[far] = Rotation.from_matrix(rot[far]).as_rotvec()
    return vector


def _axis_and_angle(
    rot: Float[Array, '*batch 3 3'],
) -> tuple[Float[Array, '*batch 3'], Float[Array, '*batch'], Float[Array, '*batch']]:
    """sin(a) n, sin(a) and the angle a [rad] of a rotation about n."""
    parts = rot.reshape(*rot.shape[:-2], 9) @ _AXIS_AND_TRACE
    axis = parts[..., :3]
    sine = np.sqrt(squared_norm(axis) + _TINY)
    return axis, sine, np.arctan2(sine, (parts[..., 3] - 1) / 2)


def quaternion(rot: Float[Array, '*batch 3 3']) -> Float[Array, '*batch 4']:
    """Unit quaternion wxyz of a rotation matrix, w not negative (S. W. Shepperd, 1978)."""
    products = rot.reshape(-1, 9) @ _PRODUCTS + _EYE4
    # Any row is the quaternion times one of its components: the largest of them is far from zero.
    largest = products[:, ::5].argmax(-1)
    row = products.reshape(-1, 4, 4)[np.arange(len(products)), largest]
    row = row * (np.copysign(1.0, row[:, :1]) / np.sqrt((row * row).sum(-1, keepdims=True)))
    return row.reshape(*rot.shape[:-2], 4)


def angle_between(a: Float[Array, '3 3'], b: Float[Array, '3 3']) -> float:
    """From one rotation to another [rad], by the chord: exact near zero, and to 1e-8 near a half turn."""
    return 2 * math.asin(min(1.0, math.sqrt(np.square(a - b).sum() / 8)))


def about_z(angle: float) -> Float[Array, '3 3']:
    """A turn about the vertical [rad]."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def heading(rot: Float[Array, '3 3']) -> float:
    """The angle [rad] of the turn about the vertical that is nearest to a rotation."""
    return math.atan2(rot[1, 0] - rot[0, 1], rot[0, 0] + rot[1, 1])


def turned(rot: Float[Array, 'batch 3 3'], vectors: Float[Array, 'batch *rest 3']) -> Float[Array, 'batch *rest 3']:
    """Vectors turned, all of an entry by its one rotation: in one product, where `@` alone makes many small ones."""
    return (vectors.reshape(len(rot), -1, 3) @ rot.swapaxes(-1, -2)).reshape(vectors.shape)


def from_sixd(sixd: Float[Array, '*batch 6']) -> Float[Array, '*batch 3 3']:
    """Pi(r): see rotation.matrix_from_6d."""
    first, second = sixd[..., :3], sixd[..., 3:]
    first = first / np.sqrt(squared_norm(first))[..., None]
    second = second - ((first * second) @ _ONES)[..., None] * first
    second = (second / np.sqrt(squared_norm(second))[..., None])[..., None]
    return np.concatenate((first[..., None], second, skew(first) @ second), -1)
