"""Every method on the same frames of recorded motion."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from inpose_ros.body import kinematics, smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.bone_estimator import BodyEstimate
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.errors import DataError
from inpose_ros.evaluation import metrics, scenario
from inpose_ros.evaluation.detail import ClipDetail
from inpose_ros.evaluation.methods import Contender, Estimate, Follower, Solver
from inpose_ros.evaluation.setting import Setting
from inpose_ros.evaluation.uncertainty import uncertainty_scores
from inpose_ros.motion.clip import MotionClip

Scores = dict[str, Float[Tensor, 'frame']]


# A stream is under way after so many frames: half a second, and a look whether its past holds lies in between.
_RUN_IN = 15
# Among the scores, until all frames are together: what uncertainty_scores needs, and ClipDetail keeps.
ERROR, COVARIANCE = 'error', 'covariance'


class Solved(NamedTuple):
    """Newest frames: root, rotations and their tangents' covariance; and the rotations of the window's last four.

    The covariance is None of a method that does not say how sure it is.
    """

    root: Float[Tensor, 'frame 3']
    rot_world_joint: Float[Tensor, 'frame joint 3 3']
    covariance: Float[Tensor, 'frame tangent tangent'] | None
    recent: Float[Tensor, 'frame 4 joint 3 3']

    @classmethod
    def joined(cls, parts: Sequence['Solved']) -> 'Solved':
        """Parts one after another."""
        return cls(*(None if own[0] is None else torch.cat(own) for own in zip(*parts)))

    def split(self, sizes: list[int]) -> list['Solved']:
        """The frames of each clip."""
        parts = [[None] * len(sizes) if part is None else part.split(sizes) for part in self]
        return [Solved(*own) for own in zip(*parts)]


@dataclass(frozen=True)
class Scenario:
    """The clips, on the grid and on their bodies, with what is measured of them and which frames are scored.

    `estimated` are the bodies that each clip is solved with where they are estimated.
    """

    clips: Sequence[MotionClip]
    measured: Sequence[scenario.Measured]
    scored: Sequence[Int[Tensor, 'window']]
    setting: Setting
    estimated: Sequence[BodyEstimate] | None = None

    def assumed_bones(self, number: int) -> Skeleton:
        """The skeleton with which a clip is solved."""
        if self.estimated is not None:
            return self.estimated[number].skeleton
        return self.setting.assumed_bones(self.clips[number])

    @property
    def frames(self) -> int:
        return sum(len(frames) for frames in self.scored)

    @property
    def worn(self) -> scenario.WornJoints:
        return self.setting.worn


def build_scenario(
    clips: Sequence[MotionClip], setting: Setting, *, first: int, stride: int, frames: int | None, rate: float,
    shuffle: bool, seed: int,
) -> Scenario:  # fmt: skip
    """Windows end at every `stride`-th frame of every clip from its `first` on, or at `frames` of those, spread evenly.

    Raises:
        DataError: no clip is that long, or there is no other clip to take locations from.
    """
    if shuffle and len(clips) < 2:
        raise DataError('shuffling locations needs at least two clips; choose a split with more')
    factor = float(setting.scale)
    clips = [scenario.dressed_body(clip.at_rate(rate), setting.body).scaled(factor) for clip in clips]
    measured = [scenario.Measured.of(clip) for clip in clips]
    if shuffle:
        measured = [
            replace(own, locations=scenario.fitted(measured[other].locations, len(clip)))
            for own, other, clip in zip(measured, scenario.shuffled(clips, seed), clips)
        ]
    generator = torch.Generator().manual_seed(seed)
    noise = float(setting.location_noise), float(setting.rotation_noise)
    measured = [own.with_noise(*noise, generator) for own in measured]
    scored = [torch.arange(first, max(first, len(clip)), stride) for clip in clips]
    total = sum(len(part) for part in scored)
    if total == 0:
        raise DataError(f'no clip has more than {first} frames at {rate:g} Hz, so there is nothing to score')
    if frames is not None and frames < total:
        kept = (torch.arange(frames) * total) // frames
        edges = torch.tensor([0] + [len(part) for part in scored]).cumsum(0)
        scored = [part[kept[(kept >= low) & (kept < high)] - low] for part, low, high in zip(scored, edges, edges[1:])]
    return Scenario(clips, measured, scored, setting)


def evaluate(
    scene: Scenario,
    method: Contender,
    prior: MotionPrior,
    seed: int,
    on_scored: Callable[[int], None] = lambda frames: None,
    on_clip: Callable[[ClipDetail], None] = lambda detail: None,
) -> dict[str, float]:
    """Mean scores over the scored frames; `on_scored` hears how many are done, and `on_clip` of each clip's."""
    rows: list[Scores] = []
    for numbers in _of_one_body(scene):
        found = _score_subject(scene, numbers, method, prior, seed)
        for number, row in zip(numbers, found):
            clip, frames = scene.clips[number], scene.scored[number]
            on_clip(ClipDetail(clip, frames, scene.worn.align, row[ERROR], row.get(COVARIANCE)))
        rows += found
        on_scored(sum(len(scene.scored[number]) for number in numbers))
    every = {name: torch.cat([row[name] for row in rows]) for name in rows[0]}
    scores = {name: float(values.nanmean()) for name, values in every.items() if name not in (ERROR, COVARIANCE)}
    if COVARIANCE in every:
        scores |= uncertainty_scores(every[ERROR], every[COVARIANCE], scene.worn.align)
    return scores | {'ms_per_frame': milliseconds_per_frame(scene, method, prior, seed)}


