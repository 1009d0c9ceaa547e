"""The invented person moves as people do: feet stay put, joints bend the right way, nothing jumps."""

import functools
import itertools

import numpy as np
import pytest
import torch

from inpose_ros.body import kinematics, smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.geometry import rotation
from inpose_ros.motion.clip import MotionClip
from inpose_ros.motion.limbs import LEFT_ELBOW_AXIS, hinge_angle, mirrored_rotvec
from inpose_ros.motion.procedural import procedural_clip, random_skeleton
from inpose_ros.motion.schedule import KINDS, Activity, schedule

SECONDS = 20.0
SEEDS = (0, 1)


@functools.cache
def clip_of(seed: int) -> MotionClip:
    return procedural_clip(seed, SECONDS, random_skeleton(seed))


@functools.cache
def places(clip: MotionClip) -> torch.Tensor:
    return clip.positions


def positions_of(seed: int) -> torch.Tensor:
    return places(clip_of(seed))


def activities_of(seed: int) -> dict[str, Activity]:
    return {activity.kind: activity for activity in schedule(np.random.default_rng(seed), SECONDS)}


def during(seed: int, kind: str) -> slice:
    activity, fps = activities_of(seed)[kind], clip_of(seed).fps
    return slice(int(activity.start * fps), int(activity.end * fps) + 1)


def flat(clip: MotionClip, side: int) -> torch.Tensor:
    """Frames in which a foot stands flat: level, and its toes on the ground."""
    level = clip.rot_world_joint[:, 7 + side, 2, 2] > 1 - 1e-6
    return level & (places(clip)[:, 10 + side, 2] < clip.skeleton.sole + 1e-3)


def stances(clip: MotionClip, side: int) -> list[tuple[int, torch.Tensor]]:
    """Each stretch of frames that a foot stands flat: its first frame, and the toes' places on the ground."""
    frames = flat(clip, side).nonzero()[:, 0]
    breaks = (frames.diff() > 1).nonzero()[:, 0] + 1
    return [(int(part[0]), places(clip)[part, 10 + side, :2]) for part in frames.tensor_split(breaks)]


def angular_speeds(rot: torch.Tensor, fps: float) -> torch.Tensor:
    return rotation.angle_between(rot[:-1], rot[1:]) * fps


def test_the_same_seed_gives_the_same_motion() -> None:
    again = procedural_clip(0, SECONDS, random_skeleton(0))
    assert torch.equal(again.rot_world_joint, clip_of(0).rot_world_joint)
    assert torch.equal(again.root, clip_of(0).root)


def test_another_seed_gives_another_motion() -> None:
    other = procedural_clip(1, SECONDS, random_skeleton(0))
    assert not torch.allclose(other.root, clip_of(0).root, atol=0.1)


@pytest.mark.parametrize('fps', [30.0, 60.0, 100.0])
def test_the_clip_lasts_as_long_as_asked(fps: float) -> None:
    clip = procedural_clip(3, 6.0, Skeleton.mean(), fps)
    assert clip.fps == fps
    assert clip.seconds == pytest.approx(6.0)


@pytest.mark.parametrize('seed', SEEDS)
def test_it_begins_at_the_origin_standing_and_facing_x(seed: int) -> None:
    clip = clip_of(seed)
    first = slice(0, int(1.4 * clip.fps))
    assert clip.root[0, :2].norm() < 0.05
    assert rotation.heading(clip.rot_world_joint[first, 0]).abs().max() < 0.05
    assert angular_speeds(clip.rot_world_joint[first], clip.fps).max() < 0.6
    assert positions_of(seed)[first, 15, 2].min() > 0.97 * clip.skeleton.standing_head_height


@pytest.mark.parametrize('seed', SEEDS)
def test_arms_hang_at_their_own_sides_in_rest(seed: int) -> None:
    place = positions_of(seed)[0]
    left, right = place[smpl22.INDEX['left_wrist']], place[smpl22.INDEX['right_wrist']]
    assert left[1] > place[1, 1] > 0 > place[2, 1] > right[1]
    assert max(left[2], right[2]) < place[smpl22.INDEX['spine1'], 2]


@pytest.mark.parametrize('seed', range(20))
def test_all_five_kinds_have_their_time_within_twenty_seconds(seed: int) -> None:
    done = schedule(np.random.default_rng(seed), SECONDS)
    assert {activity.kind for activity in done} == set(KINDS)
    assert all(before.end <= after.start for before, after in itertools.pairwise(done))
    assert done[0].start >= 1.5 and done[-1].end <= SECONDS - 0.5


