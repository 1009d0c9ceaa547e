"""A method's best, median and worst clips as stick figures beside the truth."""

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from matplotlib import pyplot
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.evaluation.detail import ClipDetail
from inpose_ros.evaluation.figure import ESTIMATE, TRUTH, stick
from inpose_ros.geometry import rotation

MOMENTS = 6
# Seen from between the front and the left, where neither a lean nor a straddle is hidden [rad].
_AWAY = torch.pi / 4


def chosen(details: Sequence[ClipDetail]) -> dict[str, ClipDetail]:
    """The clips of least, median and largest mean error, of those with enough scored frames to be drawn.

    Enough are MOMENTS, or as many as the third best endowed clip has.
    """
    counts = sorted((len(part.error) for part in details), reverse=True)
    enough = min(MOMENTS, counts[min(2, len(counts) - 1)])
    order = sorted((part for part in details if len(part.error) >= enough), key=lambda part: part.mean_cm)
    return {'best': order[0], 'median': order[len(order) // 2], 'worst': order[-1]}


def draw(path: Path, method: str, details: Sequence[ClipDetail]) -> None:
    """One row a clip, scored moments spread over it from left to right."""
    rows = chosen(details)
    columns = min(MOMENTS, *(len(detail.error) for detail in rows.values()))
    picture, grid = pyplot.subplots(
        len(rows), columns, figsize=(max(6.0, 1.8 * columns + 0.4), 8.5), constrained_layout=True, squeeze=False,
        sharex='row', sharey='row',
    )  # fmt: skip
    for line, (name, detail) in zip(grid, rows.items()):
        frames = torch.linspace(0, len(detail.frames) - 1, columns).round().long().tolist()
        reach = max(_moment(axes, detail, frame) for axes, frame in zip(line, frames))
        line[0].set(ylabel=f'{name}: {detail.mean_cm:.1f} cm\n{detail.clip.name}', xlim=(-reach, reach))
    joint = smpl22.JOINTS[rows['best'].align]
    picture.suptitle(f'{method}: truth grey, estimate blue, laid on each other at the {joint}')
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(path, dpi=90)
    pyplot.close(picture)


def _moment(axes: pyplot.Axes, detail: ClipDetail, index: int) -> float:
    """Draw truth and estimate at a scored frame; returns how far to the side they reach [m]."""
    frame = int(detail.frames[index])
    truth = detail.clip.positions[frame].float()
    heading = rotation.heading(detail.clip.rot_world_joint[frame, smpl22.PELVIS])
    seen = [_seen(places, truth[smpl22.PELVIS], heading) for places in (truth, truth + detail.error[index])]
    for body, colour in zip(seen, (TRUTH, ESTIMATE)):
        stick(axes, body, 1, truth[smpl22.PELVIS, 2], colour)
    axes.set(aspect='equal', xticks=[], yticks=[])
    axes.set_title(f'{frame / detail.clip.fps:.1f} s', fontsize='small')
    return max(0.6, *(float(body[:, 1].abs().max()) for body in seen)) + 0.05


def _seen(
    places: Float[Tensor, 'joint 3'], centre: Float[Tensor, '3'], heading: Float[Tensor, '']
) -> Float[Tensor, 'joint 3']:
    return (places - centre) @ rotation.about_z(-heading - _AWAY).to(places).T
