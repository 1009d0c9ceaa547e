"""The node as a process of its own: how it begins and how it ends."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState

RUN = 'from inpose_ros.node.{} import main; main()'


@pytest.fixture
def started() -> Iterator[object]:
    processes = []

    def start(module: str, *parameters: str) -> subprocess.Popen:
        arguments = [word for parameter in parameters for word in ('-p', parameter)]
        command = [sys.executable, '-c', RUN.format(module), '--ros-args', '-r', '__node:=alone', *arguments]
        processes.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_without_a_traceback_however_many(stage, started, number):
    """A model that is not there: it says so, stays up, and ends when told to."""
    process = started('estimator', 'model:=/nowhere')
    client = stage.other.create_client(GetState, '/alone/get_state')
    stage.until(client.service_is_ready, timeout=60)
    state = client.call_async(GetState.Request())
    stage.until(state.done)
    assert state.result().current_state.id == State.PRIMARY_STATE_UNCONFIGURED
    for _ in range(2):
        process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 0 and 'Traceback' not in said
    assert 'not configured: ' in said and '/nowhere' in said


def test_a_player_that_has_nothing_to_play_ends_with_the_reason(started):
    process = started('player', 'source:=/nowhere')
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 1 and 'not playing: ' in said and 'Traceback' not in said