def _of_one_body(scene: Scenario) -> list[list[int]]:
    """The clips of each subject that have frames to score; one by one where bones change from clip to clip."""
    together: dict[tuple[str, int], list[int]] = {}
    for number, clip in enumerate(scene.clips):
        if len(scene.scored[number]):
            together.setdefault((clip.subject, 0 if scene.estimated is None else number), []).append(number)
    return list(together.values())


def _score_subject(
    scene: Scenario, numbers: list[int], method: Contender, prior: MotionPrior, seed: int
) -> list[Scores]:
    """The clips of one subject, whose bones are the same: their windows share batches."""
    solver = method.solver(prior, scene.assumed_bones(numbers[0]), seed)
    back = (_RUN_IN if isinstance(solver, Follower) else 3) if method.streaming else 0
    newest = [_frames_to_solve(scene.scored[number], back) for number in numbers]
    if isinstance(solver, Follower):
        parts = _follow(solver, scene, numbers, newest, prior.frames)
    else:
        windows = [
            window
            for number, frames in zip(numbers, newest)
            for window in scenario.windows_ending_at(scene.measured[number], scene.worn, frames, prior.frames)
        ]
        parts = _solve(solver, windows).split([len(frames) for frames in newest])
    return [_score_clip(scene, number, frames, part, method) for number, frames, part in zip(numbers, newest, parts)]


def _score_clip(
    scene: Scenario, number: int, newest: Int[Tensor, 'frame'], solved: Solved, method: Contender
) -> Scores:
    clip, scored, align = scene.clips[number], scene.scored[number], scene.worn.align
    assumed = scene.assumed_bones(number)
    bones = assumed.bones.float()
    positions = solved.root[:, None] + kinematics.positions_from_bones(bones, solved.rot_world_joint)
    truth, measured = clip.positions.float(), scene.measured[number].locations
    here = torch.isin(newest, scored)
    scores = metrics.position_scores(positions[here], truth[scored], align, float(scene.setting.scale))
    scores |= metrics.rotation_scores(solved.rot_world_joint[here], clip.rot_world_joint[scored])
    scores['bone_error_pct'] = metrics.bone_error(assumed, clip.skeleton).expand(len(scored))
    scores['location_residual_cm'] = metrics.location_residual(
        positions[here], measured[scored], list(scene.worn.located)
    )
    scores[ERROR] = metrics.displacements(positions[here], truth[scored], align)
    if solved.covariance is not None:
        rot = solved.rot_world_joint[here]
        scores[COVARIANCE] = kinematics.position_covariance(bones, rot, solved.covariance[here], align)
        if scene.estimated is not None:  # as the node tells it: what is located is where it was measured
            part = kinematics.bone_position_covariance(rot, scene.estimated[number].bone_covariance, align)
            part[:, list(scene.worn.located)] = 0
            scores[COVARIANCE] = scores[COVARIANCE] + part
    if method.streaming:
        return scores | _streamed_motion(positions, truth, newest, clip.fps)
    return scores | _windowed_motion(solved.recent, truth, scored, clip, bones)


