"""The curves of a training run as a picture."""

import csv
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
from matplotlib import pyplot

_CENTIMETRES = {
    # Of the prior, without locations:
    'rotations_cm': 'rotations of head and wrists',
    'height_cm': 'with the head height',
    'height_upper_cm': 'with the head height, upper body',
    'six_imus_cm': 'rotations of six joints',
    # Of a rival, with head and wrists tracked:
    'one_step_cm': 'one step of sampling',
    'two_steps_cm': 'two steps of sampling',
    'one_pass_cm': 'one pass',
}


def plot(table: Path, picture: Path) -> None:
    """Draw loss and validation errors over the steps of a curves.csv."""
    with table.open() as file:
        rows = list(csv.DictReader(file))
    steps = [int(row['step']) for row in rows]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4), constrained_layout=True)
    left.plot(steps, [float(row['loss']) for row in rows], label='loss')
    for name in ('rotation', 'position'):
        left.plot(steps, [float(row[name]) for row in rows], label=name)
    left.set(xlabel='step', ylabel='training loss')
    shown = {name: label for name, label in _CENTIMETRES.items() if name in rows[0]}
    for name, label in shown.items():
        right.plot(steps, [float(row[name]) for row in rows], label=label)
    errors = [float(row[name]) for row in rows for name in shown]
    right.set(xlabel='step', ylabel='validation MPJPE [cm]', ylim=(0, min(max(errors), 3 * min(errors) + 6)))
    for axes in (left, right):
        axes.legend()
        axes.grid(alpha=0.3)
    figure.savefig(picture, dpi=110)
    pyplot.close(figure)
