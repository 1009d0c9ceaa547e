from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from inpose_ros.body import kinematics
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.body.state import BodyState
from inpose_ros.diffusion.denoiser import OUTPUT_FEATURES
from inpose_ros.diffusion.output import posterior_of, seen_covariance
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.sampler import InPoseRule
from inpose_ros.diffusion.solver import PoseSolver
from inpose_ros.diffusion.stream import StreamSolver
from inpose_ros.geometry import rotation
from inpose_ros.sensing.resample import JointWindow

from .examples import FRAMES, HANDS, TICK_NS, random_pose, small_denoiser, stream_windows, window_of

SKELETON = Skeleton.mean()


def _solver(prior: MotionPrior, **options: object) -> StreamSolver:
    return StreamSolver(prior, SKELETON, **options)


def _t_pose(stddev: float) -> MotionPrior:
    """A prior that expects a T-pose whatever it is given, and is so sure of it [log rad]."""
    denoiser = small_denoiser()
    bias = torch.zeros(denoiser.config.patch, OUTPUT_FEATURES)
    bias[:, : 22 * 9] = torch.tensor([1.0, 0, 0, 0, 1, 0, *3 * [stddev]]).repeat(22)
    denoiser.head.weight.zero_()
    denoiser.head.bias.copy_(bias.flatten())
    return MotionPrior(denoiser)


def test_a_pass_from_scratch_is_one_step_of_the_solver_ofstream_windows(prior: MotionPrior) -> None:
    """All that comes after the network is written twice, in NumPy and in PyTorch: here they meet."""
    window, solver = stream_windows(1)[0], _solver(prior)
    one = PoseSolver(prior, SKELETON, InPoseRule(steps=(999,))).solve(window, 0.01)
    seen = solver._seen([window], 0.01)
    pose, _ = solver._from_scratch(seen, 0.01)
    found = posterior_of(pose, seen, solver._newest_corrector, HANDS, 0.01)
    # As near as a correction that ends when it moves no more.
    assert rotation.angle_between(one.rot_world_joint, found.rot_world_joint[0]).max() < 1e-3
    spread = seen_covariance(found, window, solver._newest_corrector, 15)
    pairs = ((one.root, found.root[0]), (one.position_covariance, spread), (one.foot_contact, found.contact[0]))
    assert all(torch.allclose(own, other, atol=1e-4) for own, other in pairs)


@pytest.mark.parametrize('located', [[15, 20, 21], [0, 20], []])
def test_every_body_is_placed_by_its_head_or_by_what_is_located_or_on_the_floor(
    prior: MotionPrior, located: list[int]
) -> None:
    solver, twin = _solver(prior), PoseSolver(prior, SKELETON, InPoseRule())
    seen = [torch.tensor([joint in located and joint not in silent for joint in range(22)])
            for silent in ((), (15,), range(22))]  # fmt: skip
    windows = [
        replace(window, location_valid=own.expand(FRAMES, 22))
        for window, own in zip(stream_windows(3, sensors=[0, *HANDS]), seen)
    ]
    seen = solver._seen(windows, 0.03)
    pose, _ = solver._from_scratch(seen, 0.03)
    found = posterior_of(pose, seen, solver._newest_corrector, sorted(solver._located), 0.03)
    relative = torch.stack([kinematics.joint_positions(SKELETON, rot) for rot in found.rot_world_joint])
    location = torch.zeros(3, 22, 3, dtype=torch.float64)
    location[:, sorted(solver._located)] = torch.from_numpy(seen.location[:, -1])
    valid = torch.stack([window.location_valid[-1] for window in windows])
    root, observed = twin._place(relative, location, valid, 0.03)
    assert torch.allclose(root, found.root, atol=1e-6) and torch.equal(observed, found.root_observed)


def test_after_the_first_frame_each_takes_one_pass_and_more_where_more_steps_are_wanted(prior: MotionPrior) -> None:
    """The first takes two, the second of which goes on from the first as frames do from those before."""
    for steps in (1, 3):
        solver, passes = _solver(prior, steps=steps, check_every=1e9), []
        for window in stream_windows():
            state = solver.solve(window)
            passes.append(solver.passes)
        assert passes == [2] + [steps] * 5
    assert torch.equal(state.measured, window.rot_valid[-1]) and state.stamp_ns == window.stamp_ns


def _off(state: BodyState, window: JointWindow, frame: int = -1) -> float:
    """How far the hands are from where they were measured, seen from the head [m]."""
    off = state.positions[HANDS].float() - window.location[frame, HANDS]
    return float((off - off[0]).norm(dim=-1).max())


def test_exact_trackers_are_met_in_every_frame() -> None:
    prior = _t_pose(stddev=1.0)
    solver, blind = _solver(prior), _solver(prior, use_locations=False)
    for window in stream_windows():
        state = solver.solve(window)
        assert _off(state, window) < 0.04 < 0.1 < _off(blind.solve(window), window)
        turned = rotation.angle_between(state.rot_world_joint[HANDS].float(), window.rot_world_joint[-1, HANDS])
        assert turned.max() < 0.05


