"""What was measured, as Markdown tables."""

from collections.abc import Iterable, Mapping, Sequence

from inpose_ros.evaluation.methods import waited_ms
from inpose_ros.tools.report_pages.plan import IMUS, SENSOR_SETS
from inpose_ros.tools.report_pages.report_reader import Found
from inpose_ros.tools.report_pages.targets import TARGETS, Finding, ratio

# Headings of the metrics that tables show.
METRICS = {
    'mpjpe_cm': 'MPJPE [cm]', 'scaled_mpjpe_cm': 'scaled MPJPE [cm]', 'upper_cm': 'upper', 'lower_cm': 'lower',
    'hand_cm': 'hands', 'root_cm': 'root', 'mpjre_deg': 'MPJRE [deg]', 'mpjve_cm_s': 'MPJVE [cm/s]',
    'jitter_100m_s3': 'jitter [100 m/s³]', 'location_residual_cm': 'residual [cm]', 'coverage90': 'coverage 90 %',
}  # fmt: skip
_POSE = ('mpjpe_cm', 'upper_cm', 'lower_cm', 'hand_cm', 'mpjre_deg', 'jitter_100m_s3')
_UNCERTAINTY = {
    'coverage90': 'all joints', 'coverage90_lower': 'lower body', 'coverage90_third1': 'surest third',
    'coverage90_third2': 'middle third', 'coverage90_third3': 'least sure third',
    'interval_score_cm': 'interval score [cm]', 'interval_score_constant_cm': 'best constant [cm]',
}  # fmt: skip


def table(head: Sequence[str], rows: Iterable[Sequence[str]], words: bool = False) -> str:
    """Markdown; all columns but the first to the right, unless they hold words."""
    lines = [f'| {" | ".join(row)} |' for row in (head, *rows)]
    right = '|---' if words else '|---:'
    return '\n'.join([lines[0], '|---' + right * (len(head) - 1) + '|', *lines[1:]])


def cell(value: float | None) -> str:
    """What was not measured is a dash."""
    return '-' if value is None else f'{value:.2f}'


def summary(found: Found) -> str:
    """How many targets are met, and which are not."""
    states: dict[str, list[int]] = {'met': [], 'missed': [], 'met as far as measured': [], 'not measured': []}
    for target in TARGETS:
        states[_state([finding.met for finding in target.judged(found)])].append(target.number)
    told = [f'{state}: {", ".join(map(str, numbers))}' for state, numbers in states.items() if numbers]
    return f'{len(states["met"])} of {len(TARGETS)} targets are met. ' + '; '.join(told).capitalize() + '.'


def _state(met: Sequence[bool | None]) -> str:
    if False in met:
        return 'missed'
    if None not in met:
        return 'met'
    return 'met as far as measured' if True in met else 'not measured'


def verdicts(found: Found) -> str:
    """Every target, what was measured and whether it is met."""
    rows = []
    for target in TARGETS:
        for number, finding in enumerate(target.judged(found)):
            title = '' if number else f'{target.number}. {target.title}'
            value = '-' if finding.value is None else f'{finding.value:.3f}'
            rows.append((title, finding.what, value, finding.limit, _met(finding)))
    return table(('target', 'of `inpose`', 'measured', 'limit', 'met'), rows, words=True)


def _met(finding: Finding) -> str:
    return {None: 'not measured', True: 'yes', False: '**no**'}[finding.met]


def bodies_apart(found: Found, mean: str, own: str) -> str:
    """Every method of two runs, on the mean body and on people's own, and how `inpose` compares."""
    rows = [
        (f'`{method}`', *(text for run in (mean, own) for text in _with_ratio(found, run, method)))
        for method in found.methods(own) or found.methods(mean)
    ]
    parts = ('MPJPE, {} body [cm]', 'upper', 'lower', 'hands', '`inpose` over it')
    return table(('', *(part.format(body) for body in ('mean', 'own') for part in parts)), rows)


