"""A skeleton as URDF, and rotations as the angles of its revolute joints.

A ball joint is a chain of three revolutes, `<joint>_x`, `<joint>_y`, `<joint>_z` in an order of the joint's own
(smpl22.REVOLUTE_ORDER), with two links `<joint>_1`, `<joint>_2` between them, which have a thousandth of the mass. The
link after the third is called as the joint: its frame sits at the joint and has the joint's rotation.
"""

import functools
import math
import xml.etree.ElementTree as ET
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.body.inertia import Inertial, inertials
from inpose_ros.body.skeleton import Skeleton

_BALLS = smpl22.JOINTS[1:]
# The axes of the three revolutes of each ball joint, and whether they are in cyclic order (xyz, yzx, zxy): 1 or -1.
_AXES = np.array([['xyz'.index(axis) for axis in smpl22.REVOLUTE_ORDER[name]] for name in _BALLS])
_CYCLIC = np.where((_AXES[:, 1] - _AXES[:, 0]) % 3 == 1, 1.0, -1.0)
_ROW = np.arange(len(_BALLS))
_PARENTS = np.array(smpl22.PARENTS[1:])

REVOLUTE_NAMES = tuple(f'{name}_{axis}' for name in _BALLS for axis in smpl22.REVOLUTE_ORDER[name])
# Unwrapped angles may count turns; no body makes sixteen of them [rad].
LIMIT = 100.0
# Nearer to a middle angle of 90 degrees than this [rad] only the sum or difference of the outer angles means anything.
_LOCKED = 1e-10
_FLIP = np.array([1.0, -1.0, 1.0])  # pi and this times the angles are the same rotation
_UPPER_HALF = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))  # of a matrix that is symmetric

# Radius of the flesh around the bone that ends at a joint, as a part of the stature; for looking at only.
_RADIUS = {
    'hip': 0.048, 'knee': 0.040, 'ankle': 0.028, 'foot': 0.019, 'spine1': 0.064, 'spine2': 0.064, 'spine3': 0.067,
    'neck': 0.034, 'head': 0.032, 'collar': 0.034, 'shoulder': 0.030, 'elbow': 0.026, 'wrist': 0.020,
}  # fmt: skip
# What lies beyond the last joint of a chain: centre in the joint's frame and radius, as parts of the stature.
_ENDS = {
    'head': ((0.012, 0.0, 0.045), 0.055),
    'left_wrist': ((0.0, 0.045, 0.0), 0.024),
    'right_wrist': ((0.0, -0.045, 0.0), 0.024),
    'left_foot': ((0.02, 0.0, 0.0), 0.018),
    'right_foot': ((0.02, 0.0, 0.0), 0.018),
}


class LinkTransforms(NamedTuple):
    """Where each link but the pelvis is, relative to its parent link; quaternions are wxyz."""

    parents: tuple[str, ...]
    children: tuple[str, ...]
    translations: Float[np.ndarray, 'link 3']
    quaternions: Float[np.ndarray, 'link 4']


def revolute_angles(rot_world_joint: Float[Tensor | np.ndarray, '*batch joint 3 3']) -> Float[np.ndarray, '*batch 63']:
    """Angles [rad] of the revolutes, in the order of REVOLUTE_NAMES, that give these global rotations.

    Middle angles are in [-pi/2, pi/2], the outer ones in [-pi, pi]. The first angle is taken off before the others
    are read, so even at a middle angle of 90 degrees, where the first is arbitrary, the three compose to the rotation.
    """
    world = np.asarray(rot_world_joint, dtype=np.float64)
    local = np.swapaxes(world[..., _PARENTS, :, :], -1, -2) @ world[..., 1:, :, :]
    # Rows and columns in the order in which a joint turns: [i, j, k], whatever axes these are.
    turn = local[..., _ROW[:, None, None], _AXES[:, :, None], _AXES[:, None, :]]
    first = np.arctan2(-_CYCLIC * turn[..., 1, 2], turn[..., 2, 2])
    # Rows j and k of R_i(first)^T R; row i stays as it is.
    c, s = np.cos(first)[..., None], (_CYCLIC * np.sin(first))[..., None]
    row_j, row_k = c * turn[..., 1, :] + s * turn[..., 2, :], c * turn[..., 2, :] - s * turn[..., 1, :]
    middle = np.arctan2(_CYCLIC * turn[..., 0, 2], row_k[..., 2])
    last = np.arctan2(_CYCLIC * row_j[..., 0], row_j[..., 1])
    return np.stack((first, middle, last), -1).reshape(*world.shape[:-3], len(REVOLUTE_NAMES))


