"""What the readings of a whole window say of one of its frames, where trackers are noisy.

A tracker's noise is another one in each frame. What the network is off by lasts: a forearm that it bends too much now,
it bent too much a tenth of a second ago. So the error of one frame is regressed on those of all, by a Gaussian process
over time (Rasmussen and Williams, 2006, eq. 2.23) with a Matern kernel of order 3/2, chosen on validation.
"""

import functools
import math

import numpy as np
from jaxtyping import Bool, Float

# How long the network's errors last [s].
_LASTING = 0.15
# Ratios of noise to error are rounded to so many steps for each factor of e: then there are few to solve for.
_STEPS = 8

Array = np.ndarray


def lasting_error(
    errors: Float[Array, 'frame 3'], valid: Bool[Array, 'frame'], noise: float, spread: float, rate: float, frame: int
) -> tuple[Float[Array, '3'], float]:
    """All readings as if they were one: the error of a frame [m], and the variance of the noise in it [m^2].

    Whoever expects an error of that `spread` and reads this believes after it what all the readings say.

    Args:
        errors: what trackers read, less where the network has it [m]; they err by white noise of variance `noise`
            [m^2] along each axis.
        valid: which frames have a reading; `frame` must.
        spread: variance [m^2] of the network's error along an axis.
        rate: of the frames [Hz].
    """
    ratio = round(_STEPS * math.log(noise / spread))
    weights, left = _weights(valid.tobytes(), ratio, rate, frame)
    known = 1 - left
    return weights @ errors / known, spread * left / known


@functools.lru_cache(maxsize=1024)
def _weights(valid: bytes, ratio: int, rate: float, frame: int) -> tuple[Float[Array, 'frame'], float]:
    """Of the readings, for the error's mean; and how much of its variance is left."""
    seen = np.frombuffer(valid, dtype=bool).nonzero()[0]
    apart = math.sqrt(3) * np.abs(seen[:, None] - seen) / (rate * _LASTING)
    kernel = (1 + apart) * np.exp(-apart)
    row = kernel[seen.searchsorted(frame)]
    solved = np.linalg.solve(kernel + math.exp(ratio / _STEPS) * np.eye(len(seen)), row)
    weights = np.zeros(len(valid))
    weights[seen] = solved
    return weights, float(1 - row @ solved)
