"""The poses in which one can calibrate."""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.geometry import rotation


def _rest_pose(quarter_turns: Mapping[str, int]) -> Float[Tensor, 'joint 3 3']:
    """The T-pose, with some joints turned by quarter turns about the forward axis."""
    rotvec = torch.zeros(len(smpl22.JOINTS), 3, dtype=torch.float64)
    for name, quarters in quarter_turns.items():
        rotvec[smpl22.INDEX[name], 0] = quarters * math.pi / 2
    return rotation.exp(rotvec)


# Global rotations of somebody who faces +x.
REST_POSES = {
    't_pose': _rest_pose({}),
    'n_pose': _rest_pose(
        {f'left_{name}': -1 for name in ('shoulder', 'elbow', 'wrist')}
        | {f'right_{name}': 1 for name in ('shoulder', 'elbow', 'wrist')}
    ),
}
# How a person is told to hold them.
IN_WORDS = {'t_pose': 'arms stretched out sideways', 'n_pose': 'arms hanging'}
