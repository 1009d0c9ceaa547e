"""The correction of single frames in NumPy: the fast twin of `LocationLikelihood.correct`, for the streaming solver.

The same formulas in double precision. For one frame the arrays are so small that PyTorch's cost is that of calling
its operations, several times NumPy's; `test_single_frame.py` holds the twins together.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from inpose_ros.body import smpl22
from inpose_ros.diffusion.likelihood import EITHER_STANDS, LOWER_STANDS

_LARGEST_STEP = 0.8  # [rad], as in likelihood.py
_UNUSED = 1.0  # variance of rows that say nothing [m^2]
_TOES = list(smpl22.TOES)

Array = np.ndarray


@dataclass(frozen=True)
class FrameLikelihood:
    """Differences of located joints in single frames, of which the first located one is the reference.

    `table[s, j]` is A of location s minus that of the reference [m], zero where nothing is measured; `measured` [m]
    and its `noise` [m^2], axis after axis of sensor after sensor.
    """

    table: Float[Array, 'batch sensor joint 3']
    measured: Float[Array, 'batch axis']
    noise: Float[Array, 'batch axis axis']

    @classmethod
    def of(
        cls, chain: Float[Array, 'sensor joint 3'], location: Float[Array, 'batch sensor 3'],
        valid: Bool[Array, 'batch sensor'], stddev: Float[Array, 'batch sensor 3'],
    ) -> 'FrameLikelihood':  # fmt: skip
        """See LocationLikelihood: the reference's noise is common to all differences."""
        rows, reference = np.arange(len(valid)), valid.argmax(-1)
        used = valid.copy()
        used[rows, reference] = False
        keep = used.any(0).nonzero()[0]  # rows that say nothing in any frame are not worth their time
        used, variance = used[:, keep, None], np.square(stddev)
        own = np.where(used, variance[:, keep], _UNUSED)
        axes = 3 * len(keep)
        noise = np.zeros((len(valid), axes, axes))
        noise[:, range(axes), range(axes)] = own.reshape(len(valid), axes)
        common = np.einsum('bs,bt,bx,xy->bsxty', used[..., 0], used[..., 0], variance[rows, reference], np.eye(3))
        return cls(
            table=(chain[keep] - chain[reference, None]) * used[..., None],
            measured=((location[:, keep] - location[rows, reference, None]) * used).reshape(len(valid), axes),
            noise=noise + common.reshape(noise.shape),
        )

    def correct(
        self, rot: Float[Array, 'batch joint 3 3'], covariance: Float[Array, 'batch tangent tangent'],
        iterations: int = 4,
    ) -> tuple[Float[Array, 'batch joint 3 3'], Float[Array, 'batch tangent tangent']]:  # fmt: skip
        """The rotations' posterior mean and covariance [rad^2]: see LocationLikelihood.correct."""
        if self.measured.shape[1] == 0:
            return rot, covariance
        tangent, levers = np.zeros((*rot.shape[:2], 3)), skew(self.table)
        for _ in range(iterations):
            turn, jacobian_right = exp_with_jacobian(tangent)
            moved = rot @ turn
            jacobian = -(moved[:, None] @ levers) @ jacobian_right[:, None]
            jacobian = jacobian.transpose(0, 1, 3, 2, 4).reshape(*self.measured.shape, -1)
            predicted = (moved[:, None] @ self.table[..., None])[..., 0].sum(2).reshape(self.measured.shape)
            flat = tangent.reshape(len(rot), -1, 1)
            residual = (self.measured - predicted)[..., None] + jacobian @ flat
            cross = jacobian @ covariance  # both are symmetric, so this is (C J')'
            gain = np.linalg.solve(cross @ jacobian.transpose(0, 2, 1) + self.noise, cross).transpose(0, 2, 1)
            step = (gain @ residual - flat).reshape(tangent.shape)
            longest = np.linalg.norm(step, axis=-1).max(-1)[:, None, None]
            tangent = tangent + step * (_LARGEST_STEP / np.maximum(longest, _LARGEST_STEP))
        return rot @ exp_with_jacobian(tangent)[0], covariance - gain @ cross


def standing_feet(
    heights: Float[Array, 'batch 2'], contact: Float[Array, 'batch 2'], lower_by: float
) -> Float[Array, 'batch 2']:
    """See Floor.standing: by the heights of the toes and `lower_by` [m], and the probabilities of contact."""
    lower = np.exp(-(heights - heights.min(-1, keepdims=True)) / lower_by)
    rise = [np.clip((contact - low) / (high - low), 0, 1) for low, high in (LOWER_STANDS, EITHER_STANDS)]
    return np.maximum(rise[0] * lower, rise[1])


