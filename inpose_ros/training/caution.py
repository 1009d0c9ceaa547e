"""By how much the default rule errs more than it claims, for people whom it was not trained on."""

import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import kinematics, smpl22
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.sampler import InPoseRule
from inpose_ros.geometry import rotation
from inpose_ros.training import dropout, self_conditioning
from inpose_ros.training.validation import HANDS
from inpose_ros.training.windows import WindowSource

_CHI2_90 = 6.2514  # 90 % of a chi-squared variable of three degrees of freedom lie below
_LEAST = 1e-3  # a place that is measured is known to a millimetre at best [m]
_MEASURED_STDDEV = 0.02  # what the likelihood is told of measured rotations [rad]
_LEAST_WINDOWS = 10  # of a person, or they tell nothing


@torch.no_grad()
def measure_caution(prior: MotionPrior, source: WindowSource, count: int = 1536) -> Float[Tensor, '']:
    """The factor on claimed standard deviations with which 90 % regions hold 90 % of the joints, for a hard person.

    One factor for each person of the validation motion, head and wrists tracked; then their mean plus one standard
    deviation: a new person may be harder than most of the few whom it could be measured on, and claiming too little is
    the worse mistake.
    """
    clips, newest = source.grid(count)
    ratios = torch.cat([_ratios(prior, source, *part) for part in zip(clips.split(128), newest.split(128))])
    people = [source.subjects[clip] for clip in clips.tolist()]
    factors = torch.stack([
        ratios[[person == each for person in people]].quantile(0.9).sqrt()
        for each in sorted(set(people))
        if people.count(each) >= _LEAST_WINDOWS
    ])  # fmt: skip
    return factors.mean() + (factors.std() if len(factors) > 1 else 0.0)


def _ratios(prior: MotionPrior, source: WindowSource, clips: Tensor, newest: Tensor) -> Float[Tensor, 'window joint']:
    """Of every joint but the head: the squared error over that on the edge of the claimed 90 % region, head on head."""
    window, count = source.at(clips, newest), len(clips)
    worn = torch.zeros(count, len(smpl22.JOINTS), dtype=torch.bool)
    worn[:, [smpl22.INDEX[name] for name in HANDS]] = True
    condition, heading = dropout.dress(window, worn, dropout.Known.constant(count, height=True, travel=True), None)
    likelihood = self_conditioning.precise_likelihood(window, condition, heading)
    stddev = torch.full((len(smpl22.JOINTS),), _MEASURED_STDDEV)
    sample = InPoseRule()(prior, torch.zeros_like(condition.rotation), condition, likelihood, stddev)
    estimate = sample.rot_world_joint[:, -1]
    truth = rotation.about_z(-heading)[:, None] @ window.rot_world_joint[:, -1]
    places = [kinematics.positions_from_bones(window.bones, rot) for rot in (estimate, truth)]
    error = places[0] - places[1]
    error = error - error[:, smpl22.HEAD, None]
    claimed = torch.stack([
        kinematics.position_covariance(bones, rot, covariance, smpl22.HEAD)
        for bones, rot, covariance in zip(window.bones, estimate, sample.covariance)
    ])  # fmt: skip
    ratio = (error * torch.linalg.solve(claimed + _LEAST**2 * torch.eye(3), error)).sum(-1) / _CHI2_90
    return ratio[:, [joint for joint in range(len(smpl22.JOINTS)) if joint != smpl22.HEAD]]
