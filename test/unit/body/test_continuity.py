"""Continuity: no step when the evidence changes, never over the limit, and nothing at all while nothing changes."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inpose_ros.body import continuity, kinematics, smpl22, urdf
from inpose_ros.body.continuity import BLEND, Evidence
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.body.state import BodyState
from inpose_ros.geometry import rotation

LIMIT, STEP = 15.0, 1 / 30
SKELETON = Skeleton.mean()
ALL = Evidence(frozenset({smpl22.HEAD, *smpl22.WRISTS}), frozenset({smpl22.HEAD, *smpl22.WRISTS}))
NO_WRIST = Evidence(frozenset({smpl22.HEAD}), frozenset({smpl22.HEAD}))
NOWHERE = Evidence(frozenset({smpl22.HEAD}), frozenset())
SEEDS = st.integers(0, 2**32 - 1)


def state(rot, root=(0.0, 0.0, 0.9), spread=0.1):
    return BodyState(
        stamp_ns=0, skeleton=SKELETON, root=torch.tensor(root, dtype=torch.float64), rot_world_joint=rot,
        rotation_stddev=torch.full((22,), spread, dtype=torch.float64),
        position_covariance=spread**2 * torch.eye(3, dtype=torch.float64).expand(22, 3, 3),
        measured=torch.zeros(22, dtype=torch.bool), root_observed=True, foot_contact=torch.zeros(2),
    )  # fmt: skip


def random_state(rng, spread=np.pi):
    """Local rotations by up to `spread` [rad], the root anywhere near."""
    local = rotation.exp(torch.from_numpy(rng.uniform(-spread, spread, (22, 3)) / np.sqrt(3)))
    return state(kinematics.global_rotations(local), rng.normal(size=3).tolist())


def turned(a, b):
    """By how much each local rotation (the pelvis's first) differs [rad]."""
    return rotation.angle_between(*(kinematics.local_rotations(x.body.rot_world_joint) for x in (a, b))).numpy()


def farthest(places):
    """The longest way that a joint goes from one pose to the next [m]."""
    return max(float((b - a).norm(dim=-1).max()) for a, b in pairwise(places))


def played(states, evidences, steps=None, limit=LIMIT, afresh=None):
    out = [continuity.begin(states[0], evidences[0])]
    for i in range(1, len(states)):
        step = STEP if steps is None else steps[i]
        again = afresh is not None and bool(afresh[i])
        out.append(continuity.follow(out[-1], states[i], evidences[i], step, limit, again))
    return out


def swaying(seconds):
    """A person who moves smoothly."""
    phase = torch.arange(22, dtype=torch.float64)[:, None] + seconds * torch.tensor([1.0, 1.3, 1.7]).double()
    return kinematics.global_rotations(rotation.exp(0.4 * torch.sin(phase)))


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_whatever_is_solved_nothing_turns_faster_than_the_limit(seed):
    """Also at locked angles, over gaps, at breaks, and with evidence that comes and goes."""
    rng = np.random.default_rng(seed)
    states = [random_state(rng, rng.choice([0.1, 1.0, np.pi])) for _ in range(10)]
    evidences = [(ALL, NO_WRIST, NOWHERE)[k] for k in rng.integers(0, 3, 10)]
    steps = rng.choice([0.004, STEP, 0.3], 10)
    out = played(states, evidences, steps, afresh=rng.uniform(size=10) < 0.2)
    for (before, now), step in zip(pairwise(out), steps[1:], strict=True):
        assert np.abs(now.velocities).max() <= LIMIT
        np.testing.assert_allclose(now.velocities * step, now.angles - before.angles, atol=1e-12)
        assert turned(before, now).max() <= LIMIT * step + 1e-7


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_angles_rotations_and_places_tell_of_one_body(seed):
    rng = np.random.default_rng(seed)
    states = [random_state(rng) for _ in range(6)]
    for now in played(states, [(ALL, NO_WRIST, NOWHERE)[k] for k in rng.integers(0, 3, 6)]):
        body = now.body
        again = urdf.rotations_from_angles(now.angles, body.rot_world_joint[0])
        np.testing.assert_allclose(again, body.rot_world_joint, atol=1e-9)
        relative = kinematics.joint_positions(SKELETON, body.rot_world_joint)
        torch.testing.assert_close(body.positions, body.root + relative)
        assert all(x.isfinite().all() for x in (body.root, body.rotation_stddev, body.position_stddev))


@settings(max_examples=5, deadline=None)
@given(SEEDS)
def test_a_pose_that_stays_is_reached(seed):
    rng = np.random.default_rng(seed)
    first, then = random_state(rng), random_state(rng)
    out = played([first] + [then] * 60, [ALL] + [NO_WRIST] * 60)
    torch.testing.assert_close(out[-1].body.rot_world_joint, then.rot_world_joint, atol=1e-9, rtol=0)
    torch.testing.assert_close(out[-1].body.positions, then.positions, atol=1e-9, rtol=0)
    assert torch.equal(out[-1].body.rotation_stddev, then.rotation_stddev)


def test_while_nothing_changes_the_solved_pose_goes_out_as_it_is():
    states = [state(swaying(i * STEP), (i * 0.05, 0.0, 0.9)) for i in range(20)]
    for solved, now in zip(states, played(states, [ALL] * 20), strict=True):
        assert torch.equal(now.body.rot_world_joint, solved.rot_world_joint)
        assert torch.equal(now.body.root, solved.root)
        assert torch.equal(now.body.rotation_stddev, solved.rotation_stddev)


def test_the_first_pose_goes_out_as_it_is_with_no_velocity():
    solved = random_state(np.random.default_rng(0))
    first = continuity.begin(solved, ALL)
    assert first.body is solved and not first.velocities.any()


@pytest.mark.parametrize('other', [NO_WRIST, NOWHERE])
def test_a_sensor_that_leaves_and_returns_makes_no_step(other):
    """The solved arm jumps by 60 degrees; a person who moves at 1 rad/s shall not be seen to move much faster."""
    jump = torch.eye(3, dtype=torch.float64).repeat(22, 1, 1)
    jump[[17, 19]] = rotation.exp(torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64))
    evidences = [ALL] * 10 + [other] * 20 + [ALL] * 20
    states = [
        state(swaying(i * STEP) if evidence is ALL else kinematics.global_rotations(
            kinematics.local_rotations(swaying(i * STEP)) @ jump)) for i, evidence in enumerate(evidences)
    ]  # fmt: skip
    out = played(states, evidences)
    for change in (10, 30):
        step = turned(out[change - 1], out[change])
        assert step.max() < 0.05, 'as if nothing had happened'
    assert turned(replace(out[29], body=states[29]), out[29]).max() < 1e-9, 'faded after BLEND'
    assert max(turned(a, b).max() for a, b in pairwise(out)) < (1.0 * 1.9 / BLEND + 1.0) * STEP
    solved, published = ([body.positions for body in bodies] for bodies in (states, [now.body for now in out]))
    assert farthest(published) < 0.3 * farthest(solved)


