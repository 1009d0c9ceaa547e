"""Every method on the same frames of recorded motion."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from inpose_ros.body import kinematics, smpl22
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.errors import DataError
from inpose_ros.evaluation import metrics, scenario
from inpose_ros.evaluation.methods import Contender, Solver
from inpose_ros.motion.clip import MotionClip

Scores = dict[str, Float[Tensor, 'frame']]


@dataclass(frozen=True)
class Scenario:
    """The clips, on the grid and on their bodies, with what is located in them and which frames are scored."""

    clips: Sequence[MotionClip]
    locations: Sequence[Float[Tensor, 'frame joint 3']]
    scored: Sequence[Int[Tensor, 'window']]
    worn: scenario.WornJoints
    scale: float

    @property
    def frames(self) -> int:
        return sum(len(frames) for frames in self.scored)

    def scaled(self, factor: float) -> 'Scenario':
        clips = [clip.scaled(factor) for clip in self.clips]
        return replace(self, clips=clips, locations=[place * factor for place in self.locations], scale=factor)


def build_scenario(
    clips: Sequence[MotionClip], worn: scenario.WornJoints, *, body: str, first: int, stride: int, frames: int | None,
    rate: float, shuffle: bool, seed: int,
) -> Scenario:  # fmt: skip
    """Windows end at every `stride`-th frame of every clip from its `first` on, or at `frames` of those, spread evenly.

    Raises:
        DataError: no clip is that long, or there is no other clip to take locations from.
    """
    if shuffle and len(clips) < 2:
        raise DataError('shuffling locations needs at least two clips; choose a split with more')
    clips = [scenario.dressed_body(clip.at_rate(rate), body) for clip in clips]
    locations = [clip.positions.float() for clip in clips]
    if shuffle:
        locations = [
            scenario.fitted(locations[other], len(clip)) for other, clip in zip(scenario.shuffled(clips, seed), clips)
        ]
    scored = [torch.arange(first, max(first, len(clip)), stride) for clip in clips]
    total = sum(len(part) for part in scored)
    if total == 0:
        raise DataError(f'no clip has more than {first} frames at {rate:g} Hz, so there is nothing to score')
    if frames is not None and frames < total:
        kept = (torch.arange(frames) * total) // frames
        edges = torch.tensor([0] + [len(part) for part in scored]).cumsum(0)
        scored = [part[kept[(kept >= low) & (kept < high)] - low] for part, low, high in zip(scored, edges, edges[1:])]
    return Scenario(clips, locations, scored, worn, 1.0)


def evaluate(
    scene: Scenario,
    method: Contender,
    prior: MotionPrior,
    seed: int,
    on_scored: Callable[[int], None] = lambda frames: None,
) -> dict[str, float]:
    """Mean scores over the scored frames; `on_scored` hears of their number as they are done."""
    rows: list[Scores] = []
    by_subject: dict[str, list[int]] = {}
    for number, clip in enumerate(scene.clips):
        if len(scene.scored[number]):
            by_subject.setdefault(clip.subject, []).append(number)
    for numbers in by_subject.values():
        rows += _score_subject(scene, numbers, method, prior, seed)
        on_scored(sum(len(scene.scored[number]) for number in numbers))
    scores = {name: float(torch.cat([row[name] for row in rows]).nanmean()) for name in rows[0]}
    return scores | {'ms_per_frame': milliseconds_per_frame(scene, method, prior, seed)}


def _score_subject(
    scene: Scenario, numbers: list[int], method: Contender, prior: MotionPrior, seed: int
) -> list[Scores]:
    """The clips of one subject, whose bones are the same: their windows share batches."""
    newest = [
        _frames_to_solve(scene.scored[number]) if method.streaming else scene.scored[number] for number in numbers
    ]
    windows = [
        window
        for number, frames in zip(numbers, newest)
        for window in scenario.windows_ending_at(
            scene.clips[number], scene.locations[number], scene.worn, frames, prior.frames
        )
    ]
    solved = _solve(method.solver(prior, scene.clips[numbers[0]].skeleton, seed), windows)
    sizes = [len(frames) for frames in newest]
    parts = zip(*(part.split(sizes) for part in solved))
    return [_score_clip(scene, number, frames, *part, method) for number, frames, part in zip(numbers, newest, parts)]


def _score_clip(
    scene: Scenario, number: int, newest: Int[Tensor, 'frame'], root: Float[Tensor, 'frame 3'],
    rot: Float[Tensor, 'frame joint 3 3'], recent: Float[Tensor, 'frame 4 joint 3 3'], method: Contender,
) -> Scores:  # fmt: skip
    clip, scored = scene.clips[number], scene.scored[number]
    positions = root[:, None] + kinematics.positions_from_bones(clip.skeleton.bones.float(), rot)
    truth, measured = clip.positions.float(), scene.locations[number]
    here = torch.isin(newest, scored)
    scores = metrics.position_scores(positions[here], truth[scored], scene.worn.align, scene.scale)
    scores |= metrics.rotation_scores(rot[here], clip.rot_world_joint[scored])
    scores['location_residual_cm'] = metrics.location_residual(
        positions[here], measured[scored], list(scene.worn.located)
    )
    if method.streaming:
        return scores | _streamed_motion(positions, truth, newest, clip.fps)
    return scores | _windowed_motion(recent, truth, scored, clip)


def _frames_to_solve(scored: Int[Tensor, 'window']) -> Int[Tensor, 'frame']:
    """The scored frames with the three before each, which a third difference needs."""
    frames = torch.unique((scored[:, None] - torch.arange(4)).flatten())
    return frames[frames >= 0]


def _solve(
    solver: Solver, windows: list, batch: int = 64
) -> tuple[Float[Tensor, 'frame 3'], Float[Tensor, 'frame joint 3 3'], Float[Tensor, 'frame 4 joint 3 3']]:
    """Root and rotations at the newest frame, and the rotations of the window's last four."""
    parts = [solver.solve_batch(windows[i : i + batch]) for i in range(0, len(windows), batch)]
    return (
        torch.cat([part.root.cpu() for part in parts]),
        torch.cat([part.rot_world_joint.cpu() for part in parts]),
        torch.cat([part.window[:, -4:].cpu() for part in parts]),
    )


