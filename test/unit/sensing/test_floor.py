"""FloorWatch: made-up people on floors that rise and fall, and whose sensors have their origin elsewhere."""

import functools
import math
from dataclasses import replace

import pytest
import torch

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.motion.procedural import procedural_clip
from inpose_ros.sensing.floor import FloorWatch, Standing
from inpose_ros.sensing.resample import JointWindow

MEAN, RATE, FRAMES = Skeleton.mean(), 30.0, 40
STANDING = Standing(MEAN, 0.02)
HEIGHT = STANDING.height
HANDS, FEET = [15, 20, 21], [0, 7, 8, 10, 11, 15, 20, 21]
UPRIGHT, LYING = torch.eye(3), torch.tensor([[0.0, 0, -1], [0, 1, 0], [1, 0, 0]])


@pytest.fixture(scope='module')
def places():
    """Of somebody who walks, turns, squats and reaches, by frame."""
    return procedural_clip(1, 30.0, MEAN, fps=RATE).positions.float()


def of_joints(joints):
    return torch.isin(torch.arange(22), torch.tensor(joints, dtype=torch.long)).expand(FRAMES, -1)


def grounds(places, located=HANDS, standing=STANDING, given=0.0, turned=(), rot=LYING, rate=RATE):
    """By frame, from the first whole window on; nothing is upright unless it is said to be turned otherwise."""
    watch, stddev = FloorWatch(), torch.full((22,), 0.003)
    located, turned = of_joints(located), of_joints([*located, *turned])
    rots = rot.expand(len(places), 22, 3, 3)
    return [
        watch.look(JointWindow(end, rots[span], turned, places[span], located, stddev, stddev), standing, given, rate)
        for end in range(FRAMES, len(places))
        for span in [slice(end - FRAMES, end)]
    ]


def shifted(places, height):
    """By a height for each frame [m]."""
    return places + torch.stack((torch.zeros(len(places)),) * 2 + (height,), -1)[:, None]


def ramp(places, begin, end, height):
    """From 0 to a height [m] between two times [s]."""
    times = torch.arange(len(places)) / RATE
    return shifted(places, height * ((times - begin) / (end - begin)).clamp(0, 1))


def at(rows, time):
    return rows[round(time * RATE) - FRAMES]


@pytest.mark.parametrize('located', [HANDS, FEET, [15]])
def test_who_walks_squats_and_reaches_contradicts_no_floor(places, located):
    assert {(ground.height, ground.contradicted) for ground in grounds(places, located)} == {(0.0, False)}


def head_at(heights):
    """Only the head's height [m] matters, by frame; hands are half as high."""
    rows = torch.zeros(len(heights), 22, 3)
    rows[..., 2] = heights[:, None] / 2
    rows[:, smpl22.HEAD, 2] = heights
    return rows


@pytest.mark.parametrize('height', [1.1, 0.75, 0.45, 0.1])
def test_who_sits_crouches_or_lies_contradicts_no_floor(height):
    down = torch.cat((torch.full((60,), HEIGHT), torch.linspace(HEIGHT, height, 30), torch.full((300,), height)))
    assert not any(ground.contradicted for ground in grounds(head_at(down)))


def test_push_ups_and_hands_a_little_below_the_floor_contradict_nothing():
    times = torch.arange(600) / RATE
    rows = head_at(0.4 + 0.2 * torch.sin(3 * times))
    rows[:, 20:, 2] = -0.06
    assert {(ground.height, ground.contradicted) for ground in grounds(rows)} == {(0.0, False)}


def test_who_jumps_contradicts_no_floor():
    times = torch.arange(300) / RATE
    jumps = (3.0 * (times % 0.8) - 4.9 * (times % 0.8) ** 2).clamp(min=0)
    assert not any(ground.contradicted for ground in grounds(head_at(HEIGHT + jumps)))


def test_with_the_origin_at_the_head_the_floor_that_fits_is_told(places):
    rows = grounds(shifted(places, torch.full((len(places),), -1.6)))
    assert all(ground.contradicted for ground in rows)
    told = [ground.told for ground in rows if not math.isnan(ground.told)]
    assert len(told) > 0.8 * len(rows) and max(abs(height + 1.6) for height in told) < 0.06
    assert set(rows[0].contradicting) <= set(HANDS) and rows[0].contradicting


