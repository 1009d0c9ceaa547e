"""End to end through DDS: a player in one process, the node in a second, and a light consumer in this one."""

import gc
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import rclpy
from jaxtyping import Int
from rclpy.executors import SingleThreadedExecutor

from inpose_ros.cli import process_stats, processes
from inpose_ros.errors import InPoseError
from inpose_ros.node.parameters import SensorParameters
from inpose_ros.tools import bench_sensors
from inpose_ros.tools.bench_frames import percentiles
from inpose_ros.tools.bench_receiver import LightReceiver
from inpose_ros.tools.faults_soak import Memory, growth

_PATIENCE = 120.0  # for a process to do its first deed [s]
_MOTION = 20.0  # that is played there and back for as long as is wanted [s]
_PLAYING = 2.0  # so long after its topics are seen, the player plays for sure [s]
# What the diagnostics count or state of the solver, where they do.
_PASSES, _HURRIED, _DROPPED = 'network_passes', 'hurried [%]', 'dropped'


def live(node: Mapping[str, object], seed: int, rate: float, seconds: float, busy: int = 0) -> dict[str, object]:
    """Track for so long; how many poses came, how late, and what that took.

    Args:
        node: more parameters of the node.
        rate: of the poses wanted [Hz].
        busy: so many processes that do nothing but count keep the cores from the node.
    """
    worn = bench_sensors.worn()
    with ExitStack() as stack:
        sensors = bench_sensors.write(Path(stack.enter_context(tempfile.TemporaryDirectory())) / 'sensors.yaml', worn)
        listener = stack.enter_context(_listening())
        playing = stack.enter_context(processes.started('inpose_play', sensors, _player(worn, seed)))
        listener.wait(lambda: listener.node.count_publishers('head/pose') > 0, playing, 'the player plays')
        listener.spin(_PLAYING)
        for _ in range(busy):
            stack.enter_context(_busy())
        begin = time.monotonic()
        tracking = stack.enter_context(
            processes.started('inpose', sensors, {'rate': float(rate), 'seed': seed} | dict(node))
        )
        listener.wait(lambda: listener.node.heard, tracking, 'the first pose comes')
        to_first = time.monotonic() - begin
        pids = {'cpu_cores': tracking.pid, 'cpu_cores_player': playing.pid, 'cpu_cores_receiver': os.getpid()}
        used = _Shares(pids)
        memory = Memory(tracking.pid)
        listener.spin(seconds, memory.look, (tracking, playing))
        shares = used.so_far()
        rss_mb = process_stats.resident_mb(tracking.pid)
    result = scored(*listener.node.received(), rate, seconds) | shares
    result |= {'rss_mb': rss_mb, 'seconds_to_first_pose': to_first, 'rate': rate, 'seconds': seconds, 'busy': busy}
    grown = growth(memory.samples)
    return result | solver_said(listener.node.told) | ({} if math.isnan(grown) else {'rss_growth_mb': grown})


def _player(worn: Mapping[str, SensorParameters], seed: int) -> dict[str, object]:
    return {
        'source': 'procedural', 'seed': seed, 'seconds': _MOTION, 'loop': True,
        'sensor_rates': [bench_sensors.RATES[row.type] for row in worn.values()],
        'position_noise': bench_sensors.POSITION_NOISE, 'rotation_noise': bench_sensors.ROTATION_NOISE,
    }  # fmt: skip


def scored(
    stamp_ns: Int[np.ndarray, 'pose'], received_ns: Int[np.ndarray, 'pose'], rate: float, seconds: float
) -> dict[str, float]:
    """Poses of the time from the first one on, how many of those expected did not come, and how late they were."""
    counted = received_ns < received_ns[0] + round(seconds * 1e9)
    frames, expected = int(counted.sum()), round(rate * seconds)
    late = percentiles(((received_ns - stamp_ns)[counted] / 1e9).tolist())
    return {'frames': frames, 'missed': max(0, expected - frames)} | {
        f'latency_{name}': ms for name, ms in late.items()
    }


def solver_said(told: Sequence[Mapping[str, str]]) -> dict[str, object]:
    """What the diagnostics said of the solver, where they did: passes, how often fewer than wanted, ticks dropped."""
    passes, hurried = _numbers(told, _PASSES), _numbers(told, _HURRIED)
    found: dict[str, object] = {}
    if passes:
        found[_PASSES] = {'mean': float(np.mean(passes)), 'min': min(passes), 'max': max(passes)}
    if hurried:
        found['hurried_percent'] = float(np.mean(hurried))
    if told and _DROPPED in told[-1]:
        found[_DROPPED] = int(told[-1][_DROPPED])
    return found


def _numbers(told: Sequence[Mapping[str, str]], name: str) -> list[float]:
    """But not those of no pose, which are NaN."""
    return [number for row in told if not math.isnan(number := float(row.get(name, 'nan')))]


class _Listener:
    """The receiver and what makes it hear."""

    def __init__(self) -> None:
        self.node, self._executor = LightReceiver(), SingleThreadedExecutor()
        self._executor.add_node(self.node)

    def wait(self, reached: Callable[[], bool], child: subprocess.Popen, what: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not reached():
            self._executor.spin_once(timeout_sec=0.05)
            if child.poll() is not None or time.monotonic() > deadline:
                raise InPoseError(f'waited in vain until {what}; the messages of the process stand above')

    def spin(
        self, seconds: float, look: Callable[[], None] = lambda: None, children: Sequence[subprocess.Popen] = ()
    ) -> None:
        """Listen for so long, while the children live."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=min(left, 0.5))
            look()
            if any(child.poll() is not None for child in children):
                raise InPoseError('the node or the player ended too early; its message stands above')

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()


@contextmanager
def _listening() -> Iterator[_Listener]:
    """No search for garbage makes the listener late."""
    begun = not rclpy.ok()
    if begun:
        rclpy.init()
    listener = _Listener()
    gc.collect()
    gc.disable()
    try:
        yield listener
    finally:
        gc.enable()
        listener.close()
        if begun:
            rclpy.try_shutdown()


@contextmanager
def _busy() -> Iterator[subprocess.Popen]:
    """A process that keeps a core busy."""
    child = subprocess.Popen([sys.executable, '-c', 'while True: pass'])
    try:
        yield child
    finally:
        child.kill()
        child.wait()


class _Shares:
    """How many cores processes have used on average since this was made, by the name of each."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids, self._begin = pids, time.monotonic()
        self._before = {name: process_stats.cpu_seconds(pid) for name, pid in pids.items()}

    def so_far(self) -> dict[str, float]:
        wall = time.monotonic() - self._begin
        return {name: (process_stats.cpu_seconds(pid) - self._before[name]) / wall for name, pid in self._pids.items()}
