"""StreamSolver: a pose for every frame, each from the one before, in one pass of the network.

What was said of the body so far takes the place of the sampler's earlier steps: brought onto the new window's grid and
carried on to its newest frame, it is what the denoiser's last step starts from. So a frame costs one pass where a
window from scratch costs two, and is smoother. A wrong past would keep itself alive; so now and then, after a frame has
been handed out, a pass that knows no past is compared with it, and where they disagree by more than that pass doubts
itself, the stream starts anew from there: with a second pass at once, and handed out from where the body was.
"""

import math
import time
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.body.state import BodyState
from inpose_ros.diffusion import single_frame
from inpose_ros.diffusion.compute_budget import ComputeBudget
from inpose_ros.diffusion.denoiser import JOINTS
from inpose_ros.diffusion.frame import Answer, FrameCorrector, FramePose, standard_deviations
from inpose_ros.diffusion.noise_levels import GUIDED, SCRATCH, frame_signal, guided_levels
from inpose_ros.diffusion.observation import Knows, Seen
from inpose_ros.diffusion.output import posterior_of, rotation_stddev, seen_covariance
from inpose_ros.diffusion.pose_history import Blends, PoseHistories, PoseHistory
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.sampler import InPoseRule
from inpose_ros.diffusion.solver import TRACKED_ACCELERATION, PoseSolver, Posterior
from inpose_ros.geometry import so3
from inpose_ros.sensing.resample import JointWindow

_DOUBTED = 0.85  # standard deviations between the stream and a pass without a past, rms over inferred joints: enough

Array = np.ndarray


class _Solved(NamedTuple):
    """What the last frame was solved from; its pose by the past, and as it was handed out."""

    seen: Seen
    names: list[Hashable]
    newest: FramePose
    handed_out: FramePose
    grids: Int[Array, 'batch frame']
    floor: float | None


