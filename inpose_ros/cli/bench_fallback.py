"""TO BE DELETED when every solver has `timings` and `passes`: what stands for them meanwhile.

bench_frames then takes a TimedSolver as it is.
"""

from collections.abc import Callable, Mapping, Sequence

import torch

from inpose_ros.body.state import BodyState
from inpose_ros.diffusion.denoiser import Condition
from inpose_ros.node.tracking import Solver
from inpose_ros.sensing.resample import JointWindow


def timed(solver: Solver, clock: Callable[[], float]) -> Solver:
    """The solver itself where it says how long its stages took."""
    return solver if hasattr(solver, 'timings') else _Estimated(solver, clock)


class _Estimated:
    """Its network's share is measured by a pass beside each solve; the rest counts as `update`."""

    def __init__(self, solver: Solver, clock: Callable[[], float]) -> None:
        self._solver, self._clock = solver, clock
        self._seconds = 0.0
        rule = getattr(solver.rule, 'rule', solver.rule)
        self.passes = len(rule.steps)
        self.frames, self.rate, self.skeleton = solver.frames, solver.rate, solver.skeleton
        self.device, self.backend = solver.device, solver.backend

    def solve(self, window: JointWindow, floor_height: float = 0.0) -> BodyState:
        begin = self._clock()
        state = self._solver.solve(window, floor_height)
        self._seconds = self._clock() - begin
        return state

    def reset(self) -> None:
        self._solver.reset()

    def warm_up(self, located: Sequence[int]) -> None:
        self._solver.warm_up(located)

    @property
    def timings(self) -> Mapping[str, float]:
        network = min(self.passes * self._one_pass(), self._seconds)
        return {'network': network, 'update': self._seconds - network}

    @torch.no_grad()
    def _one_pass(self) -> float:
        prior = self._solver.prior
        noisy = prior.noise(torch.Generator().manual_seed(0))
        joint, frame = noisy[..., 0], noisy[..., 0, 0]
        condition = Condition(
            rotation=noisy, rotation_mask=joint > 1, location=noisy[..., :3], location_mask=joint > 2,
            height=frame, height_mask=frame > 0, zeroed=frame > 9, acceleration=noisy[..., :3],
            acceleration_mask=joint > 2,
        )  # fmt: skip
        begin = self._clock()
        prior.denoise(noisy, prior.schedule.last, condition).contact.cpu()
        return self._clock() - begin
