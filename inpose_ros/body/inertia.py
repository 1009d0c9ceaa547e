"""How heavy each part of a body is, and how its mass lies: de Leva's table on the bones of one person.

P. de Leva, Adjustments to Zatsiorsky-Seluyanov's segment inertia parameters, Journal of Biomechanics 29(9):1223-1230,
1996, table 4: mean of its women and men. The table's parts of the body are not the links: where joints divide one of
them, it is cut across there, and each slice keeps its breadth and depth.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton

# What a body weighs for its stature [kg/m2]: the middle of what the WHO calls normal, 18.5 to 25.
BODY_MASS_INDEX = 22.0

Vector = Float[np.ndarray, '3']


class Inertial(NamedTuple):
    """Of one link, in its frame."""

    mass: float  # [kg]
    centre: Vector  # [m]
    inertia: Float[np.ndarray, '3 3']  # about the centre [kg m2]

    def split(self) -> tuple['Inertial', 'Inertial']:
        """For each of the two links inside a ball joint, and what is left for the part itself.

        Simulators refuse a moving link without mass. It is a ball at the joint, which feels the same however the
        joint's axes lie.
        """
        inner = _INNER * float(np.trace(self.inertia)) / 3 * np.eye(3)
        rest = Inertial((1 - 2 * _INNER) * self.mass, self.centre, (1 - 2 * _INNER) * self.inertia)
        return Inertial(_INNER * self.mass, np.zeros(3), inner), rest


class _Segment(NamedTuple):
    """A row of the table; all over the body's mass or the segment's length."""

    mass: float
    centre: float  # from the end that the table names first
    spread: Vector  # second moments of the mass about its centre: along the sagittal, transverse, longitudinal axis


class _Piece(NamedTuple):
    """Of a link: a segment or a slice of one, in the link's frame."""

    mass: float  # over the body's
    centre: Vector  # [m]
    spread: Float[np.ndarray, '3 3']  # second moments of the mass about the centre, over the mass [m2]


def _segment(women: tuple[float, ...], men: tuple[float, ...]) -> _Segment:
    """Of rows as printed, in per cent: mass, centre, and the radii of gyration about the three axes.

    About one axis turns what is spread along the two others, hence half the sum of the squares less each one.
    """
    mass, centre, *radii = np.mean((women, men), 0) / 100
    squares = np.square(radii)
    return _Segment(float(mass), float(centre), squares.sum() / 2 - squares)


_SEGMENTS = {
    'head': _segment((6.68, 58.94, 33.0, 35.9, 31.8), (6.94, 59.76, 36.2, 37.6, 31.2)),  # vertex, mid-gonion
    'upper_trunk': _segment((15.45, 20.77, 74.6, 50.2, 71.8), (15.96, 29.99, 71.6, 45.4, 65.9)),  # suprasternale,
    'middle_trunk': _segment((14.65, 45.12, 43.3, 35.4, 41.5), (16.33, 45.02, 48.2, 38.3, 46.8)),  # xiphion,
    'lower_trunk': _segment((12.47, 49.20, 43.3, 40.2, 44.4), (11.17, 61.15, 61.5, 55.1, 58.7)),  # omphalion, mid-hip
    'upper_arm': _segment((2.55, 57.54, 27.8, 26.0, 14.8), (2.71, 57.72, 28.5, 26.9, 15.8)),
    'forearm': _segment((1.38, 45.59, 26.1, 25.7, 9.4), (1.62, 45.74, 27.6, 26.5, 12.1)),
    'hand': _segment((0.56, 74.74, 53.1, 45.4, 33.5), (0.61, 79.00, 62.8, 51.3, 40.1)),  # wrist, third knuckle
    'thigh': _segment((14.78, 36.12, 36.9, 36.4, 16.2), (14.16, 40.95, 32.9, 32.9, 14.9)),
    'shank': _segment((4.81, 43.52, 26.7, 26.3, 9.2), (4.33, 43.95, 25.1, 24.6, 10.2)),  # to the ankle's centre
    'foot': _segment((1.29, 40.14, 29.9, 27.9, 13.9), (1.37, 44.15, 25.7, 24.5, 12.4)),  # heel, tip of the toes
}
# Lengths, by the same table: trunk from the hips up to the suprasternale, where a neck joint stands, in its parts; of
# a hand to its knuckle over the forearm; of a head to the jaw over the stature.
_TRUNK = ('lower_trunk', 'middle_trunk', 'upper_trunk')
_TRUNK_ENDS = np.array([0.0, (181.5 / 529.3 + 145.7 / 531.9) / 2, 1 - (142.5 / 529.3 + 170.7 / 531.9) / 2, 1.0])
_HAND_PER_FOREARM = (78.0 / 264.3 + 86.2 / 268.9) / 2
_HEAD_PER_STATURE = (200.2 / 1735 + 203.3 / 1741) / 2
# Where ankle and toe joint stand on a foot, from the heel: on the mean body that makes a foot of 0.14 of the stature,
# as the table has it.
_ANKLE, _BALL = 0.20, 0.725
# No table has a neck or collars for themselves: a tenth of the upper trunk each. A neck of this radius weighs that
# much, and so do clavicle and scapula.
_TENTH = 0.1
_NECK_RADIUS = 0.034  # over the stature
# What a link inside a ball joint has of its part's mass.
_INNER = 1e-3
# No length [m] is taken for less, else a body with two joints in one place would have a part without inertia.
_SHORTEST = 0.01

