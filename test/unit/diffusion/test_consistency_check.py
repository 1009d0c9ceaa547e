"""Located sensors that contradict each other or the body: who is doubted, who is left out, and when they are back."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.body.state import BodyState
from inpose_ros.diffusion.consistency_check import ConsistencyCheck
from inpose_ros.sensing.resample import JointWindow

HEAD, LEFT, RIGHT = (smpl22.INDEX[name] for name in ('head', 'left_wrist', 'right_wrist'))
FRAMES, RATE = 31, 30.0
SKELETON = Skeleton.mean()
AWAY = (2.0, -1.0, 0.0)


def body_at(seconds: float, off: dict[int, tuple] | None = None, stddev: float = 0.01) -> BodyState:
    """A T-pose that walks; `off` shifts the published places of some joints [m]."""
    count = len(smpl22.JOINTS)
    body = BodyState(
        stamp_ns=round(seconds * 1e9),
        skeleton=SKELETON,
        root=torch.tensor([seconds, 0.0, 0.9], dtype=torch.float64),
        rot_world_joint=torch.eye(3, dtype=torch.float64).repeat(count, 1, 1),
        rotation_stddev=torch.full((count,), 0.1),
        position_covariance=stddev**2 * torch.eye(3, dtype=torch.float64).repeat(count, 1, 1),
        measured=torch.ones(count, dtype=torch.bool),
        root_observed=True,
        foot_contact=torch.zeros(2),
    )
    positions = body.positions.clone()
    for joint, way in (off or {}).items():
        positions[joint] += torch.tensor(way)
    body.__dict__['positions'] = positions
    return body


def window_at(seconds: float, off: dict[int, tuple], silent: tuple[int, ...] = (), still: tuple = ()) -> JointWindow:
    """What trackers on head and wrists read, some of them in a world of their own; `still` ones lie where they are."""
    times = seconds - np.arange(FRAMES)[::-1] / RATE
    location = np.stack([body_at(t).positions.numpy() for t in times])
    for joint, way in off.items():
        location[:, joint] += way
    for joint in still:
        location[:, joint] = location[0, joint] + (0, 0, 1.0) if joint not in off else off[joint]
    valid = torch.zeros(FRAMES, len(smpl22.JOINTS), dtype=torch.bool)
    valid[:, [joint for joint in (HEAD, LEFT, RIGHT) if joint not in silent]] = True
    return JointWindow(
        stamp_ns=round(seconds * 1e9),
        rot_world_joint=torch.eye(3).repeat(FRAMES, len(smpl22.JOINTS), 1, 1),
        rot_valid=valid,
        location=torch.from_numpy(location),
        location_valid=valid,
        rotation_stddev=torch.full((len(smpl22.JOINTS),), 0.02),
        position_stddev=torch.full((len(smpl22.JOINTS),), 0.005),
    )


def watched(check: ConsistencyCheck, begin: float, end: float, off: dict[int, tuple], published: dict | None = None,
            **options: tuple) -> list[frozenset[int]]:  # fmt: skip
    """Who is left out after each pose."""
    rows = []
    for seconds in np.arange(begin, end, 1 / RATE):
        check.look(body_at(seconds, published), window_at(seconds, off, **options), -1)
        rows.append(check.left_out)
    return rows


def test_nobody_is_doubted_who_is_where_the_body_is():
    check = ConsistencyCheck()
    assert not any(watched(check, 0, 1, {})) and not check.found.doubted


@pytest.mark.parametrize('liar', [HEAD, LEFT, RIGHT])
def test_who_is_out_of_reach_of_all_others_is_left_out_after_a_third_of_a_second(liar):
    check = ConsistencyCheck()
    found = watched(check, 0, 1, {liar: AWAY})
    assert found[8] == frozenset() and found[10] == {liar}
    assert check.found.doubted == {liar} and check.found.others == {HEAD, LEFT, RIGHT} - {liar}


def test_of_two_that_contradict_each_other_the_head_is_kept():
    found = watched(ConsistencyCheck(), 0, 1, {HEAD: AWAY}, {HEAD: AWAY}, silent=(RIGHT,))
    assert found[-1] == {LEFT}


def test_controllers_that_lie_on_a_table_do_not_outvote_a_head_that_moves():
    on_a_table = {LEFT: (5.0, 1.0, 0.7), RIGHT: (5.1, 1.0, 0.7)}
    found = watched(ConsistencyCheck(), 0, 1, on_a_table, still=(LEFT, RIGHT))
    assert found[8] == frozenset() and found[-1] == {LEFT, RIGHT}


def test_a_joint_far_from_its_reading_within_reach_is_doubted_and_left_out():
    check = ConsistencyCheck()
    found = watched(check, 0, 1, {}, published={LEFT: (0.0, 0.0, 0.3)})
    assert found[8] == frozenset() and found[10] == {LEFT}


def test_where_all_others_are_far_from_their_readings_it_is_the_head_that_lies():
    published = {LEFT: (0.0, 0.3, 0.0), RIGHT: (0.0, 0.3, 0.0)}
    assert watched(ConsistencyCheck(), 0, 0.5, {}, published=published)[10] == {HEAD}


def test_a_spread_that_contains_the_reading_is_no_contradiction():
    check = ConsistencyCheck()
    for seconds in np.arange(0, 1, 1 / RATE):
        check.look(body_at(seconds, {LEFT: (0, 0, 0.3)}, stddev=0.1), window_at(seconds, {}), -1)
    assert not check.left_out and not check.found.doubted


def test_a_contradiction_of_a_quarter_of_a_second_is_let_pass():
    check = ConsistencyCheck()
    for begin in range(4):
        assert not any(watched(check, begin, begin + 0.25, {HEAD: AWAY}))
        assert not any(watched(check, begin + 0.25, begin + 1, {}))


def test_who_comes_back_with_a_step_and_agrees_counts_again_after_a_moment():
    check = ConsistencyCheck()
    watched(check, 0, 1, {HEAD: AWAY})
    found = watched(check, 1, 3, {})
    back = next(row for row, out in enumerate(found) if not out)
    assert back / RATE == pytest.approx(0.15, abs=0.1) and not any(found[back:])


def test_who_is_elsewhere_again_and_again_counts_each_time_a_moment_after_it_steps_back():
    check = ConsistencyCheck()
    for begin in np.arange(0.0, 10.0, 2.5):
        assert watched(check, begin, begin + 1.2, {LEFT: AWAY})[-1] == {LEFT}
        assert not any(watched(check, begin + 1.2, begin + 2.5, {})[5:])


def test_who_steps_to_and_fro_is_never_let_in_while_it_is_away():
    check = ConsistencyCheck()
    watched(check, 0, 1, {LEFT: AWAY})
    for begin in np.arange(1.0, 4.0, 0.5):
        assert all(watched(check, begin, begin + 0.45, {LEFT: AWAY}))
        watched(check, begin + 0.45, begin + 0.5, {})


@pytest.mark.parametrize('liar', [HEAD, LEFT, RIGHT])
def test_who_is_out_of_reach_of_all_others_is_suspected_at_once_and_only_while_it_is(liar):
    check = ConsistencyCheck()
    watched(check, 0, 0.1, {liar: AWAY})
    assert check.suspected == {liar} and not check.left_out
    watched(check, 0.1, 0.2, {})
    assert check.suspected == frozenset()


A_LITTLE = (0.0, 0.0, 0.15)


def test_who_agrees_again_by_and_by_counts_again_after_a_second():
    check = ConsistencyCheck()
    watched(check, 0, 1, {LEFT: A_LITTLE})
    found = watched(check, 1, 3, {})
    back = next(row for row, out in enumerate(found) if not out)
    assert back / RATE == pytest.approx(1.0, abs=0.1) and not any(found[back:])


def test_who_agrees_only_now_and_then_stays_out():
    check = ConsistencyCheck()
    watched(check, 0, 1, {LEFT: A_LITTLE})
    for begin in range(1, 4):
        assert all(watched(check, begin, begin + 0.9, {}))
        assert all(watched(check, begin + 0.9, begin + 1, {LEFT: A_LITTLE}))


def test_who_is_left_out_again_and_again_has_to_agree_for_longer_each_time():
    check, seconds, outs = ConsistencyCheck(), 0.0, []
    for _ in range(3):
        watched(check, seconds, seconds + 0.6, {LEFT: A_LITTLE})
        assert check.left_out == {LEFT}
        begin = seconds = seconds + 0.6
        while check.left_out:
            watched(check, seconds, seconds + 0.1, {})
            seconds += 0.1
        outs.append(seconds - begin)
    assert outs == pytest.approx([1, 2, 4], abs=0.25)


def test_the_last_one_that_is_located_is_not_left_out_for_want_of_others():
    check = ConsistencyCheck()
    watched(check, 0, 1, {HEAD: AWAY})
    assert watched(check, 1, 2.2, {HEAD: AWAY}, silent=(LEFT, RIGHT))[-1] == frozenset()


def test_what_was_doubted_is_forgotten_when_told():
    check = ConsistencyCheck()
    watched(check, 0, 1, {HEAD: AWAY})
    check.forget()
    assert not check.left_out and not check.found.doubted


def test_a_taller_person_than_was_assumed_does_not_contradict_the_bones():
    tall = replace(SKELETON, bones=1.14 * SKELETON.bones)
    check = ConsistencyCheck()
    for seconds in np.arange(0, 1, 1 / RATE):
        window = window_at(seconds, {})
        body = replace(body_at(seconds), skeleton=tall)
        there = window.location.clone()
        there[-1] = body.positions
        check.look(body_at(seconds, stddev=0.1), replace(window, location=there), -1)
    assert not check.left_out