def _frames_to_solve(scored: Int[Tensor, 'window'], back: int) -> Int[Tensor, 'frame']:
    """The scored frames with so many before each: a third difference needs three, a stream some to be under way."""
    frames = torch.unique((scored[:, None] - torch.arange(back + 1)).flatten())
    return frames[frames >= 0]


def _solve(solver: Solver, windows: list, batch: int = 64) -> Solved:
    return Solved.joined([_read(solver.solve_batch(windows[i : i + batch])) for i in range(0, len(windows), batch)])


def _follow(
    solver: Follower, scene: Scenario, numbers: list[int], newest: list[Int[Tensor, 'frame']], frames: int
) -> list[Solved]:
    """Every clip from frame to frame as a node would, all clips side by side."""
    parts: dict[int, list[Solved]] = {number: [] for number in numbers}
    for turn in range(max(map(len, newest))):
        rows = [(number, own[turn]) for number, own in zip(numbers, newest) if turn < len(own)]
        windows = [
            scenario.windows_ending_at(scene.measured[number], scene.worn, frame[None] + solver.lag, frames)[0]
            for number, frame in rows
        ]
        solved = _read(solver.solve_streams(windows, [number for number, _ in rows]))
        solver.check()
        for (number, _), part in zip(rows, solved.split([1] * len(rows))):
            parts[number].append(part)
    return [Solved.joined(parts[number]) for number in numbers]


def _read(found: Estimate) -> Solved:
    covariance = None if found.covariance is None else found.covariance.float().cpu()
    return Solved(
        found.root.float().cpu(), found.rot_world_joint.float().cpu(), covariance, found.window[:, -4:].float().cpu()
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
    recent: Float[Tensor, 'frame 4 joint 3 3'], truth: metrics.Positions, scored: Int[Tensor, 'frame'],
    clip: MotionClip, bones: Float[Tensor, 'joint 3'],
) -> Scores:  # fmt: skip
    """Velocity error and jitter inside each window, whose head moves as the true one does."""
    whole = scored[scored >= 3]
    true = truth[whole[:, None] + torch.arange(-3, 1)]
    place = kinematics.positions_from_bones(bones, recent[scored >= 3])
    place = place - place[:, :, smpl22.HEAD, None] + true[:, :, smpl22.HEAD, None]
    return {
        'mpjve_cm_s': metrics.velocity_error(place, true, clip.fps)[:, -1],
        'jitter_100m_s3': metrics.jitter(place, clip.fps)[:, 0],
        'jitter_truth_100m_s3': metrics.jitter(true, clip.fps)[:, 0],
    }


def milliseconds_per_frame(
    scene: Scenario, method: Contender, prior: MotionPrior, seed: int, repeats: int = 11
) -> float:
    """Median time of one solve of one window, as a node would call it: one frame after the other [ms]."""
    clip, measured = max(zip(scene.clips, scene.measured), key=lambda pair: len(pair[0]))
    solver = method.solver(prior, clip.skeleton, seed)
    newest = torch.arange(max(0, len(clip) - 1 - repeats), len(clip))
    times = []
    for window in scenario.windows_ending_at(measured, scene.worn, newest, prior.frames):
        began = time.perf_counter()
        solver.solve_batch([window]).root.cpu()
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times[1:] or times)
