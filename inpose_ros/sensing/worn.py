"""Which trackers somebody wears, by where they are, how they are held, and how they move; no clock, only a window.

Devices on a table, in a bag, or in a hand on their way to a head say nothing of bones. What tells them from worn ones:
a worn head is about upright, and as high as somebody stands, squats or sits; hands are no further from it than arms
reach; nobody keeps still to the noise of a tracker, and no two joints of a living body move as if they were one piece.
"""

import enum
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.sensing.resample import JointWindow

Array = np.ndarray
# Noise is averaged out over so many frames; a joint has to be seen in so many of a window's parts to be judged.
_PART, _LEAST_PARTS = 5, 5
# A standing person's head sways by more than this [m], [rad] within a second; a tracker's noise in means of parts, from
# the lowest to the highest in a window, is within so many of its deviations.
_STILL, _STILL_TURN, _NOISE = 0.006, 0.03, 3.0
# Of two joints that move as one piece neither the distance [m] nor the turn between them [rad] changes by more.
_RIGID, _RIGID_TURN = 0.015, 0.04
# The height of a worn head over that of standing: of who squats or sits, and of who jumps.
_LOW, _HIGH = 0.55, 1.3
# Of other joints: the floor may be a little off [m], and arms go up.
_BELOW, _RAISED = 0.15, 1.5
# The head's own axis points so far up, on average over a window.
_UPRIGHT = 0.5
# Bones may be so much longer than supposed.
_REACH = 1.25


class Wear(enum.Enum):
    """What the trackers of a window seem to be."""

    WORN = 'worn'
    STILL = 'still'  # where somebody may wear them, and motionless
    NOT_WORN = 'not worn'


@dataclass(frozen=True)
class Wearer:
    """Who may be wearing them: about this skeleton, of a size known to `spread` of it, on a floor at `floor` [m].

    A floor of NaN is not known.
    """

    skeleton: Skeleton
    spread: float
    floor: float

    @property
    def standing(self) -> float:
        """Height of a standing head over the floor [m]."""
        return self.skeleton.standing_head_height


def worn_part(window: JointWindow, wearer: Wearer) -> tuple[Wear, JointWindow]:
    """What the trackers seem to be, and the window without joints that whoever wears the head does not wear.

    A head that is tracked and not worn means that nobody wears anything.
    """
    located, turned = window.location_valid.numpy(), window.rot_valid.numpy()
    joints = np.flatnonzero(located[-1])
    if not len(joints):
        return Wear.NOT_WORN, window
    places, rotations = _means(window.location.numpy(), located), _means(window.rot_world_joint.numpy(), turned)
    likely = [joint for joint in joints if _is_there(window, int(joint), wearer)]
    origin = smpl22.HEAD if smpl22.HEAD in joints else joints[0]
    if origin not in likely:
        return Wear.NOT_WORN, window
    near = [joint for joint in likely if _within_reach(places[:, origin], places[:, joint], origin, joint, wearer)]
    moving = [joint for joint in near if _moves(window, places[:, joint], rotations[:, joint], joint)]
    if origin not in moving:
        return Wear.STILL if len(near) == len(joints) else Wear.NOT_WORN, window
    limbs = [joint for joint in moving if joint == origin or _is_limb(places, rotations, origin, joint)]
    keep = np.zeros(len(smpl22.JOINTS), dtype=bool)
    keep[limbs] = True
    # Of those that give no place nothing but stillness tells that they lie somewhere.
    others = np.flatnonzero(turned[-1] & ~located[-1])
    keep[[joint for joint in others if _turns(window, rotations[:, joint], joint)]] = True
    if keep.sum() == (located[-1] | turned[-1]).sum():
        return Wear.WORN, window
    if len(limbs) < 2 and len(joints) > 1:
        return Wear.STILL, window
    return Wear.WORN, replace(
        window, location_valid=window.location_valid & keep, rot_valid=window.rot_valid & keep
    )


