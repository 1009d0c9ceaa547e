"""Skeleton: the bones of one person."""

import functools
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.errors import BodyError


def _rest_positions(bones: Float[Tensor, 'joint 3']) -> Float[Tensor, 'joint 3']:
    """Joint positions in the T-pose relative to the pelvis: sums of bones."""
    positions = [bones[0]]
    for joint in range(1, len(smpl22.JOINTS)):
        positions.append(positions[smpl22.PARENTS[joint]] + bones[joint])
    return torch.stack(positions)


_MEAN_BONES = torch.tensor(smpl22.MEAN_BONES, dtype=torch.float64)


@dataclass(frozen=True)
class Skeleton:
    """22 joints with the bone from each parent, in the parent's T-pose frame [m]; `bones[0]` is zero."""

    bones: Float[Tensor, 'joint 3']

    @classmethod
    def mean(cls) -> 'Skeleton':
        """The average body of the training subjects, 1.72 m tall."""
        return cls(_MEAN_BONES)

    @classmethod
    def from_stature(cls, stature: float) -> 'Skeleton':
        """The average proportions at this height [m]."""
        if not 0.5 <= stature <= 2.6:
            raise BodyError(f'a stature of {stature} m is no person; give metres between 0.5 and 2.6, such as 1.72')
        return cls.mean().scaled(stature / smpl22.MEAN_STATURE)

    @classmethod
    def load(cls, path: str | Path) -> 'Skeleton':
        """Read a YAML file `bones: {joint: [x, y, z], ...}` with the bone [m] of every joint but the pelvis."""
        try:
            table = yaml.safe_load(Path(path).read_text())['bones']
            missing = [name for name in smpl22.JOINTS[1:] if name not in table]
            if missing:
                raise BodyError(f'{path} has no bone for {missing}; it needs [x, y, z] in metres for each joint')
            bones = torch.tensor([[0.0] * 3] + [list(map(float, table[n])) for n in smpl22.JOINTS[1:]])
        except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
            raise BodyError(f'{path} is no bones file ({error}); write bones: {{left_hip: [x, y, z], ...}}') from error
        if bones.shape != (22, 3) or not bones.isfinite().all() or bones.norm(dim=-1).max() > 1.5:
            raise BodyError(f'{path} has a bone that is not three finite numbers below 1.5 m')
        return cls(bones.double())

    def save(self, path: str | Path) -> None:
        rows = {
            name: [round(x, 5) for x in bone] for name, bone in zip(smpl22.JOINTS, self.bones.tolist(), strict=True)
        }
        del rows['pelvis']
        Path(path).write_text(yaml.safe_dump({'bones': rows}, sort_keys=False, default_flow_style=None))

    def scaled(self, factor: float) -> 'Skeleton':
        return Skeleton(self.bones * factor)

    def with_groups(self, factors: dict[str, float]) -> 'Skeleton':
        """Scale groups of bones (`arms`, `torso`, `legs`, `upper`, ...; see smpl22.BONE_GROUPS)."""
        bones = self.bones.clone()
        for group, factor in factors.items():
            if group not in smpl22.BONE_GROUPS:
                raise BodyError(f'no group of bones {group!r}; there are {sorted(smpl22.BONE_GROUPS)}')
            joints = [smpl22.INDEX[name] for name in smpl22.BONE_GROUPS[group]]
            bones[joints] = bones[joints] * factor
        return Skeleton(bones)

    @functools.cached_property
    def rest_positions(self) -> Float[Tensor, 'joint 3']:
        """Joint positions in the T-pose, relative to the pelvis [m]."""
        return _rest_positions(self.bones)

    @functools.cached_property
    def standing_head_height(self) -> float:
        """Height of the head joint over the toe joints in the T-pose [m]: the unit of scale-free lengths."""
        rest = self.rest_positions[:, 2]
        return float(rest[smpl22.HEAD] - rest[list(smpl22.TOES)].mean())

    @functools.cached_property
    def stature(self) -> float:
        """Body height [m], by the mean body's ratio of stature to the head joint's height."""
        return smpl22.MEAN_STATURE * self.standing_head_height / Skeleton.mean().standing_head_height

    @property
    def sole(self) -> float:
        """How far a toe joint stands above the floor [m]."""
        return smpl22.SOLE_PER_STATURE * self.stature

    @functools.cached_property
    def lengths(self) -> Float[Tensor, 'joint']:
        """Length of each joint's bone to its parent [m]."""
        return self.bones.norm(dim=-1)