def test_a_longer_clip_goes_on_and_a_shorter_one_leaves_out_what_does_not_fit() -> None:
    assert len(schedule(np.random.default_rng(0), 45.0)) >= 10
    assert len(schedule(np.random.default_rng(0), 6.0)) == 1
    assert schedule(np.random.default_rng(0), 3.0) == ()


@pytest.mark.parametrize('seed', SEEDS)
def test_steps_are_half_a_metre_or_more(seed: int) -> None:
    clip, frames = clip_of(seed), during(seed, 'walk')
    landed = sorted(
        (first, side, track.mean(0)) for side in (0, 1) for first, track in stances(clip, side)
        if frames.start < first < frames.stop
    )  # fmt: skip
    lengths = [float((b[2] - a[2]).norm()) for a, b in itertools.pairwise(landed)]
    assert [side for _, side, _ in landed[:-1]] == [1 - side for _, side, _ in landed[1:]]
    assert len(lengths) >= 4
    assert min(lengths[:-1]) >= 0.5, 'all but the last, with which the other foot closes up'


@pytest.mark.parametrize('seed', SEEDS)
def test_standing_feet_do_not_slide(seed: int) -> None:
    for side in (0, 1):
        for _, track in stances(clip_of(seed), side):
            assert (track.max(0).values - track.min(0).values).norm() < 0.01


@pytest.mark.parametrize('seed', SEEDS)
def test_one_foot_at_least_is_on_the_ground_and_none_is_below(seed: int) -> None:
    toes = positions_of(seed)[:, list(smpl22.TOES), 2] - clip_of(seed).skeleton.sole
    assert toes.min() > -0.005
    assert toes.min(-1).values.max() < 0.03


@pytest.mark.parametrize('seed', SEEDS)
def test_a_squat_brings_the_head_to_two_thirds_of_its_height_with_feet_flat(seed: int) -> None:
    clip, head = clip_of(seed), positions_of(seed)[:, 15, 2]
    lowest = int(head.argmin())
    assert during(seed, 'squat').start < lowest < during(seed, 'squat').stop
    assert 0.55 < head[lowest] / head[0] <= 0.65
    assert all(flat(clip, side)[during(seed, 'squat')].all() for side in (0, 1))
    local = rotation.log(kinematics.local_rotations(clip.rot_world_joint[lowest]))
    assert local[[4, 5]].norm(dim=-1).max() < 2.5, 'knees'
    assert local[[7, 8]].norm(dim=-1).max() < 0.8, 'ankles'


@pytest.mark.parametrize('seed', SEEDS)
def test_hands_reach_far_from_where_they_hang(seed: int) -> None:
    frames, place = during(seed, 'reach'), positions_of(seed)
    for wrist in smpl22.WRISTS:
        from_chest = place[frames, wrist] - place[frames, smpl22.INDEX['spine3']]
        assert (from_chest - from_chest[0]).norm(dim=-1).max() > 0.4


@pytest.mark.parametrize('seed', SEEDS)
def test_a_waving_hand_goes_to_and_fro_above_the_shoulder(seed: int) -> None:
    clip, place = clip_of(seed), positions_of(seed)
    frames = during(seed, 'wave')
    heading = rotation.heading(clip.rot_world_joint[frames.start, 0])
    hands = (place[frames][:, list(smpl22.WRISTS)] - place[frames][:, :1]) @ rotation.about_z(-heading).T
    up = hands[..., 2].amax(0)
    wrist = int(up.argmax())
    raised = hands[:, wrist, 2] > 0.85 * up[wrist]
    turns = hands[raised, wrist, 1].diff().sign().diff().count_nonzero()
    assert up[wrist] > up[1 - wrist] + 0.3
    assert turns >= 4


@pytest.mark.parametrize('seed', SEEDS)
def test_a_turn_on_the_spot_changes_the_heading_and_not_the_place(seed: int) -> None:
    clip, frames = clip_of(seed), during(seed, 'turn')
    heading = rotation.heading(clip.rot_world_joint[:, 0])
    turned = (heading[min(frames.stop + 30, len(clip) - 1)] - heading[frames.start] + torch.pi) % (
        2 * torch.pi
    ) - torch.pi
    feet = [places(clip)[i, [7, 8], :2].mean(0) for i in (frames.start, frames.stop)]
    assert turned.abs() > 1.2
    assert (feet[1] - feet[0]).norm() < 0.1


@pytest.mark.parametrize('seed', SEEDS)
def test_the_person_stays_within_a_few_metres(seed: int) -> None:
    assert clip_of(seed).root[:, :2].norm(dim=-1).max() < 5.0


@pytest.mark.parametrize('seed', SEEDS)
def test_no_joint_turns_faster_than_people_do(seed: int) -> None:
    clip = clip_of(seed)
    assert angular_speeds(clip.rot_world_joint, clip.fps).max() < 8.0
    assert angular_speeds(kinematics.local_rotations(clip.rot_world_joint), clip.fps).max() < 9.0


