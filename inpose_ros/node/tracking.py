"""What happens to a window on its way to an estimate; no messages, no clock, so that it is tested without ROS."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from inpose_ros.body import urdf
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.body.state import BodyState
from inpose_ros.sensing.measurement import Sensor
from inpose_ros.sensing.resample import JointWindow, joint_window
from inpose_ros.sensing.window import WindowSnapshot


@runtime_checkable
class Solver(Protocol):
    """What the node needs of a PoseSolver."""

    frames: int
    rate: float
    skeleton: Skeleton
    device: object
    backend: str

    def solve(self, window: JointWindow, floor_height: float = 0.0) -> BodyState: ...

    def reset(self) -> None: ...

    def warm_up(self) -> None: ...


@dataclass(frozen=True)
class Job:
    """One tick's work. `epoch` rises whenever what went before no longer counts (time went back, a new heading)."""

    window: WindowSnapshot
    sensors: tuple[Sensor, ...]
    epoch: int
    state: int


@dataclass(frozen=True)
class Estimate:
    """A pose in the terms of the published URDF: angles [rad] unwrapped over time, velocities [rad/s]."""

    body: BodyState
    angles: Float[np.ndarray, '63']
    velocities: Float[np.ndarray, '63']
    solve_time: float
    state: int


class Tracker:
    """Solves windows one after another, and remembers of the last only what continuity needs."""

    def __init__(self, solver: Solver, timeout_ns: int, floor_height: float, elapsed: Callable[[], float]) -> None:
        """Args: elapsed: a clock [s] that never goes back; it only measures how long solving takes."""
        self.solver = solver
        self._timeout_ns = timeout_ns
        self._floor_height = floor_height
        self._elapsed = elapsed
        self._epoch: int | None = None
        self._last: Estimate | None = None

    def track(self, job: Job) -> Estimate | None:
        """The estimate at the window's newest stamp; None where that stamp does not rise."""
        if job.epoch != self._epoch:
            self.solver.reset()
            self._epoch, self._last = job.epoch, None
        stamp_ns = job.window.newest_stamp_ns
        if stamp_ns is None or (self._last is not None and stamp_ns <= self._last.body.stamp_ns):
            return None
        start = self._elapsed()
        body = self.solver.solve(self._resampled(job.window, job.sensors), self._floor_height)
        self._last = _estimate(body, self._last, self._elapsed() - start, job.state)
        return self._last

    def _resampled(self, window: WindowSnapshot, sensors: Sequence[Sensor]) -> JointWindow:
        return joint_window(window, sensors, self.solver.frames, self.solver.rate, self._timeout_ns)


def _estimate(body: BodyState, last: Estimate | None, solve_time: float, state: int) -> Estimate:
    angles = urdf.revolute_angles(body.rot_world_joint)
    if last is None:
        return Estimate(body, angles, np.zeros_like(angles), solve_time, state)
    angles = urdf.unwrapped(angles, last.angles)
    step = (body.stamp_ns - last.body.stamp_ns) / 1e9
    return Estimate(body, angles, (angles - last.angles) / step, solve_time, state)
