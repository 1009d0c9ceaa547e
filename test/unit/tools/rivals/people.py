"""Windows of an invented person, as perfect trackers at 30 Hz would give them."""

from dataclasses import replace

import torch

from inpose_ros.body import kinematics
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.evaluation.scenario import Measured, WornJoints, windows_ending_at
from inpose_ros.geometry import rotation
from inpose_ros.motion.clip import MotionClip
from inpose_ros.motion.procedural import procedural_clip, random_skeleton
from inpose_ros.sensing.resample import JointWindow

from ...training.examples import FRAMES, RATE

TRACKERS = 'head,left_wrist,right_wrist'


def person(seed: int = 1, seconds: float = 2.0) -> MotionClip:
    clip = procedural_clip(seed, seconds, random_skeleton(seed), RATE)
    return replace(clip, rot_world_joint=clip.rot_world_joint.float(), root=clip.root.float())


def windows(clip: MotionClip, *newest: int, sensors: str = TRACKERS) -> list[JointWindow]:
    return windows_ending_at(Measured.of(clip), WornJoints.parse(sensors), torch.tensor(newest), FRAMES)


def elsewhere(clip: MotionClip, angle: float) -> MotionClip:
    """Turned about the vertical axis [rad], and moved along the floor."""
    turn = rotation.about_z(torch.tensor(angle))
    moved = clip.root @ turn.T + torch.tensor([2.0, -3.0, 0.0])
    return replace(clip, rot_world_joint=turn @ clip.rot_world_joint, root=moved)


def places(skeleton: Skeleton, pose: object) -> torch.Tensor:
    """World positions of the joints of the newest frames [m]."""
    return pose.root[:, None] + kinematics.joint_positions(skeleton, pose.rot_world_joint)
