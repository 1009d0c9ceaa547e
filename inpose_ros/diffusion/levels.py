"""At which noise levels the streaming solver asks the network."""

import functools

import numpy as np

from inpose_ros.diffusion.sampler import InPoseRule

# Of a pass that knows no past, and of one that starts from it.
SCRATCH, GUIDED = InPoseRule().steps
_APART = 150


@functools.cache
def guided_levels(steps: int) -> tuple[int, ...]:
    """Of so many steps from a past: from further up, evenly, down to the one of a single step."""
    top = min(SCRATCH, GUIDED + _APART * (steps - 1))
    return tuple(np.linspace(top, GUIDED, steps).round().astype(int).tolist())


def every_level(steps: int) -> list[int]:
    """All at which a solver of so many steps may ask the network, in a hurry or not."""
    return sorted({SCRATCH}.union(*map(guided_levels, range(1, steps + 1))))
