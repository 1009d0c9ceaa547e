"""The training loop of the prior and its rivals: resumable, mixed precision, a moving average of the weights."""

import copy
import csv
import math
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from inpose_ros.diffusion import checkpoint
from inpose_ros.diffusion.denoiser import Denoiser, DenoiserConfig
from inpose_ros.diffusion.prior import MotionPrior, Spread
from inpose_ros.errors import ModelError
from inpose_ros.training import loss
from inpose_ros.training.task import PriorTask, Task
from inpose_ros.training.windows import WindowSource


@dataclass(frozen=True)
class TrainingConfig:
    """What a run is made of; the learning rate rises over `warmup` steps and falls to zero (cosine) at `steps`."""

    steps: int = 20000
    batch: int = 64
    learning_rate: float = 6e-4
    warmup: int = 500
    weight_decay: float = 0.02
    ema_decay: float = 0.999
    seed: int = 0
    validate_every: int = 500
    dropout: float = 0.0


class Trainer:
    """One training run in a folder: checkpoints, curves, and at the end a model."""

    def __init__(
        self, folder: Path, config: TrainingConfig, denoiser: DenoiserConfig,
        train: WindowSource, validation_source: WindowSource, device: torch.device, start: Path | None = None,
        task: Task | None = None,
    ) -> None:  # fmt: skip
        self.folder, self.config, self.device = folder, config, device
        self.task = task or PriorTask()
        self.train_source, self.validation_source = train.to(device), validation_source.to(device)
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(config.seed)
        self.generator = torch.Generator(device).manual_seed(config.seed)
        self.denoiser = Denoiser(denoiser).to(device)
        self.denoiser.drop(config.dropout)
        self.spread: Spread | None = None
        if start is not None:
            weights, self.spread = _weights(start, denoiser)
            self.denoiser.load_state_dict(weights)
        self.average = copy.deepcopy(self.denoiser).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.denoiser.parameters(),
            lr=config.learning_rate,
            betas=(0.9, 0.98),
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.step = 0

    @property
    def _state_file(self) -> Path:
        return self.folder / 'training.pt'

    def resume(self) -> None:
        """Go on where the last checkpoint of this folder stopped, if there is one."""
        if not self._state_file.exists():
            return
        state = torch.load(self._state_file, map_location=self.device, weights_only=True)
        if state['denoiser_config'] != asdict(self.denoiser.config):
            raise ModelError(f'{self._state_file} trained another architecture; give a new folder or its own settings')
        if state.get('task', PriorTask.name) != self.task.name:
            raise ModelError(
                f'{self._state_file} is a run of {state["task"]!r}, not of {self.task.name!r}; give a new folder'
            )
        self.denoiser.load_state_dict(state['denoiser'])
        self.average.load_state_dict(state['average'])
        self.optimizer.load_state_dict(state['optimizer'])
        self.generator.set_state(state['generator'].cpu())
        self.step = state['step']

    def _checkpoint(self) -> None:
        state = {
            'denoiser_config': asdict(self.denoiser.config),
            'denoiser': self.denoiser.state_dict(),
            'average': self.average.state_dict(),
            'optimizer': self.optimizer.state_dict(),
            'generator': self.generator.get_state(),
            'step': self.step,
            'task': self.task.name,
        }
        fresh = self._state_file.with_suffix('.new')
        torch.save(state, fresh)
        fresh.replace(self._state_file)
        checkpoint.save(self.folder / 'model', self.average)

    def run(self) -> None:
        """Train to `steps`, validating and checkpointing on the way; everything is made on the device."""
        with self.device:
            self._run()

    def _run(self) -> None:
        sums: dict[str, Tensor] = {}
        began, seen = time.monotonic(), 0
        with tqdm(total=self.config.steps, initial=self.step, unit='step', smoothing=0.02) as bar:
            while self.step < self.config.steps:
                terms = self._train_step()
                sums = {name: sums.get(name, 0.0) + value for name, value in terms.items()}
                seen += 1
                bar.update()
                if self.step % self.config.validate_every == 0 or self.step == self.config.steps:
                    row = {'step': self.step, 'seconds': round(time.monotonic() - began, 1)}
                    row |= {name: float(value) / seen for name, value in sums.items()}
                    row |= self.task.validate(self.average, self.validation_source, self.spread)
                    self._log(row)
                    self._checkpoint()
                    bar.set_postfix({name: f'{value:.2f}' for name, value in row.items() if name.endswith('_cm')})
                    sums, seen = {}, 0
        self._finish()

    def _finish(self) -> None:
        """The model with what the task measures of it on the validation motion."""
        checkpoint.save(self.folder / 'model', self.average, self.task.finish(self.average, self.validation_source))

    def _train_step(self) -> dict[str, Tensor]:
        window = self.train_source.random(self.config.batch, self.generator)
        prior = MotionPrior(self.average, self.spread, self.device)
        example = self.task.example(window, prior, self.generator)
        for group in self.optimizer.param_groups:
            group['lr'] = self.config.learning_rate * self._rate_factor()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=_is_half_fast(self.device)):
            prediction = self.denoiser(example.noisy, example.steps, example.condition)
        terms = loss.loss_terms(prediction, example.window, example.heading)
        total = loss.total_loss(terms)
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.denoiser.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        self._average()
        return {name: term.detach() for name, term in ({'loss': total} | terms).items()}  # read when they are wanted

    def _rate_factor(self) -> float:
        warm = min(1.0, (self.step + 1) / self.config.warmup)
        return warm * 0.5 * (1 + math.cos(math.pi * min(1.0, self.step / self.config.steps)))

    def _average(self) -> None:
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.denoiser.parameters()), 1 - decay)

    def _log(self, row: dict[str, float]) -> None:
        path = self.folder / 'curves.csv'
        new = not path.exists()
        with path.open('a', newline='') as file:
            writer = csv.DictWriter(file, row)
            if new:
                writer.writeheader()
            writer.writerow(
                {name: f'{value:.5g}' if isinstance(value, float) else value for name, value in row.items()}
            )


def _is_half_fast(device: torch.device) -> bool:
    """Whether bfloat16 is worth using: a CPU without AVX-512 emulates it, fifty times slower than single precision."""
    return device.type != 'cpu' or torch.backends.cpu.get_cpu_capability() == 'AVX512'


def _weights(folder: Path, config: DenoiserConfig) -> tuple[dict[str, Tensor], Spread | None]:
    """The weights of a model of this architecture, and its spread; a rival stores other things, or nothing."""
    denoiser, tensors = checkpoint.load(folder)
    if denoiser.config != config:
        raise ModelError(f'{folder} holds another architecture: {denoiser.config}; this run trains {config}')
    known = Spread(**tensors) if set(tensors) == {field.name for field in fields(Spread)} else None
    return denoiser.state_dict(), known