def _streamed_motion(
    positions: metrics.Positions, truth: metrics.Positions, newest: Int[Tensor, 'frame'], rate: float
) -> Scores:
    """Velocity error and jitter over runs of consecutive solved frames."""
    one = newest.diff() == 1
    three = one.unfold(0, 3, 1).all(-1) if len(one) > 2 else one[:0]
    true = truth[newest]
    return {
        'mpjve_cm_s': metrics.velocity_error(positions, true, rate)[one],
        'jitter_100m_s3': metrics.jitter(positions, rate)[three],
        'jitter_truth_100m_s3': metrics.jitter(true, rate)[three],
    }


def _windowed_motion(
    recent: Float[Tensor, 'frame 4 joint 3 3'], truth: metrics.Positions, scored: Int[Tensor, 'frame'], clip: MotionClip
) -> Scores:
    """Velocity error and jitter inside each window, whose head moves as the true one does."""
    whole = scored[scored >= 3]
    true = truth[whole[:, None] + torch.arange(-3, 1)]
    place = kinematics.positions_from_bones(clip.skeleton.bones.float(), recent[scored >= 3])
    place = place - place[:, :, smpl22.HEAD, None] + true[:, :, smpl22.HEAD, None]
    return {
        'mpjve_cm_s': metrics.velocity_error(place, true, clip.fps)[:, -1],
        'jitter_100m_s3': metrics.jitter(place, clip.fps)[:, 0],
        'jitter_truth_100m_s3': metrics.jitter(true, clip.fps)[:, 0],
    }


def milliseconds_per_frame(
    scene: Scenario, method: Contender, prior: MotionPrior, seed: int, repeats: int = 11
) -> float:
    """Median time of one solve of one window, as a node would call it [ms]."""
    clip, locations = max(zip(scene.clips, scene.locations), key=lambda pair: len(pair[0]))
    solver = method.solver(prior, clip.skeleton, seed)
    windows = scenario.windows_ending_at(clip, locations, scene.worn, torch.tensor([len(clip) - 1]), prior.frames)
    times = []
    for _ in range(1 + repeats):
        began = time.perf_counter()
        solver.solve_batch(windows).root.cpu()
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times[1:])
