"""What arms and trunk do besides walking: reaching, waving, and the leaning that goes with it.

Everything is told for a left arm; `procedural` mirrors what the right one does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.motion import limbs, profiles
from inpose_ros.motion.profiles import Track

# Where a left hand reaches, from the shoulder at rest, in arm lengths (forward, outward, up).
REACHES = {
    'up': (0.22, 0.12, 0.97),
    'front': (0.88, -0.05, 0.02),
    'across': (0.55, -0.55, 0.05),
    'side': (0.15, 0.9, 0.1),
    'high front': (0.68, 0.1, 0.58),
    'low': (0.6, 0.1, -0.55),
}


@dataclass(frozen=True)
class ArmMove:
    """From `start` on, for `duration` [s], an arm goes to a pose (None: back to hanging)."""

    start: float
    duration: float
    pose: Float[Tensor, '*frame 10'] | None


def blended(times: Track, hanging: Float[Tensor, 'frame 10'], moves: Sequence[ArmMove]) -> Float[Tensor, 'frame 10']:
    """An arm's pose over time: it hangs, and goes from move to move."""
    pose = hanging
    for move in moves:
        weight = profiles.min_jerk(times, move.start, move.duration)[:, None]
        pose = torch.lerp(pose, hanging if move.pose is None else move.pose.expand_as(hanging), weight)
    return pose


def reach(
    rng: np.random.Generator, bones: Float[Tensor, '4 3'], start: float, duration: float, names: Sequence[str]
) -> list[ArmMove]:
    """The hand visits targets one after the other and comes back, all within the duration."""
    parts = 1.15 * len(names) + 1
    length = duration / parts
    moves = []
    for number, name in enumerate(names):
        pose = limbs.reaching_arm(bones, _target(rng, bones, name))
        moves.append(ArmMove(start + 1.15 * number * length, length, pose))
    return [*moves, ArmMove(start + duration - length, length, None)]


def _target(rng: np.random.Generator, bones: Float[Tensor, '4 3'], name: str) -> Float[Tensor, '3']:
    length = float(bones[2:].norm(dim=-1).sum())
    place = torch.tensor(REACHES[name], dtype=torch.float64) + torch.from_numpy(rng.normal(0, 0.05, 3))
    return place * length


def wave(
    times: Track, rng: np.random.Generator, bones: Float[Tensor, '4 3'], start: float, duration: float
) -> list[ArmMove]:
    """The hand goes up beside the head and the forearm swings to and fro."""
    length = float(bones[2:].norm(dim=-1).sum())
    rise = 0.75
    ahead, up = rng.uniform(0.25, 0.4), rng.uniform(0.35, 0.5)
    palm = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)
    inner, outer = (
        limbs.reaching_arm(bones, length * torch.tensor([ahead, out, up], dtype=torch.float64), palm)
        for out in (0.05, 0.5)
    )
    envelope = profiles.bump(times, start + 0.55 * rise, 0.4, duration - 1.1 * rise - 0.8, 0.4)
    cycles = torch.sin(2 * torch.pi * rng.uniform(1.5, 2.0) * (times - start))
    share = 0.5 + 0.5 * envelope * cycles
    pose = inner + share[:, None] * (outer - inner)
    return [ArmMove(start, rise, pose), ArmMove(start + duration - rise, rise, None)]


def squatting_arms(
    rng: np.random.Generator, bones: Float[Tensor, '4 3'], start: float, duration: float, fall: float
) -> list[ArmMove]:
    """Arms go forward for balance while the body goes down, and back as it comes up; the chest leans, so they rise."""
    length = float(bones[2:].norm(dim=-1).sum())
    place = torch.tensor([0.86, rng.uniform(-0.12, 0.02), rng.uniform(0.42, 0.55)], dtype=torch.float64)
    pose = limbs.reaching_arm(bones, place * length)
    return [ArmMove(start, fall, pose), ArmMove(start + duration - fall, fall, None)]