_FORWARD, _UP = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])


def body_mass(stature: float) -> float:
    """What a person of this height [m] is taken to weigh [kg]."""
    return BODY_MASS_INDEX * stature**2


def inertials(skeleton: Skeleton) -> tuple[Inertial, ...]:
    """Of the part of the body that moves with each joint, in the order of the joints; together the body's mass."""
    size = max(abs(skeleton.stature), _SHORTEST)
    bones = dict(zip(smpl22.JOINTS, skeleton.bones.double().cpu().numpy(), strict=True))
    pieces = _trunk(bones) | {'head': [_head(skeleton, size)], 'neck': [_tenth(bones['head'], size)]}
    for side in ('left', 'right'):
        pieces |= {f'{side}_{joint}': [piece] for joint, piece in _limbs(bones, side, size).items()}
    kilograms = body_mass(size) / sum(piece.mass for parts in pieces.values() for piece in parts)
    return tuple(_inertial(pieces[joint], kilograms) for joint in smpl22.JOINTS)


def _head(skeleton: Skeleton, size: float) -> _Piece:
    over_joint = size - abs(skeleton.standing_head_height) - abs(skeleton.sole)
    return _piece(_SEGMENTS['head'], over_joint * _UP, -_HEAD_PER_STATURE * size * _UP, _FORWARD)


def _limbs(bones: Mapping[str, Vector], side: str, size: float) -> dict[str, _Piece]:
    """Of an arm and a leg, in the T-pose, by joint. The palm faces down, so a hand's sagittal axis is vertical."""
    collar, arm, forearm = (bones[f'{side}_{joint}'] for joint in ('shoulder', 'elbow', 'wrist'))
    thigh, shank, toes = (bones[f'{side}_{joint}'] for joint in ('knee', 'ankle', 'foot'))
    origin, ahead = np.zeros(3), toes * (1.0, 1.0, 0.0)
    ahead = ahead if np.linalg.norm(ahead) > _SHORTEST else _SHORTEST * _FORWARD
    foot, row = ahead / (_BALL - _ANKLE), _SEGMENTS['foot']
    return {
        'collar': _tenth(collar, size),
        'shoulder': _piece(_SEGMENTS['upper_arm'], origin, arm, _FORWARD),
        'elbow': _piece(_SEGMENTS['forearm'], origin, forearm, _UP),
        'wrist': _piece(_SEGMENTS['hand'], origin, _HAND_PER_FOREARM * forearm, _UP),
        'hip': _piece(_SEGMENTS['thigh'], origin, thigh, _FORWARD),
        'knee': _piece(_SEGMENTS['shank'], origin, shank, _FORWARD),
        'ankle': _piece(row, toes - ahead - _ANKLE * foot, foot, _UP, (0.0, _BALL)),
        'foot': _piece(row, -_BALL * foot, foot, _UP, (_BALL, 1.0)),
    }


