"""From the names in a configuration to a solver."""

from pathlib import Path

from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.sampler import InPoseRule, PaperRule
from inpose_ros.diffusion.solver import DEFAULT_MODEL, PoseSolver, select_device
from inpose_ros.diffusion.stream import StreamSolver
from inpose_ros.errors import ModelError

METHODS = ('inpose', 'window', 'paper')


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
    if method not in METHODS:
        raise ModelError(f'method is {method!r}; it must be one of {", ".join(METHODS)}')
    backend = 'torch' if method == 'paper' else backend  # whose gradient it needs
    prior = MotionPrior.load(model or DEFAULT_MODEL, select_device(device), backend, threads)
    if method == 'inpose':
        return StreamSolver(prior, skeleton, steps=steps, lag=lag, deadline=deadline, seed=seed)
    return PoseSolver(prior, skeleton, InPoseRule() if method == 'window' else PaperRule(), seed=seed)
