"""`inpose train`: train the prior, or a rival, on packed motion data."""

from pathlib import Path

import torch

from inpose_ros.diffusion.denoiser import DenoiserConfig
from inpose_ros.diffusion.solver import select_device
from inpose_ros.errors import ParameterError
from inpose_ros.motion.packed import PERMISSIVE_SOURCES, PackedMotion
from inpose_ros.tools.rivals.tasks import TASKS
from inpose_ros.training import curves
from inpose_ros.training.task import PriorTask
from inpose_ros.training.trainer import Trainer, TrainingConfig
from inpose_ros.training.windows import WindowSource

_SPLITS = ('train', 'val')


def train(
    data: Path,
    out: Path = Path('runs/prior'),
    sources: str = ','.join(PERMISSIVE_SOURCES),
    steps: int = 20000,
    batch: int = 64,
    learning_rate: float = 8e-4,
    width: int = 256,
    layers: int = 6,
    device: str = 'auto',
    threads: int = 0,
    seed: int = 0,
    validate_every: int = 250,
    dropout: float = 0.0,
    start: Path | None = None,
    rival: str | None = None,
) -> None:
    """Train a prior, or a rival of the solver; run it again with the same folder to go on where it stopped.

    Args:
        data: Folder of the packed motion data (index.json, *.npz).
        out: Folder of the run: checkpoint, curves.csv, curves.png and the model.
        sources: Sources of motion joined by commas; `all` takes the share-alike ones too.
        steps: Optimiser steps in all; the learning rate falls to zero at the last.
        batch: Windows a step.
        learning_rate: Highest learning rate.
        width: Width of the transformer.
        layers: Its layers.
        device: auto, cpu or cuda.
        threads: Threads of PyTorch on the CPU; 0 leaves its own choice.
        seed: Seed of all that is drawn by chance.
        validate_every: Steps between validations and checkpoints.
        dropout: Share of what each layer adds that is left out by chance.
        start: Model folder whose weights to start from.
        rival: Train this one in place of the prior: location_conditioned, location_augmented, regression or
            regression_ik. They are compared after as many steps as the prior.
    """
    if min(steps, batch, validate_every) < 1:
        raise ParameterError('steps, batch and validate-every must be at least 1')
    if rival is not None and rival not in TASKS:
        raise ParameterError(f'no rival {rival!r} can be trained; there are {", ".join(TASKS)}')
    if threads > 0:
        torch.set_num_threads(threads)
    names = None if sources == 'all' else tuple(sources.split(','))
    config, task = DenoiserConfig(width=width, layers=layers), PriorTask() if rival is None else TASKS[rival]
    trainer = Trainer(
        out,
        TrainingConfig(steps, batch, learning_rate, seed=seed, validate_every=validate_every, dropout=dropout),
        config,
        *(WindowSource(task.bodies(PackedMotion(data, split, names)), config.frames, config.rate) for split in _SPLITS),
        select_device(device),
        start,
        task,
    )
    trainer.resume()
    trainer.run()
    curves.plot(out / 'curves.csv', out / 'curves.png')
    print(f'The model is in {out / "model"}, the curves in {out / "curves.png"}.')
