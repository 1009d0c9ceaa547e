"""Retargeting: laws about size, mirrors and reach."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inpose_ros.examples.retarget import ArmTarget, PersonArm, RobotArm, retarget

SEEDS = st.integers(0, 2**32 - 1)
MIRROR = np.diag([1.0, -1.0, 1.0])


def some_person(seed: int) -> PersonArm:
    rng = np.random.default_rng(seed)
    upper, forearm = rng.uniform(0.2, 0.35, 2)
    elbow, way = (v / np.linalg.norm(v) for v in rng.normal(size=(2, 3)))
    turn = Rotation.random(random_state=rng).as_matrix()
    return PersonArm(upper * elbow, upper * elbow + forearm * way, turn, float(upper), float(forearm))


def some_robot(seed: int) -> RobotArm:
    rng = np.random.default_rng(seed + 1)
    upper, forearm = rng.uniform(0.15, 0.4, 2)
    turn = Rotation.random(random_state=rng).as_matrix()
    return RobotArm(rng.normal(size=3) * 0.3, float(upper), float(forearm), turn)


def mirrored(target: ArmTarget) -> ArmTarget:
    turn = MIRROR @ target.rot_base_wrist @ MIRROR
    return ArmTarget(MIRROR @ target.wrist, MIRROR @ target.elbow, turn, target.pulled_in)


@given(SEEDS, st.floats(0.5, 2.0))
def test_the_size_of_the_person_does_not_matter(seed, size):
    person, robot = some_person(seed), some_robot(seed)
    bigger = PersonArm(
        person.elbow * size, person.wrist * size, person.rot_chest_hand, person.upper_arm * size, person.forearm * size
    )
    a, b = retarget(person, robot, 0.98), retarget(bigger, robot, 0.98)
    np.testing.assert_allclose(a.wrist, b.wrist, atol=1e-12)
    np.testing.assert_allclose(a.elbow, b.elbow, atol=1e-12)


@given(SEEDS)
def test_a_robot_with_the_persons_arms_is_to_do_what_the_person_does(seed):
    person = some_person(seed)
    robot = RobotArm(np.zeros(3), person.upper_arm, person.forearm, np.eye(3))
    target = retarget(person, robot, 1.0)
    np.testing.assert_allclose(target.wrist, person.wrist, atol=1e-12)
    np.testing.assert_allclose(target.elbow, person.elbow, atol=1e-12)
    np.testing.assert_allclose(target.rot_base_wrist, person.rot_chest_hand)


@given(SEEDS)
def test_the_person_in_the_mirror_moves_the_robot_in_the_mirror(seed):
    person, robot = some_person(seed), some_robot(seed)
    there = PersonArm(
        MIRROR @ person.elbow,
        MIRROR @ person.wrist,
        MIRROR @ person.rot_chest_hand @ MIRROR,
        person.upper_arm,
        person.forearm,
    )
    other = replace(robot, shoulder=MIRROR @ robot.shoulder, rot_base_wrist=MIRROR @ robot.rot_base_wrist @ MIRROR)
    a, b = mirrored(retarget(person, robot, 0.9)), retarget(there, other, 0.9)
    np.testing.assert_allclose(a.wrist, b.wrist, atol=1e-12)
    np.testing.assert_allclose(a.elbow, b.elbow, atol=1e-12)
    np.testing.assert_allclose(a.rot_base_wrist, b.rot_base_wrist, atol=1e-12)


@given(SEEDS, st.floats(0.1, 0.98), st.floats(0.5, 3.0))
def test_no_target_is_out_of_reach_and_a_far_one_keeps_its_direction(seed, reach, far):
    person, robot = some_person(seed), some_robot(seed)
    person = replace(person, wrist=person.wrist * far)  # as if the bones were given wrongly
    target = retarget(person, robot, reach)
    way = target.wrist - robot.shoulder
    assert np.linalg.norm(way) <= reach * robot.length + 1e-12
    np.testing.assert_allclose(np.cross(way, person.wrist), 0, atol=1e-12)
    assert way @ person.wrist >= 0
    wanted = np.linalg.norm(person.wrist) / person.length
    assert target.pulled_in == (wanted > reach) or wanted == pytest.approx(reach)


def test_in_the_t_pose_the_hand_is_turned_as_the_robots_in_its_t_pose():
    robot = some_robot(3)
    person = PersonArm(np.array([0.0, 0.3, 0.0]), np.array([0.0, 0.55, 0.0]), np.eye(3), 0.3, 0.25)
    np.testing.assert_array_equal(retarget(person, robot, 0.98).rot_base_wrist, robot.rot_base_wrist)
