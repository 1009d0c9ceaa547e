"""What a method is shown is what the sensors that are worn would say, and nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.sampler import PaperRule
from inpose_ros.errors import BodyError, SensorError
from inpose_ros.evaluation import scenario
from inpose_ros.evaluation.methods import METHODS
from inpose_ros.evaluation.scenario import WornJoints
from inpose_ros.motion.clip import MotionClip
from inpose_ros.motion.packed import PackedMotion

from ..training.examples import FRAMES, RATE, small_denoiser

HANDS = WornJoints.parse('head,left_wrist,right_wrist')


@pytest.fixture(scope='module')
def clip(packed: Path) -> MotionClip:
    return PackedMotion(packed, 'test').clip(0).at_rate(RATE)


def windows(clip: MotionClip, *newest: int) -> list:
    return scenario.windows_ending_at(scenario.Measured.of(clip), HANDS, torch.tensor(newest), FRAMES)


def test_sensors_are_read_as_joints_of_which_imus_give_no_location() -> None:
    worn = WornJoints.parse('head, left_wrist:pose,pelvis:imu')
    assert worn == WornJoints(rotated=(15, 20, 0), located=(15, 20))


@pytest.mark.parametrize('text', ['', 'nose', 'head,', 'head:radar', 'head left_wrist'])
def test_a_sensor_that_is_no_joint_is_answered_with_the_joints(text: str) -> None:
    with pytest.raises(SensorError, match='left_wrist'):
        WornJoints.parse(text)


def test_scores_align_at_the_head_where_it_is_located_and_else_at_the_pelvis() -> None:
    assert HANDS.align == smpl22.HEAD
    assert WornJoints.parse('head:imu,left_wrist').align == smpl22.PELVIS


def test_the_own_body_is_the_clips(clip: MotionClip) -> None:
    assert scenario.dressed_body(clip, 'own') is clip


def test_the_mean_body_makes_the_same_rotations_with_steps_by_its_legs(clip: MotionClip) -> None:
    mean = scenario.dressed_body(clip, 'mean')
    assert torch.equal(mean.skeleton.bones, Skeleton.mean().bones)
    assert torch.equal(mean.rot_world_joint, clip.rot_world_joint)
    legs = [smpl22.INDEX[name] for name in ('left_knee', 'left_ankle')]
    ratio = float(mean.skeleton.lengths[legs].sum() / clip.skeleton.lengths[legs].sum())
    assert torch.allclose(mean.root, ratio * clip.root, atol=1e-5)


def test_groups_of_bones_are_those_of_the_mean_body(clip: MotionClip) -> None:
    dressed = scenario.dressed_body(clip, 'arms=1.4,torso=0.7').skeleton
    factor = dressed.lengths[1:] / Skeleton.mean().lengths[1:]
    arms, torso = ([smpl22.INDEX[name] - 1 for name in smpl22.BONE_GROUPS[group]] for group in ('arms', 'torso'))
    expected = torch.ones(21, dtype=torch.float64)
    expected[arms], expected[torso] = 1.4, 0.7
    assert torch.allclose(factor, expected)


@pytest.mark.parametrize(
    'text', ['', 'giant', 'arms', 'arms=long', 'arms=1=2', 'tail=1.2', 'arms=0', 'arms=-1', 'arms=nan']
)
def test_a_body_that_cannot_be_is_refused(clip: MotionClip, text: str) -> None:
    with pytest.raises(BodyError, match=r'arms|tail'):
        scenario.dressed_body(clip, text)


def test_a_window_ends_at_its_frame_and_shows_the_clip(clip: MotionClip) -> None:
    (window,) = windows(clip, 20)
    shown = slice(20 - FRAMES + 1, 21)
    assert window.stamp_ns == round(20 / RATE * 1e9)
    assert torch.equal(window.rot_world_joint[window.rot_valid], clip.rot_world_joint[shown][window.rot_valid])
    assert torch.allclose(window.location[window.location_valid], clip.positions[shown].float()[window.location_valid])
    assert window.rot_valid.nonzero()[:, 1].unique().tolist() == list(HANDS.rotated)
    assert torch.equal(window.rot_valid, window.location_valid)


def test_frames_before_the_clip_are_not_measured(clip: MotionClip) -> None:
    (window,) = windows(clip, 2)
    expected = [False] * (FRAMES - 3) + [True] * 3
    assert window.rot_valid.any(-1).tolist() == window.location_valid.any(-1).tolist() == expected


@pytest.mark.parametrize('name', ['prior', 'inpose', 'paper'])
def test_a_method_sees_nothing_of_what_is_not_measured(clip: MotionClip, name: str) -> None:
    """A window carries values where its masks are false; no method may look at them."""
    prior = MotionPrior(small_denoiser())
    method = replace(METHODS[name], rule=PaperRule(count=3)) if name == 'paper' else METHODS[name]
    given = windows(clip, 2, 20)
    hidden = [
        type(window)(**vars(window) | {
            'rot_world_joint': torch.where(window.rot_valid[..., None, None], window.rot_world_joint, torch.eye(3)),
            'location': torch.where(window.location_valid[..., None], window.location, torch.zeros(3)),
        })
        for window in given
    ]  # fmt: skip
    seen, blind = (method.solver(prior, clip.skeleton, 0).solve_batch(part) for part in (given, hidden))
    assert torch.allclose(seen.rot_world_joint, blind.rot_world_joint, atol=1e-5)
    assert torch.allclose(seen.root, blind.root, atol=1e-5)


@pytest.mark.parametrize('count', [2, 3, 10])
def test_shuffling_gives_every_clip_another_clips_locations_and_each_one_once(clip: MotionClip, count: int) -> None:
    for seed in range(5):
        other = scenario.shuffled([clip] * count, seed)
        assert sorted(other) == list(range(count))
        assert all(number != own for own, number in enumerate(other))
        assert other == scenario.shuffled([clip] * count, seed)


def test_another_clips_locations_are_cut_or_repeated_to_the_clips_length() -> None:
    locations = torch.arange(4.0)[:, None, None].expand(-1, 22, 3)
    assert scenario.fitted(locations, 3)[:, 0, 0].tolist() == [0, 1, 2]
    assert scenario.fitted(locations, 6)[:, 0, 0].tolist() == [0, 1, 2, 3, 0, 1]
