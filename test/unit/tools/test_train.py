"""`inpose train` makes a model that the other commands take, and goes on where it stopped."""

import csv
import functools
import json
import sys
from pathlib import Path

import pytest

from inpose_ros.cli.main import main
from inpose_ros.tools.rivals.tasks import RivalTask
from inpose_ros.training import task, validation

SMALL = ('--width', 32, '--layers', 1, '--batch', 4, '--device', 'cpu', '--validate-every', 2)


@pytest.fixture(autouse=True)
def few_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Validate and measure the spread on few windows."""
    monkeypatch.setattr(validation, 'validate', functools.partial(validation.validate, count=8))
    monkeypatch.setattr(task, 'measure_spread', functools.partial(task.measure_spread, count=8))


def inpose(monkeypatch: pytest.MonkeyPatch, *words: object) -> object:
    monkeypatch.setattr(sys, 'argv', ['inpose', *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code


def steps(run: Path) -> list[int]:
    with (run / 'curves.csv').open() as file:
        return [int(row['step']) for row in csv.DictReader(file)]


def test_a_model_is_trained_goes_on_and_is_evaluated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, packed: Path
) -> None:
    run, report = tmp_path / 'run', tmp_path / 'report.json'
    train = ('train', '--data', packed, '--out', run, *SMALL)
    assert not inpose(monkeypatch, *train, '--steps', 2)
    assert not inpose(monkeypatch, *train, '--steps', 4)
    assert steps(run) == [2, 4]
    assert (run / 'curves.png').read_bytes().startswith(b'\x89PNG')
    words = ('--data', packed, '--model', run / 'model', '--methods', 'inpose', '--device', 'cpu', '--report', report)
    assert not inpose(monkeypatch, 'evaluate', *words)
    assert json.loads(report.read_text())['frames'] > 0


@pytest.mark.parametrize(
    ('option', 'value', 'said'),
    [
        ('--data', 'nowhere', 'index.json'),
        ('--sources', 'mars', 'mars'),
        ('--steps', 0, 'at least 1'),
        ('--batch', 0, 'at least 1'),
        ('--start', 'nowhere', 'nowhere'),
        ('--rival', 'magic', 'location_conditioned'),
        ('--rival', 'ik', 'regression_ik'),
    ],
)
def test_a_mistake_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, packed: Path, option: str, value: object, said: str
) -> None:
    options = {'--data': packed, '--out': tmp_path / 'run', '--steps': 1} | {option: value}
    last = inpose(monkeypatch, 'train', *SMALL, *(part for pair in options.items() for part in pair))
    assert isinstance(last, str) and last.startswith('inpose: ') and said in last
    assert '\n' not in last


def test_another_architecture_in_the_same_folder_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, packed: Path
) -> None:
    train = ('train', '--data', packed, '--out', tmp_path, *SMALL, '--steps', 1)
    assert not inpose(monkeypatch, *train)
    last = inpose(monkeypatch, *train, '--width', 64)
    assert isinstance(last, str) and 'architecture' in last


def test_a_rival_is_trained_goes_on_and_its_folder_is_not_taken_for_the_priors(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, packed: Path
) -> None:
    monkeypatch.setattr(RivalTask, 'validate', functools.partialmethod(RivalTask.validate, count=8))
    run = tmp_path / 'run'
    train = ('train', '--data', packed, '--out', run, *SMALL)
    assert not inpose(monkeypatch, *train, '--rival', 'regression', '--steps', 2)
    assert not inpose(monkeypatch, *train, '--rival', 'regression', '--steps', 4)
    assert steps(run) == [2, 4]
    assert (run / 'model' / 'model.safetensors').exists() and (run / 'curves.png').exists()
    last = inpose(monkeypatch, *train, '--steps', 6)
    assert isinstance(last, str) and "'regression'" in last
