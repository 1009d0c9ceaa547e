"""Reports with numbers that meet every target, as if the planned runs had been made."""

import shlex
from collections.abc import Callable, Mapping
from typing import Any

from inpose_ros.body import smpl22
from inpose_ros.evaluation.setting import Setting
from inpose_ros.tools.report_pages.plan import SENSOR_SETS, Frames, Run, planned
from inpose_ros.tools.report_pages.report_reader import Found
from inpose_ros.tools.rivals.contenders import RIVALS

BONES = ('known', 'mean', 'estimated')
PLAN = planned(Frames(), list(RIVALS), BONES)
MADE_BY = {'model': 'm1', 'data': 'd1', 'code': 'c1', 'rivals': {'regression': 'r1', 'regression_ik': 'r2'}}
_ERRORS = {'inpose': 4.0, 'prior': 9.0, 'paper': 8.0, 'paper_head': 7.0}
_CLAIMS = {'claimed': [0.5, 0.9], 'all': [0.5, 0.9], 'lower': [0.5, 0.9]}
# A score may be changed: given run, method, option, value as typed, metric and score.
Change = Callable[[str, str, str, str, str, float], float]


def found(change: Change = lambda *about: about[-1]) -> Found:
    return Found({run.name: report(run, change) for run in PLAN})


def report(run: Run, change: Change = lambda *about: about[-1]) -> dict[str, Any]:
    """What `inpose evaluate` would have written of a run."""
    typed: dict[str, list[str]] = {}
    for option, text in zip(run.options[::2], run.options[1::2], strict=True):
        name = option.removeprefix('--').replace('-', '_')
        typed.setdefault(name, []).extend([text] if name in ('body', 'sensors') else text.split(','))
    values = {name: typed.get(name, [default]) for name, default in vars(Setting()).items()}
    defaults = vars(Setting())
    base = {name: defaults[name] if defaults[name] in texts else texts[0] for name, texts in values.items()}

    def row(method: str, option: str, text: str) -> dict[str, float]:
        return {
            metric: change(run.name, method, option, text, metric, value)
            for metric, value in _scores(method, text).items()
        }

    methods = {
        method: {option: {text: row(method, option, text) for text in texts} for option, texts in values.items()}
        for method in run.methods
    }
    joints = {'scale': dict.fromkeys(values['scale'], dict.fromkeys(smpl22.JOINTS, 4.0))}
    words = ['inpose', 'evaluate', '--data', '/home/me/data', *run.words('test', 'auto', 0), '--report', '/home/me/r']
    about = {'base': base, 'frames': run.frames, 'command': shlex.join(words), 'versions': {'torch': '2'},
             'device': 'cpu', 'seed': 0, 'threads': 1, 'calibration': {'inpose': _CLAIMS}}  # fmt: skip
    digests: Mapping[str, Any] = MADE_BY | {
        'rivals': {name: text for name, text in MADE_BY['rivals'].items() if name in run.methods}
    }
    return {'methods': methods, 'joint_cm': dict.fromkeys(methods, joints)} | about | digests


def _scores(method: str, value: str) -> dict[str, float]:
    more = list(SENSOR_SETS.values()).index(value) if value in SENSOR_SETS.values() else 0
    error = _ERRORS.get(method, 6.0) - 0.5 * more
    scores = dict.fromkeys(('mpjpe_cm', 'scaled_mpjpe_cm', 'upper_cm', 'lower_cm', 'mpjre_deg'), error)
    scores |= {'hand_cm': 0.4, 'root_cm': 7.0, 'mpjve_cm_s': 20.0, 'location_residual_cm': 0.1}
    scores |= {'jitter_100m_s3': 2.0, 'jitter_truth_100m_s3': 1.5, 'ms_per_frame': 20.0}
    if method in RIVALS:
        return scores
    scores |= dict.fromkeys(('coverage90', 'coverage90_lower'), 0.9)
    scores |= {f'coverage90_third{number}': 0.9 for number in (1, 2, 3)}
    return scores | {'interval_score_cm': 17.0, 'interval_score_constant_cm': 20.0}