class StreamSolver(PoseSolver):
    """As PoseSolver, for windows that follow each other in time; see the module's text.

    Several bodies or clips are streams, told apart by name, that share the network's passes. `steps` network passes
    guide each frame; `lag` frames are waited for, so that a pose is handed out with what came after it. Before a
    `deadline` [s] the solver takes fewer passes rather than longer.

    `timings` says what the stages of the last frame took [s], `passes` how often it and the look after it asked the
    network, and `hurried` that it had to do with fewer than wanted.
    """

    def __init__(
        self, prior: MotionPrior, skeleton: Skeleton, *, steps: int = 1, lag: int = 0, deadline: float | None = None,
        check_every: float = 0.33, **options: bool | int,
    ) -> None:  # fmt: skip
        """Args: check_every: how long to trust the past without a look at it [s]."""
        self.steps, self.lag = steps, lag
        super().__init__(prior, skeleton, InPoseRule(), **options)
        self.timings: dict[str, float] = {}
        self.passes, self.hurried = 0, False
        self._budget = ComputeBudget(deadline)
        self._began = self._guiding = 0.0  # when the frame at hand did, and for how long its pose was sought [s]
        # From each frame of a window to its newest [ns].
        self._back = np.rint(np.arange(self.frames - 1, -1, -1) * (1e9 / self.rate)).astype(np.int64)
        self._check_ns = 1e9 * check_every
        self._histories = PoseHistories()
        self._checked: dict[Hashable, int] = {}
        self._blends = Blends()
        self._last: _Solved | None = None

    @property
    def skeleton(self) -> Skeleton:
        """Whose bones these are; another's may be set between two frames."""
        return self._skeleton

    @skeleton.setter
    def skeleton(self, skeleton: Skeleton) -> None:
        PoseSolver.skeleton.fset(self, skeleton)
        self._newest_corrector = FrameCorrector(self.prior.spread, skeleton, self.frames - 1, self.use_floor)
        self._late_corrector = (
            replace(self._newest_corrector, frame=self._frame) if self.lag else self._newest_corrector
        )

    def reset(self) -> None:
        self._histories, self._checked, self._blends, self._last = PoseHistories(), {}, Blends(), None

    def warm_up(self, located: Sequence[int]) -> None:
        super().warm_up(located)
        self.reset()
        self._budget = ComputeBudget(self._budget.deadline)  # first times are long

    def solve(self, window: JointWindow, floor_height: float = 0.0) -> BodyState:
        """The body at the window's newest frame, or `lag` frames before."""
        posterior = self.solve_streams([window], ('',), floor_height)
        state = BodyState(
            stamp_ns=int(self._last.grids[0, self._frame]),
            skeleton=self.skeleton,
            root=posterior.root[0],
            rot_world_joint=posterior.rot_world_joint[0],
            rotation_stddev=torch.from_numpy(rotation_stddev(posterior.covariance[0].numpy())),
            position_covariance=self._place_covariance(posterior, window),
            measured=window.rot_valid[self._frame],
            root_observed=bool(posterior.root_observed[0]),
            foot_contact=posterior.contact[0],
        )
        rest = self._spent - self.timings['likelihood']
        self.timings['update'] = rest - self.timings['network']
        self._budget = self._budget.after(self.passes, self._guiding, rest - self._guiding)
        return state

    def _place_covariance(self, posterior: Posterior, window: JointWindow) -> Float[torch.Tensor, 'joint 3 3']:
        located = window.location_valid[self._frame]
        anchor = smpl22.HEAD if located.numpy()[smpl22.HEAD] else int(located.numpy().argmax())
        spread = seen_covariance(posterior, window, self._late_corrector, anchor)
        if self.bone_covariance is not None:
            spread += self._bones_part(posterior.rot_world_joint[0], located, anchor)
        return spread

    def solve_batch(self, windows: list[JointWindow], floor_height: float = 0.0) -> Posterior:
        return self.solve_streams(windows, range(len(windows)), floor_height)

    def solve_streams(
        self, windows: Sequence[JointWindow], names: Sequence[Hashable], floor_height: float = 0.0
    ) -> Posterior:
        """The next window of each named stream; `window` of what is returned holds the frames handed out alone.

        A floor of NaN is not known.
        """
        self._began = time.perf_counter()
        floor = None if math.isnan(floor_height) else floor_height
        seen = self._seen(windows, floor)
        grids = np.array([[window.stamp_ns] for window in windows]) - self._back
        fresh = [self._histories.says_nothing(name, window.stamp_ns) for name, window in zip(names, windows)]
        self.timings = {'likelihood': self._spent, 'network': 0.0}
        self._last = self._guided(seen, list(names), grids, fresh, floor)
        self._guiding = self._spent - self.timings['likelihood']
        return posterior_of(self._last.handed_out, seen, self._late_corrector, sorted(self._located), floor or 0.0)

    def check(self) -> list[Hashable]:
        """Look whether the past still holds, where that is due; for after a frame has been handed out.

        Returns the streams that it did not hold for: those start anew.
        """
        if self._last is None:
            return []
        seen, names, newest, handed_out, grids, floor = self._last
        ages = [int(grid[-1] - self._checked[name]) for name, grid in zip(names, grids)]
        due = [row for row, age in enumerate(ages) if age >= self._check_ns]
        if not due:
            return []
        if not self._budget.has_time(self._spent, max(ages) / max(self._check_ns, 1.0)):
            self.hurried = True
            return []
        scratch, answer = self._from_scratch(seen, floor)
        covariance = self._newest_corrector.covariance(seen, answer, SCRATCH)
        doubt = standard_deviations(scratch.rot, newest.rot, covariance, ~seen.measured[:, -1])
        wrong = [row for row in due if doubt[row] > _DOUBTED]
        for row in due:
            self._checked[names[row]] = int(grids[row, -1])
        if wrong:
            begun, answer = self._gone_on(seen, scratch, answer, floor)
        for row in wrong:
            self._blends.leave(names[row], handed_out.in_world(seen)[row])
            self._begin(seen, row, names[row], grids[row], answer, begun)
        return [names[row] for row in wrong]

    @property
    def _frame(self) -> int:
        """Which frame of the window is handed out."""
        return self.frames - 1 - self.lag

    @property
    def _spent(self) -> float:
        """Of the time of the frame at hand [s]."""
        return time.perf_counter() - self._began

    @property
    def _trusted(self) -> list[int]:
        """Joints whose locations count."""
        return sorted(self._located) if self.use_locations else []

    def _guided(
        self, seen: Seen, names: list[Hashable], grids: Int[Array, 'batch frame'], fresh: list[bool],
        floor: float | None,
    ) -> _Solved:  # fmt: skip
        """One step of each stream, and its past brought up to date."""
        self.passes, self.hurried = 0, False
        new = [row for row, is_new in enumerate(fresh) if is_new]
        for row in new:
            self._checked[names[row]] = int(grids[row, -1])
            self._blends.forget(names[row])
        begun = self._gone_on(seen, *self._from_scratch(seen, floor), floor) if new else None
        if all(fresh):
            newest, told = begun[0], self._handed(seen, *begun, floor)
        else:
            known = [None if is_new else name for name, is_new in zip(names, fresh)]
            newest, told = self._posed(seen, known, grids, self._from_past(seen, known, grids, floor), floor)
            if begun is not None:
                newest, told = newest.where(fresh, begun[0]), told.where(fresh, self._handed(seen, *begun, floor))
        for row in new:
            self._begin(seen, row, names[row], grids[row], begun[1], newest)
        self._go_on([row for row in range(len(names)) if row not in new], seen, names, grids, newest)
        return _Solved(seen, names, newest, told, grids, floor)

    def _posed(
        self, seen: Seen, names: list[Hashable | None], grids: Int[Array, 'batch frame'], answer: Answer,
        floor: float | None,
    ) -> tuple[FramePose, FramePose]:  # fmt: skip
        """The newest frame, and the one that is handed out: in which pasts that did not hold fade."""
        starts = self._histories.corrections(names, 3 * JOINTS)
        newest = self._newest_corrector(seen, answer, GUIDED, self._trusted, floor, starts)
        told = self._handed(seen, newest, answer, floor)
        if not self._blends:
            return newest, told
        stamps = grids[:, self._frame]
        self._blends.begin(names, stamps, told.in_world(seen))
        turns = self._blends.turns(names, stamps)
        turned = self._late_corrector.turned(seen, answer, GUIDED, self._trusted, told, turns)
        return newest, told.where(turns.any((1, 2)).tolist(), turned)

    def _handed(self, seen: Seen, newest: FramePose, answer: Answer, floor: float | None) -> FramePose:
        """The frame that is handed out: the newest one, or what the network now says of one before that."""
        return newest if self.lag == 0 else self._late_corrector(seen, answer, GUIDED, self._trusted, floor)

    def _from_scratch(self, seen: Seen, floor: float | None) -> tuple[FramePose, Answer]:
        answer = self._asked(np.zeros((*seen.features.shape[:2], 6 * JOINTS)), SCRATCH, seen)
        return self._newest_corrector(seen, answer, SCRATCH, self._trusted, floor), answer

    def _from_past(
        self, seen: Seen, names: list[Hashable | None], grids: Int[Array, 'batch frame'], floor: float | None
    ) -> Answer:
        """From the past of each stream (of those without one, from nothing) down the levels."""
        columns = self._histories.at(names, grids)
        clean = so3.turned(seen.turn.astype(columns.dtype), columns).reshape(*grids.shape, JOINTS, 6)
        return self._guided_down(seen, clean, guided_levels(self.steps), floor)

    def _gone_on(self, seen: Seen, pose: FramePose, answer: Answer, floor: float | None) -> tuple[FramePose, Answer]:
        """From what a pass without a past left: another one, as the next frame would ask for."""
        answer = self._guided_down(seen, self._given_on(answer, pose), [GUIDED], floor)
        return self._newest_corrector(seen, answer, GUIDED, self._trusted, floor), answer

    def _guided_down(
        self, seen: Seen, clean: Float[Array, 'batch frame joint 6'], levels: Sequence[int], floor: float | None
    ) -> Answer:
        """From an estimate of the whole window down those levels for which there is time: what is said at the last."""
        level = None
        while levels:
            if level is not None:
                newest = self._newest_corrector(seen, answer, level, self._trusted, floor)
                clean = self._given_on(answer, newest)
            count = self._budget.affordable(len(levels), self._spent)
            self.hurried |= count < len(levels)
            level, *levels = levels[-count:]
            noisy = frame_signal(self.prior.schedule, level, self.frames) * seen.measured_over(clean)
            answer = self._asked(noisy.reshape(*noisy.shape[:2], -1), level, seen)
        return answer

    def _given_on(self, answer: Answer, newest: FramePose) -> Float[Array, 'batch frame joint 6']:
        """What the next pass starts from: the answer, in which the newest frame was corrected."""
        clean = answer.rotation.copy()
        clean[:, -1] = single_frame.columns(newest.rot).reshape(len(clean), JOINTS, 6)
        return clean

    def _asked(self, noisy: Float[Array, 'batch frame noisy'], level: int, seen: Seen) -> Answer:
        began = time.perf_counter()
        rows = self.prior.backend.rows(noisy, level, seen.features)
        self.timings['network'] = self.timings.get('network', 0.0) + time.perf_counter() - began
        self.passes += 1
        return Answer(rows, seen)

    def _seen(self, windows: Sequence[JointWindow], floor: float | None) -> Seen:
        located = np.array([window.location_valid.numpy() for window in windows]).any((0, 1))
        self._located.update(located.nonzero()[0].tolist())  # though one may be silent now
        size = self.skeleton.standing_head_height
        knows = Knows(self.use_height and floor is not None, self.use_travel, self.use_acceleration, self.use_smoothing)
        joints, acceleration = sorted(self._located), TRACKED_ACCELERATION * size
        return Seen.read(windows, joints, knows, size, floor or 0.0, self.rate, acceleration)

    def _begin(
        self, seen: Seen, row: int, name: Hashable, grid: Int[Array, 'frame'], answer: Answer, newest: FramePose
    ) -> None:
        """A stream's past is what the network now says of its window, and its newest frame as it was corrected."""
        columns = self._given_on(answer, newest)[row].reshape(-1, JOINTS, 2, 3)
        back = seen.turn[row, None].swapaxes(-1, -2).astype(columns.dtype)
        self._histories[name] = PoseHistory(grid, so3.turned(back, columns[None])[0], newest.correction[row])

    def _go_on(
        self, rows: list[int], seen: Seen, names: list[Hashable], grids: Int[Array, 'batch frame'], newest: FramePose
    ) -> None:
        """The pasts of these streams, and the newest frame behind them."""
        span_ns = round((self.frames + 1) * 1e9 / self.rate)
        columns = single_frame.columns(newest.in_world(seen)).astype(seen.rotation.dtype)
        for row in rows:
            past, correction = self._histories[names[row]], newest.correction[row]
            self._histories[names[row]] = past.then(grids[row, -1:], columns[row, None], correction, span_ns)
