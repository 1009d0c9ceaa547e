"""How one number moves over time: the smooth steps, bumps and sways that invented motion is made of."""

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

Track = Float[Tensor, 'frame']


def min_jerk(times: Track, start: float, duration: float) -> Track:
    """From 0 to 1 with the least jerk, as a hand moves between two points (Flash and Hogan, 1985)."""
    u = ((times - start) / duration).clamp(0, 1)
    return u**3 * (10 - 15 * u + 6 * u**2)


def bump(times: Track, start: float, rise: float, hold: float, fall: float) -> Track:
    """From 0 to 1, held, and back to 0; each part takes that long [s]."""
    return min_jerk(times, start, rise) - min_jerk(times, start + rise + hold, fall)


def cruise(times: Track, start: float, duration: float, ramp: float = 0.35) -> Track:
    """From 0 to 1 at an even speed but for a smooth ramp at both ends, as a foot swings.

    `ramp` is the share of the duration that each ramp takes; the greatest speed is 1 / (1 - ramp) of the mean.
    """
    u = ((times - start) / duration).clamp(0, 1)
    first, last = (u / ramp).clamp(0, 1), ((u - 1 + ramp) / ramp).clamp(0, 1)
    ramped = ramp * (first**3 - first**4 / 2) + (u - ramp).clamp(min=0) - ramp * (last**3 - last**4 / 2)
    return ramped / (1 - ramp)


def smoothed(track: Float[Tensor, 'frame *rest'], half_width: float, fps: float) -> Float[Tensor, 'frame *rest']:
    """Running mean under a Hann window of this half width [s]; the ends are held."""
    reach = max(round(half_width * fps), 1)
    kernel = torch.hann_window(2 * reach + 1, periodic=False, dtype=track.dtype)
    columns = track.reshape(len(track), -1).T[:, None]
    padded = torch.nn.functional.pad(columns, (reach, reach), mode='replicate')
    result = torch.nn.functional.conv1d(padded, (kernel / kernel.sum())[None, None])
    return result[:, 0].T.reshape(track.shape)


def lower_envelope(track: Track, half_width: float, fps: float) -> Track:
    """A smooth track that stays under this one: the least value nearby, then a running mean."""
    reach = max(round(half_width * fps), 1)
    padded = torch.nn.functional.pad(-track[None, None], (reach, reach), mode='replicate')
    return smoothed(-torch.nn.functional.max_pool1d(padded, 2 * reach + 1, 1)[0, 0], half_width, fps)


def sway(times: Track, rng: np.random.Generator, amplitude: float) -> Track:
    """The slow wandering of a body that stands still: four sines below 0.7 Hz, of this rms."""
    frequency = torch.from_numpy(rng.uniform(0.08, 0.7, 4))
    phase = torch.from_numpy(rng.uniform(0, 2 * math.pi, 4))
    weight = 1 / frequency
    waves = torch.sin(2 * math.pi * frequency * times[:, None] + phase) * weight
    return amplitude * math.sqrt(2) * waves.sum(-1) / weight.norm()
