"""Rivals are trained as they are run: the same view of the same people."""

import csv
import functools
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.denoiser import Condition
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.errors import ModelError
from inpose_ros.geometry import rotation
from inpose_ros.tools.rivals import residuals, tasks
from inpose_ros.tools.rivals.networks import NetworkRival, RivalSolver, load
from inpose_ros.tools.rivals.tasks import TASKS, RivalTask
from inpose_ros.training.windows import MotionWindow

from ...training.examples import small_denoiser, source, trainer, turned
from .people import person, windows

COUNT = 12
PRIOR = MotionPrior(small_denoiser())


@pytest.fixture(autouse=True)
def few_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RivalTask, 'validate', functools.partialmethod(RivalTask.validate, count=8))
    monkeypatch.setattr(tasks, '_RESIDUAL_WINDOWS', 300)


@pytest.fixture(scope='module')
def window(packed: Path) -> MotionWindow:
    return source(packed).random(COUNT, torch.Generator().manual_seed(2))


def example(name: str, window: MotionWindow, seed: int = 0) -> Condition:
    return TASKS[name].example(window, PRIOR, torch.Generator().manual_seed(seed)).condition


@pytest.mark.parametrize('name', list(TASKS))
def test_a_run_leaves_a_model_that_its_rival_loads_and_curves(tmp_path: Path, packed: Path, name: str) -> None:
    trainer(tmp_path / name / 'run', packed, 3, task=TASKS[name]).run()
    (tmp_path / 'models').mkdir()
    (tmp_path / 'models' / name).symlink_to(tmp_path / name / 'run' / 'model')
    clip = person()
    found = NetworkRival(TASKS[name], (999,), tmp_path / 'models').solver(PRIOR, clip.skeleton, 0)
    assert found.solve_batch(windows(clip, 10)).root.isfinite().all()
    with (tmp_path / name / 'run' / 'curves.csv').open() as file:
        table = list(csv.DictReader(file))
    assert {'loss', 'one_pass_cm' if TASKS[name].regression else 'two_steps_cm'} <= set(table[0])


@pytest.mark.parametrize('name', ['location_augmented', 'regression'])
def test_an_interrupted_run_ends_with_the_very_same_weights(tmp_path: Path, packed: Path, name: str) -> None:
    trainer(tmp_path / 'whole', packed, 4, task=TASKS[name]).run()
    stopped = trainer(tmp_path / 'parts', packed, 4, task=TASKS[name])
    stopped._train_step(), stopped._train_step()
    stopped._checkpoint()
    resumed = trainer(tmp_path / 'parts', packed, 4, task=TASKS[name])
    resumed.resume()
    assert resumed.step == 2
    resumed.run()
    weights = [(tmp_path / run / 'model' / 'model.safetensors').read_bytes() for run in ('whole', 'parts')]
    assert weights[0] == weights[1]


def test_a_folder_of_another_rival_or_of_the_prior_is_refused(tmp_path: Path, packed: Path) -> None:
    trainer(tmp_path, packed, 1, task=TASKS['regression'])._checkpoint()
    for task in (TASKS['regression_ik'], None):
        with pytest.raises(ModelError, match='regression'):
            trainer(tmp_path, packed, 1, task=task).resume()


@pytest.mark.parametrize('name', list(TASKS))
def test_where_the_person_stands_and_faces_makes_no_difference(window: MotionWindow, name: str) -> None:
    other = turned(window, 2.0)
    other = replace(other, root=other.root + torch.tensor([3.0, -1.0, 0.0]))
    about, here = (example(name, each).features()[..., :244] for each in (other, window))
    assert torch.allclose(about, here, atol=1e-4)


def test_locations_are_in_metres_from_the_head(window: MotionWindow) -> None:
    given, larger = (
        example('regression', each)
        for each in (window, replace(window, root=1.3 * window.root, bones=1.3 * window.bones))
    )
    assert given.location_mask.any()
    assert torch.allclose(larger.location, 1.3 * given.location, atol=1e-4)
    both = given.location_mask[..., smpl22.HEAD] & given.location_mask[..., 20]
    true = (window.positions[:, :, 20] - window.positions[:, :, smpl22.HEAD]).norm(dim=-1)
    assert torch.allclose(given.location[:, :, 20].norm(dim=-1)[both], true[both], atol=1e-4)


def test_the_height_is_in_metres_where_locations_are_seen_and_over_stature_where_not(window: MotionWindow) -> None:
    larger = replace(window, root=1.3 * window.root, bones=1.3 * window.bones)
    seen, blind = (
        [example(name, each).height for each in (window, larger)] for name in ('regression', 'regression_ik')
    )
    assert torch.allclose(blind[1], blind[0], atol=1e-4)
    assert (seen[1] / seen[0] > 1.2).all()


