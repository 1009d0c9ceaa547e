"""How bodies differ: six named factors, and what no factor explains.

b = b_start + W beta + D delta. A factor scales a group of bones; stature scales them all. delta are displacements of
single joints, the same on both sides: where anatomists (and makers of skeletons) put neck, collars and hips differs
between people of the same limbs.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.errors import BodyError

FACTORS = {
    'stature': smpl22.JOINTS,
    'torso': smpl22.BONE_GROUPS['torso'],
    'arm': smpl22.BONE_GROUPS['arms'],
    'leg': smpl22.BONE_GROUPS['legs'],
    'shoulder_width': smpl22.BONE_GROUPS['shoulders'],
    'hip_width': smpl22.BONE_GROUPS['hips'],
}
# Standard deviations before anything was measured. Four in ten more or less of stature is within two of them, as are
# arms and a trunk that are a fifth too long for it; legs are half of a stature, so they are less free.
SPREADS = {'stature': 0.25, 'torso': 0.1, 'arm': 0.1, 'leg': 0.06, 'shoulder_width': 0.12, 'hip_width': 0.12}

# The spread of a stature that somebody said, over it.
_KNOWN_STATURE = 0.015

# Of the joints on the left and in the middle; those on the right mirror them.
_SIDE = tuple(j for j in range(1, len(smpl22.JOINTS)) if smpl22.MIRROR[j] >= j)
# Bones of the 35 training subjects with a skeleton of their own, brought to the mean's standing height: the three
# largest principal axes of what is left [mm], which hold nine tenths of their variance, in the order of _SIDE ...
_AXES = (
    ((22, 2, -25), (6, 0, -34), (0, 0, -13), (-4, 0, 8), (0, 0, -20), (0, 0, 17), (-8, 2, 11), (-5, 0, -49),
     (-3, -16, -13), (-15, 0, 10), (-4, 34, 33), (0, 20, 0), (0, 31, 0)),
    ((6, 11, -22), (-9, 0, -3), (0, 0, 5), (2, 0, 3), (0, 0, 0), (4, 0, -4), (-4, -2, 8), (11, 0, -11),
     (12, -4, 29), (0, 0, 5), (8, 4, -34), (0, -2, 0), (0, 3, 0)),
    ((-1, 3, -8), (12, 0, 24), (0, 0, 9), (-2, 0, 2), (0, 0, -8), (-4, 0, -16), (3, -2, 4), (-6, 0, -15),
     (-3, -5, -6), (-4, 0, 3), (-3, -6, -1), (0, 9, 0), (0, -6, 0)),
)  # fmt: skip
# ... and the standard deviation of the rest, along each axis [m].
_REST = 0.007


@dataclass(frozen=True)
class Factor:
    """By what a body differs from the mean one (1.1: a tenth more), and the standard deviation of that.

    `stature` compares standing heights; the others compare a group of bones with what it is at this stature.
    """

    value: float = 1.0
    stddev: float = 0.0


def factor_columns(skeleton: Skeleton) -> Float[Tensor, 'bone_axis factor']:
    """W: what each factor adds to the bones, flattened, where it grows from 1 to 2 [m]."""
    columns = []
    for names in FACTORS.values():
        chosen = torch.zeros(len(smpl22.JOINTS), 1, dtype=skeleton.bones.dtype)
        chosen[[smpl22.INDEX[name] for name in names]] = 1
        columns.append((chosen * skeleton.bones).flatten())
    return torch.stack(columns, -1)


@functools.cache
def residual_columns() -> Float[Tensor, 'bone_axis residual']:
    """D: displacements of one joint or of a pair, mirrored; joints in the middle stay there."""
    columns = []
    for joint in _SIDE:
        mirror = smpl22.MIRROR[joint]
        for axis in range(3):
            if axis == 1 and mirror == joint:
                continue
            column = torch.zeros(len(smpl22.JOINTS), 3, dtype=torch.float64)
            column[joint, axis] = 1
            if mirror != joint:
                column[mirror, axis] = -1 if axis == 1 else 1
            columns.append(column.flatten())
    return torch.stack(columns, -1)


@functools.cache
def residual_covariance() -> Float[Tensor, 'residual residual']:
    """Of delta on a body of the mean size [m2]."""
    axes = torch.zeros(len(_AXES), len(smpl22.JOINTS), 3, dtype=torch.float64)
    axes[:, list(_SIDE)] = torch.tensor(_AXES, dtype=torch.float64) / 1000
    there = residual_columns().clamp(min=0)  # one entry a column on the left or in the middle
    left = torch.zeros(len(smpl22.JOINTS), 3, dtype=torch.float64)
    left[list(_SIDE)] = 1
    rows = axes.flatten(1) @ (there * left.flatten()[:, None])
    return rows.T @ rows + _REST**2 * torch.eye(rows.shape[1], dtype=torch.float64)


@functools.cache
def standing_head_row() -> Float[Tensor, 'bone_axis']:
    """The linear map from bones to the height [m] of a standing head above the floor, the sole included."""
    row = torch.zeros(len(smpl22.JOINTS), 3, dtype=torch.float64)
    for joint, weight in ((smpl22.HEAD, 1.0), *((toe, -1 / len(smpl22.TOES)) for toe in smpl22.TOES)):
        while joint > 0:
            row[joint, 2] += weight
            joint = smpl22.PARENTS[joint]
    mean = Skeleton.mean()
    return row.flatten() * (1 + mean.sole / mean.standing_head_height)


@functools.cache
def size_rows() -> Float[Tensor, 'factor bone_axis']:
    """The linear map from bones to sizes over those of the mean body: of the standing height, then of each group."""
    mean = Skeleton.mean()
    columns = factor_columns(mean)
    rows = columns / columns.square().sum(0)
    height = standing_head_row()
    rows[:, 0] = height / (height @ mean.bones.flatten())
    return rows.T


def factors(skeleton: Skeleton, covariance: Float[Tensor, 'bone_axis bone_axis'] | None = None) -> dict[str, Factor]:
    """The factors of a skeleton; with the covariance [m2] of its bones also how well they are known."""
    sizes = size_rows() @ skeleton.bones.double().flatten()
    values = torch.cat((sizes[:1], sizes[1:] / sizes[0]))
    if covariance is None:
        return {name: Factor(float(value)) for name, value in zip(FACTORS, values)}
    slopes = size_rows().clone()
    slopes[1:] = (slopes[1:] - values[1:, None] * slopes[0]) / sizes[0]
    stddevs = ((slopes @ covariance) * slopes).sum(-1).sqrt()
    return {name: Factor(float(value), float(stddev)) for name, value, stddev in zip(FACTORS, values, stddevs)}


@dataclass(frozen=True)
class BodyGuess:
    """What is taken for a body before, or after, something was measured of it.

    `spreads` are the standard deviations of the factors; `residual` is the share that is left of the variance of what
    no factor explains.
    """

    skeleton: Skeleton
    spreads: Mapping[str, float]
    residual: float = 1.0

    @classmethod
    def unknown(cls) -> 'BodyGuess':
        """Anybody."""
        return cls(Skeleton.mean(), SPREADS)

    @classmethod
    def certain(cls, skeleton: Skeleton) -> 'BodyGuess':
        """Somebody whose bones were measured."""
        return cls(skeleton, dict.fromkeys(FACTORS, 0.0), 0.0)

    @property
    def is_certain(self) -> bool:
        """Whether there is nothing left to estimate."""
        return not any(self.spreads.values())

    @classmethod
    def of_stature(cls, stature: float) -> 'BodyGuess':
        """Somebody of this height [m], of whatever proportions; people know their height to a per cent or two."""
        return cls(Skeleton.from_stature(stature), {**SPREADS, 'stature': _KNOWN_STATURE})

    @classmethod
    def load(cls, path: str | Path) -> 'BodyGuess':
        """What `save` wrote, to go on from there; of a file of bones alone, those as they are.

        Raises:
            BodyError: the file does not hold that.
        """
        skeleton = Skeleton.load(path)
        table = yaml.safe_load(Path(path).read_text())
        if 'factors' not in table:
            return cls.certain(skeleton)
        try:
            spreads = {name: float(row[1]) for name, row in table['factors'].items()}
            residual = float(table.get('residual', 1.0))
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            raise BodyError(f'{path} has factors that are not {{stature: [value, stddev], ...}} ({error})') from error
        if spreads.keys() != FACTORS.keys() or not all(0 < x <= 1 for x in (*spreads.values(), residual)):
            raise BodyError(f'{path}: factors are {", ".join(FACTORS)}, each [value, stddev] with a stddev up to 1')
        return cls(skeleton, spreads, residual)

    def save(self, path: str | Path) -> None:
        """As YAML: `bones` as Skeleton.save has them, `factors: {name: [value, stddev]}` and `residual`."""
        self.skeleton.save(path)
        rows = {
            name: [round(factor.value, 4), round(self.spreads[name], 5)]
            for name, factor in factors(self.skeleton).items()
        }
        text = yaml.safe_dump({'factors': rows, 'residual': round(self.residual, 5)}, sort_keys=False)
        with Path(path).open('a') as file:
            file.write(text)
