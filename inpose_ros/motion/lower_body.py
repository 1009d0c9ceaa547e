"""Hips and legs: where the pelvis is, and the rotations that put the feet where they are planned."""

import itertools
import math

import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.geometry import rotation
from inpose_ros.motion import limbs, profiles
from inpose_ros.motion.footsteps import FootTracks
from inpose_ros.motion.posture import Posture, Rotations
from inpose_ros.motion.profiles import Track
from inpose_ros.motion.script import Script, Squat

# A leg is never fully straight: standing and greatest length over the sum of its bones.
_STANDING_REACH, _GREATEST_REACH = 0.99, 0.9915
# How far the shins lean forward at the bottom of a squat [rad].
_SQUAT_SHIN = 0.58
# Parts of the stature: how far the hips move over the loaded foot, stand before the ankles, go before the footprints in
# walking (the hindmost ankle has left its print), and how far the heel is behind the ankle.
_SIDEWAYS, _AHEAD, _LEADING, _HEEL = 0.012, 0.008, 0.025, 0.025
_UPPER_CHAIN = ('pelvis', 'spine1', 'spine2', 'spine3', 'neck', 'head')


def lower_body(
    posture: Posture, feet: FootTracks, plan: Script, upper: dict[str, Rotations], skeleton: Skeleton, times: Track
) -> tuple[Float[Tensor, 'frame 3'], dict[str, Rotations]]:
    """Where the pelvis is [m], and the global rotations of hips, knees, ankles and toes.

    The point between the hips stays over the middle of the feet, moves a little over the foot that bears the weight,
    and is as high as legs that are never fully stretched allow.
    """
    bones = skeleton.bones.double()
    between = bones[[1, 2]].mean(0)
    hips = (upper['pelvis'][:, None] @ (bones[[1, 2]] - between)[..., None])[..., 0]
    rot_foot, ankles = _feet(feet, skeleton)
    level = _level(posture, skeleton.stature)
    height = _highest(ankles - hips, level, bones, 1 / float(times[1] - times[0]))
    standing = torch.cat((level, height[:, None]), -1)
    head = standing[:, 2] + _head_over_hips(upper, bones)
    sinking = [_sinking(squat, times, standing, head, posture.middle[:, 2], bones, skeleton) for squat in plan.squats]
    centre = sum(sinking, standing)
    legs = _legs(centre[:, None] + hips, ankles, rot_foot, feet, posture.middle[:, 2], bones)
    return centre - (upper['pelvis'] @ between[:, None])[..., 0], legs


def _feet(feet: FootTracks, skeleton: Skeleton) -> tuple[Float[Tensor, 'frame 2 3 3'], Float[Tensor, 'frame 2 3']]:
    """Rotations of the feet, and where the ankles are [m]: heels rise about the toes, toes about the heel."""
    toe = skeleton.bones[list(smpl22.TOES)].double()
    flat = skeleton.sole - toe[:, 2]
    heel = torch.stack((torch.full_like(flat, -_HEEL * skeleton.stature), 0 * flat, -flat), -1)
    y = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    rise, drop = (rotation.exp(angle[..., None] * y) for angle in (feet.heel_rise, -feet.toe_rise))
    turned = rotation.about_z(feet.print[..., 2])
    shift = (toe - (rise @ toe[..., None])[..., 0]) + (heel - (drop @ heel[..., None])[..., 0])
    ground = torch.cat((feet.print[..., :2], (flat + feet.lift)[..., None]), -1)
    return turned @ rise @ drop, ground + (turned @ shift[..., None])[..., 0]


def _level(posture: Posture, stature: float) -> Float[Tensor, 'frame 2']:
    """Where the point between the hips is over the ground [m], squats aside."""
    heading = posture.middle[:, 2]
    along = torch.stack((heading.cos(), heading.sin()), -1)
    left = torch.stack((-heading.sin(), heading.cos()), -1)
    sideways = stature * _SIDEWAYS * posture.load
    forward = stature * (_AHEAD + _LEADING * posture.going)
    return posture.middle[:, :2] + forward[:, None] * along + sideways[:, None] * left


