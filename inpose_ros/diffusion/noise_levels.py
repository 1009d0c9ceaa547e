"""At which noise levels the streaming solver asks the network."""

import functools

import numpy as np
from jaxtyping import Float, Int

from inpose_ros.diffusion.sampler import InPoseRule
from inpose_ros.diffusion.schedule import NoiseSchedule

# Of a pass that knows no past, and of one that starts from it.
SCRATCH, GUIDED = InPoseRule().steps
_APART = 150
# By how much a window's newest frame is noisier than the level that the network is told, and settled ones less noisy.
_NEWEST, _SETTLED = 50, -150
_SETTLING = 10  # so many frames back they are


@functools.cache
def guided_levels(steps: int) -> tuple[int, ...]:
    """Of so many steps from a past: from further up, evenly, down to the one of a single step."""
    top = min(SCRATCH, GUIDED + _APART * (steps - 1))
    return tuple(np.linspace(top, GUIDED, steps).round().astype(int).tolist())


def frame_levels(level: int, frames: int) -> Int[np.ndarray, 'frame']:
    """Of the frames of a window from a past, when the network is told `level`."""
    back = np.arange(frames - 1, -1, -1)
    levels = level + np.interp(back, (0, _SETTLING), (_NEWEST, _SETTLED))
    return levels.clip(0, SCRATCH).round().astype(int)


@functools.lru_cache(maxsize=64)
def frame_signal(schedule: NoiseSchedule, level: int, frames: int) -> Float[np.ndarray, 'frame 1 1']:
    """How much of the clean pose is left at these, in single precision as the network is."""
    return schedule.signal(frame_levels(level, frames)).astype(np.float32)[:, None, None]


def every_level(steps: int) -> list[int]:
    """All at which a solver of so many steps may ask the network, in a hurry or not."""
    return sorted({SCRATCH}.union(*map(guided_levels, range(1, steps + 1))))
