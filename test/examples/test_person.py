"""Reading the tracker's messages: what is kept of them and what is refused."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from inpose_ros.body import smpl22
from inpose_ros.examples.person import UnfitPose
from inpose_ros.geometry import rotation

from .people import SIDES, messages, person, walker


@pytest.fixture(scope='module')
def clip():
    return walker(0, seconds=5.0)


def assert_same_arms(a, b):
    for side in SIDES:
        np.testing.assert_allclose(a.arms[side].wrist, b.arms[side].wrist, atol=1e-6)
        np.testing.assert_allclose(a.arms[side].elbow, b.arms[side].elbow, atol=1e-6)
        np.testing.assert_allclose(a.arms[side].rot_chest_hand, b.arms[side].rot_chest_hand, atol=1e-6)


def test_where_the_person_stands_and_faces_does_not_matter(clip):
    turn = rotation.exp(torch.tensor([0.3, -0.4, 1.1])).to(clip.root)
    elsewhere = replace(
        clip,
        rot_world_joint=turn @ clip.rot_world_joint,
        root=clip.root @ turn.T + clip.root.new_tensor([3.0, 1.0, 0.2]),
    )
    assert_same_arms(person(messages(clip, 60)), person(messages(elsewhere, 60)))


def test_the_wrist_of_the_end_effectors_is_that_of_the_body_pose(clip):
    """Two ways to the same place; here through the world, there through the pelvis."""
    places, rot = clip.positions[40].double().numpy(), clip.rot_world_joint[40].double().numpy()
    chest = rot[smpl22.INDEX['spine3']]
    for side in SIDES:
        shoulder, wrist = (places[smpl22.INDEX[f'{side}_{part}']] for part in ('shoulder', 'wrist'))
        found = person(messages(clip, 40)).arms[side].wrist
        np.testing.assert_allclose(found, chest.T @ (wrist - shoulder), atol=1e-6)


def test_the_lengths_of_an_arm_are_those_of_its_bones(clip):
    arm = person(messages(clip, 0)).arms['left']
    assert np.linalg.norm(arm.elbow) == pytest.approx(arm.upper_arm, abs=1e-5)
    assert np.linalg.norm(arm.wrist - arm.elbow) == pytest.approx(arm.forearm, abs=1e-5)


def test_the_gaze_is_positive_to_the_left_and_down_and_knows_no_turns(clip):
    said = messages(clip, 0)
    joints = said['joint_states']
    joints.position = [0.0] * 63
    for name, angle in {'neck_z': 0.2, 'head_z': 0.3 + 2 * math.pi, 'neck_y': 0.1, 'head_y': 0.2}.items():
        joints.position[joints.name.index(name)] = angle
    assert person(said).gaze == pytest.approx((0.5, 0.3))


def spoil_position(said):
    said['body_pose'].position[smpl22.INDEX['left_shoulder']].y = math.nan


def spoil_quaternion(said):
    q = said['body_pose'].rotation[smpl22.INDEX['spine3']]
    q.x = q.y = q.z = q.w = 0.0


def spoil_wrist(said):
    said['end_effectors/right_wrist'].pose.position.z = math.inf


def spoil_hand(said):
    said['end_effectors/right_wrist'].pose.orientation.w = math.nan


def spoil_bone(said):
    said['body_pose'].bone_length[smpl22.INDEX['left_elbow']] = 0.0


def spoil_names(said):
    said['body_pose'].joint = ['pelvis']


def spoil_lengths(said):
    said['body_pose'].measured = [True]


def spoil_joints(said):
    said['joint_states'].name = ['something']


def spoil_angle(said):
    joints = said['joint_states']
    joints.position[joints.name.index('head_z')] = math.nan


SPOILERS = [value for name, value in sorted(globals().items()) if name.startswith('spoil_')]


@pytest.mark.parametrize('spoil', SPOILERS)
def test_what_is_missing_not_finite_or_no_rotation_is_refused(clip, spoil):
    said = messages(clip, 0)
    person(said)
    spoil(said)
    with pytest.raises(UnfitPose):
        person(said)
