from dataclasses import replace

import pytest
import torch

from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion import checkpoint
from inpose_ros.diffusion.loading import load_solver
from inpose_ros.diffusion.sampler import InPoseRule
from inpose_ros.diffusion.solver import PoseSolver, select_device
from inpose_ros.errors import DeviceError, ModelError
from inpose_ros.geometry import rotation

from .examples import HANDS, random_pose, small_denoiser, window_of

SKELETON = Skeleton.mean()
ROOT = torch.tensor([0.3, -0.2, 0.9]).expand(8, 3)
RULE = InPoseRule(steps=(999, 300))


def _turned(window, angle: float, shift: list[float]):
    turn, move = rotation.about_z(torch.tensor(angle)), torch.tensor(shift)
    return replace(
        window,
        rot_world_joint=turn @ window.rot_world_joint,
        location=(turn @ window.location[..., None])[..., 0] + move,
    )


def test_where_the_user_stands_and_faces_makes_no_difference(prior):
    solver = PoseSolver(prior, SKELETON, RULE)
    window = window_of(random_pose(8, spread=0.2), SKELETON, ROOT, HANDS, HANDS)
    turn, shift = 2.5, [3.0, -1.0, 0.0]
    here, there = solver.solve(window), solver.solve(_turned(window, turn, shift))
    turned = rotation.about_z(torch.tensor(turn, dtype=torch.float64))
    assert rotation.angle_between(turned @ here.rot_world_joint, there.rot_world_joint).max() < 2e-3
    expected = (turned @ here.positions[..., None])[..., 0] + torch.tensor(shift)
    assert torch.allclose(expected, there.positions, atol=2e-3)


def test_body_size_makes_no_difference_to_the_rotations(prior):
    rot = random_pose(8, spread=0.2)
    states = []
    for scale in (0.6, 1.4):
        body = SKELETON.scaled(scale)
        window = window_of(rot, body, scale * ROOT, HANDS, HANDS, stddev=0.001 * scale)
        states.append(PoseSolver(prior, body, RULE).solve(window))
    assert rotation.angle_between(states[0].rot_world_joint, states[1].rot_world_joint).max() < 2e-3
    assert torch.allclose(states[0].positions / 0.6, states[1].positions / 1.4, atol=2e-3)


def test_the_head_is_where_an_exact_tracker_measured_it(prior):
    window = window_of(random_pose(8, spread=0.2), SKELETON, ROOT, HANDS, HANDS, stddev=1e-5)
    state = PoseSolver(prior, SKELETON, RULE).solve(window)
    assert torch.allclose(state.positions[15].float(), window.location[-1, 15], atol=1e-5)
    assert state.root_observed
    assert state.stamp_ns == window.stamp_ns
    assert state.measured.nonzero().flatten().tolist() == HANDS


def test_without_any_location_the_lowest_foot_stands_on_the_floor(prior):
    window = window_of(random_pose(8, spread=0.2), SKELETON, ROOT, [0, *HANDS], [])
    state = PoseSolver(prior, SKELETON, RULE).solve(window, floor_height=0.25)
    assert not state.root_observed
    assert float(state.positions[[10, 11], 2].min()) == pytest.approx(0.25 + SKELETON.sole, abs=1e-5)
    assert state.root[:2].tolist() == [0, 0]


def test_the_head_height_counts_only_where_it_may_be_seen(prior):
    window = window_of(random_pose(8, spread=0.2), SKELETON, ROOT, HANDS, [15])
    lifted = replace(window, location=window.location + torch.tensor([0.0, 0.0, 0.5]))
    for seen in (True, False):
        solver = PoseSolver(prior, SKELETON, RULE, use_height=seen, use_floor=False)
        poses = [solver.solve(each).rot_world_joint for each in (window, lifted)]
        assert torch.allclose(*poses, atol=1e-6) != seen


def test_the_spread_is_finite_and_least_where_it_is_measured(prior):
    window = window_of(random_pose(8, spread=0.2), SKELETON, ROOT, HANDS, HANDS)
    state = PoseSolver(prior, SKELETON, RULE).solve(window)
    free = [joint for joint in range(22) if joint not in HANDS]
    assert state.rotation_stddev[HANDS].max() < state.rotation_stddev[free].min()
    assert state.position_stddev.isfinite().all()
    assert int(state.position_stddev.argmin()) == 15


def test_a_batch_gives_what_its_windows_give_alone(prior):
    solver = PoseSolver(prior, SKELETON, RULE)
    windows = [window_of(random_pose(8, seed=seed, spread=0.2), SKELETON, ROOT, HANDS, HANDS) for seed in (0, 1)]
    both = solver.solve_batch(windows)
    for row, window in enumerate(windows):
        assert torch.allclose(both.rot_world_joint[row], solver.solve_batch([window]).rot_world_joint[0], atol=1e-4)


class _Overheard(InPoseRule):
    """The rule, and the last condition that it was given."""

    def __call__(self, prior, noise, condition, likelihood, measured_stddev):
        object.__setattr__(self, 'condition', condition)
        return super().__call__(prior, noise, condition, likelihood, measured_stddev)


def test_the_prior_is_told_of_each_window_whether_it_is_zeroed(prior):
    rule, window = _Overheard(), window_of(random_pose(8, spread=0.2), SKELETON, ROOT, HANDS, HANDS)
    PoseSolver(prior, SKELETON, rule).solve_batch([replace(window, zeroed=zeroed) for zeroed in (True, False, True)])
    assert rule.condition.zeroed.tolist() == [[True] * 8, [False] * 8, [True] * 8]


def test_a_zeroed_window_has_another_pose(prior):
    window = window_of(random_pose(8, spread=0.2), SKELETON, ROOT, HANDS, HANDS)
    solver = PoseSolver(prior, SKELETON, RULE)
    plain, zeroed = (solver.solve(replace(window, zeroed=each)).rot_world_joint for each in (False, True))
    assert rotation.angle_between(plain, zeroed).max() > 1e-3


def test_a_device_that_is_not_there_is_refused_with_a_reason(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    assert select_device('auto').type == 'cpu'
    with pytest.raises(DeviceError, match='no usable GPU'):
        select_device('cuda')
    with pytest.raises(DeviceError, match='auto, cpu or cuda'):
        select_device('tpu')


def test_a_solver_is_loaded_from_a_folder_and_an_unknown_method_is_refused(tmp_path):
    checkpoint.save(tmp_path, small_denoiser())
    solver = load_solver(tmp_path, 'cpu', SKELETON)
    assert (solver.frames, solver.rate) == (8, 30.0)
    with pytest.raises(ModelError, match='inpose, window, paper'):
        load_solver(tmp_path, 'cpu', SKELETON, method='magic')
