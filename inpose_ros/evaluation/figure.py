"""A tracked motion as a picture: stick figures from the side and the front, and errors over time."""

from pathlib import Path

import matplotlib

matplotlib.use('Agg')
import numpy as np
import torch
from jaxtyping import Float
from matplotlib import pyplot
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.geometry import rotation

TRUTH, ESTIMATE = '0.6', 'tab:blue'


def tracked_motion(
    path: Path, title: str, seconds: Float[np.ndarray, 'pose'], truth: Float[Tensor, 'pose joint 3'],
    estimate: Float[Tensor, 'pose joint 3'], heading: Float[Tensor, 'pose'],
    curves: dict[str, Float[np.ndarray, 'pose']], unit: str, figures: int = 6,
) -> None:  # fmt: skip
    """Draw `figures` moments spread over the motion, turned to the person's heading [rad], and curves over time."""
    picture = pyplot.figure(figsize=(13, 8.5), constrained_layout=True)
    grid = picture.add_gridspec(3, figures, height_ratios=(3, 3, 2))
    moments = np.linspace(0, len(seconds) - 1, figures + 2).round().astype(int)[1:-1]
    for column, moment in enumerate(moments):
        turn = rotation.about_z(-heading[moment]).to(truth)
        centre = truth[moment, smpl22.PELVIS]
        for row, (axis, name) in enumerate(((0, 'side'), (1, 'front'))):
            axes = picture.add_subplot(grid[row, column])
            for positions, colour in ((truth, TRUTH), (estimate, ESTIMATE)):
                stick(axes, (positions[moment] - centre) @ turn.T, axis, centre[2], colour)
            axes.set(aspect='equal', xlim=(-1, 1), ylim=(-0.05, 2.15), xticks=[], yticks=[])
            if row == 0:
                axes.set_title(f'{seconds[moment]:.1f} s')
            if column == 0:
                axes.set_ylabel(name)
    axes = picture.add_subplot(grid[2, :])
    for label, values in curves.items():
        axes.plot(seconds, values, label=f'{label} (mean {np.mean(values):.1f} {unit})')
    axes.set(xlabel='time [s]', ylabel=f'error [{unit}]', ylim=(0, None))
    axes.legend(loc='upper right')
    axes.grid(alpha=0.3)
    picture.suptitle(f'{title}: truth grey, estimate blue')
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(path, dpi=90)
    pyplot.close(picture)


def stick(axes: pyplot.Axes, body: Float[Tensor, 'joint 3'], axis: int, height: Tensor, colour: str) -> None:
    """One body: vertically z, horizontally x (seen from its right side) or y (seen by who faces it: left is right)."""
    points = torch.stack((body[:, axis], body[:, 2] + height), -1).numpy()
    for joint, parent in enumerate(smpl22.PARENTS):
        if parent >= 0:
            axes.plot(*points[[parent, joint]].T, color=colour, linewidth=2, solid_capstyle='round')
