"""What happens to a window on its way to an estimate; no messages, no clock, so that it is tested without ROS."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import continuity, smpl22
from inpose_ros.body.continuity import Continued, Evidence
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.body.state import BodyState
from inpose_ros.diffusion.consistency_check import ConsistencyCheck
from inpose_ros.node.bone_updates import BoneUpdates
from inpose_ros.sensing.floor import FloorWatch, Ground, Standing, turns_over
from inpose_ros.sensing.measurement import Sensor
from inpose_ros.sensing.resample import JointWindow, joint_window
from inpose_ros.sensing.window import WindowSnapshot


@runtime_checkable
class Solver(Protocol):
    """What the node needs of a PoseSolver."""

    frames: int
    rate: float
    skeleton: Skeleton
    bone_covariance: Tensor | None
    device: object
    backend: str
    passes: int
    hurried: bool

    def solve(self, window: JointWindow, floor_height: float = 0.0) -> BodyState: ...

    def reset(self) -> None: ...

    def check(self) -> Sequence[object]: ...

    def warm_up(self, located: Sequence[int]) -> None: ...


@dataclass(frozen=True)
class Job:
    """One tick's work. `epoch` rises whenever what went before no longer counts (time went back, a new heading).

    `state` is what to call the pose where all `sensors` contribute to it and none is doubted; `degraded` else.
    """

    window: WindowSnapshot
    sensors: tuple[Sensor, ...]
    epoch: int
    state: int
    degraded: int | None = None
    breaks: int = 0
    """How often a sensor turned out to have hung up, or to have been elsewhere or another."""


class Seen(NamedTuple):
    """What a pose was solved from, for who learns from it: the floor's height [m] is NaN where it is not known."""

    window: JointWindow
    floor: float
    breaks: int


@dataclass(frozen=True)
class Estimate:
    """A pose in the terms of the published URDF: angles [rad] unwrapped over time, velocities [rad/s].

    `missing` are the sensors that do not contribute; `remarks` say by cause what of them does not go together.
    """

    body: BodyState
    angles: Float[np.ndarray, '63']
    velocities: Float[np.ndarray, '63']
    solve_time: float
    state: int
    missing: tuple[str, ...] = ()
    remarks: Mapping[str, str] = field(default_factory=dict)


class Finding(NamedTuple):
    """What a pose shows to be wrong: the cause, the sensors by which it shows, and what would do."""

    cause: str
    sensors: tuple[str, ...]
    text: str


