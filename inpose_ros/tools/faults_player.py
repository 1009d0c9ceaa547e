"""A player in a process of its own that plays one motion after another, as told on its standard input.

A new process takes seconds to start, and a player in the process of the one who listens makes that one late.
"""

import gc
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import rclpy
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.task import Future

from inpose_ros.errors import InPoseError
from inpose_ros.node.player import PlayerNode, play
from inpose_ros.node.process import ros
from inpose_ros.node.simulated_clock import SimulatedClock


class ClockStop(NamedTuple):
    """A simulated clock that is paused or dead (see SimulatedClock) from `begin` [s] of the motion on, for so long.

    `seconds` are real ones.
    """

    how: str
    begin: float
    seconds: float


class Played(NamedTuple):
    """How a motion was played: how late anything was sent, at most [s], and to which sensors nobody listened."""

    late: float
    unheard: list[str]


class PlayerProcess:
    """The process, as seen from the one who started it; to be used in a with statement."""

    def __init__(self, sensors: Path, speed: float = 0.0) -> None:
        """Args:
        sensors: file of the sensors' parameters.
        speed: of a simulated clock; 0: there is none.
        """
        command = [sys.executable, '-m', 'inpose_ros.tools.faults_player', str(sensors), str(speed)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> 'PlayerProcess':
        return self

    def __exit__(self, *reason: object) -> None:
        self._process.stdin.close()
        self._process.terminate()
        self._process.wait()

    def play(self, params: Mapping[str, object], stop: ClockStop | None = None) -> int:
        """Begin to play with these parameters of inpose_play; the stamp of the first frame [ns], a little from now.

        Raises:
            InPoseError: it cannot be played; the reason was logged.
        """
        self._process.stdin.write(json.dumps([dict(params), stop]) + '\n')
        self._process.stdin.flush()
        return int(self._answer())

    def played(self) -> Played:
        """How it went, once all is played; waits for that.

        Raises:
            InPoseError: the player has ended.
        """
        return Played(*json.loads(self._answer()))

    def _answer(self) -> str:
        answer = self._process.stdout.readline()
        if not answer:
            raise InPoseError('the player has ended; its message stands above')
        return answer


def _play(
    sensors: str, clock: SimulatedClock | None, end: Future, params: Mapping[str, object], stop: list | None
) -> None:
    node = PlayerNode(
        clock,
        cli_args=['--ros-args', '--params-file', sensors],
        parameter_overrides=[Parameter(name, value=value) for name, value in params.items()],
    )
    gc.collect()
    print(node.start_ns, flush=True)
    if stop is not None:
        how, begin, seconds = stop
        clock.stop(how, node.start_ns + round(begin * 1e9), seconds)
    play(node, end)
    print(json.dumps([node.late_ns / 1e9, node.unheard or []]), flush=True)


def _run(stays: Node, sensors: str, speed: float, end: Future) -> None:
    clock = SimulatedClock(stays, speed) if speed else None
    try:
        for line in sys.stdin:
            _play(sensors, clock, end, *json.loads(line))
    finally:
        if clock is not None:
            clock.close()


def main() -> None:
    """Play until nothing more is told.

    A node stays all the time: with the last one DDS would leave, and find the listener anew with every motion, which
    takes up to three seconds.
    """
    # A search for garbage would make messages late by a tenth of a second: it is for between two motions.
    gc.disable()
    with ros([]) as end:
        stays = rclpy.create_node('faults_player')
        try:
            _run(stays, sys.argv[1], float(sys.argv[2]), end)
        finally:
            stays.destroy_node()


if __name__ == '__main__':
    main()
