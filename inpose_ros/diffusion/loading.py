"""From the names in a configuration to a solver."""

from pathlib import Path

import numpy as np

from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.denoiser import CONDITION_FEATURES, JOINTS
from inpose_ros.diffusion.noise_levels import every_level
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.sampler import InPoseRule, PaperRule
from inpose_ros.diffusion.solver import DEFAULT_MODEL, PoseSolver, select_device
from inpose_ros.diffusion.stream import StreamSolver
from inpose_ros.errors import ModelError

METHODS = ('inpose', 'window', 'paper')


def load_prior(
    model: str | Path | None, device: str, method: str = 'inpose', *, backend: str = 'auto', threads: int = 1
) -> MotionPrior:
    """The prior of a model folder (None: the weights that come with the package), by a backend that suits the method.

    Raises:
        ModelError, DeviceError: the model, the device or the backend cannot be had, or the method is none.
    """
    _check(method)
    backend = 'torch' if method == 'paper' else backend  # whose gradient it needs
    return MotionPrior.load(model or DEFAULT_MODEL, select_device(device), backend, threads)


def shared_prior(prior: MotionPrior, bodies: int, steps: int = 1) -> MotionPrior:
    """The same prior for the threads of several bodies, ready for batches of up to so many windows in so many steps.

    Made ready here, as a backend may have to compile a network for each new size, or to record one for each new level,
    and the other bodies would wait for it.
    """
    shared = prior.shared(bodies)
    for size in range(1, bodies + 1):
        noisy, features = (
            np.zeros((size, prior.frames, width), np.float32) for width in (6 * JOINTS, CONDITION_FEATURES)
        )
        for step in every_level(steps):
            shared.backend.rows(noisy, step, features)
    return shared


def solver_for(
    prior: MotionPrior, skeleton: Skeleton, method: str = 'inpose', *,
    steps: int = 1, lag: int = 0, deadline: float | None = None, seed: int = 0,
) -> PoseSolver:  # fmt: skip
    """A solver by this prior for this person's bones; see load_solver.

    Raises:
        ModelError: the method is none.
    """
    _check(method)
    if method == 'inpose':
        return StreamSolver(prior, skeleton, steps=steps, lag=lag, deadline=deadline, seed=seed)
    return PoseSolver(prior, skeleton, InPoseRule() if method == 'window' else PaperRule(), seed=seed)


def load_solver(
    model: str | Path | None, device: str, skeleton: Skeleton, method: str = 'inpose', *, backend: str = 'auto',
    threads: int = 1, steps: int = 1, lag: int = 0, deadline: float | None = None, seed: int = 0,
) -> PoseSolver:  # fmt: skip
    """A solver of a model folder (None: the weights that come with the package) for this person's bones.

    Args:
        method: `inpose` goes on from frame to frame, `window` solves each window from scratch in two steps, `paper`
            is the paper's procedure, which takes seconds a window and PyTorch.
        steps, lag, deadline: see StreamSolver.

    Raises:
        ModelError, DeviceError: the model, the device or the backend cannot be had, or the method is none.
    """
    prior = load_prior(model, device, method, backend=backend, threads=threads)
    return solver_for(prior, skeleton, method, steps=steps, lag=lag, deadline=deadline, seed=seed)


def _check(method: str) -> None:
    if method not in METHODS:
        raise ModelError(f'method is {method!r}; it must be one of {", ".join(METHODS)}')
