"""The rivals that are networks: their weights, and how a window becomes a pose with them."""

import functools
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion import checkpoint
from inpose_ros.diffusion.condition import size_free_condition, travel, window_heading
from inpose_ros.diffusion.denoiser import Condition
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.errors import ModelError
from inpose_ros.geometry import rotation
from inpose_ros.sensing.resample import JointWindow
from inpose_ros.tools.rivals import condition, residuals
from inpose_ros.tools.rivals.estimate import PlacedPose, placed
from inpose_ros.tools.rivals.tasks import TASKS, RivalTask, regressed, sampled

MODELS = Path(__file__).parent / 'models'
_FIELDS = ('rot_world_joint', 'rot_valid', 'location', 'location_valid', 'acceleration', 'acceleration_valid')

Weights = tuple[MotionPrior, dict[str, Float[Tensor, '...']]]


@functools.lru_cache(maxsize=8)
def load(folder: Path, device: torch.device) -> Weights:
    """A rival's network on a device, and what was measured of it; the folder's name is the rival's.

    Raises:
        ModelError: the folder is missing or no model.
    """
    name = folder.name
    if not (folder / 'config.json').exists():
        raise ModelError(
            f'{folder} holds no weights of the rival {name}; train them by `inpose train --rival {name} --data FOLDER '
            f'--out runs/{name} --steps 9000`, and copy runs/{name}/model there'
        )
    denoiser, measured = checkpoint.load(folder)
    if TASKS[name].keeps_residuals and residuals.FACTOR not in measured:
        raise ModelError(f'{folder} has weights but no covariance of its errors: its training did not come to its end')
    return MotionPrior(denoiser, device=device), {key: value.to(device) for key, value in measured.items()}


@dataclass(frozen=True)
class NetworkRival:
    """A contender of its own weights; `steps` are those of its sampler, where it denoises."""

    task: RivalTask
    steps: tuple[int, ...] = ()
    models: Path = MODELS
    streaming: bool = True

    @property
    def folder(self) -> Path:
        """Where its weights are."""
        return self.models / self.task.name

    def solver(self, prior: MotionPrior, skeleton: Skeleton, seed: int) -> 'RivalSolver':
        """For this person's bones, on the device of our prior, which it does not use otherwise; nor any chance."""
        return RivalSolver(self, skeleton, *load(self.folder, prior.device))


class RivalSolver:
    """One rival for one person, each window from scratch."""

    def __init__(
        self, rival: NetworkRival, skeleton: Skeleton, network: MotionPrior, measured: dict[str, Float[Tensor, '...']]
    ) -> None:
        self._task, self._steps, self._skeleton, self._network = rival.task, rival.steps, skeleton, network
        self._factor = measured.get(residuals.FACTOR)

    def solve_batch(self, windows: list[JointWindow]) -> PlacedPose:
        """The newest frames of windows of this person that wear the same sensors."""
        device = self._network.device
        rot, rot_valid, location, valid = (
            torch.stack([getattr(window, name) for window in windows]).to(device) for name in _FIELDS[:4]
        )
        turn = rotation.about_z(-window_heading(rot, rot_valid))[:, None, None]
        given = self._condition(windows, turn)
        if self._task.regression:
            found = regressed(self._network, given)
        else:
            found = sampled(self._network, given, self._steps)
        found = turn.transpose(-1, -2) @ found
        if self._factor is not None:
            bones = self._skeleton.bones.float().to(device)
            newest = residuals.corrected(found[:, -1], self._factor, bones, windows)
            found = torch.cat((found[:, :-1], newest[:, None]), 1)
        return placed(found, self._skeleton, location[:, -1], valid[:, -1])

    def _condition(self, windows: list[JointWindow], turn: Float[Tensor, 'batch 1 1 3 3']) -> Condition:
        """As in training, with all that the windows say."""
        rot, rot_valid, location, valid, acceleration, accelerated = (
            torch.stack([getattr(window, name) for window in windows]).to(turn.device) for name in _FIELDS
        )
        size = self._skeleton.standing_head_height
        location, acceleration = ((turn @ value[..., None])[..., 0] for value in (location, acceleration))
        head, seen = location[..., smpl22.HEAD, :] / size, valid[..., smpl22.HEAD]
        given = size_free_condition(
            turn @ rot, rot_valid, head[..., 2], seen, *travel(head, seen),
            torch.tensor([window.zeroed for window in windows], device=turn.device),
            acceleration / size, accelerated,
        )  # fmt: skip
        if not self._task.sees_locations:
            return given
        return condition.with_locations(condition.in_metres(given, size), location, valid)
