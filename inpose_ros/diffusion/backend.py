"""Backends: what runs the denoiser's network. PyTorch is the reference; the others must agree with it."""

import importlib.util
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.diffusion.denoiser import Condition, Denoiser, Prediction
from inpose_ros.errors import DeviceError

Rows = Float[np.ndarray, 'batch frame _']
NAMES = ('auto', 'torch', 'openvino', 'openvino_bf16', 'cuda_graph')


@runtime_checkable
class Backend(Protocol):
    """Runs the network at one step for a batch of windows: on tensors, or from rows to rows in NumPy."""

    name: str

    def __call__(self, noisy: Float[Tensor, 'batch frame joint 6'], step: int, condition: Condition) -> Prediction: ...

    def rows(self, noisy: Rows, step: int, features: Rows) -> Rows:
        """`Denoiser.rows` of the noisy 6D rotations and `Condition.features`; what it returns is the caller's."""


class TorchBackend:
    """PyTorch, operation by operation: the reference."""

    name = 'torch'

    def __init__(self, denoiser: Denoiser) -> None:
        self._denoiser = denoiser

    def __call__(self, noisy: Float[Tensor, 'batch frame joint 6'], step: int, condition: Condition) -> Prediction:
        return self._denoiser(noisy, torch.full((len(noisy),), step, device=noisy.device), condition)

    @torch.no_grad()
    def rows(self, noisy: Rows, step: int, features: Rows) -> Rows:
        device = self._denoiser.position.device
        steps = torch.full((len(noisy),), step, device=device)
        return self._denoiser.rows(_tensor(noisy, device), steps, _tensor(features, device)).cpu().numpy()


class OpenVinoBackend:
    """OpenVINO on the CPU; one compiled network for each size of batch.

    Raises:
        DeviceError: OpenVINO is not installed.
    """

    def __init__(self, denoiser: Denoiser, threads: int, precision: str = 'f32') -> None:
        """Args: precision: f32, or bf16 for processors that have it: quicker, and less smooth."""
        self.name = 'openvino' if precision == 'f32' else f'openvino_{precision}'
        if not _has_openvino():
            raise DeviceError(
                f'backend is {self.name}: openvino is not installed; pip install openvino, or choose torch'
            )
        self._precision = precision
        self._denoiser, self._threads = denoiser, threads
        self._graphs: dict[int, Any] = {}
        self._modulations: dict[int, Float[np.ndarray, '6 width']] = {}

    def __call__(self, noisy: Float[Tensor, 'batch frame joint 6'], step: int, condition: Condition) -> Prediction:
        rows = self.rows(noisy.flatten(-2).numpy(), step, condition.features().numpy())
        return Prediction.read(torch.from_numpy(rows), condition)

    def rows(self, noisy: Rows, step: int, features: Rows) -> Rows:
        if step not in self._modulations:
            self._modulations[step] = self._modulation(step)
        if len(noisy) not in self._graphs:
            self._graphs[len(noisy)] = self._compiled(len(noisy))
        return self._graphs[len(noisy)](noisy, features, self._modulations[step])

    @torch.no_grad()
    def _modulation(self, step: int) -> Float[np.ndarray, '6 width']:
        return self._denoiser.modulation(torch.tensor([step]), self._denoiser.position)[0].numpy()

    def _compiled(self, batch: int) -> Any:
        from inpose_ros.diffusion import openvino_graph  # optional: it imports OpenVINO

        graph = openvino_graph.network_graph(self._denoiser, batch)
        return openvino_graph.CompiledGraph(graph, self._threads, self._precision)


