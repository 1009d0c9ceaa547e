"""LocationLikelihood: what measured locations say about rotations, through this user's bones.

Locations are linear in global rotation matrices: l_k - l_root = sum_j R_j A[k, j]. Only differences between located
joints are used, so the root drops out: in every frame, each located joint minus the first one. All of it is per
frame; the dense matrix over a window is never formed.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inpose_ros.body import kinematics, smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.geometry import rotation

_LARGEST_STEP = 0.8  # [rad]
ITERATIONS = 6  # of a correction, at most
LEAST_SHARE = 0.25  # of a step that goes back
UNKNOWN = 100.0  # standard deviation of what is not measured at all [m]

# How far a foot stands rises from 0 to 1 between these probabilities of contact: of the lower foot, and of either.
LOWER_STANDS, EITHER_STANDS = (0.1, 0.7), (0.6, 1.0)
# Over the stature: 5 cm on the average body.
_LOWER_BY = 0.05 / smpl22.MEAN_STATURE
LEAST_STANDING = 1e-3  # less than that is not standing at all
# How far a standing toe is from where the mean sole has it, over the stature: 3 cm on the average body.
_SOLE_SPREAD = 0.03 / smpl22.MEAN_STATURE


def share_of_step(
    taken: Float[Tensor, '*batch 1 1'], before: Float[Tensor, '*batch joint 3'], step: Float[Tensor, '*batch joint 3']
) -> Float[Tensor, '*batch 1 1']:
    """How much of a step to take after one of which `taken` was: all, unless this one goes back.

    At a stretched arm steps can go to and fro around the solution for ever. Along the way that was gone, what is still
    to go has changed by step - before; where it would vanish is where to go (B. M. Irons and R. C. Tuck, 1969).
    """
    back, change = (before * step).sum((-2, -1), keepdim=True), step - before
    share = -taken * (before * change).sum((-2, -1), keepdim=True)
    share = share / (change.square().sum((-2, -1), keepdim=True) + torch.finfo(change.dtype).tiny)
    return torch.where(back < 0, share.clamp(min=LEAST_SHARE), torch.ones_like(share))


@dataclass(frozen=True)
class Floor:
    """The floor under a person: the height [m] of a toe joint whose foot stands on it, and how well that is known [m].

    A foot that is higher than the other by `lower_by` [m] is the lower one no more. `stddev` covers soles, shoes and a
    floor that is a little off. It is a location of which only the height is known, and linear in the rotations like any
    other.
    """

    bones: Float[Tensor, 'joint 3']
    height: float
    stddev: float
    lower_by: float = _LOWER_BY * smpl22.MEAN_STATURE

    @classmethod
    def under(cls, skeleton: Skeleton, bones: Float[Tensor, 'joint 3'], floor_height: float) -> 'Floor':
        """The floor at a height [m] in the world, under a skeleton whose bones are given on the solver's device."""
        stature = skeleton.stature
        return cls(bones, floor_height + skeleton.sole, _SOLE_SPREAD * stature, _LOWER_BY * stature)

    def standing(
        self, rot: Float[Tensor, '*batch joint 3 3'], contact: Float[Tensor, '*batch 2']
    ) -> Float[Tensor, '*batch 2']:
        """How far each foot stands, 0 to 1: by its probability of contact, and by being the lower one.

        It changes smoothly with both, or legs would twitch whenever a foot is set down.
        """
        height = kinematics.positions_from_bones(self.bones, rot)[..., list(smpl22.TOES), 2]
        lower = (-(height - height.amin(-1, keepdim=True)) / self.lower_by).exp()
        rise = [((contact - low) / (high - low)).clamp(0, 1) for low, high in (LOWER_STANDS, EITHER_STANDS)]
        return torch.maximum(rise[0] * lower, rise[1])


