"""Scores of poses that were received one after another, against the true motion at their stamps."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from inpose_ros.body import kinematics, smpl22
from inpose_ros.evaluation import metrics
from inpose_ros.geometry import rotation
from inpose_ros.motion.clip import MotionClip

_DEGREES = 180 / torch.pi


@dataclass(frozen=True)
class Track:
    """Poses as they were received: stamps of the newest measurement in each, times of reception, and what they said."""

    stamp_ns: Int[np.ndarray, 'pose']
    received_ns: Int[np.ndarray, 'pose']
    rot_world_joint: Float[Tensor, 'pose joint 3 3']
    position: Float[Tensor, 'pose joint 3']

    def __len__(self) -> int:
        return len(self.stamp_ns)

    def since(self, stamp_ns: int) -> 'Track':
        """The poses from a stamp on."""
        keep = self.stamp_ns >= stamp_ns
        chosen = torch.from_numpy(keep)
        return Track(self.stamp_ns[keep], self.received_ns[keep], self.rot_world_joint[chosen], self.position[chosen])

    def timing(self) -> dict[str, float]:
        """Poses, their rate [Hz], from the newest measurement's stamp to reception [ms], and the seconds tracked."""
        latency = (self.received_ns - self.stamp_ns) / 1e6
        return {
            'poses': len(self),
            'rate_hz': (len(self) - 1) * 1e9 / float(self.received_ns[-1] - self.received_ns[0]),
            'latency_p50_ms': float(np.percentile(latency, 50)),
            'latency_p95_ms': float(np.percentile(latency, 95)),
            'seconds': float(self.stamp_ns[-1] - self.stamp_ns[0]) / 1e9,
        }


def truth_at(clip: MotionClip, stamp_ns: Int[np.ndarray, 'pose'], start_ns: int) -> MotionClip:
    """The true motion at each stamp; the clip began at `start_ns`."""
    return clip.sampled(torch.from_numpy((stamp_ns - start_ns) / 1e9))


def position_scores(track: Track, truth: MotionClip) -> dict[str, float]:
    """Errors with the head laid on the true head, beside the best that a constant pose and a carried posture can do."""
    true = truth.positions.to(track.position)
    error = metrics.joint_errors(track.position, true, smpl22.HEAD)
    residual = metrics.location_residual(track.position, true, [smpl22.HEAD, *smpl22.WRISTS])
    return {
        'mpjpe_cm': float(error.mean()),
        'constant_pose_mpjpe_cm': float(constant_pose_errors(truth).mean()),
        'constant_posture_mpjpe_cm': float(constant_posture_errors(truth).mean()),
        'location_residual_cm': float(residual.mean()),
    }


def rotation_scores(track: Track, truth: MotionClip) -> dict[str, float]:
    """Errors of the 21 local rotations, beside the best that a constant pose can do."""
    true = kinematics.local_rotations(truth.rot_world_joint.to(track.rot_world_joint))[:, 1:]
    constant = rotation.angle_between(median_rotation(true).expand_as(true), true)
    return {
        'mpjre_deg': float(rotation_errors(track, truth).mean()),
        'constant_pose_mpjre_deg': float(constant.mean()) * _DEGREES,
    }


def rotation_errors(track: Track, truth: MotionClip) -> Float[Tensor, 'pose joint']:
    """Geodesic angles [deg] between the 21 local rotations and the true ones."""
    true = kinematics.local_rotations(truth.rot_world_joint.to(track.rot_world_joint))[:, 1:]
    return rotation.angle_between(kinematics.local_rotations(track.rot_world_joint)[:, 1:], true) * _DEGREES


def constant_pose_errors(truth: MotionClip) -> Float[Tensor, 'pose joint']:
    """Errors [cm] of the best pose that never changes, not even the way it faces, laid on the true head."""
    position = truth.positions.double()
    return _errors_of_median(position - position[:, smpl22.HEAD, None])


def constant_posture_errors(truth: MotionClip) -> Float[Tensor, 'pose joint']:
    """Errors [cm] of the best constant posture, which the true head carries along and turns by its heading."""
    position = truth.positions.double()
    turn = rotation.about_z(-rotation.heading(truth.rot_world_joint[:, smpl22.HEAD].double()))
    relative = position - position[:, smpl22.HEAD, None]
    return _errors_of_median((turn[:, None] @ relative[..., None])[..., 0])


def _errors_of_median(relative: Float[Tensor, 'pose joint 3'], iterations: int = 100) -> Float[Tensor, 'pose joint']:
    """Distances [cm] to each joint's geometric median (Weiszfeld's iteration): no constant has a smaller mean."""
    median = relative.mean(0)
    for _ in range(iterations):
        weight = 1 / (relative - median).norm(dim=-1, keepdim=True).clamp(min=1e-6)
        median = (relative * weight).sum(0) / weight.sum(0)
    return 100 * (relative - median).norm(dim=-1)


def median_rotation(rot: Float[Tensor, 'pose *joint 3 3'], iterations: int = 50) -> Float[Tensor, '*joint 3 3']:
    """The constant rotation with the least mean angle to all (Weiszfeld's iteration on SO(3), Hartley et al., 2011)."""
    median = rotation.mean_rotation(rot)
    for _ in range(iterations):
        tangent = rotation.log(median.transpose(-1, -2) @ rot)
        weight = 1 / tangent.norm(dim=-1, keepdim=True).clamp(min=1e-4)
        median = median @ rotation.exp((tangent * weight).sum(0) / weight.sum(0))
    return median
