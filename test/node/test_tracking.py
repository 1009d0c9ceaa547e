"""Tracker: windows in, estimates out that go on from each other; no ROS, and a solver that says what it is told."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from inpose_ros.body import kinematics, smpl22, urdf
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.body.state import BodyState
from inpose_ros.geometry import rotation
from inpose_ros.node.tracking import Job, Tracker
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.window import WindowSnapshot

MS = 1_000_000
SENSORS = (Sensor('head', 'head'), Sensor('left_wrist', 'left_wrist'))
LIMIT = 4.0
TRACKING, DEGRADED = 1, 2


class Solver:
    """Solves as told: `turn` is each local rotation's angle about a skew axis [rad]; the head is where measured."""

    frames, rate, device, backend, skeleton = 4, 30.0, 'cpu', 'told', Skeleton.mean()

    def __init__(self):
        self.turn, self.resets = 0.0, 0

    def solve(self, window, floor_height=0.0):
        self.floor = floor_height
        axis = torch.tensor([0.48, 0.6, 0.64], dtype=torch.float64)
        rot = kinematics.global_rotations(rotation.exp(self.turn * axis.expand(22, 3)))
        head = kinematics.joint_positions(self.skeleton, rot)[smpl22.HEAD]
        located = bool(window.location_valid[-1, smpl22.HEAD])
        root = window.location[-1, smpl22.HEAD].double() - head if located else torch.zeros(3).double()
        return BodyState(
            window.stamp_ns, self.skeleton, root, rot, torch.full((22,), 0.1),
            0.01 * torch.eye(3).expand(22, 3, 3), window.rot_valid[-1], located, torch.zeros(2),
        )  # fmt: skip

    def reset(self):
        self.resets += 1

    def warm_up(self, located):
        pass


@pytest.fixture
def solver():
    return Solver()


@pytest.fixture
def tracker(solver):
    ticks = itertools.count()
    return Tracker(solver, 200 * MS, 0.0, LIMIT, lambda: next(ticks) / 1000)


def job(stamp_ns, epoch=0, wrist=True):
    stamps = range(max(0, stamp_ns - 300 * MS), stamp_ns + 1, 10 * MS)
    heard = {'head': stamps, 'left_wrist': stamps if wrist else stamps[:-20]}
    rows = {
        name: tuple(Measurement(name, s, np.eye(3), np.array([0, 0, 1.6])) for s in own) for name, own in heard.items()
    }
    return Job(WindowSnapshot(stamp_ns, rows), SENSORS, epoch, 1)


def test_the_first_pose_is_the_solved_one(tracker, solver):
    solver.turn = 0.7
    estimate = tracker.track(job(1000 * MS))
    assert not estimate.velocities.any()
    assert estimate.body.rot_world_joint[5].equal(solver.solve(tracker._resampled(*_window())).rot_world_joint[5])


def _window():
    return job(1000 * MS).window, SENSORS


def test_a_stamp_that_does_not_rise_gives_no_estimate(tracker):
    assert tracker.track(job(1000 * MS)) is not None
    assert tracker.track(job(1000 * MS)) is None
    assert tracker.track(job(900 * MS)) is None


def test_a_solver_that_jumps_is_followed_at_the_limit_of_the_parameter(tracker, solver):
    before = tracker.track(job(1000 * MS))
    solver.turn = 1.0
    for stamp in range(1030, 1600, 30):
        now = tracker.track(job(stamp * MS))
        assert np.abs(now.velocities).max() <= LIMIT
        np.testing.assert_allclose(now.velocities * 0.03, now.angles - before.angles, atol=1e-12)
        np.testing.assert_allclose(now.body.positions[smpl22.HEAD], [0, 0, 1.6], atol=1e-6)
        before = now
    expected = solver.solve(tracker._resampled(*_window())).rot_world_joint
    torch.testing.assert_close(now.body.rot_world_joint, expected)


def test_a_sensor_that_leaves_starts_a_blend_and_is_not_called_measured(tracker, solver):
    before = tracker.track(job(1000 * MS))
    solver.turn = 0.2
    now = tracker.track(job(1030 * MS, wrist=False))
    np.testing.assert_allclose(now.angles, before.angles, atol=1e-9)
    assert before.body.measured[smpl22.INDEX['left_wrist']] and not now.body.measured[smpl22.INDEX['left_wrist']]
    assert now.body.measured[smpl22.HEAD]
    assert (now.body.rotation_stddev > before.body.rotation_stddev).all()


