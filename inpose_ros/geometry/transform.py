"""SE(3): rigid transforms `T_a_b` that map coordinates in b to coordinates in a."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.geometry import rotation


@dataclass(frozen=True)
class Transform:
    """A rotation and a translation [m], batched alike: p_a = rotation p_b + translation."""

    rotation: Float[Tensor, '*batch 3 3']
    translation: Float[Tensor, '*batch 3']

    @classmethod
    def identity(cls) -> 'Transform':
        return cls(torch.eye(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64))

    @classmethod
    def from_xyz_quat(cls, values: list[float]) -> 'Transform':
        """Read `x y z qw qx qy qz` (metres; any quaternion but zero)."""
        numbers = torch.tensor(values, dtype=torch.float64)
        return cls(rotation.matrix_from_quat(numbers[3:]), numbers[:3])

    def to_xyz_quat(self) -> list[float]:
        return [*self.translation.tolist(), *rotation.quat_from_matrix(self.rotation).tolist()]

    def __matmul__(self, other: 'Transform') -> 'Transform':
        """T_a_b @ T_b_c = T_a_c."""
        return Transform(self.rotation @ other.rotation, self.apply(other.translation))

    def inverse(self) -> 'Transform':
        back = self.rotation.transpose(-1, -2)
        return Transform(back, -(back @ self.translation[..., None])[..., 0])

    def apply(self, point: Float[Tensor, '*batch 3']) -> Float[Tensor, '*batch 3']:
        return (self.rotation @ point[..., None])[..., 0] + self.translation
