"""Walking as a plan of footprints, and how the feet travel between them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.motion import profiles
from inpose_ros.motion.profiles import Track

LEFT, RIGHT = 0, 1
# Share of a step's time that the foot is in the air; at the rest of the time both feet are on the ground.
SWING_SHARE = 0.8
# Greatest turn [rad] that one pair of steps makes on the spot.
TURN_PER_PAIR = 0.85


@dataclass(frozen=True)
class Gait:
    """How a person steps: lengths [m] and times [s]; `toe_out` and `heel_rise` in [rad]."""

    step: float
    step_time: float
    half_width_walking: float
    half_width_standing: float
    toe_out: float
    heel_rise: float


@dataclass(frozen=True)
class Stance:
    """Where a person stands: the middle between the ankles [m] and the heading [rad], not wrapped."""

    x: float
    y: float
    heading: float

    def foot(self, side: int, gait: Gait, walking: bool = False) -> Float[np.ndarray, '3']:
        """Place and direction (x, y, yaw) of one foot's print, below the ankle."""
        sign = 1 if side == LEFT else -1
        offset = sign * (gait.half_width_walking if walking else gait.half_width_standing)
        x, y = self.x - offset * math.sin(self.heading), self.y + offset * math.cos(self.heading)
        return np.array([x, y, self.heading + sign * gait.toe_out * (0.6 if walking else 1.0)])

    def moved(self, forward: float, turn: float) -> 'Stance':
        """Advance along an arc: by `forward` [m] while the heading turns by `turn` [rad]."""
        middle = self.heading + turn / 2
        return Stance(self.x + forward * math.cos(middle), self.y + forward * math.sin(middle), self.heading + turn)


@dataclass(frozen=True)
class Step:
    """One foot leaves the ground at `start` [s], swings, and stands on a new print (x, y, yaw)."""

    side: int
    start: float
    duration: float
    print: tuple[float, float, float]


def walk(start: float, stance: Stance, gait: Gait, count: int, turn: float, side: int) -> tuple[list[Step], Stance]:
    """So many steps along an arc that turns by an angle [rad]; the other foot closes up at the end."""
    steps, there = [], stance
    for number in range(count + 1):
        if number < count:
            there = there.moved(gait.step, turn / count)
        foot = there.foot(side, gait, walking=number < count - 1)
        swing = SWING_SHARE * gait.step_time
        steps.append(Step(side, start + number * gait.step_time, swing, tuple(foot)))
        side = 1 - side
    return steps, there


def turn_in_place(start: float, stance: Stance, gait: Gait, turn: float) -> tuple[list[Step], Stance]:
    """Turn by an angle [rad] in pairs of steps, the inner foot first."""
    pairs = math.ceil(abs(turn) / TURN_PER_PAIR)
    inner = LEFT if turn > 0 else RIGHT
    time = 0.85 * gait.step_time
    steps = []
    for number in range(2 * pairs):
        there = replace(stance, heading=stance.heading + turn * (number // 2 + 1) / pairs)
        side = inner if number % 2 == 0 else 1 - inner
        steps.append(Step(side, start + number * time, SWING_SHARE * time, tuple(there.foot(side, gait))))
    return steps, replace(stance, heading=stance.heading + turn)


@dataclass(frozen=True)
class FootTracks:
    """What the two feet (left, right) do over time.

    `print`: x, y [m] and yaw [rad] of the flat foot, below the ankle; `lift` of the whole foot [m]; `heel_rise` about
    the toes and `toe_rise` about the heel [rad]; `load`: the share of the weight that each foot bears.
    """

    print: Float[Tensor, 'frame 2 3']
    lift: Float[Tensor, 'frame 2']
    heel_rise: Float[Tensor, 'frame 2']
    toe_rise: Float[Tensor, 'frame 2']
    load: Float[Tensor, 'frame 2']


def foot_tracks(times: Track, steps: Sequence[Step], stance: Stance, gait: Gait) -> FootTracks:
    """Let both feet follow a plan from a first stance on."""
    feet = [
        _one_foot(times, [step for step in steps if step.side == side], stance.foot(side, gait), gait)
        for side in (LEFT, RIGHT)
    ]
    prints = torch.stack([foot_print for foot_print, _ in feet], 1)
    lift, heel_rise, toe_rise, airborne = torch.stack([rest for _, rest in feet], 1).unbind(-1)
    bearing = (1 - airborne).clamp(0, 1)
    return FootTracks(prints, lift, heel_rise, toe_rise, bearing / bearing.sum(-1, keepdim=True).clamp(min=0.3))


def _one_foot(
    times: Track, steps: Sequence[Step], first: Float[np.ndarray, '3'], gait: Gait
) -> tuple[Float[Tensor, 'frame 3'], Float[Tensor, 'frame 4']]:
    """Print of one foot, and its lift, heel rise, toe rise and share of being airborne."""
    here = torch.from_numpy(first)
    prints, rest = here.expand(len(times), 3), torch.zeros(len(times), 4, dtype=times.dtype)
    for step in steps:
        there = torch.tensor(step.print, dtype=times.dtype)
        stride = min(float((there - here)[:2].norm()) / (2 * gait.step), 1.0)
        prints = prints + profiles.cruise(times, step.start, step.duration)[:, None] * (there - here)
        rest = rest + _airborne(times, step, stride, gait.heel_rise)
        here = there
    return prints, rest


def _airborne(times: Track, step: Step, stride: float, heel_rise: float) -> Float[Tensor, 'frame 4']:
    """Lift [m], heel rise and toe rise [rad] and how much the foot is in the air, for a stride relative to a full one.

    The heel leaves the ground before the toes do, and comes down first.
    """
    landing = step.start + step.duration
    u = ((times - step.start) / step.duration).clamp(0, 1)
    lift = (0.05 - 0.02 * stride) * 64 * u**3 * (1 - u) ** 3
    heel = (0.25 + 0.75 * stride) * heel_rise * profiles.bump(times, step.start - 0.36, 0.36, 0.0, 0.32)
    toe = 0.3 * stride * profiles.bump(times, landing - 0.26, 0.22, 0.03, 0.14)
    airborne = profiles.bump(times, step.start - 0.1, 0.15, step.duration - 0.1, 0.15)
    return torch.stack((lift, heel, toe, airborne), -1)
