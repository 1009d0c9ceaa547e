"""The training objective: clean rotations, where they put the joints, and how far off they are likely to be."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from inpose_ros.body import kinematics, smpl22
from inpose_ros.diffusion.denoiser import Prediction
from inpose_ros.geometry import rotation
from inpose_ros.training.dropout import standing_height
from inpose_ros.training.windows import MotionWindow

WEIGHTS = {'rotation': 1.0, 'position': 4.0, 'velocity': 1.0, 'spread': 0.02, 'contact': 0.02, 'root_velocity': 0.05}


def _frame_weights(frames: int) -> Float[Tensor, 'frame']:
    """The newest frame is the one that is published, and the hardest: it counts most."""
    weights = torch.ones(frames)
    weights[-8:] = 3.0
    weights[-1] = 20.0
    return weights / weights.mean()


def relative_positions(
    rot: Float[Tensor, 'batch frame joint 3 3'], bones: Float[Tensor, 'batch joint 3']
) -> Float[Tensor, 'batch frame joint 3']:
    """Joint positions relative to the head, over the standing height of the head joint."""
    positions = kinematics.positions_from_bones(bones[:, None], rot)
    return (positions - positions[:, :, smpl22.HEAD : smpl22.HEAD + 1]) / standing_height(bones)[:, None, None, None]


def local_error(estimate: Float[Tensor, '*batch 3 3'], truth: Float[Tensor, '*batch 3 3']) -> Float[Tensor, '*batch 3']:
    """sin(angle) x axis of w in truth = estimate exp(w): the rotation vector, but bounded and free of branches."""
    m = estimate.transpose(-1, -2) @ truth
    return 0.5 * torch.stack(
        (m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]), -1
    )


def loss_terms(
    prediction: Prediction, window: MotionWindow, heading: Float[Tensor, 'batch']
) -> dict[str, Float[Tensor, '']]:
    """Each term of the loss, averaged over the real frames; see WEIGHTS."""
    turn = rotation.about_z(-heading)[:, None]
    truth = turn[:, :, None] @ window.rot_world_joint
    estimate = rotation.matrix_from_6d(prediction.rotation)
    weights = _frame_weights(truth.shape[1]).to(truth) * window.real
    weights = weights / weights.mean()

    where = relative_positions(estimate, window.bones)
    where_true = relative_positions(truth, window.bones)
    moved = (where - where_true).diff(dim=1).norm(dim=-1).mean(-1) * weights[:, 1:] * window.real[:, :-1]
    error = local_error(estimate.detach(), truth)
    log_stddev = prediction.log_stddev.clamp(-5, 1)
    spread = 0.5 * (error / log_stddev.exp()).square().clamp(max=50) + log_stddev
    root_velocity = (turn @ window.root_velocity[..., None])[..., 0] / standing_height(window.bones)[:, None, None]
    contact = functional.binary_cross_entropy_with_logits(prediction.contact, window.contact.float(), reduction='none')
    per_frame = {
        'rotation': (prediction.rotation - rotation.sixd_from_matrix(truth)).square().mean((-1, -2)),
        'position': (where - where_true).norm(dim=-1).mean(-1),
        'spread': spread.mean((-1, -2)),
        'contact': contact.mean(-1),
        'root_velocity': (prediction.root_velocity - root_velocity).square().mean(-1),
    }
    return {name: (value * weights).mean() for name, value in per_frame.items()} | {'velocity': moved.mean()}


def total_loss(terms: dict[str, Float[Tensor, '']]) -> Float[Tensor, '']:
    return sum(WEIGHTS[name] * term for name, term in terms.items())
