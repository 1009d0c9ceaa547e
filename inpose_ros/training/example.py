"""Example: a training batch on its device, and what moves, picks and joins batches."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from inpose_ros.diffusion.denoiser import Condition
from inpose_ros.training.windows import MotionWindow

Batch = TypeVar('Batch')


@dataclass(frozen=True)
class Example:
    """What the network is given, and the motion that it shall find."""

    window: MotionWindow
    condition: Condition
    heading: Float[Tensor, 'batch']
    noisy: Float[Tensor, 'batch frame joint 6']
    steps: Int[Tensor, 'batch']


def moved(value: Batch, device: torch.device) -> Batch:
    """A tensor, or a dataclass with tensors in it, on a device."""
    if isinstance(value, Tensor):
        return value.to(device)
    if is_dataclass(value):
        return type(value)(**{name: moved(part, device) for name, part in _parts(value)})
    return value


def rows_of(value: Batch, rows: Int[Tensor, 'row']) -> Batch:
    """Some windows of a batch."""
    if isinstance(value, Tensor):
        return value[rows]
    if is_dataclass(value):
        return type(value)(**{name: rows_of(part, rows) for name, part in _parts(value)})
    return value


def joined(batches: Sequence[Batch]) -> Batch:
    """Batches of a kind as one."""
    first = batches[0]
    if isinstance(first, Tensor):
        return torch.cat(tuple(batches))
    if is_dataclass(first):
        return type(first)(**{name: joined([getattr(each, name) for each in batches]) for name, _ in _parts(first)})
    return first


def _parts(value: object) -> list[tuple[str, object]]:
    return [(field.name, getattr(value, field.name)) for field in fields(value)]
