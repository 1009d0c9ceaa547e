"""What the streaming solver does where time is short; on a clock that only the network moves."""

from types import SimpleNamespace

import numpy as np
import pytest

from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion import stream
from inpose_ros.diffusion.noise_levels import GUIDED
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.stream import StreamSolver

from .examples import small_denoiser, stream_windows


class _Network:
    """A network each of whose passes takes the time [s] that the next of `costs` says, or `cost`."""

    def __init__(self, cost: float) -> None:
        self._rows, self._now = MotionPrior(small_denoiser()).backend.rows, 0.0
        self._cost, self.costs, self.levels = cost, [], []

    def rows(self, noisy: np.ndarray, level: int, features: np.ndarray) -> np.ndarray:
        self._now += self.costs.pop(0) if self.costs else self._cost
        self.levels.append(level)
        return self._rows(noisy, level, features)

    def now(self) -> float:
        return self._now


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> _Network:
    made = _Network(0.001)
    monkeypatch.setattr(stream, 'time', SimpleNamespace(perf_counter=made.now))
    return made


def _solver(network: _Network, **options: object) -> StreamSolver:
    prior = MotionPrior(small_denoiser())
    prior.backend = network
    return StreamSolver(prior, Skeleton.mean(), **options)


def test_before_a_deadline_that_cannot_be_met_it_takes_one_pass_and_says_so(network: _Network) -> None:
    solver = _solver(network, steps=4, deadline=1e-6)
    for window in stream_windows():
        solver.solve(window)
    assert (solver.passes, solver.hurried) == (1, True)


def test_a_frame_that_is_held_up_passes_over_the_levels_for_which_no_time_is_left(network: _Network) -> None:
    solver = _solver(network, steps=4, deadline=0.010)
    *before, last = stream_windows(8)
    for window in before:
        solver.solve(window)
    assert (solver.passes, solver.hurried) == (4, False)
    network.costs, network.levels = [0.001, 0.007], []
    solver.solve(last)
    assert (solver.passes, solver.hurried) == (3, True)
    assert network.levels[-1] == GUIDED


def test_who_is_always_in_a_hurry_still_looks_at_the_past(network: _Network) -> None:
    """Else one that is wrong would stay."""
    solver, looks = _solver(network, steps=4, deadline=0.002, check_every=0.1), 0
    first, *rest = stream_windows(40)
    solver.solve(first)
    for window in rest:
        solver.solve(window)
        assert solver.hurried
        before = solver.passes
        solver.check()
        looks += solver.passes > before
    assert 2 <= looks <= 4
