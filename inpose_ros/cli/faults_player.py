"""A player in a process of its own that plays one motion after another, as told on its standard input.

A new process takes seconds to start, and a player in the process of the one who listens makes that one late.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import rclpy
from rclpy.parameter import Parameter
from rclpy.task import Future

from inpose_ros.errors import InPoseError
from inpose_ros.node.player import PlayerNode, play
from inpose_ros.node.process import ros


class PlayerProcess:
    """The process, as seen from the one who started it; to be used in a with statement."""

    def __init__(self, sensors: Path) -> None:
        """Args: sensors: file of the sensors' parameters."""
        command = [sys.executable, '-m', 'inpose_ros.cli.faults_player', str(sensors)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> 'PlayerProcess':
        return self

    def __exit__(self, *reason: object) -> None:
        self._process.stdin.close()
        self._process.terminate()
        self._process.wait()

    def play(self, params: Mapping[str, object]) -> int:
        """Begin to play with these parameters of inpose_play; the stamp of the first frame [ns], a little from now.

        Raises:
            InPoseError: it cannot be played; the reason was logged.
        """
        self._process.stdin.write(json.dumps(dict(params)) + '\n')
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise InPoseError('the player has ended; its message stands above')
        return int(answer)


def _play(sensors: str, params: Mapping[str, object], stop: Future) -> None:
    node = PlayerNode(
        cli_args=['--ros-args', '--params-file', sensors],
        parameter_overrides=[Parameter(name, value=value) for name, value in params.items()],
    )
    print(node.start_ns, flush=True)
    play(node, stop)


def main() -> None:
    """Play until nothing more is told.

    A node stays all the time: with the last one DDS would leave, and find the listener anew with every motion, which
    takes up to three seconds.
    """
    with ros([]) as stop:
        stays = rclpy.create_node('faults_player')
        try:
            for line in sys.stdin:
                _play(sys.argv[1], json.loads(line), stop)
        finally:
            stays.destroy_node()


if __name__ == '__main__':
    main()