def _highest(
    ankle_from_hip: Float[Tensor, 'frame 2 3'],
    level: Float[Tensor, 'frame 2'],
    bones: Float[Tensor, 'joint 3'],
    fps: float,
) -> Track:
    """Height of the point between the hips [m] at which both legs reach the ground without being fully stretched.

    Args:
        ankle_from_hip: each ankle in the world less its hip from the point between the hips.
    """
    legs = bones[[4, 5, 7, 8]].norm(dim=-1).reshape(2, 2).sum(0)
    apart = (level[:, None] - ankle_from_hip[..., :2]).square().sum(-1)
    limit = ankle_from_hip[..., 2] + ((_GREATEST_REACH * legs).square() - apart).clamp(min=1e-4).sqrt()
    standing = ankle_from_hip[0, :, 2].mean() + _STANDING_REACH * legs.mean()
    return profiles.lower_envelope(limit.min(-1).values.clamp(max=float(standing)), 0.065, fps)


def _head_over_hips(upper: dict[str, Rotations], bones: Float[Tensor, 'joint 3']) -> Track:
    """Height of the head joint over the point between the hips [m]."""
    height = -(upper['pelvis'] @ bones[[1, 2]].mean(0))[:, 2]
    for parent, child in itertools.pairwise(_UPPER_CHAIN):
        height = height + (upper[parent] @ bones[smpl22.INDEX[child]])[:, 2]
    return height


def _sinking(
    squat: Squat,
    times: Track,
    standing: Float[Tensor, 'frame 3'],
    head: Track,
    heading: Track,
    bones: Float[Tensor, 'joint 3'],
    skeleton: Skeleton,
) -> Float[Tensor, 'frame 3']:
    """How a squat moves the point between the hips [m]: down, until the head is low enough, and backward.

    At the bottom the shins lean forward as far as ankles bend, which tells how far back the hips are.
    """
    lowest = int((times - squat.start - squat.duration / 2).abs().argmin())
    down = float(head[lowest] - squat.ratio * head[0])
    thigh, shin = (float(bones[pair].norm(dim=-1).mean()) for pair in ([4, 5], [7, 8]))
    ankle = skeleton.sole - float(bones[list(smpl22.TOES), 2].mean())
    over_knee = float(standing[lowest, 2]) - down - ankle - shin * math.cos(_SQUAT_SHIN)
    back = math.sqrt(max(thigh**2 - over_knee**2, 0.0)) - shin * math.sin(_SQUAT_SHIN)
    move = torch.stack((-back * heading.cos(), -back * heading.sin(), torch.full_like(heading, -down)), -1)
    return squat.depth(times)[:, None] * move


def _legs(
    hips: Float[Tensor, 'frame 2 3'],
    ankles: Float[Tensor, 'frame 2 3'],
    rot_foot: Float[Tensor, 'frame 2 3 3'],
    feet: FootTracks,
    heading: Track,
    bones: Float[Tensor, 'joint 3'],
) -> dict[str, Rotations]:
    """Global rotations of both legs; knees point between the ways that body and foot face, toes bend on the ground."""
    rotations = {}
    y = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    for side, name in enumerate(('left', 'right')):
        chain = bones[[4 + side, 7 + side]]
        facing = 0.4 * heading + 0.6 * feet.print[:, side, 2]
        forward = torch.stack((facing.cos(), facing.sin(), torch.zeros_like(facing)), -1)
        hip, knee = limbs.leg(chain, ankles[:, side] - hips[:, side], forward)
        toes = rot_foot[:, side] @ rotation.exp(-0.5 * feet.heel_rise[:, side, None] * y)
        parts = {'hip': hip, 'knee': knee, 'ankle': rot_foot[:, side], 'foot': toes}
        rotations = {**rotations, **{f'{name}_{joint}': rot for joint, rot in parts.items()}}
    return rotations
