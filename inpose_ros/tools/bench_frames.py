"""Where the time of a frame goes: every stage from the readings kept to the messages made, frame after frame."""

import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from inpose_ros.body import continuity
from inpose_ros.body.continuity import Continued, Evidence
from inpose_ros.body.state import BodyState
from inpose_ros.motion.simulate import SimulatedReading
from inpose_ros.msg import BodyPose
from inpose_ros.node.conversions.body_messages import BodyMessages
from inpose_ros.node.parameters import NodeParameters
from inpose_ros.node.tracking import Estimate, Solver
from inpose_ros.sensing.measurement import Sensor
from inpose_ros.sensing.resample import JointWindow, joint_window
from inpose_ros.sensing.window import MeasurementWindow

# `check` comes after a pose is handed out, and so is no part of the whole.
STAGES = ('window', 'network', 'likelihood', 'update', 'messages', 'check')
WHOLE = 'whole'
_PERCENTS = (50, 95, 99)
# Kept beyond what the solver looks back on [s], as in the node.
_SPARE = 0.5
_PARAMS = NodeParameters()
_TIMEOUT_NS = round(_PARAMS.sensor_timeout * 1e9)


@runtime_checkable
class TimedSolver(Solver, Protocol):
    """A solver that says of its last solve how long each stage took [s], and how often it asked the network."""

    timings: Mapping[str, float]
    passes: int


@dataclass(frozen=True)
class Frame:
    """What one frame took by stage [s], and in how many passes of the network."""

    seconds: Mapping[str, float]
    passes: int


class FrameBench:
    """The way of a reading through the node, in one thread and without DDS."""

    def __init__(
        self, solver: TimedSolver, sensors: Sequence[Sensor], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """Args: clock: a clock [s] that never goes back."""
        self._solver, self._sensors, self._clock = solver, sensors, clock
        self._window = MeasurementWindow(round((solver.frames / solver.rate + _SPARE) * 1e9))
        self._last: Continued | None = None
        self._body_messages = BodyMessages(_PARAMS.world_frame, _PARAMS.frame_prefix, _PARAMS.body_id)

    def run(self, readings: Sequence[SimulatedReading], rate: float, warm_up: int) -> list[Frame]:
        """A frame at each tick of `rate` [Hz] while there are readings, but for the first so many."""
        frames, begin = [], 0
        for now_ns in _ticks(readings, rate):
            end = bisect_right(readings, now_ns, lo=begin, key=lambda reading: reading.arrival_ns)
            self.feed(readings[begin:end])
            begin = end
            frames.append(self.frame())
        return frames[warm_up:]

    def feed(self, readings: Sequence[SimulatedReading]) -> None:
        """Keep what has arrived, in that order."""
        for reading in readings:
            self._window.add(reading.measurement, reading.arrival_ns)

    def frame(self) -> Frame:
        """Solve what the window holds, and make all messages of it."""
        begin = self._clock()
        window = self.resampled()
        resampled = self._clock()
        solved = self._solver.solve(window)
        done = self._clock()
        self._last = self._continued(window, solved)
        messages(self._last, self._body_messages)
        end, timings = self._clock(), dict(self._solver.timings)
        self._solver.check()
        checked = self._clock() - end
        seconds = {'window': resampled - begin, **timings, 'messages': end - done, 'check': checked, WHOLE: end - begin}
        return Frame(seconds, self._solver.passes)

    def resampled(self) -> JointWindow:
        """What the window holds, on the prior's grid."""
        return joint_window(self._window.snapshot(), self._sensors, self._solver.frames, self._solver.rate, _TIMEOUT_NS)

    def _continued(self, window: JointWindow, solved: BodyState) -> Continued:
        evidence = Evidence.of(window.rot_valid[-1], window.location_valid[-1])
        if self._last is None:
            return continuity.begin(solved, evidence)
        step = (solved.stamp_ns - self._last.body.stamp_ns) / 1e9
        return continuity.follow(self._last, solved, evidence, step, _PARAMS.max_joint_velocity)


def messages(last: Continued, made: BodyMessages) -> list[bytes]:
    """What the node publishes of a pose for those who drive a robot with it, serialised; RViz's markers and cloud are
    not made where nobody looks."""
    estimate = Estimate(last.body, last.angles, last.velocities, 0.0, BodyPose.STATE_TRACKING)
    said = (made.joint_state(estimate), made.body_pose(estimate), made.transforms(estimate))
    return [*said, *made.end_effectors(estimate).values()]


def summary(frames: Sequence[Frame]) -> dict[str, object]:
    """The report's `inpose`: percentiles of the whole and of each stage, and the median number of passes."""
    stages = [name for name in STAGES if name in frames[0].seconds]
    rows = {name: percentiles([frame.seconds[name] for frame in frames]) for name in (WHOLE, *stages)}
    passes = float(np.median([frame.passes for frame in frames]))
    return rows.pop(WHOLE) | {'stages': rows, 'passes': passes, 'frames': len(frames)}


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99 in milliseconds."""
    values = 1e3 * np.percentile(seconds, _PERCENTS)
    return {f'p{percent}_ms': value for percent, value in zip(_PERCENTS, values.tolist())}


def _ticks(readings: Sequence[SimulatedReading], rate: float) -> Iterable[int]:
    """Times [ns] from just after the first reading to the last."""
    first, last = readings[0].arrival_ns, readings[-1].arrival_ns
    count = int((last - first) * rate / 1e9)
    return (first + round((k + 1) * 1e9 / rate) for k in range(count))
