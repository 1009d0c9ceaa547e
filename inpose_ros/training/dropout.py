"""What a simulated user wears: which joints are measured in each window of a batch, when and how well.

The prior must serve any subset of sensors, so a batch holds common sets, random ones and none.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.diffusion import condition as conditions
from inpose_ros.diffusion.denoiser import Condition
from inpose_ros.geometry import rotation
from inpose_ros.training.windows import MotionWindow

_HANDS = ('head', 'left_wrist', 'right_wrist')
_SIX_IMUS = (*_HANDS, 'pelvis', 'left_knee', 'right_knee')
# (share of the windows, joints measured); the rest of the windows wears a random subset.
COMMON_SETS = (
    (0.68, _HANDS),
    (0.05, (*_HANDS, 'pelvis')),
    (0.03, (*_HANDS, 'pelvis', 'left_ankle', 'right_ankle')),
    (0.03, (*_HANDS, 'left_ankle', 'right_ankle')),
    (0.05, _SIX_IMUS),
    (0.03, ()),
)
# The same for somebody calibrated in an N-pose, who most likely wears IMUs.
ZEROED_SETS = (
    (0.45, _SIX_IMUS),
    (0.08, ('head', 'left_elbow', 'right_elbow', 'pelvis', 'left_knee', 'right_knee')),
    (0.07, (*_HANDS, 'pelvis', 'left_ankle', 'right_ankle')),
    (0.05, ('spine3', 'left_elbow', 'right_elbow', 'pelvis', 'left_knee', 'right_knee')),
    (0.10, _HANDS),
    (0.05, (*_HANDS, 'pelvis')),
)
_HEIGHT_SHARE = 0.7  # of the windows with a head know its height,
_ZEROED_HEIGHT_SHARE = 0.2  # and of those calibrated in an N-pose;
_TRAVEL_SHARE, _LONE_TRAVEL_SHARE = 0.8, 0.3  # of those that do, and that do not, know how it travels.
_ACCELERATION_SHARE = 0.15  # of the windows say how what is worn is accelerated,
_ZEROED_ACCELERATION_SHARE = 0.75  # and of those calibrated in an N-pose
_GAP_SHARE = 0.1  # of the windows lose a joint for some frames
_ROTATION_NOISE = 0.03  # constant error of a mounting [rad], in half of the windows
_HEIGHT_NOISE = 0.01  # error of the floor and of the standing height, as a share of the latter
_NOISY_SHARE = 0.3  # of the windows have a tracker on the head that errs in each frame,
_LEAST_NOISE, _MOST_NOISE = 0.003, 0.12  # by between so much, over the standing height
_ACCELERATION_NOISE = 0.4  # of straps and skin [m/s2], in each frame, and as much for the whole window
# Where on its segment an IMU is worn: so far along the bone at most, as a share of it, and so far beside it [m].
_ALONG, _BESIDE = 0.6, 0.03
# The children to which the segments of the joints lead; the head's and the hands' end at nothing.
_ENDS = {'pelvis': 'spine1', 'spine1': 'spine2', 'spine2': 'spine3', 'spine3': 'neck', 'neck': 'head'} | {
    f'{side}_{joint}': f'{side}_{end}'
    for side in ('left', 'right')
    for joint, end in (
        ('hip', 'knee'), ('knee', 'ankle'), ('ankle', 'foot'),
        ('collar', 'shoulder'), ('shoulder', 'elbow'), ('elbow', 'wrist'),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Known:
    """Which windows of a batch know, of what is worn: the head's height, how the head travels, accelerations."""

    height: Bool[Tensor, 'batch']
    travel: Bool[Tensor, 'batch']
    acceleration: Bool[Tensor, 'batch']

    @classmethod
    def constant(cls, count: int, height: bool = False, travel: bool = False, acceleration: bool = False) -> 'Known':
        """The same in all windows."""
        return cls(*(torch.full((count,), flag) for flag in (height, travel, acceleration)))

    @classmethod
    def draw(cls, zeroed: Bool[Tensor, 'batch'], generator: torch.Generator) -> 'Known':
        chance = torch.rand(3, len(zeroed), generator=generator)
        height = chance[0] < torch.where(zeroed, _ZEROED_HEIGHT_SHARE, _HEIGHT_SHARE)
        travel = chance[1] < torch.where(height, _TRAVEL_SHARE, _LONE_TRAVEL_SHARE)
        return cls(height, travel, chance[2] < torch.where(zeroed, _ZEROED_ACCELERATION_SHARE, _ACCELERATION_SHARE))


def worn_joints(zeroed: Bool[Tensor, 'batch'], generator: torch.Generator) -> Bool[Tensor, 'batch joint']:
    """Draw which joints wear a sensor."""
    count = len(zeroed)
    chance = torch.rand(count, 1, generator=generator)
    worn = torch.rand(count, 22, generator=generator) < 0.7 * torch.rand(count, 1, generator=generator)
    for sets, which in ((COMMON_SETS, ~zeroed), (ZEROED_SETS, zeroed)):
        edge = 0.0
        for share, names in sets:
            row = torch.zeros(22, dtype=torch.bool)
            row[[smpl22.INDEX[name] for name in names]] = True
            worn = torch.where((chance >= edge) & (chance < edge + share) & which[:, None], row, worn)
            edge += share
    return worn


