"""A floor of NaN: both solvers then know nothing of heights, and say numbers all the same."""

from dataclasses import replace

import pytest
import torch

from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.sampler import InPoseRule
from inpose_ros.diffusion.solver import PoseSolver
from inpose_ros.diffusion.stream import StreamSolver
from inpose_ros.geometry import rotation

from .examples import stream_windows

NAN = float('nan')
SOLVERS = {
    'windows': lambda prior, **options: PoseSolver(prior, Skeleton.mean(), InPoseRule(), **options),
    'stream': lambda prior, **options: StreamSolver(prior, Skeleton.mean(), **options),
}


def raised(window, height):
    return replace(window, location=window.location + torch.tensor([0.0, 0.0, height]))


def solved(solver, windows, floor):
    states = []
    for window in windows:
        states.append(solver.solve(window, floor))
        solver.check()
    return states[-1]


@pytest.mark.parametrize('build', SOLVERS.values(), ids=SOLVERS)
def test_on_a_floor_that_is_not_known_it_makes_no_difference_how_high_somebody_is(prior, build):
    windows = stream_windows(4)
    here = solved(build(prior), windows, NAN)
    there = solved(build(prior), [raised(window, -5.0) for window in windows], NAN)
    assert rotation.angle_between(here.rot_world_joint, there.rot_world_joint).max() < 2e-3
    assert torch.allclose(here.positions, there.positions + torch.tensor([0.0, 0.0, 5.0]), atol=2e-3)


@pytest.mark.parametrize('build', SOLVERS.values(), ids=SOLVERS)
def test_a_floor_that_is_not_known_is_as_none(prior, build):
    windows = stream_windows(3)
    unknown = solved(build(prior), windows, NAN)
    none = solved(build(prior, use_height=False, use_floor=False), windows, 0.0)
    assert torch.allclose(unknown.rot_world_joint, none.rot_world_joint, atol=1e-6)
    assert not torch.allclose(unknown.rot_world_joint, solved(build(prior), windows, 0.0).rot_world_joint, atol=1e-3)


@pytest.mark.parametrize('build', SOLVERS.values(), ids=SOLVERS)
def test_without_a_floor_and_without_a_place_numbers_are_finite(prior, build):
    windows = stream_windows(3)
    state = solved(build(prior), [replace(w, location_valid=w.location_valid & False) for w in windows], NAN)
    assert not state.root_observed
    assert torch.isfinite(state.positions).all() and torch.isfinite(state.position_covariance).all()
