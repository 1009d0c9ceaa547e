"""The denoiser's network as an OpenVINO graph, written operation by operation.

OpenVINO's own converter takes several seconds, which is longer than a user should wait for the first pose; and written
out the timestep's part, the same in every frame, is an input that is computed once.
"""

import numpy as np
import openvino
from jaxtyping import Float
from openvino import Model, Node, Output
from openvino import opset13 as ops
from torch import Tensor, nn

from inpose_ros.diffusion.denoiser import CONDITION_FEATURES, JOINTS, OUTPUT_FEATURES, Block, Denoiser

_EPSILON = 1e-5  # of PyTorch's layer norm


def network_graph(denoiser: Denoiser, batch: int) -> Model:
    """(noisy rows, condition features, `modulation`) -> output rows, for so many windows.

    `modulation` is what `Denoiser.embed_step` says of the step, [6, width].
    """
    config = denoiser.config
    tokens, width = config.frames // config.patch, config.width
    noisy = ops.parameter([batch, config.frames, 6 * JOINTS], np.float32, 'noisy')
    features = ops.parameter([batch, config.frames, CONDITION_FEATURES], np.float32, 'features')
    modulation = ops.parameter([6, width], np.float32, 'modulation')
    parts = [
        _linear(ops.reshape(rows, [batch, tokens, -1], False), layer)
        for rows, layer in ((noisy, denoiser.embed_noisy), (features, denoiser.embed_condition))
    ]
    x = ops.add(ops.add(*parts), _constant(denoiser.position))
    for block in denoiser.blocks:
        x = _block(x, modulation, block, (batch, tokens, width))
    x = _norm(x)
    x = ops.add(ops.multiply(x, _constant(denoiser.norm.weight)), _constant(denoiser.norm.bias))
    out = ops.reshape(_linear(x, denoiser.head), [batch, config.frames, OUTPUT_FEATURES], False)
    return Model([out], [noisy, features, modulation], 'denoiser')


def _block(x: Node, modulation: Node, block: Block, shape: tuple[int, int, int]) -> Node:
    """As Block.forward."""
    rows = ops.split(ops.add(modulation, _constant(block.modulation)), 0, 6).outputs()
    shift1, scale1, gate1, shift2, scale2, gate2 = rows
    x = ops.add(x, ops.multiply(gate1, _attention(_modulated(x, scale1, shift1), block, shape)))
    first, _, second = block.feedforward
    hidden = ops.gelu(_linear(_modulated(x, scale2, shift2), first), 'erf')
    return ops.add(x, ops.multiply(gate2, _linear(hidden, second)))


def _attention(x: Node, block: Block, shape: tuple[int, int, int]) -> Node:
    batch, tokens, width = shape
    depth = width // block.heads
    qkv = ops.reshape(_linear(x, block.qkv), [batch, tokens, 3, block.heads, depth], False)
    qkv = ops.split(ops.transpose(qkv, [2, 0, 3, 1, 4]), 0, 3).outputs()
    q, k, v = (ops.reshape(part, [batch, block.heads, tokens, depth], False) for part in qkv)
    scores = ops.multiply(ops.matmul(q, k, False, True), np.float32(depth**-0.5))
    attended = ops.transpose(ops.matmul(ops.softmax(scores, -1), v, False, False), [0, 2, 1, 3])
    return _linear(ops.reshape(attended, [batch, tokens, width], False), block.project)


def _modulated(x: Node, scale: Output, shift: Output) -> Node:
    return ops.add(ops.multiply(_norm(x), ops.add(scale, np.float32(1.0))), shift)


def _norm(x: Node) -> Node:
    return ops.mvn(x, [-1], True, _EPSILON, 'inside_sqrt')


def _linear(x: Node, layer: nn.Linear) -> Node:
    return ops.add(ops.matmul(x, _constant(layer.weight), False, True), _constant(layer.bias))


def _constant(weights: Float[Tensor, '...']) -> Node:
    return ops.constant(weights.detach().cpu().numpy())


class CompiledGraph:
    """A graph ready to run on the CPU: arrays in, the array that it puts out.

    Its inputs stay bound to memory of ours: making OpenVINO's tensors anew takes a sixth of a pass.
    """

    def __init__(self, model: Model, threads: int, precision: str = 'f32') -> None:
        """Args: precision: f32 or bf16."""
        properties = {
            'PERFORMANCE_HINT': 'LATENCY',
            'INFERENCE_PRECISION_HINT': precision,
            'INFERENCE_NUM_THREADS': threads,
            'ENABLE_CPU_PINNING': False,
        }
        self._request = openvino.Core().compile_model(model, 'CPU', properties).create_infer_request()
        self._inputs = [np.zeros(tuple(port.shape), dtype=np.float32) for port in model.inputs]
        for number, array in enumerate(self._inputs):
            self._request.set_input_tensor(number, openvino.Tensor(array, shared_memory=True))
        self._out = self._request.get_output_tensor(0)

    def __call__(self, *values: Float[np.ndarray, '...']) -> Float[np.ndarray, '...']:
        """What it returns is the caller's; one call at a time."""
        for array, value in zip(self._inputs, values, strict=True):
            array[:] = value
        self._request.infer(share_outputs=True)
        return self._out.data.copy()


def has_bfloat16() -> bool:
    """Whether this processor computes in it."""
    return 'BF16' in openvino.Core().get_property('CPU', 'OPTIMIZATION_CAPABILITIES')