@pytest.mark.parametrize('seed', SEEDS)
def test_nothing_jerks(seed: int) -> None:
    clip = clip_of(seed)
    jerk = (positions_of(seed).diff(n=3, dim=0) * clip.fps**3).norm(dim=-1)
    assert 5 < jerk.mean() < 200


@pytest.mark.parametrize('seed', SEEDS)
def test_knees_bend_only_backwards_and_only_about_their_hinge(seed: int) -> None:
    knees = rotation.log(kinematics.local_rotations(clip_of(seed).rot_world_joint)[:, [4, 5]])
    assert knees[..., 1].min() > 0
    assert knees[..., [0, 2]].abs().max() < 1e-6


@pytest.mark.parametrize('seed', SEEDS)
def test_elbows_bend_only_the_right_way_about_an_axis_thirty_degrees_forward(seed: int) -> None:
    local = kinematics.local_rotations(clip_of(seed).rot_world_joint)
    for joint, side, axis in ((18, 1.0, LEFT_ELBOW_AXIS), (19, -1.0, mirrored_rotvec(LEFT_ELBOW_AXIS))):
        along = torch.tensor([0.0, side, 0.0], dtype=torch.float64)
        forearm = local[:, joint] @ along
        bent = torch.linalg.cross(along.expand_as(forearm), forearm)
        assert (forearm @ axis).abs().max() < 1e-6, 'the forearm stays in the plane of the hinge, twisted or not'
        assert (bent @ axis).min() > -1e-9
        assert forearm[:, 0].min() > -1e-9, 'forward in the T-pose'


def test_walking_arms_swing_against_the_legs() -> None:
    clip, frames = clip_of(0), during(0, 'walk')
    heading = rotation.heading(clip.rot_world_joint[frames, 0])
    ahead = torch.stack((heading.cos(), heading.sin()), -1)
    place = places(clip)[frames][..., :2]
    gap = ((place[:, [7, 20]] - place[:, [8, 21]]) * ahead[:, None]).sum(-1)
    assert torch.corrcoef(gap.T)[0, 1] < -0.8


@pytest.mark.parametrize('factor', [0.6, 1.4])
def test_children_and_giants_move_alike(factor: float) -> None:
    body = Skeleton.mean().scaled(factor)
    clip = procedural_clip(4, SECONDS, body)
    toes = places(clip)[:, list(smpl22.TOES), 2] - body.sole
    head = places(clip)[:, 15, 2]
    assert clip.rot_world_joint.isfinite().all() and clip.root.isfinite().all()
    assert toes.min() > -0.005
    assert head.min() / head[0] <= 0.65
    assert angular_speeds(clip.rot_world_joint, clip.fps).max() < 9.0


@pytest.mark.parametrize('groups', [{'legs': 0.8, 'arms': 1.2}, {'torso': 0.8, 'shoulders': 1.2, 'hips': 0.8}])
def test_odd_bodies_keep_their_feet_on_the_ground(groups: dict[str, float]) -> None:
    body = Skeleton.mean().with_groups(groups)
    clip = procedural_clip(5, SECONDS, body)
    for side in (0, 1):
        assert all((track.max(0).values - track.min(0).values).norm() < 0.02 for _, track in stances(clip, side))
    assert places(clip)[:, 15, 2].min() / places(clip)[0, 15, 2] <= 0.65


@pytest.mark.parametrize('seed', range(30))
def test_a_random_body_is_not_the_average_one(seed: int) -> None:
    body = random_skeleton(seed)
    assert 1.55 <= body.stature <= 1.95
    ratio = body.lengths[1:] / Skeleton.from_stature(body.stature).lengths[1:]
    assert (ratio / ratio.median() - 1).abs().max() > 0.02
    assert torch.equal(random_skeleton(seed).bones, body.bones)
    assert not torch.equal(random_skeleton(seed + 1).bones, body.bones)


@pytest.mark.parametrize('distance', [0.1, 0.3, 0.5])
def test_a_hinge_leaves_the_distance_that_was_asked_for(distance: float) -> None:
    upper, lower = torch.tensor([[0.01, 0.28, -0.02], [0.0, 0.26, 0.01]], dtype=torch.float64)
    angle = hinge_angle(upper, lower, LEFT_ELBOW_AXIS, torch.tensor(distance, dtype=torch.float64))
    end = upper + rotation.exp(angle * LEFT_ELBOW_AXIS) @ lower
    assert float(end.norm()) == pytest.approx(distance)
    assert 0 < float(angle) < torch.pi
