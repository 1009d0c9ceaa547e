"""Motion followed frame by frame as the streaming solver follows it, so that the denoiser learns from its own past.

A past is another thing than a window that was solved at once: each of its frames was the newest when it was estimated,
and what is in it may be older than the window. So streams go on while the network is trained, each frame from
what the last one left (as DAgger does it: Ross et al., 2011).
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inpose_ros.body import kinematics, smpl22
from inpose_ros.diffusion.denoiser import Condition
from inpose_ros.diffusion.levels import GUIDED, SCRATCH
from inpose_ros.diffusion.likelihood import Floor, LocationLikelihood
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.sampler import InPoseRule
from inpose_ros.geometry import rotation
from inpose_ros.training import dropout, refinement
from inpose_ros.training.example import Example, moved
from inpose_ros.training.readings import LOCATED, Readings, standing_height
from inpose_ros.training.windows import WindowSource

_FOLLOWED = 45  # frames of a stream's life, more than a window has
_BATCHES = 16  # of streams are alive at once, so that one training step knows little of the one before
_STRIDE = 2  # frames from what is learnt from to the next
_OTHER_BONES_SHARE, _OTHER_BONES = 0.2, 0.05  # of the streams are solved with bones that are off, each by so much


class Follower:
    """A batch of streams, solved frame after frame from what sensors read of them.

    Args:
        located: in which streams trackers locate the LOCATED joints that are worn.
    """

    def __init__(self, readings: Readings, located: Bool[Tensor, 'batch']) -> None:
        self._readings, self._located = readings, located
        self._next = 0
        self._past: Float[Tensor, 'batch frame joint 6'] | None = None  # in the world

    def has(self, frames: int, window: int) -> bool:
        """Whether there are so many more frames, in windows of that many."""
        return self._next + frames + window - 1 <= self._readings.places.shape[1]

    @property
    def newest(self) -> Float[Tensor, 'batch joint 3 3']:
        """The pose of the last frame, world <- joint."""
        return rotation.matrix_from_6d(self._past[:, -1])

    @torch.no_grad()
    def step(self, prior: MotionPrior) -> Example:
        """The next frame: what the denoiser is given for it. Its answer becomes the newest part of the past."""
        readings = self._readings.frames(slice(self._next, self._next + prior.frames))
        condition, heading = readings.condition()
        likelihood = _newest_likelihood(readings, condition, heading, self._located)
        window, condition, heading, likelihood = (
            moved(each, prior.device) for each in (readings.motion, condition, heading, likelihood)
        )
        if self._past is None:
            clean = _answer(prior, torch.zeros_like(condition.rotation), SCRATCH, condition, likelihood)
        else:
            going_on = 2 * self._past[:, -1:] - self._past[:, -2:-1]
            clean = _turned(torch.cat((self._past[:, 1:], going_on), 1), -heading)
        clean = torch.where(condition.rotation_mask[..., None], condition.rotation, clean)
        noisy = float(prior.schedule.alpha_bar[GUIDED]) ** 0.5 * clean
        answer = _turned(_answer(prior, noisy, GUIDED, condition, likelihood), heading)
        self._past = answer if self._past is None else torch.cat((self._past[:, 1:], answer[:, -1:]), 1)
        self._next += 1
        return Example(window, condition, heading, noisy, torch.full((len(heading),), GUIDED, device=prior.device))


class Streams:
    """Batches of random streams, each replaced by another when it ends."""

    def __init__(self, source: WindowSource, rows: int) -> None:
        self._source, self._rows = source, rows
        self._alive: list[Follower] = []

    def next(self, prior: MotionPrior, generator: torch.Generator) -> Example:
        """A frame of one batch, drawn by chance."""
        while len(self._alive) < _BATCHES:
            self._alive.append(self._begun(generator))
        which = int(torch.randint(_BATCHES, (), generator=generator))
        if not self._alive[which].has(_STRIDE, prior.frames):
            self._alive[which] = self._begun(generator)
        for _ in range(_STRIDE):
            example = self._alive[which].step(prior)
        return example

    def _begun(self, generator: torch.Generator) -> Follower:
        motion = self._source.random(self._rows, generator, _FOLLOWED)
        located = torch.rand(self._rows, generator=generator) < torch.where(
            motion.zeroed, refinement.ZEROED_SHARE, refinement.SHARE
        )
        return Follower(dropout.draw_readings(motion, generator, _told_bones(motion.bones, generator)), located)


def _told_bones(bones: Float[Tensor, 'batch joint 3'], generator: torch.Generator) -> Float[Tensor, 'batch joint 3']:
    """What the solver believes: the truth, or what an estimate may leave, alike on both sides."""
    some = torch.rand(len(bones), 1, 1, generator=generator) < _OTHER_BONES_SHARE
    error = _OTHER_BONES * torch.randn(len(bones), len(smpl22.JOINTS), 1, generator=generator)
    return bones * (1 + some * (error + error[:, list(smpl22.MIRROR)]) / 2**0.5)


def _newest_likelihood(
    readings: Readings, condition: Condition, heading: Float[Tensor, 'batch'], located: Bool[Tensor, 'batch']
) -> LocationLikelihood:
    """Of the newest frame, with the floor: as the streaming solver has it, but for what its noisy trackers gain."""
    size = standing_height(readings.bones)[:, None, None]
    places, left = readings.smoothed(LOCATED)
    bones, stddev = readings.bones[:, None], (left[:, -1:] * size).clamp(min=refinement.PRECISE)
    stature = size * (smpl22.MEAN_STATURE / standing_height(torch.tensor(smpl22.MEAN_BONES)[None]))
    return LocationLikelihood(
        chain=kinematics.location_map(bones)[:, :, LOCATED],
        location=(rotation.about_z(-heading)[:, None, None] @ (places[:, -1:] * size[..., None])[..., None])[..., 0],
        valid=condition.rotation_mask[:, -1:, LOCATED] & located[:, None, None],
        stddev=stddev[..., None].expand(-1, -1, -1, 3),
        floor=Floor.under_bones(bones, stature, 0.0),
    )


def _answer(
    prior: MotionPrior, noisy: Float[Tensor, 'batch frame joint 6'], level: int, condition: Condition,
    likelihood: LocationLikelihood,
) -> Float[Tensor, 'batch frame joint 6']:  # fmt: skip
    """What the denoiser says, with what was measured, and the newest frame corrected."""
    prediction = prior.denoise(noisy, level, condition)
    measured = torch.full((len(smpl22.JOINTS),), refinement.ROTATION_STDDEV, device=prior.device)
    sample = InPoseRule(steps=(level,)).last(prior, prediction, condition, likelihood, measured)
    said = torch.where(condition.rotation_mask[..., None], condition.rotation, prediction.rotation)
    return torch.cat((said[:, :-1], rotation.sixd_from_matrix(sample.rot_world_joint[:, -1:])), 1)


def _turned(
    columns: Float[Tensor, 'batch frame joint 6'], heading: Float[Tensor, 'batch']
) -> Float[Tensor, 'batch frame joint 6']:
    """Turned about the vertical by these angles [rad]."""
    turn = rotation.about_z(heading)[:, None, None].transpose(-1, -2)
    return (columns.unflatten(-1, (2, 3)) @ turn).flatten(-2)