def _with_ratio(found: Found, run: str, method: str) -> list[str]:
    scores = found.scores(run, method) or {}
    ours = found.score(run, 'inpose', 'mpjpe_cm')
    cells = [cell(scores.get(metric)) for metric in ('mpjpe_cm', 'upper_cm', 'lower_cm', 'hand_cm')]
    return [*cells, cell(ratio(ours, scores.get('mpjpe_cm')))]


def swept(found: Found, runs: Sequence[str], option: str, metric: str) -> str:
    """A metric of every method of the runs over the values of an option that the first one has.

    A method is told from the first run that has it.
    """
    where = {method: run for run in reversed(runs) for method in found.methods(run)}
    order = [method for run in runs for method in found.methods(run) if where[method] == run]
    values = found.values(runs[0], option)
    rows = [
        (f'`{method}`', *(cell(found.score(where[method], method, metric, option, text)) for text in values))
        for method in order
    ]
    return table((f'{METRICS[metric]} at', *values), rows)


def bones(found: Found) -> str:
    """`inpose` with bones of each kind."""
    return _settings(found, 'bones', 'bones', {text: text for text in found.values('bones', 'bones')})


def sensors(found: Found) -> str:
    """`inpose` with more and more trackers."""
    return _settings(found, 'sensors', 'sensors', {joints: name for name, joints in SENSOR_SETS.items()})


def _settings(found: Found, run: str, option: str, names: Mapping[str, str]) -> str:
    """`inpose` at values of an option, by what they are called."""
    rows = []
    for text, name in names.items():
        scores = found.scores(run, 'inpose', option, text) or {}
        rows.append((name, *(cell(scores.get(metric)) for metric in _POSE)))
    return table(('', *(METRICS[metric] for metric in _POSE)), rows)


def imus(found: Found) -> str:
    """Six IMUs, and what their accelerations are worth; laid on the true pelvis, since nothing is located."""
    metrics = ('mpjpe_cm', 'upper_cm', 'lower_cm', 'mpjre_deg', 'jitter_100m_s3')
    return _methods(found, 'imus', metrics, 'sensors', IMUS)


def ablation(found: Found, noise: str) -> str:
    """Each part off, at a noise of the locations [m]."""
    return _methods(found, 'ablation', _POSE, 'location_noise', noise)


def uncertainty(found: Found) -> str:
    """Coverages and interval scores of all methods that say how sure they are."""
    rows = []
    for method in found.methods('main_own'):
        scores = found.scores('main_own', method) or {}
        if 'coverage90' in scores:
            rows.append((f'`{method}`', *(cell(scores.get(metric)) for metric in _UNCERTAINTY)))
    return table(('', *_UNCERTAINTY.values()), rows)


def motion(found: Found) -> str:
    """Velocity error and jitter beside the truth's."""
    metrics = ('mpjve_cm_s', 'jitter_100m_s3', 'root_cm', 'mpjre_deg')
    return _methods(found, 'main_own', metrics, 'scale', None)


def _methods(found: Found, run: str, metrics: Sequence[str], option: str, value: str | None) -> str:
    rows = []
    for method in found.methods(run):
        scores = found.scores(run, method, option, value) or {}
        rows.append((f'`{method}`', *(cell(scores.get(metric)) for metric in metrics)))
    return table(('', *(METRICS[metric] for metric in metrics)), rows)


def costs(found: Found) -> str:
    """Error beside what is paid for it: milliseconds a frame, and those that are waited for what comes after."""
    metrics = ('mpjpe_cm', 'upper_cm', 'lower_cm', 'jitter_100m_s3', 'ms_per_frame')
    rows = []
    for method in found.methods('costs'):
        scores = found.scores('costs', method) or {}
        late = None if 'ms_per_frame' not in scores else scores['ms_per_frame'] + waited_ms(method)
        rows.append((f'`{method}`', *(cell(scores.get(metric)) for metric in metrics), cell(late)))
    heads = [METRICS.get(metric, 'time [ms]') for metric in metrics]
    return table(('', *heads, 'from measurement to pose [ms]'), rows)
