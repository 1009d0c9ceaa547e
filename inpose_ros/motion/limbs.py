"""Inverse kinematics of arms and legs: two bones and a hinge between them, in closed form.

Arms are solved as left arms; a right arm is the mirror image of one (`mirrored_rotvec`, bones with y negated).
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.geometry import rotation

Vector = Float[Tensor, '*batch 3']
# Bending a knee turns the shin about +y. The left elbow bends about an axis 30 degrees forward of the vertical (the
# convention of the motion data), so that the forearm of the T-pose goes forward and up.
KNEE_AXIS = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
LEFT_ELBOW_AXIS = torch.tensor([math.sin(math.pi / 6), 0.0, -math.cos(math.pi / 6)], dtype=torch.float64)


def dot(a: Vector, b: Vector) -> Float[Tensor, '*batch']:
    return (a * b).sum(-1)


def unit(v: Vector) -> Vector:
    return v / v.norm(dim=-1, keepdim=True)


def mirrored_rotvec(rotvec: Vector) -> Vector:
    """The rotation vector seen in a mirror in the plane y = 0."""
    return rotvec * rotvec.new_tensor([-1.0, 1.0, -1.0])


def hinge_angle(
    upper: Float[Tensor, '3'], lower: Float[Tensor, '3'], axis: Float[Tensor, '3'], distance: Float[Tensor, '*batch']
) -> Float[Tensor, '*batch']:
    """Bending [rad], never backwards, that leaves this distance between the two ends of a limb [m].

    |upper + Rot(axis, angle) lower| = distance is `a cos + b sin = c` in the angle. A limb too short stays straight.
    """
    along_u, along_l = dot(upper, axis), dot(lower, axis)
    a = dot(upper, lower) - along_u * along_l
    b = dot(upper, torch.linalg.cross(axis, lower))
    c = (distance.square() - dot(upper, upper) - dot(lower, lower)) / 2 - along_u * along_l
    return torch.atan2(b, a) + (c / torch.hypot(a, b)).clamp(-1, 1).acos()


def _frame(along: Vector, side: Vector) -> Float[Tensor, '*batch 3 3']:
    first = unit(along)
    second = unit(side - dot(side, first)[..., None] * first)
    return torch.stack((first, second, torch.linalg.cross(first, second)), -1)


def two_bones(
    upper: Float[Tensor, '3'], lower: Float[Tensor, '3'], axis: Float[Tensor, '3'], target: Vector, side: Vector
) -> tuple[Float[Tensor, '*batch 3 3'], Float[Tensor, '*batch']]:
    """Rotation of the upper bone, and the hinge's angle [rad], that bring the limb's end to a target [m].

    `target` and `side` (where the hinge's axis should point) are in the frame in which the rotation is given, from
    the limb's root on.
    """
    angle = hinge_angle(upper, lower, axis, target.norm(dim=-1))
    bent = upper + (rotation.exp(angle[..., None] * axis) @ lower[:, None])[..., 0]
    local = _frame(bent, axis.expand_as(bent))
    return _frame(target, side) @ local.transpose(-1, -2), angle


def leg(
    bones: Float[Tensor, 'two 3'], target: Vector, knee_forward: Vector
) -> tuple[Float[Tensor, '*batch 3 3'], Float[Tensor, '*batch 3 3']]:
    """Global rotations of hip and knee that bring the ankle to a target from the hip [m].

    The knee bends only backwards, in the plane of the leg and of `knee_forward`.
    """
    side = torch.linalg.cross(knee_forward, target)
    hip, angle = two_bones(bones[0], bones[1], KNEE_AXIS, target, side)
    return hip, hip @ rotation.exp(angle[..., None] * KNEE_AXIS)


# An arm's pose is ten numbers, so that poses can be mixed: rotation vectors of collar and shoulder (3 + 3), the
# elbow's bending and the forearm's twist, flexion (about x) and deviation (about z) of the wrist [rad].
ArmPose = Float[Tensor, '*batch 10']


def arm_rotations(pose: ArmPose) -> Float[Tensor, '*batch 4 3 3']:
    """Local rotations of a left arm's collar, shoulder, elbow and wrist."""
    forearm = torch.tensor([0.0, 1.0, 0.0], dtype=pose.dtype)
    zero = torch.zeros_like(pose[..., 0])
    elbow = rotation.exp(pose[..., 6:7] * LEFT_ELBOW_AXIS) @ rotation.exp(pose[..., 7:8] * forearm)
    wrist = rotation.exp(torch.stack((pose[..., 8], zero, pose[..., 9]), -1))
    return torch.stack((rotation.exp(pose[..., :3]), rotation.exp(pose[..., 3:6]), elbow, wrist), -3)


def hanging_arm(
    forward: Float[Tensor, '*batch'],
    outward: Float[Tensor, '*batch'],
    inward_twist: Float[Tensor, '*batch'],
    bend: Float[Tensor, '*batch'],
) -> ArmPose:
    """A left arm that hangs and swings: angles [rad] of the upper arm from the vertical, its twist, the elbow."""
    x, y = torch.eye(3, dtype=torch.float64)[:2]
    swing = rotation.exp(-forward[..., None] * y)
    hang = rotation.exp((outward - math.pi / 2)[..., None] * x)
    shoulder = rotation.log(swing @ hang @ rotation.exp(inward_twist[..., None] * y))
    zero = torch.zeros_like(shoulder)
    bend = bend[..., None]
    # the wrist rests a little extended and the forearm in the middle of its twist
    return torch.cat((zero, shoulder, bend, 0 * bend, torch.full_like(bend, 0.12), 0 * bend), -1)


def reaching_arm(
    bones: Float[Tensor, '4 3'], target: Float[Tensor, '3'], palm: Float[Tensor, '3'] | None = None
) -> Float[Tensor, '10']:
    """A left arm's pose with the wrist at a target relative to its shoulder at rest [m], in the chest's axes.

    The shoulder girdle goes along by a quarter of the way, the elbow hangs down and outward, or outward when the hand
    is overhead; a target too far is approached. `palm` is where the palm should face, as far as the forearm turns.

    Args:
        bones: of collar, shoulder, elbow and wrist.
    """
    raised = float((target[2] / target.norm()).clamp(-1, 1))
    ahead = float((target[0] / target.norm()).clamp(-1, 1))
    collar = torch.tensor([0.25 * max(raised + 0.3, 0) ** 2, 0.0, -0.2 * max(ahead, 0)], dtype=torch.float64)
    rot_chest_collar = rotation.exp(collar)
    vector = rot_chest_collar.T @ (bones[1] + target - rot_chest_collar @ bones[1])
    limit = 0.97 * (bones[2] + bones[3]).norm()
    vector = vector * (limit / vector.norm()).clamp(max=1)
    overhead = max(raised, 0) ** 2
    elbow_down = torch.tensor([-0.3, 0.5, -1.0], dtype=torch.float64)
    elbow_out = torch.tensor([0.35, 1.0, -0.2], dtype=torch.float64)
    pole = (1 - overhead) * elbow_down + overhead * elbow_out
    side = torch.linalg.cross(pole, vector)
    shoulder, bend = two_bones(bones[2], bones[3], LEFT_ELBOW_AXIS, vector, side)
    forearm = rot_chest_collar @ shoulder @ rotation.exp(bend * LEFT_ELBOW_AXIS)
    twist = 0.0 if palm is None else _twist_to(forearm, palm)
    rest = torch.tensor([float(bend), twist, 0.1, 0.0], dtype=torch.float64)
    return torch.cat((collar, rotation.log(shoulder), rest))


def _twist_to(forearm: Float[Tensor, '3 3'], palm: Float[Tensor, '3'], most: float = 1.2) -> float:
    """Twist [rad] about the forearm (y) that turns the palm (-z) towards a direction, within human range."""
    wanted = forearm.T @ palm
    return min(max(math.atan2(-float(wanted[0]), -float(wanted[2])), -most), most)
