"""Rivals see locations where ours does not, and no more: neither where one stands nor what is not measured."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inpose_ros.body import kinematics, smpl22
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.errors import ModelError
from inpose_ros.evaluation.evaluate import build_scenario, evaluate
from inpose_ros.evaluation.methods import METHODS, Contender
from inpose_ros.evaluation.setting import Setting
from inpose_ros.geometry import rotation
from inpose_ros.motion.clip import MotionClip
from inpose_ros.motion.packed import PackedMotion
from inpose_ros.sensing.resample import JointWindow
from inpose_ros.tools.rivals import residuals
from inpose_ros.tools.rivals.contenders import RIVALS
from inpose_ros.tools.rivals.networks import NetworkRival, RivalSolver
from inpose_ros.tools.rivals.tasks import TASKS

from ...training.examples import FRAMES, RATE, small_denoiser
from .people import elsewhere, person, places, windows

PRIOR = MotionPrior(small_denoiser())
NEWEST = (10, 20, 35)
HANDS = list(smpl22.WRISTS)


def solver(models: Path, name: str, clip: MotionClip) -> RivalSolver:
    offered = RIVALS[name]
    return NetworkRival(offered.task, offered.steps, models).solver(PRIOR, clip.skeleton, 0)


@pytest.mark.parametrize('name', list(TASKS))
@pytest.mark.parametrize('angle', [0.7, -2.9])
def test_where_one_stands_and_faces_makes_no_difference(models: Path, name: str, angle: float) -> None:
    clip = person()
    other = elsewhere(clip, angle)
    here, there = (solver(models, name, each).solve_batch(windows(each, *NEWEST)) for each in (clip, other))
    turn = rotation.about_z(torch.tensor(angle))
    assert torch.allclose(there.rot_world_joint, turn @ here.rot_world_joint, atol=2e-3)
    expected = here.root @ turn.T + torch.tensor([2.0, -3.0, 0.0])
    assert torch.allclose(there.root, expected, atol=2e-3)


@pytest.mark.parametrize('name', list(TASKS))
def test_the_head_is_where_it_was_measured(models: Path, name: str) -> None:
    clip = person()
    found = places(clip.skeleton, solver(models, name, clip).solve_batch(windows(clip, *NEWEST)))
    assert torch.allclose(found[:, smpl22.HEAD], clip.positions.float()[list(NEWEST), smpl22.HEAD], atol=1e-4)


@pytest.mark.parametrize('name', ['location_conditioned', 'location_augmented', 'regression'])
def test_a_larger_body_in_the_same_motion_is_given_another_pose_where_ours_is_not(models: Path, name: str) -> None:
    clip = person()
    larger = clip.scaled(1.4)
    poses = [solver(models, name, each).solve_batch(windows(each, *NEWEST)).rot_world_joint for each in (clip, larger)]
    assert rotation.angle_between(*poses).max() > 0.02
    ours = [
        METHODS['inpose'].solver(PRIOR, each.skeleton, 0).solve_batch(windows(each, *NEWEST)).rot_world_joint
        for each in (clip, larger)
    ]
    assert rotation.angle_between(*ours).max() < 0.02


@pytest.mark.parametrize('name', list(TASKS))
def test_nothing_is_seen_of_what_is_not_measured(models: Path, name: str) -> None:
    clip = person()
    given = windows(clip, 2, 20, sensors='head,left_wrist,pelvis:imu')
    hidden = [
        JointWindow(**vars(window) | {
            'rot_world_joint': torch.where(window.rot_valid[..., None, None], window.rot_world_joint, torch.eye(3)),
            'location': torch.where(window.location_valid[..., None], window.location, torch.zeros(3)),
        })
        for window in given
    ]  # fmt: skip
    seen, blind = (solver(models, name, clip).solve_batch(part) for part in (given, hidden))
    assert torch.allclose(seen.rot_world_joint, blind.rot_world_joint, atol=1e-5)
    assert torch.allclose(seen.root, blind.root, atol=1e-5)


@pytest.mark.parametrize('name', list(TASKS))
def test_measured_rotations_are_kept(models: Path, name: str) -> None:
    clip = person()
    found = solver(models, name, clip).solve_batch(windows(clip, *NEWEST))
    worn = [smpl22.HEAD, *smpl22.WRISTS]
    assert torch.allclose(found.rot_world_joint[:, worn], clip.rot_world_joint[list(NEWEST)][:, worn], atol=1e-5)


def test_rivals_and_methods_are_contenders_under_different_names() -> None:
    assert not RIVALS.keys() & METHODS.keys()
    assert all(isinstance(each, Contender) for each in (RIVALS | METHODS).values())
    assert all(NetworkRival(task).folder.name == name == task.name for name, task in TASKS.items())


def hand_error(models: Path, clip: MotionClip) -> torch.Tensor:
    found = places(clip.skeleton, solver(models, 'regression_ik', clip).solve_batch(windows(clip, *NEWEST)))
    return (found - clip.positions.float()[list(NEWEST)])[:, HANDS].norm(dim=-1)


@pytest.mark.parametrize('groups', [{}, {'arms': 1.4, 'torso': 0.7}, {'upper': 0.85}])
@pytest.mark.parametrize('factor', [0.6, 1.0, 1.4])
def test_regression_ik_puts_the_wrists_where_they_were_measured_on_any_body(
    factor: float, groups: dict[str, float]
) -> None:
    """The regression is off by some ten degrees at every joint between."""
    clip = person()
    clip = clip.on_body(clip.skeleton.with_groups(groups)).scaled(factor)
    off = torch.zeros(len(NEWEST), 22, 3)
    off[:, residuals.BETWEEN] = 0.1 * torch.randn(len(NEWEST), 8, 3, generator=torch.Generator().manual_seed(0))
    regressed = clip.rot_world_joint[list(NEWEST)] @ rotation.exp(off)
    found = residuals.corrected(regressed, 0.1 * torch.eye(24), clip.skeleton.bones.float(), windows(clip, *NEWEST))
    before, after = (
        wrists_from_head(clip, rot) - wrists_from_head(clip, clip.rot_world_joint[list(NEWEST)])
        for rot in (regressed, found)
    )
    assert before.norm(dim=-1).mean() > 0.05 * factor
    assert after.norm(dim=-1).max() < 0.002
    others = [joint for joint in range(22) if joint not in residuals.BETWEEN]
    assert torch.allclose(found[:, others], regressed[:, others], atol=1e-5)


def wrists_from_head(clip: MotionClip, rot: torch.Tensor) -> torch.Tensor:
    place = kinematics.joint_positions(clip.skeleton, rot)
    return place[:, HANDS] - place[:, [smpl22.HEAD]]


@pytest.mark.parametrize('factor', [0.6, 1.4])
def test_regression_ik_errs_in_proportion_to_the_body(models: Path, factor: float) -> None:
    own, scaled = (hand_error(models, clip) for clip in (person(), person().scaled(factor)))
    assert torch.allclose(scaled, factor * own, rtol=0.02, atol=1e-3)


def test_regression_ik_believes_noisy_trackers_less(models: Path) -> None:
    clip = person()
    given = windows(clip, *NEWEST)
    noisy = [replace(window, position_stddev=torch.full((22,), 0.2)) for window in given]
    true = clip.positions.float()[list(NEWEST)]
    errors = [
        (places(clip.skeleton, solver(models, 'regression_ik', clip).solve_batch(part)) - true)[:, HANDS].norm(dim=-1)
        for part in (given, noisy)
    ]
    assert errors[1].mean() > 1.5 * errors[0].mean()


@pytest.mark.parametrize('name', list(TASKS))
def test_a_rival_is_scored_like_any_method(packed: Path, models: Path, name: str) -> None:
    scene = build_scenario(
        list(PackedMotion(packed, 'test')), Setting(), first=FRAMES - 1, stride=5, frames=8, rate=RATE, shuffle=False,
        seed=0,
    )  # fmt: skip
    scores = evaluate(scene, NetworkRival(RIVALS[name].task, RIVALS[name].steps, models), PRIOR, 0)
    assert all(value == value for value in scores.values()) and scores['mpjpe_cm'] > 0


@pytest.mark.parametrize('name', list(TASKS))
def test_missing_weights_are_said_with_the_command_that_trains_them(tmp_path: Path, name: str) -> None:
    rival = NetworkRival(RIVALS[name].task, RIVALS[name].steps, tmp_path)
    with pytest.raises(ModelError, match=f'inpose train --rival {name} '):
        rival.solver(PRIOR, person().skeleton, 0)


def test_weights_of_a_run_that_did_not_end_are_refused(tmp_path: Path, models: Path) -> None:
    (tmp_path / 'regression_ik').symlink_to(models / 'regression')
    with pytest.raises(ModelError, match='did not come to its end'):
        NetworkRival(TASKS['regression_ik'], models=tmp_path).solver(PRIOR, person().skeleton, 0)
