"""A run learns, can be interrupted anywhere without a trace, and leaves a model and its curves."""

import csv
import functools
import math
from pathlib import Path

import pytest
import torch

from inpose_ros.diffusion import checkpoint
from inpose_ros.diffusion.denoiser import DenoiserConfig
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.errors import ModelError
from inpose_ros.training import curves, loss, task, validation
from inpose_ros.training.windows import MotionWindow, WindowSource

from .examples import SMALL, small_denoiser, source, trainer

OTHER = DenoiserConfig(frames=8, width=16, layers=1, heads=2)


@pytest.fixture(autouse=True)
def few_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Validate and measure the spread on few windows."""
    monkeypatch.setattr(validation, 'validate', functools.partial(validation.validate, count=8))
    monkeypatch.setattr(task, 'measure_spread', functools.partial(task.measure_spread, count=8))


class Interrupted(WindowSource):
    """A source at which somebody presses Ctrl-C after some batches."""

    left = 3

    def random(self, count: int, generator: torch.Generator) -> MotionWindow:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().random(count, generator)


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / 'curves.csv').open() as file:
        return list(csv.DictReader(file))


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(value, second[name]) for name, value in first.items())


def test_the_loss_falls(tmp_path: Path, packed: Path) -> None:
    trainer(tmp_path, packed, 60, validate_every=20, learning_rate=5e-3).run()
    first, *_, last = (float(row['loss']) for row in rows(tmp_path))
    assert last < 0.7 * first


def test_the_average_that_is_kept_never_drops_anything_out(tmp_path: Path, packed: Path) -> None:
    run = trainer(tmp_path, packed, 2, dropout=0.5)
    run.run()
    assert run.denoiser.training and not run.average.training


def test_a_run_leaves_curves_with_every_column_a_state_and_a_model_with_its_spread(
    tmp_path: Path, packed: Path
) -> None:
    trainer(tmp_path, packed, 3).run()
    table = rows(tmp_path)
    assert [row['step'] for row in table] == ['2', '3']
    scores = validation.validate(small_denoiser(), source(packed, 'val'), count=4)
    assert set(table[0]) == {'step', 'seconds', 'loss', *loss.WEIGHTS, *scores}
    assert all(math.isfinite(float(value)) for row in table for value in row.values())
    assert (tmp_path / 'training.pt').exists()
    prior = MotionPrior.load(tmp_path / 'model', torch.device('cpu'))
    assert prior.denoiser.config == SMALL and len(prior.spread.steps) > 1


def test_an_interrupted_run_goes_on_and_ends_with_the_very_same_weights(tmp_path: Path, packed: Path) -> None:
    trainer(tmp_path / 'whole', packed, 4).run()
    stopped = trainer(tmp_path / 'parts', packed, 4)
    stopped.train_source.__class__ = Interrupted
    with pytest.raises(KeyboardInterrupt):
        stopped.run()
    assert stopped.step == 3
    resumed = trainer(tmp_path / 'parts', packed, 4)
    resumed.resume()
    assert resumed.step == 2
    resumed.run()
    whole, parts = (torch.load(tmp_path / name / 'training.pt', weights_only=True) for name in ('whole', 'parts'))
    assert whole['step'] == parts['step'] == 4
    assert all(same(whole[name], parts[name]) for name in ('denoiser', 'average'))
    assert torch.equal(whole['generator'], parts['generator'])
    assert [row['step'] for row in rows(tmp_path / 'parts')] == ['2', '4']
    assert checkpoint.digest(tmp_path / 'parts/model') == checkpoint.digest(tmp_path / 'whole/model')


def test_another_seed_trains_other_weights(tmp_path: Path, packed: Path) -> None:
    runs = [trainer(tmp_path / str(seed), packed, 1, seed=seed) for seed in (1, 2)]
    assert not same(*(run.denoiser.state_dict() for run in runs))


def test_a_folder_without_a_state_starts_at_the_beginning(tmp_path: Path, packed: Path) -> None:
    run = trainer(tmp_path, packed, 1)
    run.resume()
    assert run.step == 0


def test_a_folder_of_another_architecture_is_refused(tmp_path: Path, packed: Path) -> None:
    trainer(tmp_path, packed, 1).run()
    with pytest.raises(ModelError, match='architecture'):
        trainer(tmp_path, packed, 2, network=OTHER).resume()


def test_a_run_may_start_from_the_weights_of_a_model(tmp_path: Path, packed: Path) -> None:
    checkpoint.save(tmp_path / 'old', small_denoiser(seed=8))
    run = trainer(tmp_path / 'new', packed, 1, start=tmp_path / 'old')
    stored = checkpoint.load(tmp_path / 'old')[0].state_dict()
    assert same(run.denoiser.state_dict(), stored) and same(run.average.state_dict(), stored)
    assert all(weight.requires_grad for weight in run.denoiser.parameters())


def test_a_run_may_start_from_a_rival_that_stores_other_things_beside_its_weights(tmp_path: Path, packed: Path) -> None:
    checkpoint.save(tmp_path / 'old', small_denoiser(seed=8), {'residual_factor': torch.eye(3)})
    assert trainer(tmp_path / 'new', packed, 1, start=tmp_path / 'old').spread is None


def test_weights_of_another_architecture_are_refused_as_a_start(tmp_path: Path, packed: Path) -> None:
    checkpoint.save(tmp_path / 'old', small_denoiser())
    with pytest.raises(ModelError, match='old'):
        trainer(tmp_path / 'new', packed, 1, network=OTHER, start=tmp_path / 'old')


def test_the_curves_are_drawn(tmp_path: Path, packed: Path) -> None:
    trainer(tmp_path, packed, 4).run()
    curves.plot(tmp_path / 'curves.csv', tmp_path / 'curves.png')
    assert (tmp_path / 'curves.png').read_bytes().startswith(b'\x89PNG')
