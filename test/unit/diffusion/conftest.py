"""Every device present, and an untrained prior on it."""

import pytest
import torch

from inpose_ros.diffusion.prior import MotionPrior

from .examples import small_denoiser

DEVICES = ['cpu'] + (['cuda'] if torch.cuda.is_available() else [])


@pytest.fixture(params=DEVICES)
def device(request) -> torch.device:
    return torch.device(request.param)


@pytest.fixture
def prior(device) -> MotionPrior:
    return MotionPrior(small_denoiser(), device=device)
