"""LocationLikelihood: what measured locations say about rotations, through this user's bones.

Locations are linear in global rotation matrices: l_k - l_root = sum_j R_j A[k, j]. Only differences between located joints
are used, so the root drops out: in every frame, each located joint minus the first one. All of it is per frame; the dense
matrix over a window is never formed.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inpose_ros.body import kinematics
from inpose_ros.geometry import rotation

_LARGEST_STEP = 0.8  # [rad]


@dataclass(frozen=True)
class LocationLikelihood:
    """Locations of some joints in a batch of frames, heading-free like the rotations that they speak about.

    `chain[k, j]` is A of joint k [m]; `location` [m]; where `valid` is false the value is ignored; `stddev` [m] is the noise
    of each location, per axis.
    """

    chain: Float[Tensor, 'sensor joint 3']
    location: Float[Tensor, '*batch sensor 3']
    valid: Bool[Tensor, '*batch sensor']
    stddev: Float[Tensor, 'sensor']

    @classmethod
    def of_joints(
        cls, bones: Float[Tensor, 'joint 3'], joints: list[int], location: Float[Tensor, '*batch sensor 3'],
        valid: Bool[Tensor, '*batch sensor'], stddev: Float[Tensor, 'sensor'],
    ) -> 'LocationLikelihood':  # fmt: skip
        return cls(kinematics.location_map(bones)[joints], location, valid, stddev)

    def newest(self) -> 'LocationLikelihood':
        """The newest frame alone."""
        return LocationLikelihood(self.chain, self.location[..., -1:, :, :], self.valid[..., -1:, :], self.stddev)

    @property
    def _used(self) -> Float[Tensor, '*batch sensor']:
        """One for each difference that says something: a valid joint that is not the frame's reference."""
        return (self.valid & ~self._reference.bool()).to(self.location)

    @property
    def _reference(self) -> Float[Tensor, '*batch sensor']:
        """One-hot: the first located joint of each frame."""
        first = self.valid.int().argmax(-1)
        return torch.nn.functional.one_hot(first, self.valid.shape[-1]).to(self.location)

    def difference_map(self) -> Float[Tensor, '*batch sensor joint 3']:
        """A of each location minus that of the frame's reference; zero rows where there is nothing to compare."""
        reference = torch.einsum('...s,sjx->...jx', self._reference, self.chain)
        return (self.chain - reference[..., None, :, :]) * self._used[..., None, None]

    def differences(self) -> Float[Tensor, '*batch sensor 3']:
        """Measured locations minus the reference's [m], zero in unused rows."""
        reference = torch.einsum('...s,...sx->...x', self._reference, self.location)
        return (self.location - reference[..., None, :]) * self._used[..., None]

    def noise_covariance(self) -> Float[Tensor, '*batch sensor sensor']:
        """Covariance of the differences [m^2]: the reference's noise is common to all; unused rows get one."""
        used = self._used
        own = used * self.stddev.square() + (1 - used)
        common = (self._reference * self.stddev.square()).sum(-1)
        return own.diag_embed() + common[..., None, None] * used[..., :, None] * used[..., None, :]

    def predict(self, matrices: Float[Tensor, '*batch joint 3 3']) -> Float[Tensor, '*batch sensor 3']:
        """The differences that these matrices give [m]; linear, so any matrices will do."""
        return torch.einsum('...jxy,...sjy->...sx', matrices, self.difference_map())

    def guidance(
        self, matrices: Float[Tensor, '*batch joint 3 3'], variance: float, location_variance: float
    ) -> Float[Tensor, '*batch joint 3 3']:
        """Pi-GDM's w^2 A' (w^2 A A' + S)^-1 (l - A D), the pull on each matrix, in closed form per frame.

        `variance` is w^2, that of each matrix entry; S is `location_variance` [m^2] for every difference of two located
        joints, all pairs counted as the paper does: for n joints that is the variance over n at each joint.
        """
        table, used = self.difference_map(), self._used
        count = (used.sum(-1) + 1)[..., None, None]
        noise = location_variance / count * (used[..., :, None] * used[..., None, :] + used.diag_embed())
        gram = variance * torch.einsum('...sjy,...tjy->...st', table, table) + noise + (1 - used).diag_embed()
        weight = torch.linalg.solve(gram, self.differences() - self.predict(matrices))
        return variance * torch.einsum('...sjy,...sx->...jxy', table, weight)

    def correct(
        self, rot: Float[Tensor, '*batch joint 3 3'], covariance: Float[Tensor, '*batch tangent tangent'],
        iterations: int = 4,
    ) -> tuple[Float[Tensor, '*batch joint 3 3'], Float[Tensor, '*batch tangent tangent']]:  # fmt: skip
        """The rotations' posterior mean and covariance given the locations: an iterated Kalman update on SO(3).

        The state is w in R exp(w), its prior N(0, covariance); each iteration linearises at the last w while the prior mean
        stays at zero (Bell and Cathey, 1993). No joint turns by more than _LARGEST_STEP in an iteration, or measurements far
        from the prior make it overshoot. The covariance returned is that of the tangent at zero.
        """
        table, measured = self.difference_map(), self.differences()
        noise = torch.kron(self.noise_covariance().contiguous(), torch.eye(3).to(rot))
        tangent = rot.new_zeros(*rot.shape[:-2], 3)
        for _ in range(iterations):
            moved = rot @ rotation.exp(tangent)
            jacobian = self._jacobian(moved, tangent, table)
            residual = (measured - torch.einsum('...jxy,...sjy->...sx', moved, table)).flatten(-2)
            residual = residual + (jacobian @ tangent.flatten(-2)[..., None])[..., 0]
            cross = covariance @ jacobian.transpose(-1, -2)
            gain = torch.linalg.solve(jacobian @ cross + noise, cross.transpose(-1, -2)).transpose(-1, -2)
            step = (gain @ residual[..., None])[..., 0].unflatten(-1, (-1, 3)) - tangent
            longest = step.norm(dim=-1).amax(-1)[..., None, None]
            tangent = tangent + step * (_LARGEST_STEP / longest.clamp(min=_LARGEST_STEP))
        return rot @ rotation.exp(tangent), covariance - gain @ cross.transpose(-1, -2)

    @staticmethod
    def _jacobian(
        moved: Float[Tensor, '*batch joint 3 3'], tangent: Float[Tensor, '*batch joint 3'],
        table: Float[Tensor, '*batch sensor joint 3'],
    ) -> Float[Tensor, '*batch axis tangent']:  # fmt: skip
        """d(differences)/dw: for joint j, -R_j [A_kj]x J_r(w_j)."""
        turned = rotation.right_jacobian(tangent)
        blocks = -moved[..., None, :, :, :] @ rotation.skew(table) @ turned[..., None, :, :, :]
        return blocks.transpose(-3, -2).flatten(-2).flatten(-3, -2)
