"""FloorWatch: made-up people on floors that rise and fall, and whose sensors have their origin elsewhere."""

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


@pytest.fixture(scope='module')
def places():
    """Of somebody who walks, turns, squats and reaches, by frame."""
    return procedural_clip(1, 30.0, MEAN, fps=RATE).positions.float()


def grounds(places, located=HANDS, standing=STANDING, given=0.0, watch=None):
    """By frame, from the first whole window on."""
    watch = FloorWatch() if watch is None else watch
    joints = torch.isin(torch.arange(22), torch.tensor(located)).expand(FRAMES, -1)
    rot, stddev = torch.eye(3).expand(FRAMES, 22, 3, 3), torch.full((22,), 0.003)
    return [
        watch.look(
            JointWindow(end, rot, joints, places[end - FRAMES : end], joints, stddev, stddev), standing, given, RATE
        )
        for end in range(FRAMES, len(places))
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