@dataclass(frozen=True)
class LocationLikelihood:
    """Locations of some joints in a batch of frames, heading-free like the rotations that they speak about.

    `chain[k, j]` is A of joint k [m]; `location` [m]; where `valid` is false the value is ignored; `stddev` [m] is
    the noise of each location along each axis, infinite in effect where an axis is not measured. Chains and noise are
    those of one person, or of as many as there are windows. `floor` is what feet may stand on.
    """

    chain: Float[Tensor, '*#batch sensor joint 3']
    location: Float[Tensor, '*batch sensor 3']
    valid: Bool[Tensor, '*batch sensor']
    stddev: Float[Tensor, '*#batch sensor 3']
    floor: Floor | None = None

    @classmethod
    def of_joints(
        cls, bones: Float[Tensor, 'joint 3'], joints: list[int], location: Float[Tensor, '*batch sensor 3'],
        valid: Bool[Tensor, '*batch sensor'], stddev: Float[Tensor, '*#batch sensor'], floor: Floor | None = None,
    ) -> 'LocationLikelihood':  # fmt: skip
        return cls(
            kinematics.location_map(bones)[joints], location, valid, stddev[..., None].expand(*stddev.shape, 3), floor
        )

    def with_feet(
        self, rot: Float[Tensor, '*batch joint 3 3'], contact: Float[Tensor, '*batch 2']
    ) -> 'LocationLikelihood':  # fmt: skip
        """With the feet that stand on the floor: their toes' height is measured, their place on the floor is not."""
        if self.floor is None:
            return self
        standing = self.floor.standing(rot, contact)
        stands = (standing > LEAST_STANDING) & self.valid.any(-1, keepdim=True)
        place = self.location.new_tensor([0.0, 0.0, self.floor.height]).expand(*stands.shape, 3)
        height = self.floor.stddev / standing.clamp(min=LEAST_STANDING).sqrt()
        unknown = torch.full_like(height, UNKNOWN)
        spread = torch.stack((unknown, unknown, height), -1)
        return LocationLikelihood(
            chain=torch.cat((self.chain, kinematics.location_map(self.floor.bones)[list(smpl22.TOES)])),
            location=torch.cat((self.location, place), -2),
            valid=torch.cat((self.valid, stands), -1),
            stddev=torch.cat((self.stddev.expand(*spread.shape[:-2], *self.stddev.shape[-2:]), spread), -2),
        )

    def newest(self) -> 'LocationLikelihood':
        """The newest frame alone."""
        per_frame = self.stddev.ndim > 2
        stddev = self.stddev[..., -1:, :, :] if per_frame else self.stddev
        return replace(self, location=self.location[..., -1:, :, :], valid=self.valid[..., -1:, :], stddev=stddev)

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
        reference = torch.einsum('...s,...sjx->...jx', self._reference, self.chain)
        return (self.chain - reference[..., None, :, :]) * self._used[..., None, None]

    def differences(self) -> Float[Tensor, '*batch sensor 3']:
        """Measured locations minus the reference's [m], zero in unused rows."""
        reference = torch.einsum('...s,...sx->...x', self._reference, self.location)
        return (self.location - reference[..., None, :]) * self._used[..., None]

    def noise_covariance(self) -> Float[Tensor, '*batch axis axis']:
        """Covariance of the differences [m^2], axis after axis of sensor after sensor.

        The reference's noise is common to all; unused rows get one.
        """
        used, variance = self._used, self.stddev.square()
        own = (used[..., None] * variance + (1 - used[..., None])).flatten(-2).diag_embed()
        common = torch.einsum('...s,...sx->...x', self._reference, variance).diag_embed()
        shared = torch.einsum('...s,...t,...xy->...sxty', used, used, common)
        return own + shared.flatten(-4, -3).flatten(-2)

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
        iterations: int = ITERATIONS,
    ) -> tuple[Float[Tensor, '*batch joint 3 3'], Float[Tensor, '*batch tangent tangent']]:  # fmt: skip
        """The rotations' posterior mean and covariance given the locations: an iterated Kalman update on SO(3).

        The state is w in R exp(w), its prior N(0, covariance); each iteration linearises at the last w while the
        prior mean stays at zero (Bell and Cathey, 1993). No joint turns by more than _LARGEST_STEP in an iteration,
        or measurements far from the prior make it overshoot. The covariance returned is that of the tangent at zero.
        """
        table, measured = self.difference_map(), self.differences()
        noise = self.noise_covariance()
        tangent, before, taken = rot.new_zeros(*rot.shape[:-2], 3), None, 1.0
        for _ in range(iterations):
            moved = rot @ rotation.exp(tangent)
            jacobian = self._jacobian(moved, tangent, table)
            residual = (measured - torch.einsum('...jxy,...sjy->...sx', moved, table)).flatten(-2)
            residual = residual + (jacobian @ tangent.flatten(-2)[..., None])[..., 0]
            cross = covariance @ jacobian.transpose(-1, -2)
            gain = torch.linalg.solve(jacobian @ cross + noise, cross.transpose(-1, -2)).transpose(-1, -2)
            step = (gain @ residual[..., None])[..., 0].unflatten(-1, (-1, 3)) - tangent
            longest = step.norm(dim=-1).amax(-1)[..., None, None]
            share = torch.ones_like(longest) if before is None else share_of_step(taken, before, step)
            taken = torch.minimum(share, _LARGEST_STEP / longest.clamp(min=_LARGEST_STEP))
            tangent, before = tangent + taken * step, step
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
