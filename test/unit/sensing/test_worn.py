"""Which trackers are worn: made-up people who move, and devices on a table, at a dummy pose, in a bag, or apart."""

from dataclasses import replace

import pytest
import torch

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.geometry import rotation
from inpose_ros.motion.procedural import procedural_clip
from inpose_ros.sensing.resample import JointWindow
from inpose_ros.sensing.worn import Wear, Wearer, worn_part

FRAMES, HANDS = 40, [15, 20, 21]
MEAN = Skeleton.mean()
WEARER = Wearer(MEAN, 0.015, 0.0)


@pytest.fixture(scope='module')
def clip():
    return procedural_clip(1, 20.0, MEAN, fps=30.0)


def window(rot, places, located=HANDS, noise=0.002, seed=0) -> JointWindow:
    generator = torch.Generator().manual_seed(seed)
    valid = torch.isin(torch.arange(22), torch.tensor(located)).expand(FRAMES, -1)
    jitter = rotation.exp(0.005 * torch.randn(FRAMES, 22, 3, generator=generator))
    places = places.float() + noise * torch.randn(FRAMES, 22, 3, generator=generator)
    stddev = torch.full((22,), 0.003)
    return JointWindow(0, rot.float() @ jitter, valid, places, valid, torch.full((22,), 0.01), stddev)


def windows(clip, **options):
    return [
        window(clip.rot_world_joint[end - FRAMES : end], clip.positions[end - FRAMES : end], seed=end, **options)
        for end in range(FRAMES, len(clip), 15)
    ]


def lying(places) -> JointWindow:
    rot = rotation.exp(torch.tensor([[0.2, 1.4, 0.5]])).expand(FRAMES, 22, 3, 3)
    return window(rot, places.expand(FRAMES, 22, 3))


def test_who_moves_wears_them(clip):
    found = [worn_part(one, WEARER) for one in windows(clip)]
    assert all(wear is not Wear.NOT_WORN for wear, _ in found)
    assert sum(wear is Wear.WORN for wear, _ in found) > 0.9 * len(found)


def test_what_is_worn_is_kept_as_it_is(clip):
    one = windows(clip)[4]
    assert worn_part(one, WEARER) == (Wear.WORN, one)


@pytest.mark.parametrize('floor', [0.0, float('nan')])
def test_devices_that_lie_on_a_table_are_not_worn(floor):
    wear, _ = worn_part(lying(torch.tensor([0.5, 0.1, 0.78])), replace(WEARER, floor=floor))
    assert wear is Wear.NOT_WORN


def test_a_headset_that_stands_motionless_as_high_as_a_head_says_nothing(clip):
    one = windows(clip)[4]
    still = window(one.rot_world_joint[:1].expand(FRAMES, -1, -1, -1), one.location[:1].expand(FRAMES, -1, -1))
    assert worn_part(still, WEARER)[0] is Wear.STILL


def test_a_head_at_the_origin_is_a_dummy_pose(clip):
    one = windows(clip)[4]
    places, rot = one.location.clone(), one.rot_world_joint.clone()
    places[:, smpl22.HEAD], rot[:, smpl22.HEAD] = 0.0, torch.eye(3)
    assert worn_part(replace(one, location=places, rot_world_joint=rot), WEARER)[0] is Wear.NOT_WORN


@pytest.mark.parametrize('place', [(0.0, 0.0, 0.0), (0.6, 0.3, 0.75)])
def test_a_hand_that_lies_somewhere_is_left_out_and_the_others_tell(clip, place):
    one = next(one for one in windows(clip) if worn_part(one, WEARER)[1] is one)
    places, rot = one.location.clone(), one.rot_world_joint.clone()
    places[:, 20] = torch.tensor(place) + 0.001 * torch.randn(FRAMES, 3)
    rot[:, 20] = torch.eye(3)
    wear, part = worn_part(replace(one, location=places, rot_world_joint=rot), WEARER)
    assert wear is Wear.WORN
    assert part.location_valid[-1].nonzero().flatten().tolist() == [15, 21]
    assert part.rot_valid[-1].nonzero().flatten().tolist() == [15, 21]


def test_devices_in_one_bag_move_as_one_piece_and_tell_nothing(clip):
    one = windows(clip)[4]
    head, turn = one.location[:, smpl22.HEAD], one.rot_world_joint[:, smpl22.HEAD]
    places, rot = one.location.clone(), one.rot_world_joint.clone()
    for joint, way in ((20, (0.1, 0.1, 0.0)), (21, (0.0, -0.1, 0.1))):
        places[:, joint] = head + (turn @ torch.tensor(way)[:, None])[..., 0]
        rot[:, joint] = turn
    assert worn_part(replace(one, location=places, rot_world_joint=rot), WEARER)[0] is not Wear.WORN


def test_hands_that_no_arms_reach_are_not_worn_with_the_head(clip):
    one = next(one for one in windows(clip) if worn_part(one, WEARER)[1] is one)
    places = one.location.clone()
    places[:, 20:] += torch.tensor([2.5, 0.0, 0.0])
    wear, part = worn_part(replace(one, location=places), WEARER)
    assert wear is not Wear.WORN or part.location_valid[-1].sum() == 1


def test_on_a_floor_that_is_not_known_heights_say_nothing(clip):
    low = [replace(one, location=one.location - torch.tensor([0.0, 0.0, 1.6])) for one in windows(clip)]
    known, unknown = (
        sum(worn_part(one, replace(WEARER, floor=floor))[0] is Wear.WORN for one in low)
        for floor in (0.0, float('nan'))
    )
    assert known == 0 and unknown > 0.9 * len(low)


def test_of_somebody_of_unknown_stature_a_child_may_wear_them():
    child = MEAN.scaled(0.65)
    rows = windows(procedural_clip(2, 10.0, child, fps=30.0))
    found = [worn_part(one, Wearer(MEAN, 0.25, 0.0))[0] for one in rows]
    assert sum(wear is Wear.WORN for wear in found) > 0.8 * len(found)
