"""A running node, somebody who listens to it, and a person whose sensors may fail."""

import gc
import importlib.util
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from subprocess import Popen

import rclpy
import yaml
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter

from inpose_ros.cli import processes
from inpose_ros.errors import InPoseError
from inpose_ros.motion.faults import Fault, written
from inpose_ros.motion.procedural import random_skeleton
from inpose_ros.motion.standing import BRIDGE
from inpose_ros.node.player import PlayerParameters, motion
from inpose_ros.tools.faults_checks import Record
from inpose_ros.tools.faults_player import ClockStop, PlayerProcess
from inpose_ros.tools.faults_recorder import Call, Recorder
from inpose_ros.tools.faults_stalls import STALL, Heartbeat, heartbeat

_PATIENCE = 60.0  # for the node to become active [s]
_ANSWER = 3.0  # for a service to answer [s]


@dataclass(frozen=True, eq=False)
class Setting:
    """What is worn by whom, and what node is told of it.

    `sensors` is a file; `node` and `player` are more parameters of these. A motion lasts `seconds`, of which a `part`
    may be played [s], and before it the user stands still for `stand` s. `speed` is that of a simulated clock (0: real
    time). `fresh`: each motion has a node of its own, and what it says of its beginning may be said for `settles` s.
    `library`: what has to be installed for it.
    """

    sensors: str
    seconds: float
    part: tuple[float, float] = (0.0, 0.0)
    stand: float = 0.0
    node: Mapping[str, object] = field(default_factory=dict)
    player: Mapping[str, object] = field(default_factory=dict)
    speed: float = 0.0
    fresh: bool = False
    settles: float = 0.0
    library: str = ''

    @property
    def lasts(self) -> float:
        """How long all of it takes [s], but for a moment."""
        moving = self.part[1] - self.part[0] if any(self.part) else self.seconds
        return moving + (self.stand + BRIDGE if self.stand else 0.0)

    @property
    def is_possible(self) -> bool:
        """Whether it can be had here."""
        return not self.library or importlib.util.find_spec(self.library) is not None


class Bench:
    """All that a run needs."""

    def __init__(
        self, node: Popen, player: PlayerProcess, recorder: Recorder, pulse: Heartbeat, folder: Path, seed: int,
        setting: Setting,
    ) -> None:  # fmt: skip
        self.node, self._player, self._recorder, self._pulse = node, player, recorder, pulse
        self._folder, self._setting = folder, setting
        self._params = {
            'source': 'procedural', 'seed': seed, 'seconds': setting.seconds, 'part': list(setting.part),
            'stand': setting.stand,            'sensor_rate': 60.0, 'position_noise': 0.001, 'rotation_noise': 0.005,
        } | dict(setting.player)  # fmt: skip
        self.truth = motion(
            PlayerParameters(seed=seed, seconds=setting.seconds, part=setting.part, stand=setting.stand)
        )
        self.seconds = self.truth.seconds
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(recorder)

    @property
    def alive(self) -> bool:
        return self.node.poll() is None

    def wait_until_active(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while self._recorder.count_publishers('body_pose') == 0:
            self._executor.spin_once(timeout_sec=0.05)
            if not self.alive or time.monotonic() > deadline:
                raise InPoseError('waited in vain until the node is active; its message stands above')

    def reset(self) -> None:
        """Let the node track and learn as if nobody had been there before."""
        future = self._recorder.call(Call(0.0, 'reset'))
        deadline = time.monotonic() + _ANSWER
        while not future.done() and self.alive and time.monotonic() < deadline:
            self._executor.spin_once(timeout_sec=0.05)

    def play(
        self, faults: Sequence[Fault], watch: Callable[[], None] = lambda: None, calls: Sequence[Call] = (),
        stop: ClockStop | None = None,
    ) -> tuple[Record, int]:  # fmt: skip
        """Play the motion with these faults; what was heard from its start on, and that start [ns].

        Args:
            watch: called again and again meanwhile.
            calls: of services, each at its time.
            stop: what becomes of a simulated clock.
        """
        gc.collect()
        path = self._folder / 'faults.yaml'
        path.write_text(yaml.safe_dump([written(fault) for fault in faults]))
        start_ns = self._player.play(self._params | {'faults': str(path)}, stop)
        self._spin_until(start_ns, watch)
        self._recorder.take()
        begin_ns = time.time_ns()
        for call in sorted(calls, key=lambda call: call.at):
            self._spin_until(start_ns + round(call.at * 1e9), watch)
            self._recorder.call(call)
        self._spin_until(start_ns + round(self.seconds * 1e9), watch)
        return self._with_stalls(self._recorder.take(), begin_ns), start_ns

    def close(self) -> None:
        self._executor.shutdown()

    def _with_stalls(self, record: Record, begin_ns: int) -> Record:
        """The record with what disturbed it: the machine, as seen from here and by the player."""
        played, stalls = self._player.played(), self._pulse.since(begin_ns)
        late = played.late / (self._setting.speed or 1.0)
        told = []
        if stalls:
            told.append(f'the machine stalled for {max(end - begin for begin, end in stalls) / 1e6:.0f} ms')
        if late > STALL:
            told.append(f'sensors were played {1e3 * late:.0f} ms late')
        if played.unheard:
            told.append(f'nobody had found {", ".join(played.unheard)} at the start')
        return replace(record, disturbed='; '.join(told), stalls=stalls)

    def _spin_until(self, when_ns: int, watch: Callable[[], None]) -> None:
        while (left_ns := when_ns - self._recorder.now_ns()) > 0 and self.alive:
            self._executor.spin_once(timeout_sec=min(left_ns / 1e9, 0.1))
            watch()


@contextmanager
def bench(setting: Setting, seed: int, device: str) -> Iterator[Bench]:
    """A node that is active, and all around it."""
    skeleton, simulated = random_skeleton(seed), setting.speed > 0
    node_params = {'device': device, 'seed': seed, 'body.stature': skeleton.stature, 'use_sim_time': simulated}
    if not rclpy.ok():
        rclpy.init()
    recorder = Recorder(parameter_overrides=[Parameter('use_sim_time', value=simulated)])
    sensors = processes.config(setting.sensors)
    with ExitStack() as stack:
        stack.callback(rclpy.try_shutdown)
        stack.callback(recorder.destroy_node)
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        player = stack.enter_context(PlayerProcess(sensors, setting.speed))
        node = stack.enter_context(processes.started('inpose', sensors, node_params | dict(setting.node)))
        pulse = stack.enter_context(heartbeat())
        found = Bench(node, player, recorder, pulse, Path(folder), seed, setting)
        stack.callback(found.close)
        found.wait_until_active()
        yield found
