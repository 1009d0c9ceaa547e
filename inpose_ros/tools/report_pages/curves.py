"""Pictures of a report's numbers: errors over what was varied, errors of each joint, claimed against observed coverage.

A report is what `inpose evaluate --report` writes. What it does not hold is not drawn, and it is said why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use('Agg')
import numpy as np
from matplotlib import pyplot

from inpose_ros.body import smpl22
from inpose_ros.evaluation.methods import waited_ms

Report = Mapping[str, Any]


@dataclass(frozen=True)
class Curve:
    """A metric over the values of an option, a line a method."""

    option: str
    metric: str
    across: str
    up: str

    @property
    def file(self) -> str:
        return f'{self.option}_{self.metric}.png'

    def lacking(self, report: Report) -> str:
        """Why it can't be drawn; empty where it can."""
        values = {text for rows in report['methods'].values() for text in rows[self.option]}
        words = f'--{self.option.replace("_", "-")}'
        return '' if len(values) > 1 else f'a curve needs at least two values of {words}, and there is {len(values)}'

    def draw(self, path: Path, report: Report) -> None:
        picture, axes = pyplot.subplots(figsize=(6.5, 4.2), constrained_layout=True)
        for name, rows in report['methods'].items():
            points = sorted((float(text), row[self.metric]) for text, row in rows[self.option].items())
            axes.plot(
                *np.array(points).T, marker='o', markersize=3, linewidth=2.8 if name == 'inpose' else 1.3, label=name
            )
        axes.set(xlabel=self.across, ylabel=self.up, ylim=(0, None))
        _finish(picture, axes, path)


@dataclass(frozen=True)
class Joints:
    """Errors of each joint, a bar a method, on the base of what was varied."""

    file: str = 'joints.png'

    def lacking(self, report: Report) -> str:
        return '' if report.get('joint_cm') else 'the report has no errors of each joint'

    def draw(self, path: Path, report: Report) -> None:
        picture, axes = pyplot.subplots(figsize=(12, 4.2), constrained_layout=True)
        found, place = report['joint_cm'], np.arange(len(smpl22.JOINTS))
        width = 0.84 / len(found)
        for number, (name, rows) in enumerate(found.items()):
            heights = rows['scale'][report['base']['scale']]
            offset = (number - (len(found) - 1) / 2) * width
            axes.bar(place + offset, [heights[joint] for joint in smpl22.JOINTS], width, label=name)
        axes.set_xticks(place, [joint.replace('_', '\n') for joint in smpl22.JOINTS], fontsize=7)
        axes.set(ylabel='error [cm]')
        _finish(picture, axes, path)


@dataclass(frozen=True)
class Costs:
    """Error against the time from a measurement to its pose, a point a method."""

    file: str = 'costs.png'

    def lacking(self, report: Report) -> str:
        return '' if report.get('methods') else 'nothing was measured'

    def draw(self, path: Path, report: Report) -> None:
        picture, axes = pyplot.subplots(figsize=(6.5, 4.2), constrained_layout=True)
        base = report['base']['scale']
        for name, rows in report['methods'].items():
            row = rows['scale'][base]
            late = row['ms_per_frame'] + waited_ms(name)
            axes.plot(late, row['mpjpe_cm'], marker='o', color='tab:red' if name == 'inpose' else 'tab:blue')
            axes.annotate(name, (late, row['mpjpe_cm']), (4, 4), textcoords='offset points', fontsize=7)
        axes.set(xlabel='from measurement to pose [ms]', ylabel='MPJPE [cm]', xscale='log')
        _finish(picture, axes, path)


@dataclass(frozen=True)
class Calibration:
    """Claimed against observed coverage, of all joints and of the lower body, of every method that claims one."""

    file: str = 'calibration.png'

    def lacking(self, report: Report) -> str:
        return '' if report.get('calibration') else 'none of the methods says how sure it is'

    def draw(self, path: Path, report: Report) -> None:
        parts = {'all': 'all joints', 'lower': 'lower body'}
        picture, both = pyplot.subplots(1, 2, figsize=(8.5, 4.4), sharey=True, constrained_layout=True)
        for axes, (part, title) in zip(both, parts.items()):
            axes.plot([0, 1], [0, 1], color='0.6', linestyle='--', label='as claimed')
            for name, found in report['calibration'].items():
                axes.plot(found['claimed'], found[part], marker='o', markersize=3, label=name)
            axes.set(title=title, xlabel='claimed coverage', xlim=(0, 1), ylim=(0, 1), aspect='equal')
        both[0].set(ylabel='observed coverage')
        both[0].grid(alpha=0.3)
        _finish(picture, both[1], path)


PAPER_CURVES = (
    Curve('scale', 'scaled_mpjpe_cm', 'body scale', 'scaled MPJPE [cm]'),
    Curve('scale', 'mpjre_deg', 'body scale', 'MPJRE [degrees]'),
    Curve('location_noise', 'mpjpe_cm', 'location noise, standard deviation [m]', 'MPJPE [cm]'),
)
FIGURES: tuple[Curve | Joints | Calibration, ...] = (*PAPER_CURVES, Joints(), Calibration())


def draw(folder: Path, report: Report, figures: Sequence[Curve | Joints | Calibration] = FIGURES) -> dict[str, str]:
    """Draw into a folder what the report holds; returns the files that were not drawn, and why."""
    left_out = {figure.file: figure.lacking(report) for figure in figures}
    for figure in figures:
        if not left_out[figure.file]:
            figure.draw(folder / figure.file, report)
    return {file: why for file, why in left_out.items() if why}


def _finish(picture: pyplot.Figure, axes: pyplot.Axes, path: Path) -> None:
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(path, dpi=90)
    pyplot.close(picture)