def _trunk(bones: Mapping[str, Vector]) -> dict[str, list[_Piece]]:
    """Of the links between the hips and the neck, by joint: along their bones lie the three parts of a trunk."""
    hips = (bones['left_hip'] + bones['right_hip']) / 2
    ways = [bones['spine1'] - hips, *(bones[joint] for joint in ('spine2', 'spine3', 'neck'))]
    lengths = [max(float(np.linalg.norm(way)), _SHORTEST) for way in ways]
    at = np.concatenate(([0.0], np.cumsum(lengths)))
    ends, found = at[-1] * _TRUNK_ENDS, {}
    for number, joint in enumerate(('pelvis', 'spine1', 'spine2', 'spine3')):
        begin, along = hips if number == 0 else np.zeros(3), _unit(ways[number])
        found[joint] = []
        for name, low, high in zip(_TRUNK, ends, ends[1:]):
            cut = (np.clip(at[number : number + 2], low, high) - low) / (high - low)
            if cut[1] > cut[0]:
                start, way = begin + (low - at[number]) * along, (high - low) * along
                found[joint].append(_piece(_upwards(name), start, way, _FORWARD, (float(cut[0]), float(cut[1]))))
    return found


def _upwards(name: str) -> _Segment:
    """The table goes through the trunk from above; neck and collars have their tenths already."""
    row = _SEGMENTS[name]
    left = 1 - 3 * _TENTH if name == 'upper_trunk' else 1.0
    return _Segment(left * row.mass, 1 - row.centre, row.spread)


def _tenth(bone: Vector, size: float) -> _Piece:
    """A tenth of the upper trunk, as a cylinder as thick as a neck."""
    length, radius, along = max(float(np.linalg.norm(bone)), _SHORTEST), _NECK_RADIUS * size, _unit(bone)
    spread = radius**2 / 4 * np.eye(3) + (length**2 / 12 - radius**2 / 4) * np.outer(along, along)
    return _Piece(_TENTH * _SEGMENTS['upper_trunk'].mass, bone / 2, spread)


def _piece(
    row: _Segment, start: Vector, way: Vector, sagittal: Vector, cut: tuple[float, float] = (0.0, 1.0)
) -> _Piece:
    """What lies between two cuts of the segment that goes this way from its start.

    Slices weigh as much as they are thick, and their centres are as far apart as their middles, so together they have
    the mass and the centre of the whole.

    Args: sagittal: about which direction the segment's sagittal axis lies.
    """
    length, along = max(float(np.linalg.norm(way)), _SHORTEST), _unit(way)
    across = sagittal - (sagittal @ along) * along
    across = across / max(float(np.linalg.norm(across)), _SHORTEST)
    share = cut[1] - cut[0]
    deep, wide, tall = row.spread * length**2 * (1.0, 1.0, share**2)
    spread = wide * np.eye(3) + (deep - wide) * np.outer(across, across) + (tall - wide) * np.outer(along, along)
    return _Piece(share * row.mass, start + (row.centre + (cut[0] + cut[1] - 1) / 2) * way, spread)


def _unit(way: Vector) -> Vector:
    length = float(np.linalg.norm(way))
    return way / length if length > _SHORTEST else _UP


def _inertial(pieces: Sequence[_Piece], kilograms: float) -> Inertial:
    """Of pieces that move as one. Made of second moments, no principal moment is more than the two others together."""
    mass = sum(piece.mass for piece in pieces)
    centre = sum(piece.mass * piece.centre for piece in pieces) / mass
    spread = sum(
        piece.mass * (piece.spread + np.outer(piece.centre - centre, piece.centre - centre)) for piece in pieces
    )
    return Inertial(kilograms * mass, centre, kilograms * (np.trace(spread) * np.eye(3) - spread))