def test_where_the_user_stands_and_faces_makes_no_difference(prior: MotionPrior) -> None:
    turn, shift = rotation.about_z(torch.tensor(2.0)), torch.tensor([3.0, -1.0, 0.0])
    here, there = _solver(prior), _solver(prior)
    for window in stream_windows():
        moved = replace(
            window,
            rot_world_joint=turn @ window.rot_world_joint,
            location=(turn @ window.location[..., None])[..., 0] + shift,
        )
        one, other = here.solve(window), there.solve(moved)
    assert rotation.angle_between(turn.double() @ one.rot_world_joint, other.rot_world_joint).max() < 2e-3


def test_streams_side_by_side_are_as_each_alone(prior: MotionPrior) -> None:
    together, alone = _solver(prior), [_solver(prior) for _ in range(2)]
    for pair in zip(stream_windows(seed=1), stream_windows(seed=2)):
        both = together.solve_streams(pair, ('anna', 'ben'))
        for row, (solver, window) in enumerate(zip(alone, pair)):
            assert rotation.angle_between(both.rot_world_joint[row], solver.solve(window).rot_world_joint).max() < 2e-3


def test_a_stream_that_begins_late_is_as_one_that_begins_alone(prior: MotionPrior) -> None:
    together, late = _solver(prior), _solver(prior)
    first, second = stream_windows(seed=1), stream_windows(seed=2)
    together.solve_streams(first[:1], ('anna',))
    for k in range(1, 4):
        both = together.solve_streams((first[k], second[k]), ('anna', 'ben'))
        assert rotation.angle_between(both.rot_world_joint[1], late.solve(second[k]).rot_world_joint).max() < 2e-3


@pytest.mark.parametrize('gap_ns', [-TICK_NS, 0, 400_000_000])
def test_a_past_that_lies_ahead_or_too_far_back_counts_no_more(prior: MotionPrior, gap_ns: int) -> None:
    solver, windows = _solver(prior), stream_windows()
    for window in windows:
        solver.solve(window)
    then = replace(windows[-1], stamp_ns=windows[-1].stamp_ns + gap_ns)
    again, fresh = solver.solve(then), _solver(prior).solve(then)
    assert torch.equal(again.rot_world_joint, fresh.rot_world_joint)


def test_reset_forgets_the_past(prior: MotionPrior) -> None:
    solver, windows = _solver(prior), stream_windows()
    for window in windows[:-1]:
        solver.solve(window)
    solver.reset()
    assert torch.equal(solver.solve(windows[-1]).rot_world_joint, _solver(prior).solve(windows[-1]).rot_world_joint)


def test_with_a_lag_a_pose_is_of_its_own_time_and_meets_what_was_measured_then() -> None:
    solver = _solver(_t_pose(stddev=1.0), lag=2)
    for window in stream_windows():
        state = solver.solve(window)
        assert state.stamp_ns == pytest.approx(window.stamp_ns - 2 * TICK_NS, abs=2)
        assert _off(state, window, frame=-3) < 0.04


def test_who_waits_believes_the_same_as_who_does_not(prior: MotionPrior) -> None:
    """A lag changes what is handed out, and nothing of what later frames go on from."""
    prompt, late = _solver(prior), _solver(prior, lag=3)
    for window in stream_windows():
        poses = [solver.solve(window).rot_world_joint for solver in (prompt, late)]
        assert rotation.angle_between(*poses).max() > 1e-3
        pasts = [solver._histories[''] for solver in (prompt, late)]
        assert np.array_equal(pasts[0].stamps, pasts[1].stamps) and np.array_equal(pasts[0].columns, pasts[1].columns)


def test_other_bones_may_be_set_between_two_frames(prior: MotionPrior) -> None:
    solver, windows = _solver(prior), stream_windows()
    solver.solve(windows[0])
    solver.skeleton = SKELETON.scaled(1.1)
    state = solver.solve(windows[1])
    assert torch.allclose(state.skeleton.bones, 1.1 * SKELETON.bones)
    expected = state.root + kinematics.joint_positions(state.skeleton, state.rot_world_joint)
    assert torch.allclose(expected, state.positions)


def _with_a_wrong_past(stddev: float) -> tuple[StreamSolver, list[JointWindow]]:
    solver = StreamSolver(_t_pose(stddev), SKELETON, check_every=0.0)
    windows = [replace(window, location_valid=torch.zeros_like(window.location_valid)) for window in stream_windows()]
    solver.solve(windows[0])
    bent = torch.from_numpy(solver._last.newest.rot) @ rotation.exp(torch.tensor([0.5, 0.0, 0.0])).double()
    bent = replace(solver._last.newest, rot=bent.numpy())
    solver._last = solver._last._replace(newest=bent, handed_out=bent)
    return solver, windows


def test_a_past_that_a_pass_without_one_contradicts_is_given_up() -> None:
    solver, _ = _with_a_wrong_past(stddev=-1.0)
    assert solver.check() == ['']