def unwrapped(
    angles: Float[np.ndarray, '*batch 63'], previous: Float[np.ndarray, '*batch 63'] | None
) -> Float[np.ndarray, '*batch 63']:
    """The angles of the same rotations that lie nearest to the previous ones.

    (a, b, c) and (a + pi, pi - b, c + pi) are the same rotation, and every angle may count turns. Where the joint is
    locked exactly the first angle stays and the third takes up the difference.
    """
    if previous is None:
        return angles
    triples, before = angles.reshape(*angles.shape[:-1], -1, 3), previous.reshape(*previous.shape[:-1], -1, 3)
    triples = _kept_where_locked(triples, before)
    # The other triples of a rotation are 2 pi or more from these, by the sum over the three: these are the nearest.
    if (np.abs(triples - before).sum(-1) <= math.pi).all():
        return triples.reshape(angles.shape)
    flipped = math.pi + _FLIP * triples
    near, far = _nearest_turn(triples, before), _nearest_turn(flipped, before)
    closer = np.abs(near - before).sum(-1) <= np.abs(far - before).sum(-1)
    return np.where(closer[..., None], near, far).reshape(angles.shape)


def rotations_from_angles(
    angles: Float[np.ndarray, '*batch 63'], rot_world_root: Float[Tensor | np.ndarray, '*batch 3 3'] | None = None
) -> Float[np.ndarray, '*batch joint 3 3']:
    """The global rotations that these angles give; the inverse of revolute_angles."""
    batch, local = angles.shape[:-1], ball_rotations(angles)
    root = np.broadcast_to(np.eye(3), (*batch, 3, 3)) if rot_world_root is None else rot_world_root
    world = [np.asarray(root, dtype=np.float64)]
    for joint, parent in enumerate(_PARENTS):
        world.append(world[parent] @ local[..., joint, :, :])
    return np.stack(world, -3)


def ball_rotations(angles: Float[np.ndarray, '*batch 63']) -> Float[np.ndarray, '*batch 21 3 3']:
    """The rotation of each ball joint, relative to its parent, that its three angles give."""
    elementary = _elementary(angles.reshape(*angles.shape[:-1], -1, 3))
    return elementary[..., 0, :, :] @ elementary[..., 1, :, :] @ elementary[..., 2, :, :]


def link_transforms(skeleton: Skeleton, angles: Float[np.ndarray, '63'], frame_prefix: str = '') -> LinkTransforms:
    """All links but the pelvis relative to their parent links, as the URDF of this skeleton has them [m]."""
    parents, children = link_names(frame_prefix)
    translations = np.zeros((len(children), 3))
    translations[::3] = skeleton.bones.cpu().numpy()[1:]
    quaternions = np.zeros((len(children), 4))
    quaternions[:, 0] = np.cos(angles / 2)
    quaternions[np.arange(len(children)), 1 + _AXES.ravel()] = np.sin(angles / 2)
    return LinkTransforms(parents, children, translations, quaternions)