class CudaGraphBackend:
    """PyTorch on a GPU, its kernels recorded as a CUDA graph for each step and size of batch, and replayed.

    Raises:
        DeviceError: the network is not on a GPU.
    """

    name = 'cuda_graph'

    def __init__(self, denoiser: Denoiser, device: torch.device) -> None:
        if device.type != 'cuda':
            raise DeviceError(f'backend is cuda_graph, but the device is {device}; choose auto')
        self._denoiser = denoiser
        self._recordings: dict[tuple[int, int], _Recording] = {}

    def __call__(self, noisy: Float[Tensor, 'batch frame joint 6'], step: int, condition: Condition) -> Prediction:
        rows, features = noisy.flatten(-2), condition.features()
        recording = self._recording(rows.shape, features.shape, step)
        return Prediction.read(recording.replayed(rows, features).clone(), condition)

    def rows(self, noisy: Rows, step: int, features: Rows) -> Rows:
        return self._recording(noisy.shape, features.shape, step).rows(noisy, features)

    def _recording(self, noisy: Sequence[int], features: Sequence[int], step: int) -> '_Recording':
        key = (noisy[0], step)
        if key not in self._recordings:
            self._recordings[key] = _Recording(self._denoiser, noisy, features, step)
        return self._recordings[key]


class _Recording:
    """The network at one step and size of batch as a CUDA graph, with pinned memory to and from the GPU."""

    @torch.no_grad()
    def __init__(self, denoiser: Denoiser, noisy: Sequence[int], features: Sequence[int], step: int) -> None:
        """Args: noisy, features: their shapes."""
        device = denoiser.position.device
        self._inputs = [torch.zeros(*shape, device=device) for shape in (noisy, features)]
        # All that the graph reads must stay alive with it, this too: it only knows where it was.
        self._shared = denoiser.modulation(torch.full((noisy[0],), step, device=device), denoiser.position)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):  # kernels are chosen and memory is taken before anything is recorded
            for _ in range(3):
                denoiser.modulated(self._inputs[0], self._shared, self._inputs[1])
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._out = denoiser.modulated(self._inputs[0], self._shared, self._inputs[1])
        self._said = [torch.empty(own.shape, pin_memory=True) for own in self._inputs]
        self._answer = torch.empty(self._out.shape, pin_memory=True)

    def replayed(self, *inputs: Float[Tensor, 'batch frame _']) -> Float[Tensor, 'batch frame output']:
        """What the graph puts out; the next call overwrites it."""
        for own, new in zip(self._inputs, inputs):
            own.copy_(new, non_blocking=True)
        self._graph.replay()
        return self._out

    def rows(self, *inputs: Rows) -> Rows:
        for said, new in zip(self._said, inputs):
            said.numpy()[:] = new
        self._answer.copy_(self.replayed(*self._said), non_blocking=True)
        torch.cuda.current_stream().synchronize()
        return self._answer.numpy().copy()


def _tensor(rows: Rows, device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float32)).to(device)


def _has_openvino() -> bool:
    return importlib.util.find_spec('openvino') is not None


def _best_on_cpu() -> str:
    if not _has_openvino():
        return 'torch'
    return 'openvino_bf16' if _has_bfloat16() else 'openvino'


def _has_bfloat16() -> bool:
    """Whether OpenVINO would compute in it here, and not emulate it."""
    from inpose_ros.diffusion import openvino_graph  # optional: it imports OpenVINO

    return openvino_graph.has_bfloat16()


def backend_for(name: str, denoiser: Denoiser, device: torch.device, threads: int) -> Backend:
    """The backend of that name; `auto` takes a CUDA graph on a GPU, and on a CPU OpenVINO where it is installed, in
    bfloat16 where the processor has it.

    Raises:
        DeviceError: the name is none, or what it needs is not there.
    """
    if name not in NAMES:
        raise DeviceError(f'backend is {name!r}; it must be one of {", ".join(NAMES)}')
    if name == 'auto':
        name = 'cuda_graph' if device.type == 'cuda' else _best_on_cpu()
    if name.startswith('openvino'):
        if device.type != 'cpu':
            raise DeviceError(f'backend is {name}, which runs on the CPU, but the device is {device}; choose auto')
        return OpenVinoBackend(denoiser, threads, 'bf16' if name == 'openvino_bf16' else 'f32')
    return CudaGraphBackend(denoiser, device) if name == 'cuda_graph' else TorchBackend(denoiser)
