"""How good the prior is on motion that it was not trained on, at the newest frame."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import kinematics, smpl22
from inpose_ros.diffusion.denoiser import Condition, Denoiser
from inpose_ros.diffusion.prior import MotionPrior, Spread
from inpose_ros.geometry import rotation
from inpose_ros.training import dropout, loss, self_conditioning
from inpose_ros.training.windows import MotionWindow, WindowSource

HANDS = ('head', 'left_wrist', 'right_wrist')
SIX = (*HANDS, 'pelvis', 'left_knee', 'right_knee')


@dataclass(frozen=True)
class Case:
    """What is worn, and whether by somebody calibrated in an N-pose; where `located` by trackers, both steps count."""

    joints: tuple[str, ...]
    height: bool = False
    travel: bool = False
    zeroed: bool = False
    acceleration: bool = False
    located: bool = False


CASES = {
    'rotations': Case(HANDS),
    'height': Case(HANDS, height=True),
    'travel': Case(HANDS, height=True, travel=True),
    'located': Case(HANDS, height=True, travel=True, located=True),
    'six_imus': Case(SIX),
    'six_zeroed': Case(SIX, zeroed=True),
    'six_inertial': Case(SIX, zeroed=True, acceleration=True),
}


@torch.no_grad()
def validate(
    denoiser: Denoiser, source: WindowSource, spread: Spread | None = None, count: int = 768
) -> dict[str, float]:
    """Error of the denoiser's last step, mpjpe [cm] in each of CASES, before locations correct it once more."""
    denoiser.eval()
    prior = MotionPrior(denoiser, spread)
    clips, newest = source.grid(count)
    scores = {}
    for name, case in CASES.items():
        window = source.at(clips, newest, zeroed=torch.full((count,), case.zeroed))
        worn = torch.zeros(count, 22, dtype=torch.bool)
        worn[:, [smpl22.INDEX[joint] for joint in case.joints]] = True
        known = dropout.Known.constant(count, case.height, case.travel, case.acceleration)
        condition, heading = dropout.dress(window, worn, known, None)
        if case.located:
            likelihood = self_conditioning.precise_likelihood(window, condition, heading)
            noisy, step = self_conditioning.last_input(prior, condition, likelihood)
            estimate = prior.rotations(prior.denoise(noisy, step, condition), condition)[:, -1]
        else:
            estimate = denoise_from_noise(denoiser, condition, prior.schedule.last)
        truth = rotation.about_z(-heading)[:, None] @ window.rot_world_joint[:, -1]
        centimetres = position_error(estimate, truth, window)
        scores[f'{name}_cm'] = float(centimetres.mean())
        if name == 'height':
            scores[f'{name}_upper_cm'] = float(centimetres[:, list(smpl22.UPPER)].mean())
        if case.zeroed:
            scores[f'{name}_deg'] = float(_rotation_error(estimate, truth)[window.zeroed].mean())
    return scores


def position_error(
    estimate: Float[Tensor, 'batch joint 3 3'], truth: Float[Tensor, 'batch joint 3 3'], window: MotionWindow
) -> Float[Tensor, 'batch joint']:
    """Distance of each joint, head on head [cm]."""
    places = [loss.relative_positions(rot[:, None], window.bones)[:, 0] for rot in (estimate, truth)]
    return (places[0] - places[1]).norm(dim=-1) * dropout.standing_height(window.bones)[:, None] * 100


def _rotation_error(
    estimate: Float[Tensor, 'batch joint 3 3'], truth: Float[Tensor, 'batch joint 3 3']
) -> Float[Tensor, 'batch joint']:
    """Angle between the local rotations of all joints but the root [deg]."""
    local = [kinematics.local_rotations(rot)[:, 1:] for rot in (estimate, truth)]
    return torch.rad2deg(rotation.angle_between(*local))


def denoise_from_noise(denoiser: Denoiser, condition: Condition, step: int) -> Float[Tensor, 'batch joint 3 3']:
    """The newest frame's rotations after a single step from fixed noise."""
    generator = torch.Generator(condition.rotation.device).manual_seed(0)
    noise = torch.randn(condition.rotation.shape, generator=generator)
    steps = torch.full((len(noise),), step)
    return rotation.matrix_from_6d(denoiser(noise, steps, condition).rotation[:, -1])
