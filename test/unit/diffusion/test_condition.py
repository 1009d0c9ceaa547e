import torch

from inpose_ros.diffusion.condition import ANCHOR_ORDER, window_heading
from inpose_ros.geometry import rotation

from .examples import random_pose


def test_every_joint_may_be_the_anchor_once():
    assert sorted(ANCHOR_ORDER) == list(range(22))


def test_turning_the_world_turns_the_heading():
    rot = random_pose(3, 5)
    valid = torch.zeros(3, 5, 22, dtype=torch.bool)
    valid[0, :, 15] = valid[1, :, [0, 20]] = valid[2, 1:3, 7] = True
    turn = rotation.about_z(torch.tensor([0.3, -2.0, 1.0]))[:, None, None]
    before, after = window_heading(rot, valid), window_heading(turn @ rot, valid)
    change = rotation.about_z(after - before)
    assert torch.allclose(change, turn[:, 0, 0], atol=1e-5)


def test_the_newest_measured_frame_of_the_first_anchor_counts():
    rot = random_pose(1, 5)
    valid = torch.zeros(1, 5, 22, dtype=torch.bool)
    valid[0, :3, 15] = valid[0, :, 0] = True
    assert torch.equal(window_heading(rot, valid), rotation.heading(rot[:, 2, 15]))


def test_nothing_measured_has_no_heading():
    assert window_heading(random_pose(2, 5), torch.zeros(2, 5, 22, dtype=torch.bool)).tolist() == [0, 0]
