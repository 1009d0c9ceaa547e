"""The whole chain as processes: a played person, the tracking node, and the arms that follow."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('pink', reason='needs pip install -r requirements-examples.txt')

from diagnostic_msgs.msg import DiagnosticStatus

SENSORS = Path(__file__).parents[2] / 'config' / 'sensors' / 'demo.yaml'
RUN = 'from inpose_ros.node.{} import main; main()'


@pytest.fixture
def started(scene):
    processes = []

    def start(module: str, *words: str) -> subprocess.Popen:
        command = [sys.executable, '-c', RUN.format(module), '--ros-args', '--params-file', str(SENSORS)]
        processes.append(subprocess.Popen([*command, '-r', f'__ns:=/{scene.namespace}', *words]))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


def test_the_arms_follow_the_tracked_person_and_stop_when_the_sensors_do(scene, started):
    """With patience: on a busy machine the solver is late now and then, which is not what this is about."""
    scene.follower(max_age=3.0, timeout=1.0)
    started('tracker_node')
    player = started('player', '-p', 'loop:=true', '-p', 'seconds:=60.0')
    heard = scene.heard
    scene.until(lambda: len(heard.settled()) > 60, timeout=100)
    found = [
        float(row.value) for _, status in heard.settled() for row in status.values if row.key.endswith('distance [m]')
    ]
    assert len(found) > 120
    assert np.median(found) < 0.03
    player.terminate()
    scene.until(lambda: heard.level == DiagnosticStatus.ERROR)
    assert not any(heard.joints[-1][1].velocity)
