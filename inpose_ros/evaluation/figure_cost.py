"""What a solve costs, as a picture: one small panel for each thing that is varied."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
from matplotlib import pyplot

# Kept small: the picture is part of the repository.
_SIZE, _DPI = (9.0, 2.4), 80


def cost_curves(path: Path, costs: Mapping[str, Mapping[str, float]], budget_ms: float) -> None:
    """Draw milliseconds against each thing varied; `budget_ms` is what a frame may take at the rate wanted."""
    picture, panels = pyplot.subplots(1, len(costs), figsize=_SIZE, sharey=True, constrained_layout=True, squeeze=False)
    for axes, (name, row) in zip(panels[0], costs.items()):
        values = [float(value) for value in row]
        axes.plot(values, list(row.values()), marker='o', color='tab:blue')
        axes.axhline(budget_ms, color='0.6', linestyle='--', linewidth=1)
        axes.set(xlabel=name.replace('_', ' '), xticks=values, ylim=(0, None))
        axes.grid(alpha=0.3)
    panels[0, 0].set_ylabel('a solve [ms]')
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(path, dpi=_DPI)
    pyplot.close(picture)
