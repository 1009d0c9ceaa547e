from pathlib import Path

import pytest
import torch

from inpose_ros.diffusion import backend
from inpose_ros.diffusion.backend import NAMES, OpenVinoBackend, TorchBackend, backend_for
from inpose_ros.diffusion.denoiser import Condition
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.solver import DEFAULT_MODEL
from inpose_ros.errors import DeviceError

from .examples import small_denoiser

CPU = torch.device('cpu')


def _condition(count: int, frames: int, seed: int = 0) -> Condition:
    generator = torch.Generator().manual_seed(seed)

    def numbers(*shape: int) -> torch.Tensor:
        return torch.randn(count, frames, *shape, generator=generator)

    def flags(*shape: int) -> torch.Tensor:
        return torch.rand(count, frames, *shape, generator=generator) < 0.5

    return Condition(
        numbers(22, 6), flags(22), numbers(22, 3), flags(22), numbers(), flags(), flags(), numbers(22, 3), flags(22)
    )


@pytest.fixture
def openvino() -> None:
    """It is optional, and has no wheels for some processors."""
    pytest.importorskip('openvino', reason='needs OpenVINO: pip install openvino')


def _others(device: torch.device) -> list[str]:
    if device.type == 'cuda':
        return ['cuda_graph']
    pytest.importorskip('openvino', reason='needs OpenVINO: pip install openvino')
    return ['openvino']


@pytest.mark.parametrize('count', [1, 3])
@pytest.mark.parametrize('shipped', [False, True])
def test_every_backend_says_what_the_reference_says(device: torch.device, count: int, shipped: bool) -> None:
    denoiser = MotionPrior.load(DEFAULT_MODEL, device).denoiser if shipped else small_denoiser().to(device)
    frames = denoiser.config.frames
    for name in _others(device):
        found = backend_for(name, denoiser, device, threads=1)
        for step, seed in ((999, 0), (300, 1), (300, 2)):
            condition = _condition(count, frames, seed)
            condition = Condition(**{key: value.to(device) for key, value in vars(condition).items()})
            noisy = torch.randn(count, frames, 22, 6, generator=torch.Generator().manual_seed(seed)).to(device)
            expected = TorchBackend(denoiser)(noisy, step, condition)
            for key, value in vars(found(noisy, step, condition)).items():
                assert torch.allclose(value, getattr(expected, key), atol=1e-4), (name, key)


@pytest.mark.usefixtures('openvino')
def test_half_the_precision_says_nearly_what_the_reference_says() -> None:
    denoiser = MotionPrior.load(DEFAULT_MODEL, CPU).denoiser
    condition, noisy = _condition(2, 40), torch.randn(2, 40, 22, 6, generator=torch.Generator().manual_seed(0))
    expected = TorchBackend(denoiser)(noisy, 300, condition)
    found = backend_for('openvino_bf16', denoiser, CPU, threads=1)(noisy, 300, condition)
    assert (found.rotation - expected.rotation).square().mean().sqrt() < 0.03


def test_a_later_pass_leaves_what_an_earlier_one_said(device: torch.device) -> None:
    denoiser = small_denoiser().to(device)
    condition = Condition(**{key: value.to(device) for key, value in vars(_condition(1, 8)).items()})
    noisy = torch.randn(1, 8, 22, 6, device=device)
    for name in _others(device):
        run = backend_for(name, denoiser, device, threads=1)
        first = run(noisy, 300, condition)
        kept = first.rotation.clone()
        run(-noisy, 300, condition)
        assert torch.equal(first.rotation, kept)


def test_an_unknown_backend_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(DeviceError, match='auto, torch'):
        backend_for('tensorrt', small_denoiser(), CPU, 1)


def test_a_backend_of_another_device_is_refused() -> None:
    with pytest.raises(DeviceError, match='cuda_graph'):
        backend_for('cuda_graph', small_denoiser(), CPU, 1)
    with pytest.raises(DeviceError, match='CPU'):
        backend_for('openvino', small_denoiser(), torch.device('cuda'), 1)


def test_without_openvino_auto_takes_the_reference_and_asking_for_it_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr(backend, '_has_openvino', lambda: False)
    assert isinstance(backend_for('auto', small_denoiser(), CPU, 1), TorchBackend)
    with pytest.raises(DeviceError, match='pip install openvino'):
        backend_for('openvino', small_denoiser(), CPU, 1)


@pytest.mark.usefixtures('openvino')
@pytest.mark.parametrize(('has_it', 'name'), [(True, 'openvino_bf16'), (False, 'openvino')])
def test_with_openvino_auto_takes_it_on_a_cpu_in_bfloat16_where_the_processor_has_that(monkeypatch, has_it, name):
    monkeypatch.setattr(backend, '_has_bfloat16', lambda: has_it)
    chosen = backend_for('auto', small_denoiser(), CPU, 1)
    assert isinstance(chosen, OpenVinoBackend) and chosen.name == name


@pytest.mark.usefixtures('openvino')
def test_bfloat16_is_asked_of_the_processor() -> None:
    flags = Path('/proc/cpuinfo').read_text() if Path('/proc/cpuinfo').exists() else ''
    if 'flags' not in flags:
        pytest.skip('this system does not say what its processor has')
    assert backend._has_bfloat16() == ('avx512_bf16' in flags or 'amx_bf16' in flags)


def test_the_names_are_those_that_are_told_of() -> None:
    assert set(NAMES) >= {'auto', 'torch', 'openvino', 'cuda_graph'}
