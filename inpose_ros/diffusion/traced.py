"""A sampling rule recorded once as a TorchScript graph, and replayed.

A solve is some fifteen hundred small operations. Called one by one from Python, each takes and gives back the
interpreter's lock, for which the solving thread then queues with the thread that receives messages: measured at
three sensors of 90 Hz on two cores, a solve of 21 ms took 60. Replayed, it is one call that leaves the interpreter
alone.
"""

import warnings

import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.diffusion.denoiser import Condition, Prediction
from inpose_ros.diffusion.likelihood import Floor, LocationLikelihood
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.sampler import Sample, SamplingRule

_CONDITION = 9  # tensors in a Condition


class TracedRule:
    """Any rule without back-propagation, recorded anew for each set of located joints and size of batch.

    All else (what was measured, where, how well, when, of whom, on which floor) enters as tensors, so the same graph
    serves every window, and bones that are still being estimated.
    """

    def __init__(self, rule: SamplingRule) -> None:
        self.rule = rule
        self._graphs: dict[tuple, torch.jit.ScriptFunction] = {}

    @torch.no_grad()
    def __call__(
        self, prior: MotionPrior, noise: Float[Tensor, 'batch frame joint 6'], condition: Condition,
        likelihood: LocationLikelihood | None, measured_stddev: Float[Tensor, 'joint'],
    ) -> Sample:  # fmt: skip
        inputs = [noise, measured_stddev, *vars(condition).values()]
        if likelihood is not None:
            inputs += _parts(likelihood)
        key = (id(prior), tuple(part.shape for part in inputs))
        if key not in self._graphs:
            self._graphs[key] = self._record(prior, likelihood, inputs)
        rot, covariance, *prediction = self._graphs[key](*inputs)
        return Sample(rot, covariance, Prediction(*prediction))

    def _record(
        self, prior: MotionPrior, likelihood: LocationLikelihood | None, inputs: list[Tensor]
    ) -> torch.jit.ScriptFunction:
        def run(noise: Tensor, measured_stddev: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
            located = None
            if likelihood is not None:
                located = _of_parts(*rest[_CONDITION:])
            sample = self.rule(prior, noise, Condition(*rest[:_CONDITION]), located, measured_stddev)
            return sample.rot_world_joint, sample.covariance, *vars(sample.prediction).values()

        with warnings.catch_warnings():
            # Of shapes and of the noise level that become constants: both are the same whenever this graph is used.
            warnings.simplefilter('ignore', torch.jit.TracerWarning)
            return torch.jit.trace(run, tuple(inputs), check_trace=False)


def _parts(likelihood: LocationLikelihood) -> list[Tensor]:
    """All tensors of a likelihood, and the floor's numbers as such; without a floor there are fewer."""
    parts = [likelihood.chain, likelihood.location, likelihood.valid, likelihood.stddev]
    floor = likelihood.floor
    if floor is None:
        return parts
    return [*parts, floor.bones, *(torch.as_tensor(x).to(floor.bones) for x in (floor.height, floor.stddev))]


def _of_parts(chain: Tensor, location: Tensor, valid: Tensor, stddev: Tensor, *floor: Tensor) -> LocationLikelihood:
    return LocationLikelihood(chain, location, valid, stddev, Floor(*floor) if floor else None)
