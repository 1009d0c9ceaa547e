"""Kinematics: where the joints are, given global rotations and bones."""

import functools

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.geometry import rotation

_COUNT = len(smpl22.JOINTS)
_PARENTS = torch.tensor(smpl22.PARENTS[1:])


@functools.cache
def _descent() -> Float[Tensor, 'joint joint']:
    """Row j marks the joints (j among them, the root not) whose bones lead from the root to j."""
    table = torch.zeros(_COUNT, _COUNT, dtype=torch.float64)
    for joint in range(1, _COUNT):
        table[joint] = table[smpl22.PARENTS[joint]]
        table[joint, joint] = 1
    return table


def location_map(bones: Float[Tensor, '*batch joint 3']) -> Float[Tensor, '*batch location joint 3']:
    """The linear map A from global rotation matrices to locations relative to the root [m].

    l_k - l_root = sum over j of R_j A[k, j], where A[k, j] is the sum of the bones of those children of j that lie
    on the way from the root to k. So locations are linear in rotations, and in bones.
    """
    chain = _descent().to(bones)
    bone_of_parent = bones.new_zeros(_COUNT, _COUNT)
    bone_of_parent[list(range(1, _COUNT)), list(smpl22.PARENTS[1:])] = 1
    return torch.einsum('kc,cj,...cx->...kjx', chain, bone_of_parent, bones)


def bone_map(matrices: Float[Tensor, '*batch joint 3 3']) -> Float[Tensor, '*batch joint 3 bone_axis']:
    """The linear map from bones, flattened, to locations relative to the root; any matrices will do for rotations."""
    of_parents = matrices[..., [max(parent, 0) for parent in smpl22.PARENTS], :, :]
    rows = _descent().to(matrices)[:, :, None, None] * of_parents[..., None, :, :, :]
    return rows.transpose(-3, -2).flatten(-2)


def joint_positions(
    skeleton: Skeleton, rot_world_joint: Float[Tensor, '*batch joint 3 3']
) -> Float[Tensor, '*batch joint 3']:
    """Place every joint relative to the root, in world axes [m].

    Rotations are global, so positions are linear in them; `LocationLikelihood` depends on this.
    """
    return positions_from_bones(skeleton.bones.to(rot_world_joint), rot_world_joint)


def positions_from_bones(
    bones: Float[Tensor, '*#batch joint 3'], rot_world_joint: Float[Tensor, '*batch joint 3 3']
) -> Float[Tensor, '*batch joint 3']:
    """As joint_positions, for bones that may differ along the batch [m]."""
    vectors = (rot_world_joint[..., _PARENTS, :, :] @ bones[..., 1:, :, None])[..., 0]
    return _descent()[:, 1:].to(vectors) @ vectors


def places(
    bones: Float[np.ndarray, 'joint 3'], rot_world_joint: Float[np.ndarray, 'joint 3 3']
) -> Float[np.ndarray, 'joint 3']:
    """As joint_positions, of one pose in NumPy: for what is made anew with every pose."""
    vectors = (rot_world_joint[_PARENTS.numpy()] @ bones[1:, :, None])[..., 0]
    return _descent().numpy()[:, 1:] @ vectors


def position_covariance(
    bones: Float[Tensor, 'joint 3'], rot_world_joint: Float[Tensor, '*batch joint 3 3'],
    covariance: Float[Tensor, '*batch tangent tangent'], origin: int,
) -> Float[Tensor, '*batch joint 3 3']:  # fmt: skip
    """Covariance [m2] of every joint's place seen from the joint `origin`, in world axes, to first order.

    `covariance` [rad2] is that of the tangents w in R exp(w), joint after joint.
    """
    table = location_map(bones)
    table = table - table[origin]
    jacobian = (-rot_world_joint[..., None, :, :, :] @ rotation.skew(table)).transpose(-3, -2).flatten(-2)
    return jacobian @ covariance[..., None, :, :] @ jacobian.transpose(-1, -2)


def bone_position_covariance(
    rot_world_joint: Float[Tensor, '*batch joint 3 3'], bone_covariance: Float[Tensor, 'bone_axis bone_axis'],
    origin: int,
) -> Float[Tensor, '*batch joint 3 3']:  # fmt: skip
    """Covariance [m2] of every joint's place seen from the joint `origin`, of what bones may be off by, in world axes.

    `bone_covariance` [m2] is that of the bones, flattened; places are linear in them.
    """
    table = bone_map(rot_world_joint)
    table = table - table[..., origin, None, :, :]
    return table @ bone_covariance.to(table) @ table.transpose(-1, -2)


def shared_out(rot_world_joint: Float[Tensor, '*batch joint 3 3']) -> Float[Tensor, '*batch joint 3 3']:
    """The same pose, with the bends of trunk, neck and toes in one convention.

    Sources of motion put them into whichever of these joints they have, and sensors seldom tell. Here the spine's three
    joints share the turn from pelvis to spine3, the neck's two that from there to the head, and the toes go with the
    foot. Limbs, pelvis, spine3 and head keep their rotations.
    """
    joints = dict(zip(smpl22.JOINTS, rot_world_joint.unbind(-3)))
    start = torch.stack((joints['pelvis'], joints['spine3']), -3)
    end = torch.stack((joints['spine3'], joints['head']), -3)
    trunk, neck = rotation.log(start.transpose(-1, -2) @ end).unbind(-2)
    third, two_thirds, half = rotation.exp(torch.stack((trunk / 3, 2 * trunk / 3, neck / 2), -2)).unbind(-3)
    joints |= {
        'spine1': joints['pelvis'] @ third,
        'spine2': joints['pelvis'] @ two_thirds,
        'neck': joints['spine3'] @ half,
        'left_foot': joints['left_ankle'],
        'right_foot': joints['right_ankle'],
    }
    return torch.stack([joints[name] for name in smpl22.JOINTS], -3)


def local_rotations(rot_world_joint: Float[Tensor, '*batch joint 3 3']) -> Float[Tensor, '*batch joint 3 3']:
    """Rotation of each joint relative to its parent; the root's stays global."""
    parents = rot_world_joint[..., _PARENTS, :, :]
    rest = parents.transpose(-1, -2) @ rot_world_joint[..., 1:, :, :]
    return torch.cat((rot_world_joint[..., :1, :, :], rest), -3)


def global_rotations(rot_parent_joint: Float[Tensor, '*batch joint 3 3']) -> Float[Tensor, '*batch joint 3 3']:
    """The inverse of local_rotations."""
    rotations = [rot_parent_joint[..., 0, :, :]]
    for joint in range(1, _COUNT):
        rotations.append(rotations[smpl22.PARENTS[joint]] @ rot_parent_joint[..., joint, :, :])
    return torch.stack(rotations, -3)


def mirrored(rot_world_joint: Float[Tensor, '*batch joint 3 3']) -> Float[Tensor, '*batch joint 3 3']:
    """The pose seen in a mirror in the plane y = 0: left and right change places."""
    flip = torch.tensor([1.0, -1.0, 1.0], dtype=rot_world_joint.dtype, device=rot_world_joint.device)
    return (rot_world_joint * flip[:, None] * flip)[..., list(smpl22.MIRROR), :, :]


def mirrored_bones(bones: Float[Tensor, '*batch joint 3']) -> Float[Tensor, '*batch joint 3']:
    """The bones of the body in the mirror."""
    flip = torch.tensor([1.0, -1.0, 1.0], dtype=bones.dtype, device=bones.device)
    return (bones * flip)[..., list(smpl22.MIRROR), :]
