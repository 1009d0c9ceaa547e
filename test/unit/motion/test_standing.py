"""Who stands first stands in the pose, sways little, and goes over into the motion without a jump."""

import numpy as np
import pytest
import torch

from inpose_ros.geometry import rotation
from inpose_ros.motion.procedural import procedural_clip, random_skeleton
from inpose_ros.motion.standing import standing_first
from inpose_ros.sensing.calibration.still_pose import MAX_MOTION, REST_POSES


@pytest.mark.parametrize('pose', REST_POSES)
def test_the_pose_is_held_as_still_as_a_calibration_needs_and_then_left_smoothly(pose: str) -> None:
    clip = procedural_clip(0, 2.0, random_skeleton(0))
    whole = standing_first(clip, 3.0, pose, np.random.default_rng(0))
    still = round(3.0 * clip.fps)
    wanted = REST_POSES[pose].to(whole.rot_world_joint).expand(still, -1, -1, -1)
    assert float(rotation.angle_between(whole.rot_world_joint[:still], wanted).max()) < MAX_MOTION / 2
    assert torch.equal(whole.rot_world_joint[-len(clip) :], clip.rot_world_joint)
    assert whole.seconds == pytest.approx(3.0 + 0.8 + clip.seconds, abs=0.1)
    steps = (whole.positions[1:] - whole.positions[:-1]).norm(dim=-1)
    assert float(steps.max()) * clip.fps < 6.0
    heights = whole.positions[:still, :, 2].min(-1).values
    assert torch.allclose(heights, clip.positions[0, :, 2].min().expand(still), atol=1e-5)


def test_the_sway_is_seeded() -> None:
    clip = procedural_clip(0, 1.0, random_skeleton(0))
    one, other, third = (standing_first(clip, 1.0, 'n_pose', np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(one.rot_world_joint, other.rot_world_joint)
    assert not torch.equal(one.rot_world_joint, third.rot_world_joint)
