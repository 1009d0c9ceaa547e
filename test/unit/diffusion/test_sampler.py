import pytest
import torch

from inpose_ros.body import kinematics
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.sampler import InPoseRule, PaperRule
from inpose_ros.diffusion.solver import DEFAULT_MODEL, PoseSolver
from inpose_ros.geometry import rotation

from .examples import HANDS, random_pose, window_of

SKELETON = Skeleton.mean()
RULES = [InPoseRule(), InPoseRule(steps=(999, 500)), PaperRule(count=5)]


def _window():
    return window_of(random_pose(8, spread=0.1), SKELETON, torch.zeros(8, 3), HANDS, HANDS)


def _missed(posterior, window) -> float:
    """How far the wrists are from where they were measured, seen from the head [m]."""
    place = kinematics.joint_positions(SKELETON, posterior.rot_world_joint[0].cpu())
    measured = window.location[-1]
    return float(((place - place[15]) - (measured - measured[15]))[HANDS[1:]].norm(dim=-1).mean())


@pytest.mark.parametrize(('rule', 'left'), [(RULES[0], 0.1), (PaperRule(count=10), 0.98)], ids=repr)
def test_locations_pull_the_wrists_to_where_they_were_measured(device, rule, left):
    """Through the trained network; the paper's gradient says little to one that has not learned."""
    prior = MotionPrior.load(DEFAULT_MODEL, device)
    arms_forward = torch.zeros(22, 3)
    arms_forward[[16, 17], 2] = torch.tensor([-1.2, 1.2])
    rot = kinematics.global_rotations(rotation.exp(arms_forward)).expand(prior.frames, -1, -1, -1)
    window = window_of(rot, SKELETON, torch.tensor([[0.0, 0.0, 0.9]]), HANDS, HANDS)
    missed = [
        _missed(PoseSolver(prior, SKELETON, rule, use_locations=use).solve_batch([window]), window)
        for use in (False, True)
    ]
    assert missed[1] < left * missed[0]


@pytest.mark.parametrize('rule', RULES, ids=repr)
def test_a_rule_gives_rotations_and_the_same_ones_every_time(prior, rule):
    solver = PoseSolver(prior, SKELETON, rule)
    first, second = (solver.solve_batch([_window()]) for _ in range(2))
    assert torch.equal(first.window, second.window)
    assert torch.allclose(
        first.window @ first.window.mT, torch.eye(3).to(first.window).expand_as(first.window), atol=1e-4
    )
    assert torch.linalg.det(first.window).min() > 0.99


def test_the_paper_clamps_and_goes_through_the_network(prior):
    """With the network's answer cut off from its input, the locations could not move it."""
    window = _window()
    moved = PoseSolver(prior, SKELETON, PaperRule(count=3)).solve_batch([window]).window
    unmoved = PoseSolver(prior, SKELETON, PaperRule(count=3, strength=0.0)).solve_batch([window]).window
    assert (moved - unmoved).abs().max() > 1e-3


def test_the_state_keeps_no_graph_of_the_network(prior):
    state = PoseSolver(prior, SKELETON, PaperRule(count=2)).solve(_window())
    assert not state.rot_world_joint.requires_grad
    assert not state.position_stddev.requires_grad


def test_only_a_start_from_noise_depends_on_the_seed(prior):
    for temperature, depends in ((0.0, False), (1.0, True)):
        rule = InPoseRule(temperature=temperature)
        first, second = (
            PoseSolver(prior, SKELETON, rule, seed=seed).solve_batch([_window()]).window for seed in (0, 1)
        )
        assert torch.equal(first, second) != depends