def _with_gaps(worn: Bool[Tensor, 'batch joint'], frames: int, generator: torch.Generator) -> Bool[Tensor, '...']:
    """Frames at which each joint is measured: now and then one joint is lost for a while."""
    count = len(worn)
    draw = torch.rand(count, 4, generator=generator)
    first = (draw[:, 0] * frames).long()
    last = first + (draw[:, 1] * frames).long()
    frame = torch.arange(frames)
    lost = (frame >= first[:, None]) & (frame <= last[:, None]) & (draw[:, 2:3] < _GAP_SHARE)
    joint = torch.nn.functional.one_hot((draw[:, 3] * 22).long(), 22).bool()
    joint = joint | (worn & (torch.rand(count, 22, generator=generator) < 0.3))
    return worn[:, None] & ~(lost[:, :, None] & joint[:, None])


def dress(
    window: MotionWindow, worn: Bool[Tensor, 'batch joint'], known: Known, generator: torch.Generator | None
) -> tuple[Condition, Float[Tensor, 'batch']]:
    """Measure a window: the condition, and the heading [rad] by which it was turned back.

    With a generator the sensors err and fail as in training; without, they are perfect.
    """
    rot, frames = window.rot_world_joint, window.rot_world_joint.shape[1]
    valid = worn[:, None].expand(-1, frames, -1)
    size = standing_height(window.bones)[:, None]
    noise, lift = torch.zeros(()), torch.zeros(len(rot))
    if generator is not None:
        valid = _with_gaps(worn, frames, generator)
        rot = rot @ _mounting_errors(len(rot), generator)[:, None]
        lift = _HEIGHT_NOISE * torch.randn(len(rot), generator=generator)
        noise = _tracker_noise(len(rot), frames, generator)
    valid = valid & window.real[..., None]
    heading = conditions.window_heading(rot, valid)
    pelvis = rotation.heading(window.rot_world_joint[:, -1, 0])
    heading = torch.where(valid.flatten(1).any(-1), heading, pelvis)
    turned = rotation.about_z(-heading)[:, None, None] @ rot
    seen = valid[..., smpl22.HEAD]
    head = (rotation.about_z(-heading)[:, None] @ window.positions[:, :, smpl22.HEAD, :, None])[..., 0]
    head = head / size[..., None] + noise
    travelled, travel_mask = conditions.travel(head, seen)
    acceleration = (rotation.about_z(-heading)[:, None, None] @ accelerations(window, generator)[..., None])[..., 0]
    acceleration = acceleration / size[..., None, None]
    # It takes three places to see one.
    earlier = torch.cat((torch.zeros_like(window.real[:, :2]), window.real[:, :-2]), 1)
    acceleration_mask = valid & known.acceleration[:, None, None] & earlier[..., None]
    condition = conditions.size_free_condition(
        turned, valid, head[..., 2] + lift[:, None], seen & known.height[:, None],
        travelled, travel_mask & known.travel[:, None], window.zeroed, acceleration, acceleration_mask,
    )  # fmt: skip
    return condition, heading


def _tracker_noise(count: int, frames: int, generator: torch.Generator) -> Float[Tensor, 'batch frame 3']:
    """White noise of the head's tracker over the standing height, of another size in each of a share of windows."""
    chance = torch.rand(2, count, 1, 1, generator=generator)
    stddev = (chance[0] < _NOISY_SHARE) * _LEAST_NOISE * (_MOST_NOISE / _LEAST_NOISE) ** chance[1]
    return stddev * torch.randn(count, frames, 3, generator=generator)


def accelerations(window: MotionWindow, generator: torch.Generator | None) -> Float[Tensor, 'batch frame joint 3']:
    """How what is worn on each joint is accelerated, in the world [m/s2]; zero in the first two frames.

    With a generator it is worn somewhere on the segment, and errs; without, right on the joint.
    """
    spot, error = torch.zeros(len(window.root), 22, 3), torch.zeros(())
    if generator is not None:
        count, frames = window.root.shape[:2]
        along = _ALONG * torch.rand(count, 22, 1, generator=generator)
        spot[:, list(map(smpl22.INDEX.get, _ENDS))] = window.bones[:, list(map(smpl22.INDEX.get, _ENDS.values()))]
        spot = along * spot + _BESIDE * torch.randn(count, 22, 3, generator=generator)
        error = sum(torch.randn(count, f, 22, 3, generator=generator) for f in (1, frames - 2))
    places = window.positions + (window.rot_world_joint @ spot[:, None, :, :, None])[..., 0]
    second = (places[:, 2:] - 2 * places[:, 1:-1] + places[:, :-2]) * window.rate**2
    return torch.nn.functional.pad(second + _ACCELERATION_NOISE * error, (0, 0, 0, 0, 2, 0))


def _mounting_errors(count: int, generator: torch.Generator) -> Float[Tensor, 'batch joint 3 3']:
    some = torch.rand(count, 1, 1, generator=generator) < 0.5
    return rotation.exp(some * _ROTATION_NOISE * torch.randn(count, 22, 3, generator=generator))


def draw_condition(window: MotionWindow, generator: torch.Generator) -> tuple[Condition, Float[Tensor, 'batch']]:
    """A training batch's condition."""
    worn = worn_joints(window.zeroed, generator)
    return dress(window, worn, Known.draw(window.zeroed, generator), generator)


def standing_height(bones: Float[Tensor, 'batch joint 3']) -> Float[Tensor, 'batch']:
    """As Skeleton.standing_head_height, for a batch of bones [m]."""
    chain = [smpl22.HEAD]
    while smpl22.PARENTS[chain[-1]] > 0:
        chain.append(smpl22.PARENTS[chain[-1]])
    legs = bones[:, [1, 2, 4, 5, 7, 8, 10, 11], 2].sum(-1) / 2
    return bones[:, chain, 2].sum(-1) - legs