def _means(
    values: Float[Array, 'frame joint ...'], valid: Bool[Array, 'frame joint']
) -> Float[Array, 'part joint ...']:
    """Of a window's parts; NaN where a joint was not seen throughout the part."""
    parts = len(values) // _PART
    newest = slice(len(values) - parts * _PART, None)
    means = values[newest].astype(np.float64).reshape(parts, _PART, *values.shape[1:]).mean(1)
    means[~valid[newest].reshape(parts, _PART, -1).all(1)] = np.nan
    return means


def _is_there(window: JointWindow, joint: int, wearer: Wearer) -> bool:
    """Whether a joint is as high as it may be, and a head about upright."""
    seen = window.location_valid.numpy()[:, joint]
    if seen.sum() < _PART * _LEAST_PARTS:
        return False
    if joint == smpl22.HEAD:
        axis = window.rot_world_joint.numpy()[window.rot_valid.numpy()[:, joint], joint, 2, 2]
        if len(axis) and axis.mean() < _UPRIGHT:
            return False
    if np.isnan(wearer.floor):
        return True
    height = window.location.numpy()[seen, joint, 2] - wearer.floor
    slack = 2 * wearer.spread
    if joint == smpl22.HEAD:
        least, most = _LOW * wearer.standing * (1 - slack), _HIGH * wearer.standing * (1 + slack)
    else:
        least, most = -_BELOW, _RAISED * wearer.standing * (1 + slack)
    return bool(least <= height.min() and height.max() <= most)


def _within_reach(
    one: Float[Array, 'part 3'], other: Float[Array, 'part 3'], joint: int, other_joint: int, wearer: Wearer
) -> bool:
    apart = np.linalg.norm(one - other, axis=-1)
    most = _REACH * (1 + 2 * wearer.spread) * _chain(wearer.skeleton, joint, other_joint)
    return joint == other_joint or bool(np.nanmax(apart, initial=0.0) <= most)


def _chain(skeleton: Skeleton, joint: int, other: int) -> float:
    """How far two joints are apart at most [m]: along the bones."""
    ways = [set(_to_root(joint)), set(_to_root(other))]
    return float(skeleton.lengths[sorted(ways[0] ^ ways[1])].sum())


def _to_root(joint: int) -> list[int]:
    way = []
    while joint > 0:
        way.append(joint)
        joint = smpl22.PARENTS[joint]
    return way


def _moves(
    window: JointWindow, places: Float[Array, 'part 3'], rotations: Float[Array, 'part 3 3'], joint: int
) -> bool:
    """Whether a joint moves by more than its tracker's noise, and as much as the living do."""
    noise = _NOISE * float(window.position_stddev[joint]) / _PART**0.5
    return _range(places) > _STILL + noise or _turns(window, rotations, joint)


def _turns(window: JointWindow, rotations: Float[Array, 'part 3 3'], joint: int) -> bool:
    noise = _NOISE * float(window.rotation_stddev[joint]) / _PART**0.5
    return _widest_turn(rotations) > _STILL_TURN + noise


def _is_limb(
    places: Float[Array, 'part joint 3'], rotations: Float[Array, 'part joint 3 3'], origin: int, joint: int
) -> bool:
    """Whether a joint moves otherwise than the origin does: two devices in one bag do not."""
    apart = np.linalg.norm(places[:, joint] - places[:, origin], axis=-1)
    between = rotations[:, origin].swapaxes(-1, -2) @ rotations[:, joint]
    return _range(apart[:, None]) > _RIGID or _widest_turn(between) > _RIGID_TURN


def _range(values: Float[Array, 'part axis']) -> float:
    """From the lowest to the highest, over all axes; 0 where too little was seen."""
    seen = values[~np.isnan(values).any(-1)]
    return float(np.linalg.norm(np.ptp(seen, axis=0))) if len(seen) >= _LEAST_PARTS else 0.0


def _widest_turn(rotations: Float[Array, 'part 3 3']) -> float:
    """Between any two parts [rad]: |A - B| = 2 sqrt(2) sin(angle / 2) in the Frobenius norm."""
    seen = rotations[~np.isnan(rotations).any((-1, -2))]
    if len(seen) < _LEAST_PARTS:
        return 0.0
    chord = np.linalg.norm(seen[:, None] - seen[None], axis=(-1, -2)).max()
    return float(2 * np.arcsin(min(1.0, chord / 8**0.5)))
