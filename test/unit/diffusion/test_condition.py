import torch

from inpose_ros.diffusion.condition import ANCHOR_ORDER, travel, window_heading
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


def walk() -> torch.Tensor:
    """Two heads at 0.05 standing heights a frame."""
    return (0.05 * torch.arange(12.0))[None, :, None] * torch.tensor([[1.0, 0, 0], [0, 1, 0]])[:, None]


def test_travel_tells_how_the_head_moved_and_not_where_it_is():
    seen = torch.ones(2, 12, dtype=torch.bool)
    seen[1, 9:] = False
    here, known = travel(walk(), seen)
    there, _ = travel(walk() + torch.tensor([3.0, -2.0, 1.0]), seen)
    assert torch.equal(known, seen) and torch.allclose(here, there, atol=1e-6)
    assert not here[0, -1].any() and not here[1, 8:].any()
    assert torch.allclose(here[:, 0].norm(dim=-1), torch.tensor([0.55, 0.40]))


def test_a_head_that_was_lost_has_travelled_since_it_came_back_only():
    place, seen = walk(), torch.ones(2, 12, dtype=torch.bool)
    seen[:, 4:7] = False
    place[0, 7:] += torch.tensor([0.0, 3.0, 0.0])  # it is believed in its new place after a while
    found, known = travel(place, seen)
    assert all(each.nonzero().flatten().tolist() == list(range(7, 12)) for each in known)
    assert found.abs().max() < 0.3 and not found[~known].any()


def test_a_head_that_was_never_seen_has_not_travelled():
    found, known = travel(walk(), torch.zeros(2, 12, dtype=torch.bool))
    assert not known.any() and not found.any()


def test_a_head_that_jumped_has_travelled_since_then_only():
    place = walk()
    place[0, 5:] += torch.tensor([0.0, 0.0, 1.0])
    place[1, 3:] += torch.tensor([1.0, 0.0, 0.0])
    place[1, 7:] += torch.tensor([1.0, 0.0, 0.0])
    found, known = travel(place, torch.ones(2, 12, dtype=torch.bool))
    assert known[0].nonzero().flatten().tolist() == list(range(5, 12))
    assert known[1].nonzero().flatten().tolist() == list(range(7, 12))
    assert found.abs().max() < 0.4 and not found[~known].any()
