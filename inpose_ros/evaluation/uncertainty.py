"""Is the spread that a method claims the spread that it has? Scores over all frames and joints at once.

A region is the ellipsoid that a Gaussian of the claimed covariance fills to 90 %. The interval score (Gneiting and
Raftery, 2007) is proper: narrow intervals are rewarded, and misses cost what makes neither boasting nor modesty pay.
"""

import torch
from jaxtyping import Bool, Float
from scipy.stats import chi2
from torch import Tensor

from inpose_ros.body import smpl22

_CHI2_90 = 6.2514  # 90 % of a chi-squared variable of three degrees of freedom lie below
_Z_90 = 1.6449  # 90 % of a normal variable lie within so many standard deviations
_MISS = 2 / 0.1
# A joint that is measured is known to a millimetre at best [m].
_LEAST = 1e-3
# The claims of a calibration curve.
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


def uncertainty_scores(
    error: Float[Tensor, 'frame joint 3'], covariance: Float[Tensor, 'frame joint 3 3'], align: int
) -> dict[str, float]:
    """Coverage (all joints, the lower body, each third of the claimed spread) and interval scores [cm].

    Args:
        error: estimate minus truth [m], laid on each other at the joint `align`, which is left out.
        covariance: what is claimed of it, from the same point.
    """
    covariance, error = _at_least_a_millimetre(covariance), error.double()
    inside = _distance(error, covariance) <= _CHI2_90
    spread = covariance.diagonal(dim1=-2, dim2=-1)
    joints, lower = _counted(align)
    scores = {'coverage90': _share(inside[:, joints]), 'coverage90_lower': _share(inside[:, lower])}
    size = spread.sum(-1)[:, joints].flatten()
    for number, part in enumerate(size.argsort().chunk(3), 1):
        scores[f'coverage90_third{number}'] = _share(inside[:, joints].flatten()[part])
    off, half = error[:, joints].abs(), _Z_90 * spread[:, joints].sqrt()
    scores['interval_score_cm'] = 100 * float(_interval_score(off, half).mean())
    constant = off.transpose(0, 1).flatten(1).quantile(0.9, dim=1)[:, None]
    scores['interval_score_constant_cm'] = 100 * float(_interval_score(off, constant).mean())
    return scores


def coverage_curve(
    error: Float[Tensor, 'frame joint 3'], covariance: Float[Tensor, 'frame joint 3 3'], align: int
) -> dict[str, list[float]]:
    """How many places are inside the ellipsoid of each of LEVELS: `claimed` beside `all` joints and the `lower` body.

    Args and what is left out as in uncertainty_scores.
    """
    distance = _distance(error.double(), _at_least_a_millimetre(covariance))
    inside = [distance <= float(chi2.ppf(level, 3)) for level in LEVELS]
    joints, lower = _counted(align)
    observed = {'all': joints, 'lower': lower}
    return {'claimed': list(LEVELS)} | {
        name: [_share(flags[:, part]) for flags in inside] for name, part in observed.items()
    }


def _counted(align: int) -> tuple[list[int], list[int]]:
    """All joints and those of the lower body, without the one at which both poses were laid on each other."""
    joints = [joint for joint in range(len(smpl22.JOINTS)) if joint != align]
    return joints, [joint for joint in smpl22.LOWER if joint != align]


def _at_least_a_millimetre(covariance: Float[Tensor, '*any 3 3']) -> Float[Tensor, '*any 3 3']:
    return covariance.double() + _LEAST**2 * torch.eye(3, dtype=torch.float64)


def _distance(
    error: Float[Tensor, 'frame joint 3'], covariance: Float[Tensor, 'frame joint 3 3']
) -> Float[Tensor, 'frame joint']:
    """Squared, in units of the claimed spread (Mahalanobis')."""
    return (error * torch.linalg.solve(covariance, error)).sum(-1)


def _share(flags: Bool[Tensor, '*any']) -> float:
    return float(flags.double().mean())


def _interval_score(off: Float[Tensor, '*any'], half: Float[Tensor, '*any']) -> Float[Tensor, '*any']:
    """Width of the interval and what a miss of it costs."""
    return 2 * half + _MISS * (off - half).clamp(min=0)