class Tracker:
    """Solves windows one after another, and remembers of the last only what continuity needs."""

    def __init__(
        self, solver: Solver, timeout_ns: int, floor_height: float, max_joint_velocity: float,
        elapsed: Callable[[], float], learner: BoneUpdates | None = None,
    ) -> None:  # fmt: skip
        """Args:
        elapsed: a clock [s] that never goes back; it only measures how long solving takes.
        learner: whose body is solved with, while another thread learns it from what was `seen`; None: the solver's,
            on a floor at `floor_height`.
        """
        self.solver = solver
        self._learner = learner
        self.consistency = ConsistencyCheck()
        self.seen: Seen | None = None
        self.findings: tuple[Finding, ...] = ()
        self.contradicting: frozenset[str] = frozenset()  # the sensors that the others do not agree with
        self._floor_watch = FloorWatch()
        self._timeout_ns = timeout_ns
        self._floor_height = floor_height
        self._max_joint_velocity = max_joint_velocity
        self._elapsed = elapsed
        self._doubts = 0  # how often one turned out to contradict the others
        self._epoch: int | None = None
        self._afresh = False
        self._last: Continued | None = None

    def track(self, job: Job) -> Estimate | None:
        """The estimate at the window's newest stamp; None where that stamp does not rise.

        In a new epoch it may have fallen. Whoever follows the joints sees them go on from where they were.
        """
        if job.epoch != self._epoch:
            self.restart()
            self._epoch = job.epoch
        stamp_ns = job.window.newest_stamp_ns
        if stamp_ns is None or not self._is_new(stamp_ns):
            return None
        start = self._elapsed()
        every = self._resampled(job.window, job.sensors)
        window = self._believed(job, every)
        self._wear()
        solved, ground = self._solved(window)
        self.findings = findings(ground, job.sensors)
        self.seen = Seen(window, ground.height, job.breaks + self._doubts)
        self._last = self._continued(solved, Evidence.of(window.rot_valid[-1], window.location_valid[-1]))
        self._afresh = False
        body = self._checked(self._last.body, every)
        contradicting = self.consistency.left_out | self.consistency.suspected
        self.contradicting = frozenset(_located(job.sensors, contradicting))
        doubted = bool(self.consistency.found.doubted) or ground.contradicted
        missing = tuple(sensor.name for sensor in job.sensors if sensor.name not in window.contributing)
        whole = not missing and not doubted
        state = job.state if whole or job.degraded is None else job.degraded
        took = self._elapsed() - start
        angles, velocities = self._last.angles, self._last.velocities
        return Estimate(body, angles, velocities, took, state, missing, self._remarks(job.sensors))

    def _solved(self, window: JointWindow) -> tuple[BodyState, Ground]:
        """The body, and the floor that it was solved on: none, where that would put it upside down."""
        standing = self._standing()
        ground = self._floor_watch.look(window, standing, self._floor_height, self.solver.rate)
        body = self.solver.solve(window, ground.height)
        if turns_over(body, window.location_valid[-1], standing, ground.height):
            ground = self._floor_watch.turned_over()
            body = self.solver.solve(window, ground.height)
        return unsure_of_floor(body, window, ground), ground

    def _remarks(self, sensors: Sequence[Sensor]) -> dict[str, str]:
        remarks = {finding.cause: f'{", ".join(finding.sensors)} ({finding.text})' for finding in self.findings}
        found = self.consistency.found
        if not found.doubted:
            return remarks
        camps = (', '.join(_located(sensors, joints)) for joints in (found.doubted, found.others))
        return remarks | {'inconsistent': ' | '.join(camp for camp in camps if camp)}

    def restart(self) -> None:
        """Solve the next window as if it were the first; whoever follows the joints sees them go on."""
        self.solver.reset()
        self.consistency.forget()
        self.contradicting = frozenset()
        self._floor_watch = FloorWatch()
        self._afresh = self._last is not None

    def _believed(self, job: Job, every: JointWindow) -> JointWindow:
        """The window of all sensors, but for those that contradict the others."""
        out = self.consistency.left_out
        if not out:
            return every
        believed = [sensor for sensor in job.sensors if sensor.type == 'imu' or sensor.joint_index not in out]
        return self._resampled(job.window, believed)

    def _checked(self, body: BodyState, every: JointWindow) -> BodyState:
        """The body as it may be published: no joint is measured that is not where its own sensor says."""
        frame = -1 - round((every.stamp_ns - body.stamp_ns) * self.solver.rate / 1e9)
        before = self.consistency.left_out
        doubted = sorted(self.consistency.look(body, every, frame).doubted)
        self._doubts += not self.consistency.left_out <= before
        if not doubted:
            return body
        measured = body.measured.clone()
        measured[doubted] = False
        return replace(body, measured=measured)

    def _wear(self) -> None:
        """Go on with the body that has been learnt until now."""
        if self._learner is not None:
            self._floor_height = self._learner.floor_height
            if self._learner.skeleton is not self.solver.skeleton:
                self.solver.skeleton = self._learner.skeleton
            self.solver.bone_covariance = self._learner.bone_covariance

    def _standing(self) -> Standing:
        standing, learner = Standing(self.solver.skeleton, 0.0), self._learner
        return standing if learner is None else replace(standing, stddev=standing.height * learner.stature_stddev)

    def _is_new(self, stamp_ns: int) -> bool:
        if self._last is None:
            return True
        last_ns = self._last.body.stamp_ns
        # The same stamp twice is nothing that TF would take, a new epoch or not.
        return stamp_ns > last_ns or (self._afresh and stamp_ns < last_ns)

    def _continued(self, solved: BodyState, evidence: Evidence) -> Continued:
        """What may be published, given what was published last."""
        if self._last is None:
            return continuity.begin(solved, evidence)
        step = (solved.stamp_ns - self._last.body.stamp_ns) / 1e9
        if step <= 0:  # time went back: as if this were the next frame
            step = 1 / self.solver.rate
        return continuity.follow(self._last, solved, evidence, step, self._max_joint_velocity, self._afresh)

    def _resampled(self, window: WindowSnapshot, sensors: Sequence[Sensor]) -> JointWindow:
        return joint_window(window, sensors, self.solver.frames, self.solver.rate, self._timeout_ns)


def _located(sensors: Sequence[Sensor], joints: Collection[int]) -> list[str]:
    """The sensors that tell where one of these joints is."""
    return [sensor.name for sensor in sensors if sensor.type != 'imu' and sensor.joint_index in joints]


# What below the pelvis nothing measures is so much less sure [m] on a floor that was told by a head alone, and on none.
_TOLD_STDDEV, _NO_FLOOR_STDDEV = 0.15, 0.4
_LEGS = tuple(smpl22.INDEX[f'{side}_{name}'] for side in ('left', 'right') for name in ('knee', 'ankle', 'foot'))


def unsure_of_floor(body: BodyState, window: JointWindow, ground: Ground) -> BodyState:
    """A body whose legs are the less sure the less is known of the floor that they stand on."""
    if not ground.contradicted:
        return body
    stddev = _NO_FLOOR_STDDEV if math.isnan(ground.told) else _TOLD_STDDEV
    spread, located = body.position_covariance.clone(), window.location_valid[-1]
    for joint in _LEGS:
        if not located[joint]:
            spread[joint] += stddev**2 * torch.eye(3).to(spread)
    return replace(body, position_covariance=spread)


def findings(ground: Ground, sensors: Sequence[Sensor]) -> tuple[Finding, ...]:
    """What is to be said of the floor."""
    if not ground.contradicted:
        return ()
    names = tuple(sensor.name for sensor in sensors if sensor.joint_index in ground.contradicting)
    fits = 'where it is cannot be told yet' if math.isnan(ground.told) else f'floor_height: {ground.told:.2f} would fit'
    return (Finding('floor_contradicted', names, fits),)
