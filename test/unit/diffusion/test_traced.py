from dataclasses import replace

import pytest
import torch

from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.sampler import InPoseRule
from inpose_ros.diffusion.solver import PoseSolver
from inpose_ros.diffusion.traced import TracedRule

from .examples import HANDS, random_pose, window_of

SKELETON = Skeleton.mean()


@pytest.mark.filterwarnings('error::torch.jit.TracerWarning')
def test_a_recorded_rule_gives_what_the_rule_gives_for_any_window_and_sensors(prior):
    rule = InPoseRule()
    plain, traced = PoseSolver(prior, SKELETON, rule), PoseSolver(prior, SKELETON, TracedRule(rule))
    cases = [(HANDS, HANDS), (HANDS, []), ([0, *HANDS], [15, 0]), (HANDS, HANDS)]
    for seed in range(3):
        for floor, (rotated, located) in enumerate(cases):
            root = torch.tensor([[0.1 * seed, 0.0, 0.9]])
            rot, stddev = random_pose(8, seed=seed, spread=0.2), 0.001 * (1 + seed)
            window = window_of(rot, SKELETON, root, rotated, located, stddev)
            expected, found = (solver.solve(window, 0.1 * floor) for solver in (plain, traced))
            assert torch.allclose(found.rot_world_joint, expected.rot_world_joint, atol=1e-5)
            assert torch.allclose(found.position_stddev, expected.position_stddev, atol=1e-5)
            assert torch.allclose(found.positions, expected.positions, atol=1e-5)


def test_one_recording_serves_who_is_zeroed_and_who_is_not(prior):
    rule = InPoseRule()
    recorded = TracedRule(rule)
    plain, traced = PoseSolver(prior, SKELETON, rule), PoseSolver(prior, SKELETON, recorded)
    window = window_of(random_pose(8, spread=0.2), SKELETON, torch.tensor([[0.0, 0.0, 0.9]]), HANDS, HANDS)
    for zeroed in (False, True, False):
        expected, found = (solver.solve(replace(window, zeroed=zeroed)) for solver in (plain, traced))
        other = plain.solve(replace(window, zeroed=not zeroed))
        assert torch.allclose(found.rot_world_joint, expected.rot_world_joint, atol=1e-5)
        assert not torch.allclose(found.rot_world_joint, other.rot_world_joint, atol=1e-3)
    assert len(recorded._graphs) == 1


def test_trackers_that_fall_silent_need_no_new_recording_and_leave_no_trace(prior):
    recorded = TracedRule(InPoseRule())
    traced = PoseSolver(prior, SKELETON, recorded)
    traced.warm_up(HANDS)
    rot, root = random_pose(8, spread=0.2), torch.tensor([[0.0, 0.0, 0.9]])
    for located in (HANDS, HANDS[:1], HANDS[1:], []):
        window = window_of(rot, SKELETON, root, HANDS, located)
        fresh = PoseSolver(prior, SKELETON, InPoseRule()).solve(window)
        assert torch.allclose(traced.solve(window).positions, fresh.positions, atol=1e-5)
    assert len(recorded._graphs) == 1


def test_one_recording_serves_bones_that_change_and_any_floor(prior):
    recorded = TracedRule(InPoseRule())
    traced = PoseSolver(prior, SKELETON, recorded)
    rot, root = random_pose(8, spread=0.2), torch.tensor([[0.0, 0.0, 0.9]])
    for scale, floor in ((1.0, 0.0), (0.8, 0.05), (1.3, -0.2)):
        skeleton = SKELETON.with_groups({'arms': 1.1}).scaled(scale)
        window = window_of(rot, skeleton, scale * root, HANDS, HANDS)
        traced.skeleton = skeleton
        fresh = PoseSolver(prior, skeleton, InPoseRule()).solve(window, floor)
        found = traced.solve(window, floor)
        assert found.skeleton is skeleton
        assert torch.allclose(found.positions, fresh.positions, atol=1e-5)
    assert len(recorded._graphs) == 1
