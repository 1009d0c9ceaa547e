"""`inpose report` makes what is not there, keeps the rest, and writes the page; evaluations are played here."""

import itertools
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from inpose_ros.cli import report_files as reports
from inpose_ros.cli.main import main
from inpose_ros.diffusion import checkpoint
from inpose_ros.tools import report

from ..training.examples import small_denoiser
from .report_pages import made_up

RUNS = {run.name: run for run in made_up.PLAN}


class Played:
    """In place of subprocess.run: writes what an evaluation would, but for those that are to fail."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.failing: set[str] = set()

    def __call__(self, command: list[str], **about: object) -> SimpleNamespace:
        words = command[command.index('evaluate') :]
        given = dict(itertools.pairwise(words))
        path = Path(given['--report'])
        self.made.append(path.stem)
        if path.stem in self.failing:
            return SimpleNamespace(returncode=1)
        names = given['--methods'].split(',')
        found = made_up.report(RUNS[path.stem]) | {'command': ' '.join(['inpose', *words])}
        about = {'model': checkpoint.digest(given['--model']), 'data': reports.data_digest(Path(given['--data']))}
        about |= {'code': reports.code_digest(), 'rivals': report.rival_digests(names)}
        path.write_text(json.dumps(found | about))
        if '--figures' in given:
            Path(given['--figures']).mkdir(exist_ok=True)
            (Path(given['--figures']) / 'gallery.png').write_bytes(b'png')
        return SimpleNamespace(returncode=0)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    played = Played()
    monkeypatch.setattr(report.subprocess, 'run', played)
    return played


@pytest.fixture(scope='module')
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('model')
    checkpoint.save(folder, small_denoiser())
    return folder


def inpose_report(monkeypatch: pytest.MonkeyPatch, folder: Path, packed: Path, model: Path, *words: str) -> object:
    """Run the command with its page in a folder; the status with which it ends, or its last words."""
    places = {'--data': packed, '--model': model, '--out': folder / 'results.md', '--runs': folder / 'runs',
              '--tried': folder / 'tried.md'}  # fmt: skip
    given = [str(part) for place in places.items() for part in place]
    monkeypatch.setattr(sys, 'argv', ['inpose', 'report', *given, '--device', 'cpu', *words])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code


def test_all_is_made_once_and_the_page_is_written_anew_each_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, packed: Path, model: Path, played: Played
) -> None:
    assert not inpose_report(monkeypatch, tmp_path, packed, model)
    planned = set(played.made)
    assert {'main_mean', 'scales', 'paper_own', 'sensors'} <= planned and len(played.made) == len(planned)
    text = (tmp_path / 'results.md').read_text()
    assert '## Targets' in text and 'figures/gallery.png' in text and str(tmp_path) not in text
    assert str(packed) not in text and str(model) not in text
    assert {path.name for path in (tmp_path / 'figures').iterdir()} == set(report._FIGURES)
    played.made.clear()
    (tmp_path / 'results.md').unlink()
    assert not inpose_report(monkeypatch, tmp_path, packed, model)
    assert played.made == [] and (tmp_path / 'results.md').read_text() == text


def test_what_was_stopped_goes_on_and_other_frames_are_made_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, packed: Path, model: Path, played: Played
) -> None:
    assert not inpose_report(monkeypatch, tmp_path, packed, model)
    played.made.clear()
    (tmp_path / 'runs' / 'noise.json').unlink()
    (tmp_path / 'runs' / 'main_own' / 'gallery.png').unlink()
    assert not inpose_report(monkeypatch, tmp_path, packed, model)
    assert sorted(played.made) == ['main_own', 'noise']
    played.made.clear()
    assert not inpose_report(monkeypatch, tmp_path, packed, model, '--frames-main', '7')
    assert sorted(played.made) == ['main_mean', 'main_own']


def test_changed_code_makes_all_again_unless_it_is_told_that_it_need_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, packed: Path, model: Path, played: Played
) -> None:
    assert not inpose_report(monkeypatch, tmp_path, packed, model)
    everything = set(played.made)
    played.made.clear()
    monkeypatch.setattr(reports, 'code_digest', lambda: 'another')
    assert not inpose_report(monkeypatch, tmp_path, packed, model, '--any-code')
    assert played.made == []
    assert not inpose_report(monkeypatch, tmp_path, packed, model)
    assert set(played.made) == everything


def test_a_run_that_fails_leaves_the_others_and_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, packed: Path, model: Path, played: Played
) -> None:
    played.failing = {'scales'}
    assert inpose_report(monkeypatch, tmp_path, packed, model) == 1
    text = (tmp_path / 'results.md').read_text()
    assert '- `scales` failed.' in text and '`scales` was not run' in text and '`noise` was not run' not in text


def test_a_rival_without_weights_is_left_out_and_said_to_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, packed: Path, model: Path, played: Played
) -> None:
    rival = report.RIVALS['regression']
    monkeypatch.setitem(report.RIVALS, 'regression', type(rival)(rival.task, models=tmp_path / 'nowhere'))
    assert not inpose_report(monkeypatch, tmp_path, packed, model)
    text = (tmp_path / 'results.md').read_text()
    assert '- `regression` is left out: its weights are missing.' in text and str(tmp_path) not in text
    assert 'regression,' not in json.loads((tmp_path / 'runs' / 'main_own.json').read_text())['command']


@pytest.mark.parametrize(('words', 'said'), [(('--frames-sweep', '0'), 'at least 1'), (('--data', 'no'), 'index.json')])
def test_a_mistake_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, packed: Path, model: Path, words: tuple[str, str], said: str
) -> None:
    last = inpose_report(monkeypatch, tmp_path, packed, model, *words)
    assert isinstance(last, str) and said in last and '\n' not in last