def test_a_sensor_that_comes_and_goes_with_every_pose_holds_nothing_up():
    """The person moves at 1 rad/s; what is solved without the sensor differs by 0.5 rad in one arm."""
    arm = torch.zeros(22, 3, dtype=torch.float64)
    arm[17, 2] = 0.5
    states = [
        state(kinematics.global_rotations(kinematics.local_rotations(swaying(i * STEP)) @ rotation.exp(i % 2 * arm)))
        for i in range(90)
    ]
    out = played(states, [(ALL, NO_WRIST)[i % 2] for i in range(90)])
    for i in range(10, 90):
        off = turned(replace(out[i], body=state(swaying(i * STEP))), out[i])
        assert off[17] < 0.6 and np.delete(off, 17).max() < 0.25
    assert max(turned(a, b)[17] for a, b in pairwise(out[10:])) < 0.1, 'what is solved: 0.5'


def test_the_head_stays_where_it_is_measured_while_the_rest_blends():
    rng = np.random.default_rng(3)
    states = [random_state(rng, 0.3) for _ in range(12)]
    out = played(states, [ALL] * 4 + [NO_WRIST] * 8)
    for solved, now in zip(states, out, strict=True):
        torch.testing.assert_close(now.body.positions[smpl22.HEAD], solved.positions[smpl22.HEAD])


def test_a_body_that_is_not_located_any_more_stays_where_it_was():
    """The solver would put it to x = y = 0."""
    there, nowhere = state(swaying(0.0), (3.0, -2.0, 0.9)), state(swaying(0.0), (0.0, 0.0, 0.9))
    out = played([there] * 3 + [nowhere] * 30 + [there] * 30, [ALL] * 3 + [NOWHERE] * 30 + [ALL] * 30)
    for now in out:
        torch.testing.assert_close(now.body.root, there.root, atol=1e-9, rtol=0)


def test_a_break_blends_from_what_was_published_though_the_evidence_is_the_same():
    states = [state(swaying(0.0)), state(swaying(3.0), (2.0, 0.0, 0.9))]
    before, now = played(states, [ALL] * 2, afresh=[False, True])
    assert turned(before, now).max() < 1e-9
    torch.testing.assert_close(now.body.positions, before.body.positions)


def test_the_spread_tells_how_far_the_published_body_is_from_the_solved_one():
    states = [state(swaying(0.0))] + [state(swaying(2.0))] * 12
    out = played(states, [ALL] + [NO_WRIST] * 12)
    gap = rotation.angle_between(out[1].body.rot_world_joint, states[1].rot_world_joint)
    torch.testing.assert_close(out[1].body.rotation_stddev.square(), 0.1**2 + gap.square() / 3)
    means = [now.body.position_stddev.mean() for now in out[1:]]
    assert all(a >= b for a, b in pairwise(means)) and means[0] > means[-1] == pytest.approx(0.1)


def test_after_a_silence_the_limit_is_that_of_the_time_that_has_passed():
    far = swaying(2.0)
    out = played([state(swaying(0.0)), state(far)], [ALL] * 2, steps=[0, 1.0])
    assert torch.equal(out[1].body.rot_world_joint, far)
