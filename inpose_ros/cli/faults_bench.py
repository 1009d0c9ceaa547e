"""A running node, somebody who listens to it, and a person whose sensors may fail."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from types import MappingProxyType

import rclpy
import yaml
from rclpy.executors import SingleThreadedExecutor

from inpose_ros.cli import processes
from inpose_ros.cli.faults_checks import Record
from inpose_ros.cli.faults_player import PlayerProcess
from inpose_ros.cli.faults_recorder import Recorder
from inpose_ros.errors import InPoseError
from inpose_ros.motion.faults import Fault, written
from inpose_ros.motion.procedural import procedural_clip, random_skeleton

_PATIENCE = 60.0  # for the node to become active [s]
_NOTHING: Mapping[str, object] = MappingProxyType({})


class Bench:
    """All that a run needs; `params` are more parameters of the player."""

    def __init__(
        self, node: Popen, player: PlayerProcess, recorder: Recorder, folder: Path, seed: int, seconds: float,
        params: Mapping[str, object],
    ) -> None:  # fmt: skip
        self.node, self._player, self._recorder, self._folder = node, player, recorder, folder
        self.seconds, self.truth = seconds, procedural_clip(seed, seconds, random_skeleton(seed))
        self._params = {
            'source': 'procedural', 'seed': seed, 'seconds': seconds, 'sensor_rate': 60.0, 'position_noise': 0.001,
            'rotation_noise': 0.005,
        } | params  # fmt: skip
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

    def play(self, faults: Sequence[Fault], watch: Callable[[], None] = lambda: None) -> tuple[Record, int]:
        """Play the motion with these faults; what was heard from its start on, and that start [ns].

        Args:
            watch: called again and again meanwhile.
        """
        path = self._folder / 'faults.yaml'
        path.write_text(yaml.safe_dump([written(fault) for fault in faults]))
        start_ns = self._player.play(self._params | {'faults': str(path)})
        self._spin_until(start_ns, watch)
        self._recorder.take()
        self._spin_until(start_ns + round(self.seconds * 1e9), watch)
        return self._recorder.take(), start_ns

    def close(self) -> None:
        self._executor.shutdown()

    def _spin_until(self, when_ns: int, watch: Callable[[], None]) -> None:
        while (left_ns := when_ns - self._recorder.now_ns()) > 0 and self.alive:
            self._executor.spin_once(timeout_sec=min(left_ns / 1e9, 0.1))
            watch()


@contextmanager
def bench(
    sensors: str, seed: int, seconds: float, device: str, *,
    node: Mapping[str, object] = _NOTHING, player: Mapping[str, object] = _NOTHING,
) -> Iterator[Bench]:  # fmt: skip
    """A node that is active, and all around it; `node` and `player` are more parameters of these."""
    node_params = {'device': device, 'seed': seed, 'body.stature': random_skeleton(seed).stature} | node
    if not rclpy.ok():
        rclpy.init()
    recorder = Recorder()
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            PlayerProcess(processes.config(sensors)) as player_process,
            processes.started('inpose', processes.config(sensors), node_params) as node_process,
        ):
            found = Bench(node_process, player_process, recorder, Path(folder), seed, seconds, player)
            try:
                found.wait_until_active()
                yield found
            finally:
                found.close()
    finally:
        recorder.destroy_node()
        rclpy.try_shutdown()
