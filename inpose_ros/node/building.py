"""The parts that the parameters ask for."""

import math
import os
from pathlib import Path

import torch

from inpose_ros.body.proportions import BodyGuess
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.bones import BodyEstimator
from inpose_ros.diffusion.loading import load_solver
from inpose_ros.node.learning import Estimator
from inpose_ros.node.parameters import NodeParameters
from inpose_ros.node.tracking import Solver

# Of the time between two poses, solving may take so much where no deadline is given.
_SHARE = 0.8


def first_guess(params: NodeParameters) -> BodyGuess:
    """Whose body it is, by what was given."""
    if params.bones:
        return BodyGuess.load(params.bones)
    return BodyGuess.of_stature(params.stature) if params.stature > 0 else BodyGuess.unknown()


def build_estimator(params: NodeParameters, solver: Solver, guess: BodyGuess) -> Estimator:
    """What estimates the bones, by the solver's prior, in a thread of its own."""
    floor = None if math.isnan(params.floor_height) else params.floor_height
    return BodyEstimator(solver.prior.beside(), guess, floor)


def build_solver(params: NodeParameters, skeleton: Skeleton) -> Solver:
    """The solver that the parameters ask for.

    Raises:
        ModelError, DeviceError: it cannot be had; the text says why.
    """
    model = Path(params.model) if params.model else None
    # Half of the cores: with all of them, the network's threads and those of DDS and Python wait for each other.
    threads = params.threads or max(1, len(os.sched_getaffinity(0)) // 2)
    torch.set_num_threads(threads)
    deadline = params.deadline_ms / 1e3 if params.deadline_ms > 0 else _SHARE / params.rate
    return load_solver(
        model, params.device, skeleton, method=params.method, backend=params.backend, threads=threads,
        steps=params.steps, lag=params.lag, deadline=deadline, seed=params.seed,
    )  # fmt: skip
