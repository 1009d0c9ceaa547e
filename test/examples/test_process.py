"""The arm follower as a process of its own: how it ends."""

import signal
import subprocess
import sys

import pytest

pytest.importorskip('pink', reason='needs pip install -r requirements-examples.txt')

SIGNALLED_WHILE_PUBLISHING = """
import signal
import rclpy
from inpose_ros.examples import arm_follower

def spin(node):
    signal.raise_signal(signal.SIGINT)
    while rclpy.ok():
        pass
    node._publish()

rclpy.spin = spin
arm_follower.main()
"""


def test_a_signal_between_hearing_a_pose_and_publishing_ends_it_quietly():
    command = [sys.executable, '-c', SIGNALLED_WHILE_PUBLISHING]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert 'Traceback' not in done.stderr


def test_as_a_process_it_ends_without_a_traceback_however_many_signals(scene):
    command = [sys.executable, '-m', 'inpose_ros.examples.arm_follower', '--ros-args']
    command += ['-r', f'__ns:=/{scene.namespace}']
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        scene.until(lambda: scene.heard.status, timeout=60)
        for _ in range(2):
            process.send_signal(signal.SIGINT)
        complaint = process.communicate(timeout=20)[1]
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert 'Traceback' not in complaint