def test_a_located_head_has_its_height_and_only_what_is_worn_is_located(window: MotionWindow) -> None:
    for seed in range(5):
        given = example('location_conditioned', window, seed)
        assert not (given.location_mask[..., smpl22.HEAD] & ~given.height_mask).any()
        assert not (given.location_mask & ~given.rotation_mask).any()
        assert not given.location[~given.location_mask].any()


def test_some_windows_have_no_locations_and_regression_ik_never_has(window: MotionWindow) -> None:
    whole = torch.cat([example('regression', window, seed).location_mask.flatten(1).any(-1) for seed in range(20)])
    assert 0.2 < float(whole.float().mean()) < 0.95
    others = torch.arange(22) != smpl22.HEAD  # how the head moves, the prior sees too
    assert not example('regression_ik', window).location_mask[..., others].any()


def test_only_the_augmented_rival_varies_the_body(window: MotionWindow) -> None:
    for name, task in TASKS.items():
        seen = task.example(window, PRIOR, torch.Generator().manual_seed(0)).window
        assert torch.equal(seen.bones, window.bones) != (name == 'location_augmented')
        assert torch.equal(seen.rot_world_joint, window.rot_world_joint)


def test_a_regression_starts_from_nothing_at_a_constant_step(window: MotionWindow) -> None:
    made = TASKS['regression'].example(window, PRIOR, torch.Generator().manual_seed(0))
    assert not made.noisy.any() and made.steps.unique().tolist() == [999]
    made = TASKS['location_conditioned'].example(window, PRIOR, torch.Generator().manual_seed(0))
    assert made.noisy.any() and len(made.steps.unique()) > 1


@pytest.mark.parametrize('name', list(TASKS))
def test_the_condition_of_training_is_the_solvers(packed: Path, models: Path, name: str) -> None:
    """Perfect trackers, the same instant: what a network learned from is what it is given."""
    clip, task = person(), TASKS[name]
    given = windows(clip, 20)
    solver = RivalSolver(NetworkRival(task), clip.skeleton, *load(models / name, torch.device('cpu')))
    stacked = (given[0].rot_world_joint[None], given[0].rot_valid[None])
    turn = rotation.about_z(-torch.stack([rotation.heading(stacked[0][0, -1, smpl22.HEAD])]))[:, None, None]
    motion = MotionWindow(
        stacked[0], clip.root[13:21][None], clip.skeleton.bones.float()[None], torch.ones(1, 8, dtype=torch.bool),
        torch.zeros(1, dtype=torch.bool), clip.fps,
    )  # fmt: skip
    _, trained, _ = task.tracked(motion)
    assert torch.allclose(solver._condition(given, turn).features(), trained.features(), atol=1e-4)


def test_the_factor_is_of_the_errors_covariance_of_the_joints_between() -> None:
    generator = torch.Generator().manual_seed(0)
    truth = rotation.exp(torch.randn(20000, 22, 3, generator=generator))
    error = torch.zeros(20000, 22, 3)
    common = 0.2 * torch.randn(20000, generator=generator)
    error[:, smpl22.INDEX['left_elbow'], 0] = common
    error[:, smpl22.INDEX['left_shoulder'], 2] = -0.5 * common
    error[:, smpl22.INDEX['left_knee'], 1] = 1.0
    lower = residuals.factor(truth @ rotation.exp(-error), truth)
    whole = residuals.covariance(lower, torch.zeros(1, 22, dtype=torch.bool))[0]
    elbow, shoulder, knee = (3 * smpl22.INDEX[f'left_{name}'] for name in ('elbow', 'shoulder', 'knee'))
    assert float(whole[elbow, elbow]) == pytest.approx(0.04, rel=0.05)
    assert float(whole[elbow, shoulder + 2]) == pytest.approx(-0.02, rel=0.05)
    assert not whole[knee : knee + 3].any()


def test_a_measured_joint_is_sure() -> None:
    measured = torch.zeros(1, 22, dtype=torch.bool)
    measured[0, smpl22.INDEX['neck']] = True
    whole = residuals.covariance(torch.eye(24), measured)[0]
    neck = 3 * smpl22.INDEX['neck']
    assert not whole[neck : neck + 3].any() and whole.diagonal().sum() == 21


def test_on_the_mean_body_a_rivals_height_is_ours(window: MotionWindow) -> None:
    bones = Skeleton.mean().bones.float().expand(COUNT, -1, -1)
    mean = replace(window, bones=bones, zeroed=torch.zeros_like(window.zeroed))
    seen, blind = (example(name, mean).height for name in ('regression', 'regression_ik'))
    assert torch.allclose(seen, blind, atol=1e-5)
