"""The page of results: targets and tables as measured, and what somebody wrote of those that are missed."""

import re
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from inpose_ros.tools.report_pages import curves, tables
from inpose_ros.tools.report_pages.curves import PAPER_CURVES, Calibration, Costs, Joints
from inpose_ros.tools.report_pages.plan import Run
from inpose_ros.tools.report_pages.report_reader import Found
from inpose_ros.tools.report_pages.targets import missed

GALLERY = 'gallery.png'
# Whose reports a figure is drawn of: the second run has the methods that are scored on fewer frames.
_DRAWN = (
    ('scales', 'scales_paper', PAPER_CURVES[:2]),
    ('noise', 'noise_paper', PAPER_CURVES[2:]),
    ('main_own', 'paper_own', (Joints(), Calibration())),
    ('costs', '', (Costs(),)),
)


@dataclass(frozen=True)
class Made:
    """How the reports came about: the runs with the words they were given, and what had to be left out, and why."""

    command: Sequence[str]
    runs: Sequence[Run]
    words: Mapping[str, Sequence[str]]
    remarks: Sequence[str]


def draw(folder: Path, found: Found) -> dict[str, str]:
    """Draw all figures but the gallery; returns the files that were not, and why."""
    return {
        file: why
        for run, slow, figures in _DRAWN
        for file, why in curves.draw(folder, found.joined(run, slow), figures).items()
    }


def written(found: Found, made: Made, tried: str, figures: Mapping[str, str]) -> str:
    """The whole page, as Markdown.

    Args:
        tried: what was written by hand, a section `## 3 ...` for target 3.
        figures: from what is seen to where it is, relative to the page.
    """
    parts = [
        '# Results', _paragraph(_OPENING),
        '## Targets', tables.summary(found), tables.verdicts(found), _tried(found, tried), *_measured(found),
        '## Figures', "The paper's procedure stands in them for the fewer frames that it was scored on, as above.",
        *(f'![{what}]({where})' for what, where in figures.items()),
        '## How this came about', _how(found, made),
    ]  # fmt: skip
    return '\n\n'.join(part for part in parts if part) + '\n'


_OPENING = """
    Written by `make report`; what stands here by hand would be lost, and belongs into results_tried.md. All errors are
    defined in [evaluation.md](evaluation.md). Sensors are head and both wrists, bodies are people's own and bones known
    where nothing else is said. A ratio is of two methods in one run, so on the same frames; below 1 `inpose` is better.
"""


def _tried(found: Found, tried: str) -> str:
    """What was written of each target that is missed."""
    sections = re.split(r'^## (\d+)\b.*$', tried, flags=re.M)
    by_number = dict(zip(map(int, sections[1::2]), map(str.strip, sections[2::2])))
    parts = []
    for target in missed(found):
        text = by_number.get(target.number) or 'Nobody has written yet what was tried (results_tried.md).'
        parts.append(f'### {target.number}. {target.title}: missed\n\n{text}')
    return '\n\n'.join(['## What was tried for those that are missed', *parts]) if parts else ''


def _measured(found: Found) -> list[str]:
    """Every table under its heading."""
    return [
        '## All methods', _scored(found, 'main_mean', 'main_own'), tables.bodies_apart(found, 'main_mean', 'main_own'),
        "The paper's procedure, which takes a second a frame. " + _scored(found, 'paper_mean', 'paper_own'),
        tables.bodies_apart(found, 'paper_mean', 'paper_own'),
        '## Motion', _scored(found, 'main_own'), tables.motion(found), _truth(found),
        '## Body scales', _scored(found, 'scales', 'scales_paper'),
        tables.swept(found, ('scales', 'scales_paper'), 'scale', 'scaled_mpjpe_cm'),
        tables.swept(found, ('scales', 'scales_paper'), 'scale', 'mpjre_deg'),
        'Estimated bones and 1 cm of noise. ' + _scored(found, 'scales_estimated'),
        tables.swept(found, ('scales_estimated',), 'scale', 'scaled_mpjpe_cm'),
        '## Other proportions', _scored(found, 'bodies'), tables.swept(found, ('bodies',), 'body', 'mpjpe_cm'),
        '## Noisy locations',
        'White noise on each component in every frame [m], of which every method is told. '
        + _scored(found, 'noise', 'noise_paper'),
        tables.swept(found, ('noise', 'noise_paper'), 'location_noise', 'mpjpe_cm'),
        '## Bones known, mean and estimated', _scored(found, 'bones'), tables.bones(found),
        '## How sure it is', _scored(found, 'main_own'), tables.uncertainty(found),
        '## Sensor sets', _scored(found, 'sensors'), tables.sensors(found),
        'Six IMUs that tell rotations only, at head, wrists, pelvis and knees, laid on the true pelvis. '
        + _scored(found, 'imus'), tables.imus(found),
        '## What each part is worth', _scored(found, 'ablation'), 'Without noise:', tables.ablation(found, '0'),
        'With 5 cm of noise on the locations:', tables.ablation(found, '0.05'),
        '## Error against time',
        'More steps, waiting for later frames (`lag`, 33 ms each), and other backends and precisions than PyTorch in '
        'single precision; one window after the other, on one thread. ' + _scored(found, 'costs'), tables.costs(found),
    ]  # fmt: skip


def _scored(found: Found, *runs: str) -> str:
    """How many frames the runs scored."""
    told = [f'`{run}`: {count} frames' if (count := found.frames(run)) else f'`{run}` was not run' for run in runs]
    return f'({"; ".join(told)}.)'


def _truth(found: Found) -> str:
    jitter = found.score('main_own', 'inpose', 'jitter_truth_100m_s3')
    return '' if jitter is None else f"The truth's own jitter is {jitter:.2f}."


def _how(found: Found, made: Made) -> str:
    reports = list(found.reports.values())
    how = ['```bash', shlex.join(made.command), '```']
    if reports:
        versions = ', '.join(f'{name} {version}' for name, version in reports[0]['versions'].items())
        told = {
            name: ', '.join(sorted({str(report.get(name)) for report in reports}))
            for name in ('device', 'seed', 'threads', 'model', 'data', 'code')
        }
        how += ['', _paragraph(f'With {versions}; ' + '; '.join(f'{name} {text}' for name, text in told.items()) + '.')]
    how += ['', *(f'- {remark}' for remark in made.remarks), '', 'It runs:', '', '```bash']
    how += [shlex.join(('inpose', 'evaluate', '--data', 'FOLDER', *made.words[run.name])) for run in made.runs]
    return re.sub(r'\n{3,}', '\n\n', '\n'.join([*how, '```']))


def _paragraph(text: str) -> str:
    return textwrap.fill(' '.join(text.split()), 118, break_long_words=False, break_on_hyphens=False)
