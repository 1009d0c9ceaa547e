"""Packed motion that needs no data, and untrained rivals in a folder."""

from pathlib import Path

import pytest
import torch

from inpose_ros.diffusion import checkpoint
from inpose_ros.tools.rivals import residuals
from inpose_ros.tools.rivals.tasks import TASKS

from ...training.examples import pack, small_denoiser


@pytest.fixture(scope='session')
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(tmp_path_factory.mktemp('motion'))


@pytest.fixture(scope='session')
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small random networks that look at locations, and a factor of errors that go together."""
    folder = tmp_path_factory.mktemp('models')
    for name, task in TASKS.items():
        denoiser = small_denoiser()
        torch.nn.init.normal_(denoiser.embed_condition.weight, std=0.1)
        lower = 0.3 * torch.eye(24) + 0.05 * torch.randn(24, 24, generator=torch.Generator().manual_seed(1)).tril()
        checkpoint.save(folder / name, denoiser, {residuals.FACTOR: lower} if task.keeps_residuals else None)
    return folder
