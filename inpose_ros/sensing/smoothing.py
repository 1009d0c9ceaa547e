"""Places over time with the noise of their trackers taken out, as far as a person's movement allows."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

# Of a frame without any reading nearby the place is as good as unknown [1/m^2].
_LEAST_PRECISION = 1e-6


def smoothed(
    place: Float[Tensor, 'batch frame joint 3'], valid: Bool[Tensor, 'batch frame joint'],
    stddev: Float[Tensor, 'joint'], rate: float, acceleration: float,
) -> tuple[Float[Tensor, 'batch frame joint 3'], Float[Tensor, 'batch frame joint']]:  # fmt: skip
    """The most likely places [m] and their standard deviation along each axis [m].

    Readings err by white noise of `stddev` [m]; what is tracked is accelerated at random, by `acceleration` [m/s^2]
    rms. That is penalised least squares (Whittaker, 1923) and the same as a Kalman smoother of constant velocity,
    in one solve: the newest frame is what the filter says, and exact trackers keep what they measured. Frames that are
    not valid stay as they are.

    Args:
        rate: of the frames [Hz].
    """
    frames = place.shape[1]
    eye = torch.eye(frames, dtype=torch.float64, device=place.device)
    bend = eye.diff(n=2, dim=0) * rate**2 / acceleration
    precision = valid.double().transpose(1, 2) / stddev.double()[:, None].square()
    information = precision.diag_embed() + bend.T @ bend + _LEAST_PRECISION * eye
    covariance = torch.linalg.inv(information)
    likely = covariance @ (precision[..., None] * place.double().transpose(1, 2))
    spread = covariance.diagonal(dim1=-2, dim2=-1).sqrt().transpose(1, 2)
    return torch.where(valid[..., None], likely.transpose(1, 2).to(place), place), spread.to(place)


def smoother(
    valid: Bool[np.ndarray, 'frame'], stddev: float, rate: float, acceleration: float
) -> tuple[Float[np.ndarray, 'frame frame'], Float[np.ndarray, 'frame']]:
    """As `smoothed`, for one sensor and whatever it reads: the weights of its readings, and what is left [m]."""
    frames = len(valid)
    bend = np.diff(np.eye(frames), n=2, axis=0) * rate**2 / acceleration
    precision = valid / stddev**2
    covariance = np.linalg.inv(np.diag(precision) + bend.T @ bend + _LEAST_PRECISION * np.eye(frames))
    return covariance * precision, np.sqrt(covariance.diagonal())