@functools.cache
def link_names(frame_prefix: str = '') -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Parent and child link of every revolute, in the order of REVOLUTE_NAMES."""
    parents, children = [], []
    for name, parent in zip(_BALLS, smpl22.PARENTS[1:], strict=True):
        chain = [smpl22.JOINTS[parent], f'{name}_1', f'{name}_2', name]
        parents += [frame_prefix + link for link in chain[:-1]]
        children += [frame_prefix + link for link in chain[1:]]
    return tuple(parents), tuple(children)


def urdf_xml(skeleton: Skeleton, frame_prefix: str = 'human/', body_id: str = 'human') -> str:
    """The skeleton as a URDF: the pelvis is the root link, a capsule for every bone, the mass of each part of a body.

    Joints carry no prefix, as in JointState; links do, as in /tf.
    """
    robot = ET.Element('robot', name=body_id or 'human')
    ET.SubElement(ET.SubElement(robot, 'material', name='body'), 'color', rgba='0.55 0.65 0.8 1')
    pelvis, *parts = inertials(skeleton)
    inner, outer = zip(*(part.split() for part in parts))
    for name, inertial in zip(smpl22.JOINTS, (pelvis, *outer), strict=True):
        link = ET.SubElement(robot, 'link', name=frame_prefix + name)
        _add_inertial(link, inertial)
        _add_flesh(link, skeleton, name)
    bones = skeleton.bones.tolist()
    parents, children = link_names(frame_prefix)
    for number, (name, parent, child) in enumerate(zip(REVOLUTE_NAMES, parents, children, strict=True)):
        if number % 3 < 2:
            _add_inertial(ET.SubElement(robot, 'link', name=child), inner[number // 3])
        _add_revolute(robot, name, parent, child, bones[1 + number // 3] if number % 3 == 0 else [0.0, 0.0, 0.0])
    ET.indent(robot)
    return '<?xml version="1.0"?>\n' + ET.tostring(robot, encoding='unicode') + '\n'


def _elementary(triples: Float[np.ndarray, '*batch ball 3']) -> Float[np.ndarray, '*batch ball 3 3 3']:
    """The three elementary rotations of each ball joint (Rodrigues)."""
    axis = np.eye(3)[_AXES]
    hat = np.cross(np.eye(3), axis[..., None, :])
    c, s = np.cos(triples)[..., None, None], np.sin(triples)[..., None, None]
    return c * np.eye(3) + s * hat + (1 - c) * axis[..., :, None] * axis[..., None, :]


def _nearest_turn(angles: np.ndarray, previous: np.ndarray) -> np.ndarray:
    return angles + 2 * math.pi * np.round((previous - angles) / (2 * math.pi))


def _kept_where_locked(triples: np.ndarray, previous: np.ndarray) -> np.ndarray:
    first, middle, last = (triples[..., which] for which in range(3))
    locked = np.abs(np.cos(middle)) < _LOCKED
    if not locked.any():
        return triples
    back = np.where(locked, first - previous[..., 0], 0.0)
    return np.stack((first - back, middle, last + _CYCLIC * np.sign(middle) * back), -1)


def _numbers(values: list[float] | tuple[float, ...]) -> str:
    return ' '.join(f'{value:.12g}' for value in values)


def _add_revolute(robot: ET.Element, name: str, parent: str, child: str, origin: list[float]) -> None:
    joint = ET.SubElement(robot, 'joint', name=name, type='revolute')
    ET.SubElement(joint, 'parent', link=parent)
    ET.SubElement(joint, 'child', link=child)
    ET.SubElement(joint, 'origin', xyz=_numbers(origin), rpy='0 0 0')
    ET.SubElement(joint, 'axis', xyz=_numbers([float(axis == name[-1]) for axis in 'xyz']))
    ET.SubElement(joint, 'limit', lower=_numbers([-LIMIT]), upper=_numbers([LIMIT]), effort='1000', velocity='100')


def _add_inertial(link: ET.Element, inertial: Inertial) -> None:
    element = ET.SubElement(link, 'inertial')
    ET.SubElement(element, 'origin', xyz=_numbers(inertial.centre.tolist()), rpy='0 0 0')
    ET.SubElement(element, 'mass', value=_numbers([inertial.mass]))
    moments = ((f'i{"xyz"[row]}{"xyz"[column]}', inertial.inertia[row, column]) for row, column in _UPPER_HALF)
    ET.SubElement(element, 'inertia', {name: _numbers([float(moment)]) for name, moment in moments})


def _add_flesh(link: ET.Element, skeleton: Skeleton, name: str) -> None:
    """A capsule (cylinder and two spheres) along each bone that starts at the joint, or what ends the chain."""
    stature, bones = skeleton.stature, skeleton.bones.tolist()
    if name in _ENDS:
        centre, radius = _ENDS[name]
        _add_visual(link, [x * stature for x in centre], 'sphere', radius=radius * stature)
    for child, parent in enumerate(smpl22.PARENTS):
        if parent != smpl22.INDEX[name]:
            continue
        part = smpl22.JOINTS[child].removeprefix('left_').removeprefix('right_')
        bone, radius = bones[child], _RADIUS[part] * stature
        _add_visual(link, [0.0] * 3, 'sphere', radius=radius)
        _add_visual(link, bone, 'sphere', radius=radius)
        if (length := math.hypot(*bone)) > 1e-4:
            middle = [x / 2 for x in bone]
            _add_visual(link, middle, 'cylinder', _rpy_of_axis(bone), radius=radius, length=length)


def _rpy_of_axis(direction: list[float]) -> list[float]:
    """Roll, pitch and yaw [rad] that turn the z axis into this direction."""
    x, y, z = direction
    return [0.0, math.atan2(math.hypot(x, y), z), math.atan2(y, x)]


def _add_visual(
    link: ET.Element, centre: list[float], shape: str, rpy: list[float] | None = None, **size: float
) -> None:
    visual = ET.SubElement(link, 'visual')
    ET.SubElement(visual, 'origin', xyz=_numbers(centre), rpy=_numbers(rpy or [0.0] * 3))
    geometry = ET.SubElement(visual, 'geometry')
    ET.SubElement(geometry, shape, {key: _numbers([value]) for key, value in size.items()})
    ET.SubElement(visual, 'material', name='body')