def test_who_follows_the_poses_sees_a_new_past_come_in_smoothly() -> None:
    """From half a radian off: nothing at once, nothing left in the end, and never much from one pose to the next."""
    solver, windows = _with_a_wrong_past(stddev=-1.0)
    last = solver._last
    wrong = torch.from_numpy(last.seen.turn[0].T @ last.handed_out.rot[0])
    solver.check()
    solver._check_ns = 1e18
    begin, poses = windows[0].stamp_ns, [wrong]
    for tick in range(1, 13):
        poses.append(solver.solve(replace(windows[0], stamp_ns=begin + tick * TICK_NS)).rot_world_joint)
    free = [joint for joint in range(22) if joint not in HANDS]
    steps = [rotation.angle_between(a[free], b[free]).max() for a, b in pairwise(poses)]
    assert rotation.angle_between(poses[0][free], poses[-1][free]).min() > 0.45
    assert max(steps) < 0.5 * 1.875 * TICK_NS / 300e6 + 1e-3 and max(steps[0], steps[-1]) < 1e-3


def test_where_a_tracker_was_when_a_past_was_given_up_leaves_nothing() -> None:
    """A hand is elsewhere, the stream begins anew meanwhile, and the hand is back."""
    there = stream_windows(1)[0]
    location = there.location.clone()
    location[:, HANDS[1]] += torch.tensor([-0.1, 0.0, 0.1])
    elsewhere = replace(there, location=location)
    poses = []
    for begins_anew in (True, False):
        solver = _solver(_t_pose(stddev=-1.0), check_every=1e9)
        for tick, window in enumerate((elsewhere, elsewhere, there)):
            pose = solver.solve(replace(window, stamp_ns=window.stamp_ns + tick * TICK_NS)).rot_world_joint
            if begins_anew and tick == 0:
                solver._blends.leave('', pose.numpy())
        poses.append(pose)
    assert rotation.angle_between(*poses).max() < 0.02


def test_a_past_that_is_within_the_doubt_of_a_pass_without_one_is_kept() -> None:
    solver, _ = _with_a_wrong_past(stddev=3.0)
    assert solver.check() == []


def test_there_is_no_look_at_the_past_before_it_is_time(prior: MotionPrior) -> None:
    solver, looks = _solver(prior, check_every=0.12), []
    for window in stream_windows(8):
        solver.solve(window)
        before = solver.passes
        solver.check()
        looks.append(solver.passes > before)
    assert looks == [False] * 4 + [True] + [False] * 3


def test_of_a_body_that_keeps_still_the_network_is_given_less_of_the_newest_frames() -> None:
    prior, given = _t_pose(stddev=-1.0), []
    rows = prior.backend.rows
    prior.backend.rows = lambda noisy, *rest: given.append(noisy) or rows(noisy, *rest)
    solver, window = _solver(prior), stream_windows(1)[0]
    for tick in range(2):
        solver.solve(replace(window, stamp_ns=window.stamp_ns + tick * TICK_NS))
    size = np.linalg.norm(given[-1][0].reshape(FRAMES, 22, 6)[:, 0], axis=-1)
    assert (np.diff(size) < 0).all() and size[-1] < 0.8 * size[0]


def test_the_stages_add_up_to_the_time_of_a_frame(prior: MotionPrior) -> None:
    solver = _solver(prior)
    for window in stream_windows(2):
        solver.solve(window)
    assert set(solver.timings) == {'likelihood', 'network', 'update'}
    assert all(value > 0 for value in solver.timings.values())


def test_noisy_trackers_are_outweighed_by_what_the_whole_window_says_of_them() -> None:
    """The body keeps still, half a hand from where the network has it; single readings err by more than that."""
    generator = torch.Generator().manual_seed(3)
    rot, root = random_pose(1, spread=0.1).expand(FRAMES, -1, -1, -1), torch.tensor([0.3, -0.2, 0.9]).expand(FRAMES, 3)
    true = window_of(rot, SKELETON, root, HANDS, HANDS, stddev=0.1)
    noise = 0.1 * torch.randn(20, *true.location.shape, generator=generator)
    windows = [replace(true, location=true.location + own) for own in noise]

    def off(**options: object) -> float:
        """Of the hands, seen from the head [m]."""
        found = _solver(_t_pose(1.0), **options).solve_batch(windows).rot_world_joint.float()
        there, wanted = (kinematics.joint_positions(SKELETON, own) for own in (found, rot[-1]))
        return float(((there - there[:, [15]]) - (wanted - wanted[15]))[:, [20, 21]].norm(dim=-1).mean())

    assert off() < 0.7 * off(use_smoothing=False)


@pytest.mark.parametrize('make', [StreamSolver, lambda *parts: PoseSolver(*parts, InPoseRule())])
def test_who_is_not_sure_of_the_bones_is_less_sure_of_places_but_not_of_those_that_were_measured(make) -> None:
    certain, unsure = (make(_t_pose(stddev=1.0), SKELETON) for _ in range(2))
    unsure.bone_covariance = 0.02**2 * torch.eye(66)
    window = stream_windows(1)[0]
    one, other = (solver.solve(window).position_stddev for solver in (certain, unsure))
    free = [joint for joint in range(22) if joint not in HANDS]
    assert torch.allclose(one[HANDS], other[HANDS]) and (other[free] > one[free] + 1e-4).all()
