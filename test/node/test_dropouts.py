"""Sensors are switched off and on while the node tracks: the joints go on smoothly and say what is measured."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from geometry_msgs.msg import PoseStamped
from sensor_msgs.msg import JointState

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.loading import load_solver
from inpose_ros.geometry import rotation
from inpose_ros.msg import BodyPose
from inpose_ros.node import qos
from inpose_ros.node.tracking import Job, Tracker
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.window import WindowSnapshot

from .conftest import PLACES, StandInSolver, pose, rising, stamps

NAMES = ('head', 'left_wrist', 'right_wrist')
LIMIT = 6.0
MS = 1_000_000


class Doubtful(StandInSolver):
    """Less sure of what it infers than of what is measured; what it infers is far from what was measured."""

    def solve(self, window, floor_height=0.0):
        state = super().solve(window, floor_height)
        turn = rotation.exp(torch.where(state.measured[:, None], 0.0, torch.tensor([0.0, 0.0, 1.5])))
        return replace(
            state,
            rot_world_joint=state.rot_world_joint @ turn,
            rotation_stddev=torch.where(state.measured, 0.02, 0.3),
        )


class Switched:
    """Three trackers at 60 Hz; those in `off` say nothing. `back` [s] is taken off the stamps."""

    def __init__(self, stage):
        self.stage, self.off, self.back, self.sent = stage, set(), 0.0, []
        self.publishers = {
            name: stage.other.create_publisher(PoseStamped, f'{name}/pose', qos.SENSOR) for name in NAMES
        }
        stage.other.create_timer(1 / 60, self.send)

    def send(self):
        stamp = self.stage.other.get_clock().now().nanoseconds - round(self.back * 1e9)
        for name, publisher in self.publishers.items():
            if name not in self.off:
                publisher.publish(pose(name, stamp))
        self.sent.append(stamp)


def measured(body):
    return {name for name, is_measured in zip(body.joint, body.measured, strict=True) if is_measured}


def spread(body, name):
    return body.rotation_stddev[smpl22.INDEX[name]]


def speeds(joints):
    """The published velocities, and those between one message and the next by their stamps [rad/s]."""
    positions, times = np.array([j.position for j in joints]), np.array(stamps(joints)) / 1e9
    steps = np.diff(positions, axis=0) / np.diff(times)[:, None]
    return np.abs([j.velocity for j in joints]).max(), np.abs(steps).max()


def test_each_sensor_may_go_and_come_without_a_step(stage):
    joints, bodies = stage.heard(JointState, 'joint_states'), stage.heard(BodyPose, 'body_pose')
    stage.active(solver=lambda params, skeleton: Doubtful(skeleton), max_joint_velocity=LIMIT)
    wearer = Switched(stage)
    stage.until(lambda: bodies and measured(bodies[-1]) == set(NAMES), timeout=5)
    for name in NAMES:
        stage.until(lambda name=name: spread(bodies[-1], name) < 0.05, timeout=5)
        sure = spread(bodies[-1], name)
        wearer.off = {name}
        stage.until(lambda name=name: measured(bodies[-1]) == set(NAMES) - {name}, timeout=5)
        assert spread(bodies[-1], name) > 2 * sure
        stage.until(lambda name=name: spread(bodies[-1], name) < 0.3001, timeout=5)  # the blend is over
        wearer.off = set()
        stage.until(lambda: measured(bodies[-1]) == set(NAMES), timeout=5)
    assert rising(stamps(joints))
    told, seen = speeds(joints)
    assert told <= LIMIT + 1e-9 and seen <= LIMIT + 1e-3
    assert told > 0.99 * LIMIT, 'the stand-in jumps so far that the limit has something to do'


def test_a_clock_set_back_by_half_a_second_does_not_stop_the_joints(stage):
    joints = stage.heard(JointState, 'joint_states')
    node = stage.active(max_joint_velocity=LIMIT)
    wearer = Switched(stage)
    stage.until(lambda: len(joints) > 15)
    wearer.back = 0.6
    stage.until(lambda: node._health.counts['time_reset'] == 1, timeout=5)
    at_reset, before = stage.other.get_clock().now().nanoseconds, len(joints)
    stage.until(lambda: len(joints) > before + 5, timeout=5)
    # Half a second later than it should be it would have waited for the stamps to catch up.
    assert stamps(joints[before + 1 : before + 2])[0] < at_reset - 400 * MS
    assert all(np.isfinite(j.velocity).all() and np.abs(j.velocity).max() <= LIMIT for j in joints)


@pytest.fixture(scope='module')
def solver():
    return load_solver(None, 'cpu', Skeleton.mean())


def job(solver, silent_ms):
    """Two seconds of a person who stands in the T-pose; the left wrist's tracker stopped a while ago."""
    rows = {}
    for name in NAMES:
        end = 2000 - (silent_ms if name == 'left_wrist' else 0)
        place = np.add(PLACES[name], (0, 0, 0.9))
        rows[name] = tuple(Measurement(name, t * MS, np.eye(3), place) for t in range(0, end + 1, 20))
    sensors = tuple(Sensor(name, name) for name in NAMES)
    return Job(WindowSnapshot(2000 * MS, rows), sensors, 0, 1)


def test_the_real_solvers_spread_widens_while_a_sensor_is_gone(solver):
    wrist, spreads = smpl22.INDEX['left_wrist'], []
    for silent_ms in (0, 200, 600, 1200):
        tracker = Tracker(solver, 300 * MS, 0.0, 15.0, lambda: 0.0)
        body = tracker.track(job(solver, silent_ms)).body
        assert bool(body.measured[wrist]) is (silent_ms == 0)
        spreads.append((float(body.rotation_stddev[wrist]), float(body.position_stddev[wrist])))
    for gone in spreads[1:]:
        assert gone[0] > 2 * spreads[0][0] and gone[1] > 2 * spreads[0][1], spreads
