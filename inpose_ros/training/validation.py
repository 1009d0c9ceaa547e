"""How good the prior is on motion that it was not trained on, at the newest frame, without any location."""

import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.diffusion.denoiser import Condition, Denoiser
from inpose_ros.diffusion.schedule import NoiseSchedule
from inpose_ros.geometry import rotation
from inpose_ros.training import dropout, loss
from inpose_ros.training.windows import WindowSource

HANDS = ('head', 'left_wrist', 'right_wrist')
SIX = (*HANDS, 'pelvis', 'left_knee', 'right_knee')
# name -> (joints measured, height known)
CASES = {'rotations': (HANDS, False), 'height': (HANDS, True), 'six_imus': (SIX, False)}


@torch.no_grad()
def validate(denoiser: Denoiser, source: WindowSource, schedule: NoiseSchedule, count: int = 768) -> dict[str, float]:
    """Error of one denoising step from pure noise: mpjpe [cm] in each of CASES."""
    denoiser.eval()
    window = source.at(*source.grid(count))
    scores = {}
    for name, (joints, height_known) in CASES.items():
        worn = torch.zeros(count, 22, dtype=torch.bool)
        worn[:, [smpl22.INDEX[joint] for joint in joints]] = True
        condition, heading = dropout.dress(window, worn, torch.full((count,), height_known), None)
        estimate = denoise_from_noise(denoiser, condition, schedule.last)
        truth = rotation.about_z(-heading)[:, None] @ window.rot_world_joint[:, -1]
        error = loss.relative_positions(estimate[:, None], window.bones) - loss.relative_positions(
            truth[:, None], window.bones
        )
        centimetres = error[:, 0].norm(dim=-1) * dropout.standing_height(window.bones)[:, None] * 100
        scores[f'{name}_cm'] = float(centimetres.mean())
        if name == 'height':
            scores['height_upper_cm'] = float(centimetres[:, list(smpl22.UPPER)].mean())
    denoiser.train()
    return scores


def denoise_from_noise(denoiser: Denoiser, condition: Condition, step: int) -> Float[Tensor, 'batch joint 3 3']:
    """The newest frame's rotations after a single step from fixed noise."""
    noise = torch.randn(condition.rotation.shape, generator=torch.Generator().manual_seed(0))
    steps = torch.full((len(noise),), step)
    return rotation.matrix_from_6d(denoiser(noise, steps, condition).rotation[:, -1])
