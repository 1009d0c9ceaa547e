"""The parts that the parameters ask for."""

import math
import os
from pathlib import Path

import torch
from rclpy.impl.rcutils_logger import RcutilsLogger
from threadpoolctl import threadpool_limits

from inpose_ros.body import smpl22
from inpose_ros.body.proportions import BodyGuess
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.bone_estimator import BodyEstimator
from inpose_ros.diffusion.loading import load_prior, shared_prior, solver_for
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.trusted import TrustedEstimator
from inpose_ros.node.bone_updates import Estimator
from inpose_ros.node.parameters import NodeParameters
from inpose_ros.node.tracking import Solver

# Of the time between two poses, solving may take so much where no deadline is given.
_SHARE = 0.8


def first_guess(params: NodeParameters) -> BodyGuess:
    """Whose body it is, by what was given."""
    if params.bones:
        return BodyGuess.load(params.bones)
    return BodyGuess.of_stature(params.stature) if params.stature > 0 else BodyGuess.unknown()


def say_whose_body(params: NodeParameters, log: RcutilsLogger) -> None:
    """Warn where nobody said."""
    if not params.bones and not params.stature:
        log.warning(
            'neither body.stature nor body.bones is given: assuming an average body, '
            f'{smpl22.MEAN_STATURE:.2f} m tall{", to begin with" if params.estimate else ""}; '
            'give body.stature for better poses'
        )


def build_estimator(params: NodeParameters, solver: Solver, guess: BodyGuess) -> Estimator:
    """What estimates the bones, by the solver's prior, in the solver's thread."""
    floor = None if math.isnan(params.floor_height) else params.floor_height
    return TrustedEstimator(BodyEstimator(solver.prior, guess, floor))


def build_solver(params: NodeParameters, skeleton: Skeleton) -> Solver:
    """The solver that the parameters ask for.

    Raises:
        ModelError, DeviceError: it cannot be had; the text says why.
    """
    return _solver(_prior(params), params, skeleton)


class SharedNetworks:
    """Solvers for several bodies in one process: a network that they have in common is loaded once and run together.

    Bodies that want another model, device, backend, or number of threads or steps share another network.
    """

    def __init__(self, bodies: int) -> None:
        self._bodies = bodies
        self._priors: dict[tuple, MotionPrior] = {}

    def build_solver(self, params: NodeParameters, skeleton: Skeleton) -> Solver:
        """As build_solver."""
        if params.method == 'paper':  # its gradient goes back through passes of its own
            return build_solver(params, skeleton)
        wanted = (params.model, params.device, params.backend, _threads(params), params.steps)
        if wanted not in self._priors:
            self._priors[wanted] = shared_prior(_prior(params), self._bodies, params.steps)
        return _solver(self._priors[wanted], params, skeleton)


def _threads(params: NodeParameters) -> int:
    """Half of the cores: with all of them, the network's threads and those of DDS and Python wait for each other."""
    return params.threads or max(1, len(os.sched_getaffinity(0)) // 2)


def _prior(params: NodeParameters) -> MotionPrior:
    model, threads = Path(params.model) if params.model else None, _threads(params)
    prior = load_prior(model, params.device, params.method, backend=params.backend, threads=threads)
    # All but the network is too small for threads, which cost more than they save, and spin while they wait.
    torch.set_num_threads(threads if prior.backend.name == 'torch' and prior.device.type == 'cpu' else 1)
    threadpool_limits(1, 'blas')
    return prior


def _solver(prior: MotionPrior, params: NodeParameters, skeleton: Skeleton) -> Solver:
    deadline = params.deadline_ms / 1e3 if params.deadline_ms > 0 else _SHARE / params.rate
    return solver_for(
        prior, skeleton, params.method, steps=params.steps, lag=params.lag, deadline=deadline, seed=params.seed
    )
