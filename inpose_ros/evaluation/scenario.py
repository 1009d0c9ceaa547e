"""What a method is shown: windows of a clip as perfect sensors at 30 Hz would give them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.errors import BodyError, SensorError
from inpose_ros.geometry import rotation
from inpose_ros.motion.clip import MotionClip
from inpose_ros.sensing.resample import JointWindow

# What the solver is told of the sensors' noise: they are perfect, and the solver is told that they nearly are.
POSITION_STDDEV = 0.001
ROTATION_STDDEV = 0.01


@dataclass(frozen=True)
class WornJoints:
    """Which joints are tracked (rotation and location) and which wear an IMU (rotation and acceleration)."""

    rotated: tuple[int, ...]
    located: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> 'WornJoints':
        """Read `head,left_wrist,pelvis:imu`: a joint's name, with `:imu` where no location is measured."""
        rotated, located = [], []
        for part in text.split(','):
            name, _, kind = part.strip().partition(':')
            if name not in smpl22.INDEX or kind not in ('', 'pose', 'imu'):
                raise SensorError(
                    f'no sensor {part!r}: write a joint ({", ".join(smpl22.JOINTS)}), with :imu if it is one'
                )
            rotated.append(smpl22.INDEX[name])
            if kind != 'imu':
                located.append(smpl22.INDEX[name])
        return cls(tuple(rotated), tuple(located))

    @property
    def accelerated(self) -> tuple[int, ...]:
        """Those that wear an IMU."""
        return tuple(joint for joint in self.rotated if joint not in self.located)

    @property
    def align(self) -> int:
        """The joint at which scores lay the estimate over the truth."""
        return smpl22.HEAD if smpl22.HEAD in self.located else smpl22.PELVIS


def dressed_body(clip: MotionClip, body: str) -> MotionClip:
    """The clip on the body that `--body` names: own, mean, or groups such as `arms=1.4,torso=0.7` of the mean."""
    if body == 'own':
        return clip
    if body == 'mean':
        return clip.on_body(Skeleton.mean())
    try:
        factors = {name: float(value) for name, value in (part.split('=') for part in body.split(','))}
    except ValueError:
        raise BodyError(f'no body {body!r}: write own, mean, or groups such as arms=1.4,torso=0.7') from None
    if not all(math.isfinite(value) and 0.2 <= value <= 5 for value in factors.values()):
        raise BodyError(f'no body {body!r}: a factor must be between 0.2 and 5')
    return clip.on_body(Skeleton.mean().with_groups(factors))


@dataclass(frozen=True)
class Measured:
    """All that could be measured of a clip on the grid, in every frame of it: rotations, locations [m], accelerations.

    `position_stddev` [m] and `rotation_stddev` [rad] are what the solver is told of their noise.
    """

    fps: float
    rotations: Float[Tensor, 'frame joint 3 3']
    locations: Float[Tensor, 'frame joint 3']
    accelerations: Float[Tensor, 'frame joint 3']
    position_stddev: float = POSITION_STDDEV
    rotation_stddev: float = ROTATION_STDDEV

    @classmethod
    def of(cls, clip: MotionClip) -> 'Measured':
        """Without any noise; the solver is told that there is a little."""
        return cls(clip.fps, clip.rot_world_joint, clip.positions.float(), _second_differences(clip))

    def with_noise(self, location: float, rotating: float, generator: torch.Generator) -> 'Measured':
        """White noise [m, rad] on every component, of which the solver is told."""
        axes = rotating * torch.randn(self.locations.shape, generator=generator)
        return replace(
            self,
            rotations=self.rotations @ rotation.exp(axes.to(self.rotations)),
            locations=self.locations + location * torch.randn(self.locations.shape, generator=generator),
            position_stddev=max(location, POSITION_STDDEV),
            rotation_stddev=max(rotating, ROTATION_STDDEV),
        )


def windows_ending_at(
    measured: Measured, worn: WornJoints, newest: Int[Tensor, 'window'], frames: int
) -> list[JointWindow]:
    """Windows of a clip; frames before its first and behind its last are not measured."""
    return [_window(measured, worn, frame, frames) for frame in newest.tolist()]


def _window(measured: Measured, worn: WornJoints, newest: int, frames: int) -> JointWindow:
    index = torch.arange(newest - frames + 1, newest + 1)
    there = ((index >= 0) & (index < len(measured.rotations)))[:, None]
    index = index.clamp(0, len(measured.rotations) - 1)
    joint = torch.arange(len(smpl22.JOINTS))
    rotated, located, accelerated = (
        torch.isin(joint, torch.tensor(joints, dtype=torch.long))
        for joints in (worn.rotated, worn.located, worn.accelerated)
    )
    return JointWindow(
        stamp_ns=round(newest / measured.fps * 1e9),
        rot_world_joint=measured.rotations[index],
        rot_valid=there & rotated,
        location=measured.locations[index],
        location_valid=there & located,
        rotation_stddev=torch.full((len(joint),), measured.rotation_stddev),
        position_stddev=torch.full((len(joint),), measured.position_stddev),
        acceleration=measured.accelerations[index],
        acceleration_valid=(index >= 2)[:, None] & there & accelerated,
    )


def _second_differences(clip: MotionClip) -> Float[Tensor, 'frame joint 3']:
    """Of the joints' places [m/s2], with the two frames before; zero in a clip's first two frames."""
    second = clip.positions.diff(n=2, dim=0) * clip.fps**2
    return torch.cat((torch.zeros_like(clip.positions[:2]), second)).float()


def shuffled(clips: Sequence[MotionClip], seed: int) -> list[int]:
    """For each clip the number of another whose locations it gets: a cyclic shift of a random order."""
    order = torch.randperm(len(clips), generator=torch.Generator().manual_seed(seed)).tolist()
    other = dict(zip(order, order[1:] + order[:1]))
    return [other[number] for number in range(len(clips))]


def fitted(locations: Float[Tensor, 'frame joint 3'], length: int) -> Float[Tensor, 'frame joint 3']:
    """Another clip's locations, repeated or cut to a length."""
    return locations[torch.arange(length) % len(locations)]
