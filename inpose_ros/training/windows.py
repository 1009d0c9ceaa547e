"""Windows of motion, drawn at random from packed clips and varied: time-warp, mirroring, heading."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from inpose_ros.body import kinematics, smpl22
from inpose_ros.geometry import rotation
from inpose_ros.motion.clip import MotionClip
from inpose_ros.motion.neutral import neutral_turn

# How often a source is drawn, per frame of it: exercises that repeat and retargeted figures less, variety more.
SOURCE_WEIGHTS = {'cmu': 3.0, 'accad': 2.0, 'mhad': 1.0, 'cmu_retarget': 1.0, 'uiprmd': 0.3}
# Everybody walks, but of these recordings only 8 % is walking.
LOCOMOTION_WEIGHT = 4.0
_LOCOMOTION = ('walk', 'jog', 'run', 'march', 'stride', 'turn')
_ZEROED_SHARE = 0.4  # of the windows of those who were seen standing
_FRAME_NOISE = 0.04  # how differently the joints' axes of two persons are defined [rad], in half of the windows
_CONTACT_SPEED = 0.25  # a toe slower than this [m/s] stands


@runtime_checkable
class Motion(Protocol):
    """Clips with a row of the index for each, as PackedMotion has them."""

    rows: list[dict]

    def __iter__(self) -> Iterator[MotionClip]: ...


@dataclass(frozen=True)
class MotionWindow:
    """A batch of true motion on the prior's grid, world axes, metres; `real` is false before a clip's first frame.

    Where `zeroed`, joints and bones are turned so that they are at zero in the person's own N-pose, and the bends of
    trunk, neck and toes are shared out evenly (motion.neutral, kinematics.shared_out).
    """

    rot_world_joint: Float[Tensor, 'batch frame joint 3 3']
    root: Float[Tensor, 'batch frame 3']
    bones: Float[Tensor, 'batch joint 3']
    real: Bool[Tensor, 'batch frame']
    zeroed: Bool[Tensor, 'batch']
    rate: float

    @property
    def positions(self) -> Float[Tensor, 'batch frame joint 3']:
        relative = kinematics.positions_from_bones(self.bones[:, None], self.rot_world_joint)
        return self.root[:, :, None] + relative

    @property
    def contact(self) -> Bool[Tensor, 'batch frame 2']:
        """Left and right toe standing still."""
        speed = torch.gradient(self.positions[:, :, [10, 11]], dim=1)[0].norm(dim=-1) * self.rate
        return speed < _CONTACT_SPEED

    @property
    def root_velocity(self) -> Float[Tensor, 'batch frame 3']:
        return torch.gradient(self.root, dim=1)[0] * self.rate


class WindowSource:
    """All clips of a split in memory at their own rates; gives windows that end where they are told."""

    def __init__(self, motion: Motion, frames: int, rate: float) -> None:
        self.frames, self.rate = frames, rate
        clips = list(motion)
        self.subjects = [clip.subject for clip in clips]
        lengths = torch.tensor([len(clip) for clip in clips])
        self._sixd = torch.cat([rotation.sixd_from_matrix(clip.rot_world_joint) for clip in clips])
        self._root = torch.cat([clip.root for clip in clips])
        self._fps = torch.tensor([clip.fps for clip in clips])
        self._bones = torch.stack([clip.skeleton.bones.float() for clip in clips])
        turns = _neutral_turns(clips)
        self._can_zero = torch.tensor([turns[clip.subject] is not None for clip in clips])
        self._zero = torch.stack(
            [torch.eye(3).expand(22, 3, 3) if turns[clip.subject] is None else turns[clip.subject] for clip in clips]
        )
        self._start = torch.cat((torch.zeros(1, dtype=torch.long), lengths.cumsum(0)[:-1]))
        self._length = lengths
        weights = torch.tensor([_weight(row) for row in motion.rows])
        self._share = weights * lengths / self._fps
        self.hours = float((lengths / self._fps).sum() / 3600)

    def to(self, device: torch.device) -> 'WindowSource':
        """The same, all of it there."""
        moved = copy.copy(self)
        for name, value in vars(self).items():
            setattr(moved, name, value.to(device) if isinstance(value, Tensor) else value)
        return moved

    def random(self, count: int, generator: torch.Generator) -> MotionWindow:
        """Windows as training sees them: any clip and time, warped, mirrored and turned by chance."""
        clip = torch.multinomial(self._share, count, replacement=True, generator=generator)
        # A window's newest frame: anywhere from a third of a second into the clip to its end.
        chance = torch.rand(count, 5, generator=generator)
        first = self._fps[clip] / 3
        newest = first + chance[:, 0] * (self._length[clip] - 1 - first).clamp(min=0)
        speed = 0.8 + 0.45 * chance[:, 1]
        window = self.at(clip, newest, speed, self._can_zero[clip] & (chance[:, 3] < _ZEROED_SHARE))
        axes = _FRAME_NOISE * (chance[:, 4] < 0.5)[:, None, None] * torch.randn(count, 22, 3, generator=generator)
        window = _reframed(window, rotation.exp(axes))
        turned = rotation.about_z(2 * torch.pi * torch.rand(count, generator=generator))[:, None]
        return _turned(_mirrored(window, chance[:, 2] < 0.5), turned)

    def at(
        self, clip: Int[Tensor, 'batch'], newest: Float[Tensor, 'batch'], speed: Float[Tensor, 'batch'] | None = None,
        zeroed: Bool[Tensor, 'batch'] | None = None,
    ) -> MotionWindow:  # fmt: skip
        """Windows that end at a (fractional) frame of a clip, played at a multiple of their speed.

        Those `zeroed` are so where the person was seen standing, and else as recorded.
        """
        step = self._fps[clip] / self.rate * (1.0 if speed is None else speed)
        back = torch.arange(self.frames - 1, -1, -1)
        index = newest[:, None] - back * step[:, None]
        index = torch.minimum(index, (self._length[clip] - 1).float()[:, None])
        real = index >= 0
        index = index.clamp(min=0)
        low = torch.minimum(index.floor().long(), self._length[clip, None] - 2)
        fraction = index - low
        low = low + self._start[clip, None]
        sixd = torch.lerp(self._sixd[low], self._sixd[low + 1], fraction[..., None, None])
        root = torch.lerp(self._root[low], self._root[low + 1], fraction[..., None])
        zeroed = torch.zeros(len(clip), dtype=torch.bool) if zeroed is None else zeroed & self._can_zero[clip]
        window = MotionWindow(rotation.matrix_from_6d(sixd), root, self._bones[clip], real, zeroed, self.rate)
        window = _reframed(window, torch.where(zeroed[:, None, None, None], self._zero[clip], torch.eye(3)))
        shared = torch.where(
            zeroed[:, None, None, None, None], kinematics.shared_out(window.rot_world_joint), window.rot_world_joint
        )
        return replace(window, rot_world_joint=shared)

    def grid(self, count: int) -> tuple[Int[Tensor, 'batch'], Float[Tensor, 'batch']]:
        """`count` windows spread evenly over all the motion: the same ones every time."""
        place = (torch.arange(count) + 0.5) / count * self._length.sum()
        clip = torch.searchsorted(self._start, place.long(), right=True) - 1
        return clip, (place - self._start[clip]).clamp(min=5)


def _weight(row: dict) -> float:
    words = f'{row.get("label", "")} {row["name"]}'.lower()
    return SOURCE_WEIGHTS.get(row['source'], 1.0) * (LOCOMOTION_WEIGHT if any(w in words for w in _LOCOMOTION) else 1.0)


def _neutral_turns(clips: list[MotionClip]) -> dict[str, Float[Tensor, 'joint 3 3'] | None]:
    """By subject."""
    by_subject: dict[str, list[MotionClip]] = {}
    for clip in clips:
        by_subject.setdefault(clip.subject, []).append(clip)
    return {
        subject: neutral_turn(
            torch.cat([clip.rot_world_joint for clip in own]),
            own[0].skeleton.bones.float(),
            torch.cat([torch.full((len(clip),), clip.fps) for clip in own]),
        )
        for subject, own in by_subject.items()
    }


def _reframed(window: MotionWindow, turn: Float[Tensor, 'batch joint 3 3']) -> MotionWindow:
    """The same motion, described by joints with other axes: R T with the bones T'b, so that no position changes."""
    parents = turn[:, list(smpl22.PARENTS[1:])].transpose(-1, -2)
    bones = torch.cat((window.bones[:, :1], (parents @ window.bones[:, 1:, :, None])[..., 0]), 1)
    return replace(window, rot_world_joint=window.rot_world_joint @ turn[:, None], bones=bones)


def _mirrored(window: MotionWindow, which: Bool[Tensor, 'batch']) -> MotionWindow:
    flip = torch.tensor([1.0, -1.0, 1.0])
    rot = torch.where(
        which[:, None, None, None, None], kinematics.mirrored(window.rot_world_joint), window.rot_world_joint
    )
    root = torch.where(which[:, None, None], window.root * flip, window.root)
    bones = torch.where(which[:, None, None], kinematics.mirrored_bones(window.bones), window.bones)
    return replace(window, rot_world_joint=rot, root=root, bones=bones)


def _turned(window: MotionWindow, rot: Float[Tensor, 'batch 1 3 3']) -> MotionWindow:
    root = (rot @ window.root[..., None])[..., 0]
    return MotionWindow(
        rot[:, :, None] @ window.rot_world_joint, root, window.bones, window.real, window.zeroed, window.rate
    )