def test_what_is_below_the_floor_for_a_moment_is_not_put_upside_down_and_not_named(places):
    low = places.clone()
    low[100:106, 20, 2] = -0.3
    rows = grounds(low)
    assert not any(ground.contradicted for ground in rows)
    assert sum(math.isnan(ground.height) for ground in rows) == 6


def test_who_goes_up_stairs_is_followed(places):
    rows = grounds(ramp(places, 3, 23, 3.0))
    late = [abs(at(rows, time).height - 0.15 * (time - 3)) for time in range(9, 23)]
    assert (
        sorted(late)[len(late) // 2] < 0.25 and max(late) < 0.9
    )  # squats on the stairs, which this one does, show late
    assert at(rows, 29).told == pytest.approx(3.0, abs=0.06)


def test_a_lift_that_goes_down_is_noticed_and_the_floor_below_found(places):
    rows = grounds(ramp(places, 3, 13, -3.0))
    assert not at(rows, 4).contradicted and at(rows, 8).contradicted
    assert at(rows, 29).told == pytest.approx(-3.0, abs=0.08)


def test_the_given_floor_is_used_again_where_it_fits(places):
    rows = grounds(ramp(places, 3, 6, 0.8) - ramp(places, 12, 15, 0.8) + places)
    assert at(rows, 8).contradicted
    assert not at(rows, 24).contradicted and at(rows, 24).height == 0.0


def test_who_raises_their_hands_over_a_contradicted_floor_does_not_make_it_fit(places):
    low = shifted(places, torch.full((len(places),), -1.6))
    low[400:, 20:, 2] = 0.3
    assert all(ground.contradicted for ground in grounds(low))


def test_a_stature_that_is_not_known_tells_no_floor(places):
    rows = grounds(shifted(places, torch.full((len(places),), -1.6)), standing=replace(STANDING, stddev=0.4))
    assert all(ground.contradicted and math.isnan(ground.height) for ground in rows)


def test_a_foot_below_the_floor_contradicts_it(places):
    rows = grounds(shifted(places, torch.full((len(places),), -0.3)), located=FEET)
    assert rows[-1].contradicted and {10, 11} & set(rows[-1].contradicting)


def test_a_head_that_is_not_located_leaves_the_floor_unknown(places):
    rows = grounds(shifted(places, torch.full((len(places),), -1.6)), located=[20, 21])
    assert rows[-1].contradicted and math.isnan(rows[-1].height)


@functools.cache
def clip_of(stature):
    body = Skeleton.from_stature(stature)
    clip = procedural_clip(1, 12.0, body, fps=RATE)
    return Standing(body, 0.0), clip.positions.float(), clip.rot_world_joint.float()


IMUS = [0, 4, 5, 15, 20, 21]
SETS = [
    ([15], []),
    (HANDS, []),
    (HANDS, [0]),
    ([0, 7, 8, 15, 20, 21], []),
    ([0], IMUS),
    ([7, 8], IMUS),
    ([20, 21], IMUS),
]


@pytest.mark.parametrize('stature', [1.5, 1.95])
@pytest.mark.parametrize('located, turned', [*SETS, ([4, 5], [0, 1, 2]), (list(range(22)), [])])
@pytest.mark.parametrize('given', [-0.05, 0.05])
def test_no_set_of_sensors_contradicts_a_floor_that_is_right_to_five_centimetres(stature, located, turned, given):
    standing, places, rot = clip_of(stature)
    assert not any(g.contradicted for g in grounds(places, located, standing, given, turned, rot))


@pytest.mark.parametrize('stature', [1.5, 1.95])
@pytest.mark.parametrize('located, turned', SETS[:6])
def test_a_floor_three_metres_higher_is_told_by_whatever_stands(stature, located, turned):
    standing, places, rot = clip_of(stature)
    rows = grounds(places + torch.tensor([0, 0, 3.0]), located, standing, turned=turned, rot=rot)
    assert all(g.contradicted for g in rows)
    assert {j for g in rows for j in g.contradicting} <= set(located)
    errors = [abs(g.told - 3.0) for g in rows if not math.isnan(g.told)]
    assert sorted(errors)[len(errors) // 2] < 0.1


def test_hands_three_metres_too_high_contradict_a_floor_until_they_are_down_again():
    standing, places, rot = clip_of(1.72)
    rows = grounds(ramp(places, 2, 3, 3.0) - ramp(places, 8, 9, 3.0) + places, [20, 21], standing, turned=[0], rot=rot)
    assert at(rows, 6).contradicted and math.isnan(at(rows, 6).height)
    assert not at(rows, 11.9).contradicted and at(rows, 11.9).height == 0.0


@pytest.mark.parametrize('stature', [1.5, 1.95])
@pytest.mark.parametrize('rate', [20.0, 60.0])
@pytest.mark.parametrize('joint, turned', [(15, []), (15, IMUS), (0, []), (0, IMUS)])
def test_with_the_origin_at_an_upright_head_or_pelvis_the_floor_that_fits_is_told(stature, rate, joint, turned):
    standing = Standing(Skeleton.from_stature(stature), 0.0)
    places = (standing.skeleton.rest_positions - standing.skeleton.rest_positions[joint]).float().expand(90, 22, 3)
    rows = grounds(places + torch.tensor([0, 0, 0.02]), [joint], standing, turned=turned, rot=UPRIGHT, rate=rate)
    assert all(g.contradicting == (joint,) for g in rows)
    assert rows[-1].told == pytest.approx(0.02 - standing.heights[joint], abs=0.01)


def test_an_upright_head_over_an_upright_pelvis_is_no_lower_than_a_knee():
    rows = head_at(torch.full((100,), 0.32))
    assert grounds(rows, [15], turned=[0], rot=UPRIGHT)[-1].contradicted
    assert not grounds(rows, [15], rot=UPRIGHT)[-1].contradicted  # who crawls and looks ahead
    assert not grounds(rows, [15], turned=[0])[-1].contradicted  # who lies
    assert not grounds(rows, [15], turned=[0], rot=UPRIGHT, standing=Standing(MEAN, 0.3))[-1].contradicted  # a child
    assert not grounds(head_at(torch.full((100,), 0.5)), [15], turned=[0], rot=UPRIGHT)[-1].contradicted


def test_a_shank_that_is_upright_has_its_ankle_over_the_floor_and_the_knee_is_named():
    rows = head_at(torch.full((100,), 0.1))  # so knees are at 0.05
    assert not grounds(rows, [4, 5])[-1].contradicted  # who kneels
    upright = grounds(rows, [4, 5], rot=UPRIGHT)[-1]
    assert upright.contradicting == (4, 5)
    assert upright.told == pytest.approx(0.05 - STANDING.heights[4], abs=0.01)


@pytest.mark.parametrize('height', [0.5, 1.0, 1.7])
def test_whose_feet_are_on_a_stool_or_over_them_in_a_handstand_contradicts_no_floor(height):
    rows = head_at(torch.full((100,), 2 * height))
    assert not any(g.contradicted for g in grounds(rows, [7, 8], turned=IMUS))
    assert not any(g.contradicted for g in grounds(rows.clamp(max=1.2), [0, 7, 8]))


def test_who_jumps_contradicts_no_floor_by_pelvis_or_feet():
    times = torch.arange(300) / RATE
    jumps = (3.0 * (times % 0.8) - 4.9 * (times % 0.8) ** 2).clamp(min=0)
    places = shifted(torch.from_numpy(STANDING.heights).float()[:, None].expand(22, 3).expand(300, 22, 3), jumps)
    assert not any(g.contradicted for g in grounds(places, [0, 7, 8], rot=UPRIGHT))


def test_a_head_that_may_be_so_high_is_believed_over_a_hand_that_may_not():
    rows = head_at(torch.full((100,), HEIGHT))
    rows[:, 20, 2] = 3.0
    assert not any(g.contradicted for g in grounds(rows))
