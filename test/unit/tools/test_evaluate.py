"""`inpose evaluate` writes what it promises, and says in a line what a user can mend."""

import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from inpose_ros.body import smpl22
from inpose_ros.cli.main import main
from inpose_ros.diffusion import checkpoint
from inpose_ros.tools import evaluate
from inpose_ros.tools.rivals.contenders import RIVALS

from ..training.examples import small_denoiser


@pytest.fixture(scope='module')
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('model')
    checkpoint.save(folder, small_denoiser())
    return folder


def inpose(monkeypatch: pytest.MonkeyPatch, *words: object) -> object:
    """Run the command; the status with which it ends, or its last words."""
    monkeypatch.setattr(sys, 'argv', ['inpose', *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code


def test_the_report_holds_every_method_at_every_scale_and_how_it_came_about(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, tmp_path: Path, packed: Path, model: Path
) -> None:
    report = tmp_path / 'new' / 'report.json'
    words = ('--data', packed, '--split', 'test', '--methods', 'prior,inpose', '--scale', '1.0,1.4', '--model', model,
             '--device', 'cpu', '--frames', 9, '--seed', 4, '--report', report)  # fmt: skip
    assert not inpose(monkeypatch, 'evaluate', *words)
    found = json.loads(report.read_text())
    assert {'methods', 'command', 'versions', 'device', 'seed', 'frames'} <= set(found)
    assert {name: list(rows['scale']) for name, rows in found['methods'].items()} == {
        'prior': ['1.0', '1.4'], 'inpose': ['1.0', '1.4'],
    }  # fmt: skip
    scores = [row for rows in found['methods'].values() for row in rows['scale'].values()]
    assert all(math.isfinite(value) for row in scores for value in row.values())
    assert all({'mpjpe_cm', 'ms_per_frame', 'location_residual_cm'} <= set(row) for row in scores)
    assert (found['device'], found['seed'], found['frames']) == ('cpu', 4, 9)
    assert found['command'].startswith('inpose evaluate --data') and 'torch' in found['versions']
    assert found['model'] == checkpoint.digest(model)
    table = capsys.readouterr().out.splitlines()
    assert table[0].startswith('method') and len(table) == 5
    assert set(found['joint_cm']['prior']['scale']['1.4']) == set(smpl22.JOINTS)
    assert set(found['calibration']) == {'prior', 'inpose'}
    assert {'data', 'code'} <= set(found)


def test_figures_are_drawn_of_what_was_varied_and_the_rest_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, tmp_path: Path, packed: Path, model: Path
) -> None:
    words = ('--data', packed, '--methods', 'inpose', '--location-noise', '0,0.1', '--model', model, '--device', 'cpu',
             '--frames', 9, '--figures', tmp_path / 'new')  # fmt: skip
    assert not inpose(monkeypatch, 'evaluate', *words)
    drawn = {path.name for path in (tmp_path / 'new').iterdir()}
    assert drawn == {'location_noise_mpjpe_cm.png', 'joints.png', 'calibration.png', 'gallery.png'}
    said = capsys.readouterr().out
    assert all(f'{name} was not drawn: ' in said for name in ('scale_scaled_mpjpe_cm.png', 'scale_mpjre_deg.png'))


def test_every_option_maps_its_values_as_typed_to_scores_while_the_others_stay_at_their_base(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, packed: Path, model: Path
) -> None:
    report = tmp_path / 'report.json'
    words = ('--data', packed, '--methods', 'inpose', '--scale', '1.0,0.60', '--body', 'mean', '--body',
             'arms=1.4,torso=0.7', '--location-noise', '0,0.05', '--bones', 'known,mean', '--sensors',
             'head,left_wrist,right_wrist', '--sensors', 'head,pelvis:imu', '--model', model, '--device', 'cpu',
             '--frames', 4, '--report', report)  # fmt: skip
    assert not inpose(monkeypatch, 'evaluate', *words)
    found = json.loads(report.read_text())
    rows = found['methods']['inpose']
    assert {option: list(values) for option, values in rows.items()} == {
        'scale': ['1.0', '0.60'],
        'body': ['mean', 'arms=1.4,torso=0.7'],
        'location_noise': ['0', '0.05'],
        'rotation_noise': ['0'],
        'bones': ['known', 'mean'],
        'sensors': ['head,left_wrist,right_wrist', 'head,pelvis:imu'],
    }
    base = rows['scale']['1.0']
    assert base == rows['body']['mean'] == rows['location_noise']['0'] == rows['bones']['known']
    assert found['base']['body'] == 'mean' and found['frames'] == 4
    assert rows['location_noise']['0.05']['mpjpe_cm'] != base['mpjpe_cm']


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (('--methods', 'prior,magic'), 'paper_head'),
        (('--scale', 'large'), '0.6,1.0,1.4'),
        (('--scale', '1.0,'), '0.6,1.0,1.4'),
        (('--scale', '100'), 'between'),
        (('--scale', 'nan'), 'between'),
        (('--sensors', 'head,nose'), 'nose'),
        (('--body', 'giant'), 'giant'),
        (('--location-noise', '0,loud'), 'loud'),
        (('--rotation-noise', '-1'), 'between'),
        (('--bones', 'long'), 'mean'),
        (('--split', 'exam'), 'exam'),
        (('--stride', '0'), 'at least 1'),
        (('--frames', '0'), 'at least 1'),
        (('--data', 'nowhere'), 'nowhere'),
        (('--model', 'nowhere'), 'nowhere'),
        (('--device', 'abacus'), 'abacus'),
    ],
)
def test_a_mistake_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, packed: Path, model: Path, words: tuple[str, str], said: str
) -> None:
    options = {'--data': packed, '--model': model, '--device': 'cpu'} | dict([words])
    last = inpose(monkeypatch, 'evaluate', *(part for option in options.items() for part in option))
    # sys.exit prints a text and ends with status 1.
    assert isinstance(last, str) and last.startswith('inpose: ') and said in last
    assert '\n' not in last


@pytest.mark.parametrize('words', [('evaluate',), ('conquer',), ('evaluate', '--data', 'here', '--seed', 'x'), ()])
def test_what_is_no_command_ends_with_usage_and_a_status(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    assert inpose(monkeypatch, *words) == 2


def test_help_names_every_option_of_the_report(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    assert inpose(monkeypatch, 'evaluate', '--help') == 0
    text = capsys.readouterr().out
    assert all(f'--{name}' in text for name in ('data', 'split', 'methods', 'sensors', 'scale', 'body', 'report',
                                                'shuffle-locations'))  # fmt: skip


def test_rivals_are_offered_and_what_one_lacks_is_said_before_anything_is_scored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, packed: Path, model: Path
) -> None:
    folder, rival = tmp_path / 'models', RIVALS['regression']
    monkeypatch.setitem(evaluate._OFFERED, 'regression', replace(rival, models=folder))
    words = ('evaluate', '--data', packed, '--methods', 'prior,regression', '--model', model, '--device', 'cpu')
    last = inpose(monkeypatch, *words, '--frames', 4)
    assert isinstance(last, str) and 'inpose train --rival regression' in last
    checkpoint.save(folder / 'regression', small_denoiser())
    report = tmp_path / 'report.json'
    assert not inpose(monkeypatch, *words, '--frames', 4, '--report', report)
    assert json.loads(report.read_text())['rivals'] == {'regression': checkpoint.digest(folder / 'regression')}
