"""The package's own motion: an invented person who walks, turns, squats, reaches and waves.

It needs no data, so it can be shown anywhere, and its truth is known exactly. Feet are planned first; the hips follow
where the feet let them, and legs and arms are solved in closed form.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.motion import footsteps, gestures, limbs, profiles, script
from inpose_ros.motion.clip import MotionClip
from inpose_ros.motion.footsteps import Gait, Stance
from inpose_ros.motion.lower_body import lower_body
from inpose_ros.motion.posture import Posture, trunk
from inpose_ros.motion.profiles import Track
from inpose_ros.motion.schedule import schedule
from inpose_ros.motion.script import Script

STATURES = (1.55, 1.95)


def random_skeleton(seed: int) -> Skeleton:
    """A body that is not the average: stature 1.55 to 1.95 m, and each group of bones up to 8 % off its proportion.

    At least one group is 5 % off, so that nobody gets the average body by chance.
    """
    rng = np.random.default_rng(seed)
    stature = rng.uniform(*STATURES)
    groups = ('arms', 'legs', 'torso', 'shoulders', 'hips')
    factors = rng.uniform(0.92, 1.08, len(groups))
    while np.abs(factors - 1).max() < 0.05:
        factors = rng.uniform(0.92, 1.08, len(groups))
    body = Skeleton.mean().with_groups(dict(zip(groups, factors.tolist(), strict=True)))
    return body.scaled(stature / body.stature)


def procedural_clip(seed: int, seconds: float, skeleton: Skeleton, fps: float = 60.0) -> MotionClip:
    """Invent a motion of this length [s] on this body, the same for the same seed.

    It begins at the origin facing +x in a relaxed stance and ends standing. From 20 s on it holds all of walking,
    turning, squatting, reaching and waving: `schedule(np.random.default_rng(seed), seconds)` tells when.
    """
    rng = np.random.default_rng(seed)
    times = torch.arange(round(seconds * fps) + 1, dtype=torch.float64) / fps
    activities = schedule(rng, seconds)
    gait = _gait(rng, skeleton)
    plan = script.write(times, rng, activities, skeleton, gait)
    feet = footsteps.foot_tracks(times, plan.steps, Stance(0.0, 0.0, 0.0), gait)
    posture = Posture.of(times, rng, feet, plan, gait)
    upper = trunk(posture)
    arms = [_arm(times, rng, posture, plan, side) for side in (0, 1)]
    root, legs = lower_body(posture, feet, plan, upper, skeleton, times)
    rot = _assembled({**upper, **legs}, arms)
    return MotionClip(f'procedural {seed}', f'procedural {seed}', fps, skeleton, rot, root)


def _gait(rng: np.random.Generator, skeleton: Skeleton) -> Gait:
    """A brisk and even walk; a step is 0.8 of the leg's length, 0.65 m on the average body."""
    leg = float(skeleton.lengths[[4, 5, 7, 8]].sum()) / 2
    hips = float(skeleton.bones[1, 1] - skeleton.bones[2, 1]) / 2
    return Gait(
        step=leg * float(rng.uniform(0.76, 0.82)),
        step_time=float(rng.uniform(0.53, 0.56)),
        half_width_walking=0.6 * hips,
        half_width_standing=hips + 0.02 * leg,
        toe_out=float(rng.uniform(0.1, 0.2)),
        heel_rise=float(rng.uniform(0.8, 0.95)),
    )


def _arm(
    times: Track, rng: np.random.Generator, posture: Posture, plan: Script, side: int
) -> Float[Tensor, 'frame 4 3 3']:
    """Local rotations of collar, shoulder, elbow and wrist: hanging, swinging against the legs, or busy."""
    ahead = -posture.advance if side == footsteps.LEFT else posture.advance
    forward = 0.02 + 0.04 * posture.going + rng.uniform(0.3, 0.38) * ahead + profiles.sway(times, rng, 0.015)
    outward = rng.uniform(0.19, 0.25) + profiles.sway(times, rng, 0.01)
    bend = rng.uniform(0.25, 0.35) + 0.15 * posture.going + 0.2 * ahead + profiles.sway(times, rng, 0.015)
    twist = rng.uniform(0.45, 0.6) + profiles.sway(times, rng, 0.02)
    hanging = limbs.hanging_arm(forward, outward, twist, bend)
    local = limbs.arm_rotations(gestures.blended(times, hanging, plan.moves[side]))
    flip = local.new_tensor([1.0, -1.0, 1.0])
    return local if side == footsteps.LEFT else local * flip[:, None] * flip


def _assembled(
    rot_world: dict[str, Float[Tensor, 'frame 3 3']], arms: list[Float[Tensor, 'frame 4 3 3']]
) -> Float[Tensor, 'frame joint 3 3']:
    """Global rotations of all joints; arms hang on the chest."""
    for side, local in zip(('left', 'right'), arms, strict=True):
        last = rot_world['spine3']
        for number, name in enumerate(('collar', 'shoulder', 'elbow', 'wrist')):
            last = last @ local[:, number]
            rot_world = {**rot_world, f'{side}_{name}': last}
    return torch.stack([rot_world[name] for name in smpl22.JOINTS], 1)
