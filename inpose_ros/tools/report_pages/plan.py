"""Which evaluations the page of results needs: each one run of `inpose evaluate`, with its own frames and methods."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OURS = ('prior', 'inpose')
PAPER = ('paper', 'paper_head')
THREE = ('head', 'left_wrist', 'right_wrist')
_ANKLES = ('left_ankle', 'right_ankle')
# By what is told of them in a table.
SENSOR_SETS = {
    'head, wrists': ','.join(THREE),
    '+ pelvis': ','.join((*THREE, 'pelvis')),
    '+ ankles': ','.join((*THREE, *_ANKLES)),
    '+ pelvis, ankles': ','.join((*THREE, 'pelvis', *_ANKLES)),
}
IMUS = ','.join(f'{joint}:imu' for joint in (*THREE, 'pelvis', 'left_knee', 'right_knee'))
BODIES = ('mean', 'arms=1.4,torso=0.7', 'upper=0.85', 'upper=1.17')
SCALES = '0.6,0.7,0.8,1.0,1.2,1.3,1.4'
NOISES = '0,0.05,0.1,0.15,0.2'
# Of the methods that take a second for each frame.
_FEW_SCALES, _FEW_NOISES = '0.6,0.8,1.0,1.2,1.4', '0,0.05,0.2'
# Every clip of a subject is gone through for an estimate of the bones.
_ESTIMATED_SCALES = '0.6,1.0,1.4'
# What each part of prior and likelihood is worth; accelerations count only where there are IMUs.
PARTS = ('inpose', 'inpose_one_step', 'inpose_window', 'inpose_no_check', 'inpose_no_locations',
         'inpose_no_correlation', 'inpose_no_floor', 'inpose_no_height', 'inpose_no_travel',
         'inpose_no_smoothing')  # fmt: skip
# What may be paid for an error, in time and in waiting.
COSTS = ('inpose', 'inpose_2_steps', 'inpose_4_steps', 'inpose_8_steps', 'inpose_window', 'inpose_50_steps',
         'inpose_lag_1', 'inpose_lag_2', 'inpose_lag_4', 'inpose_openvino', 'inpose_openvino_bf16', 'inpose_width_128',
         'inpose_width_128_openvino')  # fmt: skip
# What names a place or a model on some machine; models and data are compared by their digests.
_PLACES = ('--data', '--report', '--figures', '--model')


@dataclass(frozen=True)
class Frames:
    """How many frames a run scores: of the main tables, of sweeps, where the paper's procedure takes part, of costs."""

    main: int = 1200
    sweep: int = 400
    paper: int = 150
    costs: int = 400


@dataclass(frozen=True)
class Run:
    """One call of `inpose evaluate`; `options` are those besides methods and frames. It may have to run `alone`."""

    name: str
    methods: Sequence[str]
    frames: int
    options: Sequence[str] = ()
    pictured: bool = False
    alone: bool = False

    def words(self, split: str, device: str, seed: int) -> tuple[str, ...]:
        """What `inpose evaluate` is given, but for places."""
        return ('--split', split, '--device', device, '--seed', str(seed), '--methods', ','.join(self.methods),
                *self.options, '--frames', str(self.frames))  # fmt: skip


def planned(frames: Frames, rivals: Sequence[str], bones: Sequence[str]) -> list[Run]:
    """All runs, with those rivals that can be run, and the ways to come by bones that there are."""
    every, compared = (*OURS, *rivals), ('inpose', *rivals)
    slow = (*PAPER, 'inpose')
    sensors = [word for joints in SENSOR_SETS.values() for word in ('--sensors', joints)]
    estimating = ('--bones', 'estimated', '--location-noise', '0.01', '--scale', _ESTIMATED_SCALES)
    runs = [
        Run('main_mean', every, frames.main, ('--body', 'mean')),
        Run('main_own', every, frames.main, (), pictured=True),
        Run('scales', every, frames.sweep, ('--scale', SCALES)),
        Run('noise', every, frames.sweep, ('--location-noise', NOISES)),
        Run('scales_estimated', ('inpose',), frames.sweep, estimating),
        Run('paper_mean', slow, frames.paper, ('--body', 'mean')),
        Run('paper_own', slow, frames.paper),
        Run('scales_paper', ('paper', 'inpose'), frames.paper, ('--scale', _FEW_SCALES)),
        Run('noise_paper', ('paper', 'inpose'), frames.paper, ('--location-noise', _FEW_NOISES)),
        Run('bodies', compared, frames.sweep, tuple(word for body in BODIES for word in ('--body', body))),
        Run('ablation', PARTS, frames.sweep, ('--location-noise', '0,0.05')),
        Run('bones', ('inpose',), frames.sweep, ('--bones', ','.join(bones))),
        Run('sensors', ('inpose',), frames.sweep, sensors),
        Run('imus', ('inpose', 'inpose_no_acceleration'), frames.sweep, ('--sensors', IMUS)),
        Run('costs', COSTS, frames.costs, alone=True),
    ]
    return [run for run in runs if 'estimated' in bones or run.name != 'scales_estimated']


def outdated(report: Mapping[str, Any], words: Sequence[str], made_by: Mapping[str, Any]) -> str:
    """Why a report is not the one that these words would give now; empty if it is.

    Args:
        words: what `inpose evaluate` would be given, but for places.
        made_by: the digests of now under the names that a report has for them; `rivals` may hold more than a run needs.
    """
    if _without_places(shlex.split(report['command'])[2:]) != list(words):
        return 'other options'
    now = dict(made_by) | {'rivals': {name: made_by['rivals'].get(name) for name in report.get('rivals', {})}}
    return ', '.join(f'other {name}' for name, value in now.items() if report.get(name) != value)


def _without_places(words: Sequence[str]) -> list[str]:
    kept = [True] * len(words)
    for number, word in enumerate(words):
        if word in _PLACES:
            kept[number : number + 2] = [False, False]
    return [word for word, keep in zip(words, kept) if keep]