@pytest.mark.parametrize('stamp', [1030, 200, 1000 + 10**6])
def test_a_new_epoch_goes_on_from_the_joints_that_were_published_last(tracker, solver, stamp):
    before = tracker.track(job(1000 * MS))
    solver.turn = 2.0
    for i in range(40):
        now = tracker.track(job((stamp + 33 * i) * MS, epoch=1))
        step = 1 / 30 if i == 0 and stamp < 1000 else (now.body.stamp_ns - before.body.stamp_ns) / 1e9
        assert np.isfinite(now.velocities).all() and np.abs(now.velocities).max() <= LIMIT
        assert np.abs(now.angles - before.angles).max() <= LIMIT * step
        before = now
    assert solver.resets == 2
    again = urdf.rotations_from_angles(now.angles, now.body.rot_world_joint[0])
    np.testing.assert_allclose(again, solver.solve(tracker._resampled(*_window())).rot_world_joint, atol=1e-6)


def test_a_new_epoch_never_repeats_a_stamp_and_blends_at_the_next(tracker, solver):
    before = tracker.track(job(1000 * MS))
    solver.turn = 0.2
    assert tracker.track(job(1000 * MS, epoch=1)) is None
    now = tracker.track(job(1030 * MS, epoch=1))
    np.testing.assert_allclose(now.angles, before.angles, atol=1e-9)


def test_who_contradicts_the_others_is_named_from_the_first_pose_on_and_forgotten_at_a_restart(tracker):
    sound = job(1000 * MS)
    tracker.track(sound)
    assert tracker.contradicting == frozenset()
    rows = {name: own for name, own in job(1100 * MS).window.measurements.items()}
    rows['left_wrist'] = tuple(replace(r, position=np.array([5.0, 0, 1])) for r in rows['left_wrist'])
    tracker.track(replace(sound, window=WindowSnapshot(1100 * MS, rows)))
    assert tracker.contradicting == {'left_wrist'}
    tracker.restart()
    assert tracker.contradicting == frozenset()


def head_only(stamp_ns, height, swing=0.0):
    rows = job(stamp_ns).window.measurements['head']
    moved = tuple(replace(r, position=np.array([0, 0, height + swing * np.sin(r.stamp_ns / 4e7)])) for r in rows)
    return Job(WindowSnapshot(stamp_ns, {'head': moved}), SENSORS[:1], 0, TRACKING, DEGRADED)


def test_a_user_below_the_floor_is_solved_without_one_and_that_is_said(tracker, solver):
    sound = tracker.track(head_only(1000 * MS, 1.6))
    assert (sound.state, sound.remarks, solver.floor) == (TRACKING, {}, 0.0)
    for stamp in range(1300, 3000, 33):
        estimate = tracker.track(head_only(stamp * MS, -1.0))
    assert estimate.state == DEGRADED and estimate.remarks['floor_contradicted'].startswith('head (floor_height: -2.')
    wider = estimate.body.position_stddev / sound.body.position_stddev
    assert wider[smpl22.INDEX['left_foot']] > 1.5 and wider[smpl22.HEAD] == pytest.approx(1.0)


def test_while_somebody_moves_up_and_down_below_the_floor_none_is_gone_by(tracker, solver):
    for stamp in range(1000, 3000, 33):
        estimate = tracker.track(head_only(stamp * MS, -1.0, swing=0.3))
    assert np.isnan(solver.floor) and np.isnan(tracker.seen.floor)
    assert estimate.remarks['floor_contradicted'] == 'head (where it is cannot be told yet)'
    assert estimate.state == DEGRADED


def test_the_floor_that_would_fit_is_told_and_gone_by(tracker, solver):
    for stamp in range(1000, 4000, 33):
        tracker.track(head_only(stamp * MS, -0.5))
    fits = -0.5 - solver.skeleton.standing_head_height - solver.skeleton.sole
    assert solver.floor == pytest.approx(fits, abs=0.01)


class Upended(Solver):
    """Where it is given a floor, the legs point up from a head that looks ahead."""

    def solve(self, window, floor_height=0.0):
        body = super().solve(window, floor_height)
        if np.isnan(floor_height):
            return body
        rot = body.rot_world_joint.clone()
        rot[1:9] = torch.diag(torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64))
        return replace(body, rot_world_joint=rot, root=body.root + torch.tensor([0, 0, 0.1]))


@pytest.mark.parametrize('height, over', [(0.2, True), (1.5, False)])
def test_feet_are_not_over_a_low_upright_head_because_of_a_floor(height, over):
    solver, ticks = Upended(), itertools.count()
    tracker = Tracker(solver, 200 * MS, 0.0, LIMIT, lambda: next(ticks) / 1000)
    estimate = tracker.track(head_only(1000 * MS, height))
    assert np.isnan(solver.floor) == over
    assert ('floor_contradicted' in estimate.remarks) == over and (estimate.state == DEGRADED) == over
    ankles = [smpl22.INDEX['left_ankle'], smpl22.INDEX['right_ankle']]
    assert not over or (estimate.body.positions[ankles, 2] < estimate.body.positions[smpl22.HEAD, 2]).all()