def toe_heights(chain: Float[Array, 'joint joint 3'], rot: Float[Array, 'batch joint 3 3']) -> Float[Array, 'batch 2']:
    """Of the toe joints over the root [m]; `chain` is kinematics.location_map."""
    return np.einsum('bjy,tjy->bt', rot[:, :, 2], chain[_TOES])


def positions(
    chain: Float[Array, 'joint joint 3'], rot: Float[Array, 'batch joint 3 3']
) -> Float[Array, 'batch joint 3']:
    """Of the joints relative to the root [m]; `chain` is kinematics.location_map."""
    count = len(smpl22.JOINTS)
    columns = chain.reshape(count, -1).T  # [joint y, location]
    return (rot.transpose(0, 2, 1, 3).reshape(len(rot), 3, -1) @ columns).transpose(0, 2, 1)


def position_covariance(
    chain: Float[Array, 'joint joint 3'], rot: Float[Array, 'batch joint 3 3'],
    covariance: Float[Array, 'batch tangent tangent'], origin: int,
) -> Float[Array, 'batch joint 3 3']:  # fmt: skip
    """See kinematics.position_covariance."""
    count = len(smpl22.JOINTS)
    blocks = -(rot[:, None] @ skew(chain - chain[origin])[None])
    jacobian = blocks.transpose(0, 1, 3, 2, 4).reshape(len(rot), 3 * count, 3 * count)
    half = (jacobian @ covariance).reshape(len(rot), count, 3, -1)
    return half @ jacobian.reshape(len(rot), count, 3, -1).transpose(0, 1, 3, 2)


def skew(v: Float[Array, '*batch 3']) -> Float[Array, '*batch 3 3']:
    """The matrix [v]x with [v]x u = v x u."""
    result = np.zeros((*v.shape, 3))
    result[..., 2, 1], result[..., 0, 2], result[..., 1, 0] = v[..., 0], v[..., 1], v[..., 2]
    return result - result.swapaxes(-1, -2)


def exp_with_jacobian(
    rotvec: Float[Array, '*batch 3'],
) -> tuple[Float[Array, '*batch 3 3'], Float[Array, '*batch 3 3']]:
    """Rotation matrix of a rotation vector [rad], and the right Jacobian there (Sola et al., 2018, eq. 143)."""
    angle = np.linalg.norm(rotvec, axis=-1)[..., None, None]
    square = np.square(angle)
    with np.errstate(invalid='ignore', divide='ignore'):
        near = angle < 1e-2  # there the series are exact to 1e-13
        sine = np.where(near, 1 - square / 6 + square**2 / 120, np.sin(angle) / angle)
        cosine = np.where(near, 0.5 - square / 24 + square**2 / 720, (1 - np.cos(angle)) / square)
        third = np.where(near, 1 / 6 - square / 120 + square**2 / 5040, (angle - np.sin(angle)) / (square * angle))
    hat = skew(rotvec)
    hat2 = hat @ hat
    return np.eye(3) + sine * hat + cosine * hat2, np.eye(3) - cosine * hat + third * hat2


def log(rot: Float[Array, '*batch 3 3']) -> Float[Array, '*batch 3']:
    """Rotation vector [rad] of a rotation matrix; less exact within 1e-3 of a half turn."""
    axis = np.stack(
        (rot[..., 2, 1] - rot[..., 1, 2], rot[..., 0, 2] - rot[..., 2, 0], rot[..., 1, 0] - rot[..., 0, 1]), -1
    )
    sine = np.linalg.norm(axis, axis=-1) / 2
    cosine = (np.trace(rot, axis1=-2, axis2=-1) - 1) / 2
    return axis * (np.arctan2(sine, cosine) / np.maximum(2 * sine, 1e-12))[..., None]


def from_sixd(sixd: Float[Array, '*batch 6']) -> Float[Array, '*batch 3 3']:
    """Pi(r): see rotation.matrix_from_6d."""
    first = sixd[..., :3] / np.linalg.norm(sixd[..., :3], axis=-1, keepdims=True)
    second = sixd[..., 3:] - (first * sixd[..., 3:]).sum(-1, keepdims=True) * first
    second = second / np.linalg.norm(second, axis=-1, keepdims=True)
    return np.stack((first, second, np.cross(first, second)), -1)
