"""The methods that are compared, by name; all on the same prior."""

import functools
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.sampler import InPoseRule, PaperRule, SamplingRule
from inpose_ros.diffusion.schedule import NoiseSchedule
from inpose_ros.diffusion.solver import PoseSolver
from inpose_ros.diffusion.stream import StreamSolver
from inpose_ros.sensing.resample import JointWindow

# Priors of other widths, for comparison only.
WIDTHS = Path(__file__).parent / 'widths'


@runtime_checkable
class Estimate(Protocol):
    """What is scored of a batch of windows: the pelvis [m] and the rotations of the newest frames, and the windows'.

    `covariance` is that of the newest rotations' tangents [rad^2], or None where a method does not say how sure it is.
    """

    root: Float[Tensor, 'batch 3']
    rot_world_joint: Float[Tensor, 'batch joint 3 3']
    window: Float[Tensor, 'batch frame joint 3 3']
    covariance: Float[Tensor, 'batch tangent tangent'] | None


@runtime_checkable
class Solver(Protocol):
    """A method for one person."""

    def solve_batch(self, windows: list[JointWindow]) -> Estimate:
        """Windows come in the order of their clips and frames."""


@runtime_checkable
class Follower(Solver, Protocol):
    """A method that goes on from frame to frame, in streams that it tells apart by name, `lag` frames behind."""

    lag: int

    def solve_streams(self, windows: Sequence[JointWindow], names: Sequence[Hashable]) -> Estimate: ...

    def check(self) -> Sequence[Hashable]:
        """Called after each frame."""


@runtime_checkable
class Contender(Protocol):
    """Whatever can be scored: a method on our prior, or a rival, which leaves the prior alone.

    A streaming one is run through every frame, the others on windows.
    """

    @property
    def streaming(self) -> bool: ...

    def solver(self, prior: MotionPrior, skeleton: Skeleton, seed: int) -> Solver: ...


@dataclass(frozen=True)
class Method:
    """A rule and what it may see; a streaming method is run through every frame, the others on windows."""

    rule: SamplingRule
    use_height: bool
    use_locations: bool
    streaming: bool
    use_travel: bool = True
    use_floor: bool = True
    use_smoothing: bool = True
    use_acceleration: bool = True
    use_correlation: bool = True

    def solver(self, prior: MotionPrior, skeleton: Skeleton, seed: int) -> PoseSolver:
        return PoseSolver(
            prior if self.use_correlation else uncorrelated(prior),
            skeleton,
            self.rule,
            use_height=self.use_height,
            use_travel=self.use_travel,
            use_acceleration=self.use_acceleration,
            use_locations=self.use_locations,
            use_floor=self.use_floor,
            use_smoothing=self.use_smoothing,
            seed=seed,
        )


def uncorrelated(prior: MotionPrior) -> MotionPrior:
    """The same prior, whose errors are taken for independent of each other, and for as large as they are."""
    correlation = prior.spread.correlation
    independent = torch.eye(correlation.shape[-1]).to(correlation).expand_as(correlation)
    return MotionPrior(prior.denoiser, replace(prior.spread, correlation=independent), prior.device)


@dataclass(frozen=True)
class StreamMethod:
    """What the node runs: from frame to frame; and what of it may be left out."""

    use_height: bool = True
    use_travel: bool = True
    use_acceleration: bool = True
    use_locations: bool = True
    use_floor: bool = True
    use_smoothing: bool = True
    use_correlation: bool = True
    check_every: float = 0.33
    steps: int = 1
    lag: int = 0
    backend: str = ''
    width: int = 0
    streaming: bool = True

    def solver(self, prior: MotionPrior, skeleton: Skeleton, seed: int) -> StreamSolver:
        others = ('use_correlation', 'backend', 'width', 'streaming')
        options = {name: value for name, value in vars(self).items() if name not in others}
        prior = _of_width(self.width, prior.device) if self.width else prior
        prior = prior if self.use_correlation else uncorrelated(prior)
        prior = _by(prior, self.backend) if self.backend else prior
        return StreamSolver(prior, skeleton, seed=seed, **options)


@functools.lru_cache(maxsize=8)
def _by(prior: MotionPrior, backend: str) -> MotionPrior:
    """A backend may take its time to be made; people's solvers share it."""
    return prior.by(backend)


@functools.lru_cache(maxsize=8)
def _of_width(width: int, device: torch.device) -> MotionPrior:
    """The prior by a network of another width."""
    return MotionPrior.load(WIDTHS / str(width), device)


METHODS: dict[str, Contender] = {
    # One step from pure noise is the prior's mean; without locations further steps only add noise.
    'prior': Method(InPoseRule(steps=(999,)), use_height=False, use_travel=False, use_locations=False, streaming=True),
    'paper': Method(PaperRule(), use_height=False, use_travel=False, use_locations=True, streaming=False),
    'paper_head': Method(PaperRule(), use_height=True, use_travel=False, use_locations=True, streaming=False),
    'inpose': StreamMethod(),
    # Every window from scratch, in one, two and fifty steps.
    'inpose_one_step': Method(InPoseRule(steps=(999,)), use_height=True, use_locations=True, streaming=True),
    'inpose_window': Method(InPoseRule(), use_height=True, use_locations=True, streaming=True),
    'inpose_50_steps': Method(
        InPoseRule(steps=tuple(NoiseSchedule().respaced(50))), use_height=True, use_locations=True, streaming=True
    ),
    # More steps, and waiting for what comes after.
    **{f'inpose_{count}_steps': StreamMethod(steps=count) for count in (2, 4, 8)},
    **{f'inpose_lag_{count}': StreamMethod(lag=count) for count in (1, 2, 4)},
    # Who runs the network; without a name it is PyTorch.
    'inpose_openvino': StreamMethod(backend='openvino'),
    'inpose_openvino_bf16': StreamMethod(backend='openvino_bf16'),
    # A narrower network, by itself and as quickly as it runs.
    'inpose_width_128': StreamMethod(width=128),
    'inpose_width_128_openvino': StreamMethod(width=128, backend='openvino'),
    # What each part is worth.
    'inpose_no_check': StreamMethod(check_every=float('inf')),
    'inpose_no_locations': StreamMethod(use_locations=False),
    'inpose_no_correlation': StreamMethod(use_correlation=False),
    'inpose_no_floor': StreamMethod(use_floor=False),
    'inpose_no_height': StreamMethod(use_height=False),
    'inpose_no_travel': StreamMethod(use_travel=False),
    'inpose_no_smoothing': StreamMethod(use_smoothing=False),
    'inpose_no_acceleration': StreamMethod(use_acceleration=False),
}


def waited_ms(name: str, rate: float = 30.0) -> float:
    """How long a method waits for what comes after a frame [ms], at a rate of the frames [Hz]."""
    method = METHODS.get(name)
    return 1000 * method.lag / rate if isinstance(method, StreamMethod) else 0.0
