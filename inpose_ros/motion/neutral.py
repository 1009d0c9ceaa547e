"""How a person's joints are turned when they stand at ease: what zeroing sensors in an N-pose takes for zero.

Sources of motion agree on where a limb's bone points in the T-pose, and differ by tens of degrees in how the limb is
turned about that bone. A person who is calibrated in an N-pose brings none of this along: there, every joint is at
zero. So motion that is to look like theirs is turned by each recorded person's own twist in that pose.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import kinematics, smpl22
from inpose_ros.geometry import rotation
from inpose_ros.sensing.calibration.still_pose import REST_POSES

_SEGMENTS = tuple(
    (smpl22.INDEX[f'{side}_{upper}'], smpl22.INDEX[f'{side}_{lower}'])
    for side in ('left', 'right')
    for upper, lower in (('hip', 'knee'), ('knee', 'ankle'), ('shoulder', 'elbow'), ('elbow', 'wrist'))
)
_LEGS = tuple(
    (smpl22.INDEX[f'{side}_{joint}'], smpl22.INDEX[f'{side}_{along}'])
    for side in ('left', 'right')
    for joint, along in (('hip', 'knee'), ('knee', 'ankle'), ('ankle', 'ankle'), ('foot', 'ankle'))
)
_ARMS = tuple(smpl22.INDEX[f'{side}_{joint}'] for side in ('left', 'right') for joint in ('shoulder', 'elbow', 'wrist'))
_TRUNK = tuple(smpl22.INDEX[name] for name in ('pelvis', 'spine1', 'spine2', 'spine3', 'left_collar', 'right_collar'))
# Standing frames: this share of a person's best, no fewer than so many, their limbs this upright [rad, rms].
_SHARE, _AT_LEAST, _UPRIGHT = 0.005, 15, 0.35
# Who moves more slowly [rad/s, mean over the joints] on straighter legs [rad, mean] does stand, and does not pass by.
_STILL, _STRAIGHT = 0.45, 0.29
_SECONDS = 0.1  # a frame as upright as another but faster by 1 rad/s counts as less upright by 0.1 rad


@dataclass(frozen=True)
class Standing:
    """The frames in which somebody stands most upright with hanging arms, from the pelvis' heading."""

    rot_world_joint: Float[Tensor, 'frame joint 3 3']
    still: bool


def standing(
    rot_world_joint: Float[Tensor, 'frame joint 3 3'], bones: Float[Tensor, 'joint 3'], rate: Float[Tensor, 'frame']
) -> Standing | None:
    """Where somebody stands, in frames at rates that may differ [Hz]; None where they never do."""
    down = torch.tensor([0.0, 0.0, -1.0]).to(rot_world_joint)
    limbs = torch.stack([rot_world_joint[:, upper] @ bones[lower] for upper, lower in _SEGMENTS], 1)
    trunk = -kinematics.positions_from_bones(bones, rot_world_joint)[:, [smpl22.INDEX['neck']]]
    directions = torch.cat((limbs, trunk), 1)
    tilt = torch.arccos((directions / directions.norm(dim=-1, keepdim=True) @ down).clamp(-1, 1))
    upright = tilt.square().mean(-1).sqrt()
    turned = rotation.angle_between(rot_world_joint[1:], rot_world_joint[:-1]).mean(-1) * rate[1:]
    speed = torch.cat((turned[:1], turned))
    cost = torch.where(upright < _UPRIGHT, upright + _SECONDS * speed, torch.inf)
    best = cost.topk(min(len(cost), max(_AT_LEAST, int(_SHARE * len(cost)))), largest=False)
    chosen = best.indices[best.values < torch.inf]
    if len(chosen) < _AT_LEAST:
        return None
    legs = tilt[chosen][:, [0, 1, 4, 5]].mean()
    rot = rot_world_joint[chosen]
    return Standing(
        rotation.about_z(-rotation.heading(rot[:, smpl22.PELVIS]))[:, None] @ rot,
        still=bool(speed[chosen].mean() < _STILL and legs < _STRAIGHT),
    )


def neutral_turn(
    rot_world_joint: Float[Tensor, 'frame joint 3 3'], bones: Float[Tensor, 'joint 3'], rate: Float[Tensor, 'frame']
) -> Float[Tensor, 'joint 3 3'] | None:
    """Each joint's turn T, so that R T is the joint zeroed in this person's N-pose; None where they never stand so.

    Arms hang as they will, so all of their rotation counts. So does that of trunk and legs in somebody who stands
    still; of somebody seen upright only in passing, the legs are straightened, and their twist alone counts. Head and
    neck look anywhere, and are at zero as recorded.
    """
    found = standing(rot_world_joint, bones, rate)
    if found is None:
        return None
    rest = REST_POSES['n_pose'].to(rot_world_joint)
    mean = rest.transpose(-1, -2) @ rotation.mean_rotation(found.rot_world_joint)
    turn = torch.eye(3).to(rot_world_joint).repeat(len(smpl22.JOINTS), 1, 1)
    for joint, along in _LEGS:
        turn[joint] = mean[joint].T if found.still else _twist(mean[joint], bones[along]).T
    for joint in (*_ARMS, *(_TRUNK if found.still else ())):
        turn[joint] = mean[joint].T
    return turn


def _twist(rot: Float[Tensor, '3 3'], axis: Float[Tensor, '3']) -> Float[Tensor, '3 3']:
    """The part of a rotation about an axis, after which the least rotation is left (swing-twist decomposition)."""
    quat = rotation.quat_from_matrix(rot)
    unit = axis / axis.norm()
    angle = 2 * torch.atan2(quat[1:] @ unit, quat[0])
    return rotation.exp(angle * unit)
