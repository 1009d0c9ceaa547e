"""How the trunk follows from what the feet do."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.geometry import rotation
from inpose_ros.motion import profiles
from inpose_ros.motion.footsteps import FootTracks, Gait
from inpose_ros.motion.profiles import Track
from inpose_ros.motion.script import Script

Rotations = Float[Tensor, 'frame 3 3']
# Pitch of the pelvis and of the spine at the bottom of a squat [rad].
_SQUAT_PELVIS, _SQUAT_SPINE = 0.5, 0.35
_SPINE_SHARES = {'spine1': 0.3, 'spine2': 0.35, 'spine3': 0.35}


def rolled(roll: Track, pitch: Track, yaw: Track) -> Rotations:
    """Rotation by yaw about z, then pitch about y, then roll about x, each about the turned axis [rad]."""
    x, y = torch.eye(3, dtype=torch.float64)[:2]
    return rotation.about_z(yaw) @ rotation.exp(pitch[:, None] * y) @ rotation.exp(roll[:, None] * x)


@dataclass(frozen=True)
class Posture:
    """What the body as a whole does, over time.

    `middle`: where it stands, smoothly (x, y [m], heading [rad]); `advance`: how far the left foot is ahead, in steps
    (-1 to 1); `going`: 1 while walking; `load`: 1 on the left foot, -1 on the right; `depth`: of a squat, 0 to 1;
    `pelvis`, `spine`, `head`: roll, pitch and yaw [rad], the pelvis' beyond the heading, spine and head beyond what
    is below them.
    """

    middle: Float[Tensor, 'frame 3']
    advance: Track
    going: Track
    load: Track
    depth: Track
    pelvis: Float[Tensor, 'frame 3']
    spine: Float[Tensor, 'frame 3']
    head: Float[Tensor, 'frame 3']

    @classmethod
    def of(cls, times: Track, rng: np.random.Generator, feet: FootTracks, plan: Script, gait: Gait) -> 'Posture':
        """The body moves evenly over its feet: a running mean over one stride takes the steps out of the way."""
        fps = 1 / float(times[1] - times[0])
        middle = profiles.smoothed(feet.print.mean(1), 1.0 * gait.step_time, fps)
        gap = feet.print[:, 0, :2] - feet.print[:, 1, :2]
        along = torch.stack((middle[:, 2].cos(), middle[:, 2].sin()), -1)
        advance = profiles.smoothed((gap * along).sum(-1) / gait.step, 0.12, fps)
        going = profiles.smoothed(advance.square(), gait.step_time, fps).mul(1.8).clamp(max=1)
        load = profiles.smoothed(feet.load[:, 0] - feet.load[:, 1], 0.25, fps)
        depth = sum((squat.depth(times) for squat in plan.squats), torch.zeros_like(times))
        sways = torch.stack([profiles.sway(times, rng, 0.012) for _ in range(9)], -1)
        pelvis, spine, head = _attitudes(rng, advance, going, load, depth, plan.leaning, _turning(middle[:, 2], fps))
        return cls(
            middle,
            advance,
            going,
            load,
            depth,
            pelvis + 0.5 * sways[:, :3],
            spine + sways[:, 3:6],
            head + 2 * sways[:, 6:],
        )


def _turning(heading: Track, fps: float) -> Track:
    """How much the heading will have changed a little later [rad]: eyes and chest turn before the feet do."""
    ahead = int(0.35 * fps)
    return torch.cat((heading[ahead:], heading[-1:].expand(min(ahead, len(heading)))))[: len(heading)] - heading


def _attitudes(
    rng: np.random.Generator,
    advance: Track,
    going: Track,
    load: Track,
    depth: Track,
    leaning: Float[Tensor, 'frame 5'],
    turning: Track,
) -> tuple[Float[Tensor, 'frame 3'], Float[Tensor, 'frame 3'], Float[Tensor, 'frame 3']]:
    """Roll, pitch and yaw of pelvis, spine and head [rad]."""
    hip_yaw = -rng.uniform(0.08, 0.12) * advance
    list_ = rng.uniform(0.04, 0.06) * load * going
    pelvis_pitch = rng.uniform(-0.03, 0.02) + 0.06 * going + _SQUAT_PELVIS * depth + 0.4 * leaning[:, 1]
    pelvis = torch.stack((list_, pelvis_pitch, hip_yaw), -1)
    spine_roll = leaning[:, 0] - 0.8 * list_
    spine_pitch = rng.uniform(0.03, 0.1) - 0.02 * going + _SQUAT_SPINE * depth + 0.6 * leaning[:, 1]
    spine_yaw = leaning[:, 2] - 1.8 * hip_yaw + 0.25 * turning
    spine = torch.stack((spine_roll, spine_pitch, spine_yaw), -1)
    pitch = leaning[:, 3] - 0.75 * (pelvis_pitch + spine_pitch) + rng.uniform(-0.02, 0.08)
    yaw = leaning[:, 4] - 0.7 * leaning[:, 2] + 0.8 * hip_yaw + 0.5 * turning
    return pelvis, spine, torch.stack((-0.6 * (list_ + spine_roll), pitch, yaw), -1)


def trunk(posture: Posture) -> dict[str, Rotations]:
    """Global rotations of the pelvis, the three spine joints (the bend is shared among them), neck and head."""
    roll, pitch, yaw = posture.pelvis.unbind(-1)
    last = rolled(roll, pitch, posture.middle[:, 2] + yaw)
    rotations = {'pelvis': last}
    for name, share in _SPINE_SHARES.items():
        last = last @ rolled(*(share * posture.spine).unbind(-1))
        rotations = {**rotations, name: last}
    half = rolled(*(0.5 * posture.head).unbind(-1))
    return {**rotations, 'neck': last @ half, 'head': last @ half @ half}
