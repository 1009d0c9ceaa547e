"""The script of an invented motion: activities turned into steps, arm moves, leaning and squatting."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.motion import footsteps, gestures, profiles
from inpose_ros.motion.footsteps import LEFT, RIGHT, Gait, Stance, Step
from inpose_ros.motion.gestures import ArmMove
from inpose_ros.motion.profiles import Track
from inpose_ros.motion.schedule import Activity

# Roll, pitch and yaw of the trunk, pitch and yaw of the head [rad], while the left hand reaches.
_LEANING = {
    'up': (0.08, -0.08, 0.0, -0.25, 0.1),
    'front': (0.0, 0.08, -0.15, 0.0, 0.05),
    'across': (0.0, 0.05, -0.28, 0.05, -0.25),
    'side': (-0.08, 0.0, 0.18, 0.0, 0.45),
    'high front': (0.05, -0.03, -0.1, -0.15, 0.05),
    'low': (0.0, 0.3, -0.1, 0.25, 0.1),
}
_MIRROR = torch.tensor([-1.0, 1.0, -1.0, 1.0, -1.0], dtype=torch.float64)


@dataclass(frozen=True)
class Squat:
    """Goes down from `start` on; the head's height at the bottom is `ratio` of its height in standing."""

    start: float
    duration: float
    fall: float
    ratio: float

    def depth(self, times: Track) -> Track:
        return profiles.bump(times, self.start, self.fall, self.duration - 2 * self.fall, self.fall)


@dataclass(frozen=True)
class Script:
    """All that is done, in the order of time; `leaning` is roll, pitch, yaw of the trunk, pitch, yaw of the head."""

    steps: tuple[Step, ...]
    squats: tuple[Squat, ...]
    moves: tuple[tuple[ArmMove, ...], tuple[ArmMove, ...]]
    leaning: Float[Tensor, 'frame 5']


def arm_bones(skeleton: Skeleton, side: int) -> Float[Tensor, '4 3']:
    """Bones of collar, shoulder, elbow and wrist; those of the right arm as seen in the mirror."""
    names = [f'{("left", "right")[side]}_{name}' for name in ('collar', 'shoulder', 'elbow', 'wrist')]
    bones = skeleton.bones[[smpl22.INDEX[name] for name in names]].double()
    return bones * bones.new_tensor([1.0, -1.0 if side == RIGHT else 1.0, 1.0])


def write(
    times: Track, rng: np.random.Generator, activities: Sequence[Activity], skeleton: Skeleton, gait: Gait
) -> Script:
    """Fill in the particulars of each activity: sides, targets, depths and turns are drawn."""
    empty = Script((), (), ((), ()), torch.zeros(len(times), 5, dtype=torch.float64))
    script, stance = empty, Stance(0.0, 0.0, 0.0)
    for activity in activities:
        if activity.kind in ('walk', 'turn'):
            part, stance = _stepping(rng, activity, stance, gait)
            script = replace(script, steps=(*script.steps, *part))
        else:
            script = _STANDING[activity.kind](script, times, rng, activity, skeleton)
    return script


def _stepping(rng: np.random.Generator, activity: Activity, stance: Stance, gait: Gait) -> tuple[list[Step], Stance]:
    """A walk on the arc, or a turn to the direction, that brings the person nearest to the origin, out of a few."""
    if activity.kind == 'turn':
        options = [float(sign * rng.uniform(1.4, 2.5)) for sign in (1, -1)]
        plans = [footsteps.turn_in_place(activity.start, stance, gait, turn) for turn in options]
        return min(plans, key=lambda plan: _distance(plan[1].moved(1.0, 0.0)))
    count = int((activity.duration - 0.2) / gait.step_time) - 1
    options = [float(turn) for turn in rng.uniform(-2.2, 2.2, 3)]
    side = int(rng.integers(2))
    plans = [footsteps.walk(activity.start, stance, gait, count, turn, side) for turn in options]
    return min(plans, key=lambda plan: _distance(plan[1]))


def _distance(stance: Stance) -> float:
    return math.hypot(stance.x, stance.y)


def _with_moves(script: Script, side: int, moves: list[ArmMove]) -> Script:
    both = tuple((*old, *moves) if number == side else old for number, old in enumerate(script.moves))
    return replace(script, moves=both)


def _with_leaning(script: Script, side: int, weight: Track, name: str) -> Script:
    amount = torch.tensor(_LEANING[name], dtype=torch.float64) * (_MIRROR if side == RIGHT else 1.0)
    return replace(script, leaning=script.leaning + weight[:, None] * amount)


def _reach(script: Script, times: Track, rng: np.random.Generator, activity: Activity, skeleton: Skeleton) -> Script:
    """Each hand visits targets, one hand after the other with some overlap."""
    names = [str(name) for name in rng.permutation(list(gestures.REACHES))]
    first = int(rng.integers(2))
    length = 0.74 * activity.duration
    for order, side in enumerate((first, 1 - first)):
        start, chosen = activity.start + order * (activity.duration - length), names[2 * order : 2 * order + 2]
        moves = gestures.reach(rng, arm_bones(skeleton, side), start, length, chosen)
        script = _with_moves(script, side, moves)
        for move, following, name in zip(moves, moves[1:], chosen, strict=False):
            hold = following.start - move.start - move.duration
            weight = profiles.bump(times, move.start, move.duration, hold, following.duration)
            script = _with_leaning(script, side, weight, name)
    return script


def _wave(script: Script, times: Track, rng: np.random.Generator, activity: Activity, skeleton: Skeleton) -> Script:
    side = int(rng.integers(2))
    moves = gestures.wave(times, rng, arm_bones(skeleton, side), activity.start, activity.duration)
    return _with_moves(script, side, moves)


def _squat(script: Script, times: Track, rng: np.random.Generator, activity: Activity, skeleton: Skeleton) -> Script:
    fall = float(rng.uniform(0.4, 0.45)) * activity.duration
    squat = Squat(activity.start, activity.duration, fall, float(rng.uniform(0.605, 0.635)))
    script = replace(script, squats=(*script.squats, squat))
    for side in (LEFT, RIGHT):
        moves = gestures.squatting_arms(rng, arm_bones(skeleton, side), activity.start, activity.duration, fall)
        script = _with_moves(script, side, moves)
    return script


_STANDING = {'reach': _reach, 'wave': _wave, 'squat': _squat}
