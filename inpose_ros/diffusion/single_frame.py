"""The correction of single frames in NumPy: the fast twin of `LocationLikelihood.correct`, for the streaming solver.

The same formulas in double precision. For one frame the arrays are so small that PyTorch's cost is that of calling
its operations, several times NumPy's; `test_single_frame.py` holds the twins together.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from inpose_ros.body import smpl22
from inpose_ros.diffusion.likelihood import EITHER_STANDS, ITERATIONS, LEAST_SHARE, LOWER_STANDS
from inpose_ros.geometry import so3

_LARGEST_STEP = 0.8  # [rad], as in likelihood.py
_CLOSE = 0.02  # when no joint of a pose turned by more in a step, the next would be smaller still [rad]
_TINY = np.finfo(float).tiny
_UNUSED = 1.0  # variance of rows that say nothing [m^2]
_EYE = np.eye(3)

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
        used, variance = used[:, keep], np.square(stddev)
        batch, count = used.shape
        both, common = used[:, :, None] & used[:, None, :], variance[rows, reference, :, None] * _EYE
        # Different axes have nothing in common.
        noise = (both[:, :, None, :, None] * common[:, None, :, None, :]).reshape(batch, 3 * count, 3 * count)
        diagonal = noise.reshape(batch, -1)[:, :: 3 * count + 1]  # a view of it
        diagonal += np.where(used[..., None], variance[:, keep], _UNUSED).reshape(batch, -1)
        apart = (location[:, keep] - location[rows, reference, None]) * used[..., None]
        return cls(
            table=(chain[keep] - chain[reference, None]) * used[..., None, None],
            measured=apart.reshape(batch, 3 * count),
            noise=noise,
        )

    def correct(
        self, rot: Float[Array, 'batch joint 3 3'], covariance: Float[Array, 'batch tangent tangent'],
        start: Float[Array, 'batch tangent'], iterations: int = ITERATIONS,
    ) -> tuple[
        Float[Array, 'batch joint 3 3'], Float[Array, 'batch tangent tangent'], Float[Array, 'batch tangent']
    ]:  # fmt: skip
        """The rotations' posterior mean and covariance [rad^2], see LocationLikelihood.correct; and how they turned.

        Args:
            start: where to look for it first [rad]: nothing, or how the frame before was turned, which saves a step.
            iterations: at most; of each pose the first that turns no joint far is its last.
        """
        if self.measured.shape[1] == 0:
            return rot, covariance, np.zeros_like(start)
        batch, joints, levers = *rot.shape[:2], self.table.swapaxes(1, 2)  # of each joint, by sensor
        near = np.abs(start).max(1, keepdims=True) <= _LARGEST_STEP  # what was farther off may be lost there
        flat, before, taken = (start * near)[..., None], None, 1.0
        moves = np.ones((batch, 1, 1), dtype=bool)  # whoever moves no more stays, whatever the others do
        for _ in range(iterations):
            turn, jacobian_right = so3.exp_with_jacobian(flat.reshape(batch, joints, 3))
            moved = rot @ turn
            reach = levers @ moved.swapaxes(-1, -2)
            # -R [b]x J_r, as R [b]x = [R b]x R: few products of matrices, whatever the number of sensors.
            jacobian = so3.skew(-reach).reshape(batch, joints, -1, 3) @ (moved @ jacobian_right)
            jacobian = jacobian.swapaxes(1, 2).reshape(*self.measured.shape, -1)
            residual = (self.measured - reach.sum(1).reshape(self.measured.shape))[..., None] + jacobian @ flat
            cross = jacobian @ covariance  # both are symmetric, so this is (C J')'
            spread = cross @ jacobian.swapaxes(1, 2) + self.noise
            weighted = np.linalg.solve(spread, np.concatenate((residual, cross), -1))
            step = cross.swapaxes(1, 2) @ weighted[..., :1] - flat
            longest = np.sqrt(so3.squared_norm(step.reshape(batch, joints, 3)).max(-1))[:, None, None]
            share = 1.0 if before is None else _share(taken, before, step)
            taken = np.minimum(share, _LARGEST_STEP / np.maximum(longest, _LARGEST_STEP))
            flat = flat + moves * taken * step
            moves = moves & (longest >= _CLOSE)
            if not moves.any():
                break
            before = step
        known = cross.swapaxes(1, 2) @ weighted[..., 1:]
        turned = rot @ so3.exp(flat.reshape(batch, joints, 3))
        return turned, np.subtract(covariance, known, out=known), flat[..., 0]


def _share(
    taken: Float[Array, 'batch 1 1'], before: Float[Array, 'batch tangent 1'], step: Float[Array, 'batch tangent 1']
) -> Float[Array, 'batch 1 1']:
    """How much of a step to take: see likelihood.share_of_step."""
    back, change = (before * step).sum(1, keepdims=True), step - before
    share = -taken * (before * change).sum(1, keepdims=True) / (np.square(change).sum(1, keepdims=True) + _TINY)
    return np.where(back < 0, np.maximum(share, LEAST_SHARE), 1.0)


def standing_feet(
    heights: Float[Array, 'batch 2'], contact: Float[Array, 'batch 2'], lower_by: float
) -> Float[Array, 'batch 2']:
    """See Floor.standing: by the heights of the toes and `lower_by` [m], and the probabilities of contact."""
    lower = np.exp(-(heights - heights.min(-1, keepdims=True)) / lower_by)
    # np.clip takes four times as long
    rise = [np.minimum(np.maximum((contact - low) / (high - low), 0), 1) for low, high in (LOWER_STANDS, EITHER_STANDS)]
    return np.maximum(rise[0] * lower, rise[1])


def heights(
    chain: Float[Array, 'located joint 3'], rot: Float[Array, 'batch joint 3 3']
) -> Float[Array, 'batch located']:
    """Of some joints over the root [m]; `chain` are their rows of kinematics.location_map."""
    return rot[:, :, 2].reshape(len(rot), -1) @ chain.reshape(len(chain), -1).T


def positions(
    chain: Float[Array, 'joint joint 3'], rot: Float[Array, 'batch joint 3 3']
) -> Float[Array, 'batch joint 3']:
    """Of the joints relative to the root [m]; `chain` is kinematics.location_map."""
    count = len(smpl22.JOINTS)
    columns = chain.reshape(count, -1).T  # [joint y, location]
    return (rot.transpose(0, 2, 1, 3).reshape(len(rot), 3, -1) @ columns).transpose(0, 2, 1)


def position_covariance(
    levers: Float[Array, 'location joint 3'], rot: Float[Array, 'batch joint 3 3'],
    covariance: Float[Array, 'batch tangent tangent'],
) -> Float[Array, 'batch location 3 3']:  # fmt: skip
    """See kinematics.position_covariance; `levers` are rows of location_map less that of the origin."""
    flat, blocks = covariance.shape, (*rot.shape[:2], 3, covariance.shape[-1])
    half = (rot @ covariance.reshape(blocks)).reshape(flat).swapaxes(1, 2)
    world = (rot @ half.reshape(blocks)).reshape(flat)  # of the turns R w, in world axes, of which r takes r x R w
    reach = rot @ levers.transpose(1, 2, 0)  # of each joint, by location
    jacobian = so3.skew(reach.swapaxes(-1, -2)).transpose(0, 2, 3, 1, 4).reshape(len(rot), len(levers), 3, -1)
    half = (jacobian.reshape(len(rot), -1, flat[-1]) @ world).reshape(jacobian.shape)
    return half @ jacobian.transpose(0, 1, 3, 2)


def columns(rot: Float[Array, '*batch 3 3']) -> Float[Array, '*batch 2 3']:
    """The first two columns of a matrix, each as a row: its 6D form."""
    return rot[..., :2].swapaxes(-1, -2)
