import threading
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest
import torch

from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.backend import TorchBackend
from inpose_ros.diffusion.denoiser import Condition, Prediction
from inpose_ros.diffusion.loading import shared_prior, solver_for
from inpose_ros.diffusion.noise_levels import every_level
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.shared_backend import SharedBackend

from .examples import small_denoiser
from .test_backend import _condition

FRAMES = 8


def asked(seed: int, count: int = 1, step: int = 300) -> tuple[np.ndarray, int, np.ndarray]:
    """What a caller says, different for each seed."""
    noisy = np.random.default_rng(seed).normal(size=(count, FRAMES, 132)).astype(np.float32)
    return noisy, step, _condition(count, FRAMES, seed).features().numpy()


class Gate:
    """A backend that waits at the gate in each pass; row after row a function of what was asked, and exact."""

    name = 'gate'

    def __init__(self) -> None:
        self.passes: list[tuple[int, int]] = []  # step, windows
        self.entered, self.open, self.bad = threading.Semaphore(0), threading.Semaphore(0), False
        self.answers = told

    def rows(self, noisy: np.ndarray, step: int, features: np.ndarray) -> np.ndarray:
        self.passes.append((step, len(noisy)))
        self.entered.release()
        assert self.open.acquire(timeout=20)
        if self.bad:
            raise ZeroDivisionError
        return self.answers(noisy, step, features)

    def __call__(self, noisy: torch.Tensor, step: int, condition: Condition) -> Prediction:
        raise AssertionError('what is shared goes through as rows')


def told(noisy: np.ndarray, step: int, features: np.ndarray) -> np.ndarray:
    return step * noisy + features[..., :132]


class Callers:
    """Threads that ask one shared backend: the first is held at the gate until those after it wait."""

    def __init__(self, pool: ThreadPoolExecutor, most: int = 8) -> None:
        self.gate = Gate()
        self.shared = SharedBackend(self.gate, most)
        self._pool = pool

    def ask(self, *calls: tuple) -> list[Future]:
        """All of them, in this order."""
        held = [self._pool.submit(self.shared.rows, *calls[0])]
        assert self.gate.entered.acquire(timeout=20)
        for place, call in enumerate(calls[1:], 1):
            held.append(self._pool.submit(self.shared.rows, *call))
            while self.shared.waiting < place:
                threading.Event().wait(0.001)
        return held

    def let_through(self, passes: int) -> None:
        self.gate.open.release(passes)


@pytest.fixture
def pool():
    with ThreadPoolExecutor(8) as threads:
        yield threads


@pytest.fixture
def callers(pool) -> Callers:
    return Callers(pool)


def test_a_caller_that_finds_the_network_idle_runs_at_once_and_alone(callers):
    callers.let_through(1)
    assert np.array_equal(callers.shared.rows(*asked(0)), told(*asked(0)))
    assert callers.gate.passes == [(300, 1)]


def test_those_who_wait_become_one_pass_and_each_gets_its_own_rows(callers):
    calls = [asked(seed, count) for seed, count in enumerate((1, 1, 2, 1))]
    held = callers.ask(*calls)
    callers.let_through(2)
    for future, call in zip(held, calls, strict=True):
        assert np.array_equal(future.result(20), told(*call))
    assert callers.gate.passes == [(300, 1), (300, 4)]


def test_other_steps_are_other_passes_in_the_order_of_who_came_first(callers):
    calls = [asked(0), asked(1, step=999), asked(2), asked(3, step=999)]
    held = callers.ask(*calls)
    callers.let_through(3)
    for future, call in zip(held, calls, strict=True):
        assert np.array_equal(future.result(20), told(*call))
    assert callers.gate.passes == [(300, 1), (999, 2), (300, 1)]


def test_a_pass_is_no_larger_than_was_prepared_for_unless_one_caller_brings_more(pool):
    callers = Callers(pool, most=2)
    calls = [asked(seed, count) for seed, count in enumerate((1, 1, 1, 1, 3))]
    held = callers.ask(*calls)
    callers.let_through(4)
    for future, call in zip(held, calls, strict=True):
        assert np.array_equal(future.result(20), told(*call))
    assert callers.gate.passes == [(300, 1), (300, 2), (300, 1), (300, 3)]


def test_an_error_reaches_those_of_its_pass_and_the_next_call_works(callers):
    held = callers.ask(asked(0), asked(1), asked(2))
    callers.let_through(1)
    assert np.array_equal(held[0].result(20), told(*asked(0)))
    assert callers.gate.entered.acquire(timeout=20)
    callers.gate.bad = True
    callers.let_through(1)
    for future in held[1:]:
        with pytest.raises(ZeroDivisionError):
            future.result(20)
    callers.gate.bad = False
    callers.let_through(1)
    assert np.array_equal(callers.shared.rows(*asked(3)), told(*asked(3)))


def test_threads_that_call_as_fast_as_they_can_get_what_the_network_says_to_each_alone(pool):
    denoiser = small_denoiser()
    shared, alone = SharedBackend(TorchBackend(denoiser), 4), TorchBackend(denoiser)
    calls = [asked(seed, step=(300, 999)[seed % 2]) for seed in range(60)]
    for call, answer in zip(calls, pool.map(lambda call: shared.rows(*call), calls), strict=True):
        assert np.allclose(answer, alone.rows(*call), atol=1e-5)
    assert shared.waiting == 0


def test_tensors_are_answered_as_the_backend_itself_answers_them(device):
    denoiser = small_denoiser().to(device)
    condition = Condition(**{key: value.to(device) for key, value in vars(_condition(2, FRAMES)).items()})
    noisy = torch.randn(2, FRAMES, 22, 6, device=device)
    expected = TorchBackend(denoiser)(noisy, 300, condition)
    for key, value in vars(SharedBackend(TorchBackend(denoiser), 4)(noisy, 300, condition)).items():
        assert torch.allclose(value, getattr(expected, key), atol=1e-5), key


def test_a_shared_prior_is_made_ready_for_every_size_and_step():
    gate = Gate()
    gate.open.release(100)
    prior = MotionPrior(small_denoiser())
    prior.backend = gate
    shared = shared_prior(prior, 3, steps=2)
    assert set(gate.passes) == {(step, size) for step in (999, 450, 300) for size in (1, 2, 3)}
    assert shared.backend.name == 'gate'


@pytest.mark.parametrize('method', ['inpose', 'window'])
def test_a_solver_asks_at_no_level_that_was_not_made_ready(method):
    prior, gate = MotionPrior(small_denoiser()), Gate()
    gate.open.release(100)
    gate.answers = prior.backend.rows
    prior.backend = SharedBackend(gate, 1)
    solver = solver_for(prior, Skeleton.mean(), method, steps=3)
    solver.warm_up([15, 20, 21])
    solver.check()
    assert gate.passes and {step for step, _ in gate.passes} <= set(every_level(3))
