"""Bones estimated as a user would have them: from what was measured of the same person before a clip begins."""

from dataclasses import replace
from itertools import islice
from typing import NamedTuple

import torch

from inpose_ros.body.proportions import BodyGuess
from inpose_ros.diffusion.bone_estimator import BodyEstimate, BodyEstimator
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.evaluation import scenario
from inpose_ros.evaluation.evaluate import Scenario

_BEFORE = 60.0  # of motion seen before anything is scored [s]
_PACE = 0.5  # between two observations [s]
_BATCH = 64


class _Stretch(NamedTuple):
    """So many frames of a clip, from its first on."""

    number: int
    frames: int


def with_estimated_bones(scene: Scenario, prior: MotionPrior) -> Scenario:
    """Every clip with the bones that are known when it begins.

    Of each subject the estimate is carried through all clips in file order, twice a second, over and over. Once a
    minute was seen, each clip that comes next is solved with the estimate so far, and then goes into it. So every clip
    is scored once, whatever is known; who has no more than a minute of clips is seen again and again.
    """
    estimated: list[BodyEstimate | None] = [None] * len(scene.clips)
    by_subject: dict[str, list[int]] = {}
    for number, clip in enumerate(scene.clips):
        by_subject.setdefault(clip.subject, []).append(number)
    for numbers in by_subject.values():
        estimator = BodyEstimator(prior, BodyGuess.unknown())
        before = _until_seen(scene, numbers)
        for stretch in before:
            _observe(estimator, scene, stretch, prior.frames)
        for turn in range(len(numbers)):
            number = numbers[(len(before) + turn) % len(numbers)]
            estimated[number] = estimator.estimate
            _observe(estimator, scene, _Stretch(number, len(scene.clips[number])), prior.frames)
    return replace(scene, estimated=estimated)


def _until_seen(scene: Scenario, numbers: list[int]) -> list[_Stretch]:
    """The clips that make up the first minute, the last of them cut off there."""
    stretches, left, turn = [], _BEFORE, 0
    while left > 0:
        number = numbers[turn % len(numbers)]
        clip = scene.clips[number]
        frames = min(len(clip), max(1, round(left * clip.fps)))
        stretches.append(_Stretch(number, frames))
        left -= frames / clip.fps
        turn += 1
    return stretches


def _observe(estimator: BodyEstimator, scene: Scenario, stretch: _Stretch, frames: int) -> None:
    """Windows that end twice a second, from the first that lies inside the clip on, or at the end of a short one."""
    measured = scene.measured[stretch.number]
    first = min(frames, stretch.frames) - 1
    newest = torch.arange(first, stretch.frames, round(_PACE * measured.fps))
    windows = iter(scenario.windows_ending_at(measured, scene.worn, newest, frames))
    while batch := list(islice(windows, _BATCH)):
        estimator.observe_all(batch)
