"""Standing still before a motion, as one does to be calibrated."""

from dataclasses import replace

import numpy as np
import torch

from inpose_ros.body import smpl22
from inpose_ros.geometry import rotation
from inpose_ros.motion.clip import MotionClip
from inpose_ros.sensing.calibration.still_pose import REST_POSES

# Standing people sway by a degree or so: a random walk that is so far [rad] from its beginning after a second.
_SWAY = 0.004
BRIDGE = 0.8  # from the pose into the motion [s]


def standing_first(clip: MotionClip, seconds: float, pose: str, rng: np.random.Generator) -> MotionClip:
    """Stand in a rest pose (of REST_POSES), facing +x where the motion begins, and then go over into it."""
    parts = [_standing(clip, seconds, pose, rng)]
    parts += [_bridge(parts[0], clip), clip]
    return replace(
        clip,
        rot_world_joint=torch.cat([part.rot_world_joint for part in parts]),
        root=torch.cat([part.root for part in parts]),
    )


def _standing(clip: MotionClip, seconds: float, pose: str, rng: np.random.Generator) -> MotionClip:
    """The clip's body in the pose, its lowest joint where that of the clip's first frame is."""
    count = round(seconds * clip.fps)
    walk = np.cumsum(rng.normal(scale=_SWAY / np.sqrt(clip.fps), size=(count, 3)), axis=0)
    turns = rotation.exp(torch.from_numpy(walk)).to(clip.rot_world_joint)
    rot = turns[:, None] @ REST_POSES[pose].to(clip.rot_world_joint)
    root = clip.root[:1].repeat(count, 1)
    root[:, 2] = 0.0
    floating = replace(clip, rot_world_joint=rot, root=root)
    lift = clip.positions[0, :, 2].min() - floating.positions[..., 2].min(-1).values
    return replace(floating, root=torch.cat([root[:, :2], lift[:, None]], -1))


def _bridge(before: MotionClip, after: MotionClip) -> MotionClip:
    """Go over from the last frame of one clip to the first of another."""
    count = round(BRIDGE * before.fps)
    share = torch.linspace(0, 1, count + 2, dtype=before.root.dtype)[1:-1]
    share = share * share * (3 - 2 * share)
    first, last = (rot.expand(count, -1, 3, 3) for rot in (before.rot_world_joint[-1], after.rot_world_joint[0]))
    rot = rotation.slerp(first, last, share[:, None].expand(-1, len(smpl22.JOINTS)).to(first))
    return replace(before, rot_world_joint=rot, root=torch.lerp(before.root[-1:], after.root[:1], share[:, None]))
