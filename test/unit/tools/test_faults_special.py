"""What only some rows promise: each check is silent where that is kept, and says where it is not."""

from dataclasses import replace

import numpy as np
import pytest

from inpose_ros.body import smpl22
from inpose_ros.tools import faults_special as special
from inpose_ros.tools.faults_checks import Answer, Record, Told
from inpose_ros.tools.faults_special import Seen

from .test_faults_checks import COUNT, START, S, record

BEGIN, END = 2.0, 4.0
WHEN = np.arange(COUNT) / 30
JOINTS = tuple(smpl22.INDEX[name] for name in ('head', 'left_wrist', 'right_wrist'))


def seen(clean: Record | None = None, **changed: object) -> Seen:
    excess, bones = np.zeros(COUNT), np.full(22, 0.3)
    return Seen(record(**changed), START, clean or record(), BEGIN, END, JOINTS, WHEN, excess, bones)


def standing() -> np.ndarray:
    position = np.zeros((COUNT, 22, 3))
    position[:, smpl22.HEAD, 2] = 1.6
    return position


def test_a_sensor_that_does_not_come_back_has_to_be_known_soon() -> None:
    assert special.degraded_soon(seen(degraded=(WHEN > 2.6) & (WHEN < 4.5))) == []
    assert special.degraded_soon(seen(degraded=WHEN > 3.2))[0].startswith('not DEGRADED in 4')
    assert special.degraded_soon(seen())


def test_what_contradicts_itself_is_not_tracking_once_it_was_found_out() -> None:
    assert special.degraded_meanwhile(seen(tracking=(WHEN < 3.4) | (WHEN > 4))) == []
    assert special.degraded_meanwhile(seen()) == ['TRACKING in 100% of the poses all the same']


def test_a_moved_world_is_taken_up_by_all_sensors_together() -> None:
    def without(joint: str, until: float) -> np.ndarray:
        measured = np.ones((COUNT, 22), dtype=bool)
        measured[(WHEN > 2.0) & (WHEN < until), smpl22.INDEX[joint]] = False
        return measured

    assert special.taken_together(seen(measured=without('head', 2.3))) == []
    assert 'in use after' in special.taken_together(seen(measured=without('head', 2.8)))[0]
    assert special.taken_together(seen(measured=without('left_ankle', 3.0))) == []  # nothing is worn there


def test_a_second_after_the_world_moved_poses_are_exact_in_it() -> None:
    late = replace(seen(), excess=np.where((WHEN > 2) & (WHEN < 2.9), 0.5, 0.02))
    assert special.exact_in_it(late) == []
    assert special.exact_in_it(replace(seen(), excess=np.full(COUNT, 0.1))) == ['10 cm less exact in the moved world']
    assert special.exact_in_it(replace(seen(), excess=np.where(WHEN > 4, 0.5, 0.0))) == []


def test_all_sensors_are_in_use_and_said_to_be() -> None:
    assert special.in_use(seen()) == []
    assert special.in_use(seen(tracking=WHEN < 3))[0].startswith('a sensor out of use in 6')
    assert special.in_use(seen(measured=np.zeros((COUNT, 22), dtype=bool)))


def test_feet_are_below_the_head() -> None:
    assert special.upright(seen(position=standing())) == []
    position = standing()
    position[-9:, smpl22.INDEX['left_ankle'], 2] = position[-9:, smpl22.INDEX['right_ankle'], 2] = 2.0
    assert special.upright(seen(position=position)) == ['feet above the head in 5% of the poses']


def test_what_is_no_fault_may_not_be_named() -> None:
    def told(message: str) -> tuple[Told, ...]:
        return (Told(START + S, 1, message, {}),)

    assert special.nothing_named(seen(told=told('jitter: head'))) == []
    assert special.nothing_named(seen(told=told('teleport: head'))) == ['teleport named, and nothing is wrong']


def test_what_is_not_named_has_to_be_borne() -> None:
    check = special.named_or_borne('gyro_bias')
    named = (Told(START + S, 1, 'gyro_bias: waist', {}),)
    wrong = np.where(WHEN > 4.5, 0.1, 0.0)
    assert check(seen()) == []
    assert check(replace(seen(), excess=wrong)) == ['neither named nor borne: 10 cm less exact']
    assert check(replace(seen(told=named), excess=wrong)) == []
    assert check(replace(seen(), excess=np.where(WHEN < 3, 0.1, 0.0))) == []


def test_poses_have_to_come_as_often_as_anywhere() -> None:
    assert special.poses_come(seen()) == []
    slow = record().pose_received_ns * 2 - START
    assert special.poses_come(seen(pose_received_ns=slow)) == ['15 poses a second only']


def test_bones_are_as_right_as_of_who_wore_the_sensors_from_the_start() -> None:
    bones = record().bone_length.copy()
    bones[-1, smpl22.INDEX['spine1']] = 0.32
    assert special.bones_of_clean(seen(bone_length=bones)) == []
    bones[-1, smpl22.INDEX['spine1']] = 0.6
    assert special.bones_of_clean(seen(bone_length=bones)) == ['spine1 is 60.0 cm from its parent, in truth 30.0']
    assert special.bones_of_clean(seen(clean=record(bone_length=bones), bone_length=bones)) == []
    assert special.bones_of_clean(seen(clean=record(bone_length=bones))) == []  # better is no harm


@pytest.mark.parametrize(
    ('answers', 'refused', 'accepted'),
    [
        ((), ['no answer of ~/calibrate'], ['no answer of ~/calibrate']),
        ((Answer('calibrate', True, 'found'),), ['calibrated all the same'], []),
        ((Answer('reset', True, ''), Answer('calibrate', False, 'the waist moved'),), [], ['refused: the waist moved']),
        (
            (Answer('calibrate', False, 'too short'),),
            ['refused, but for another reason: too short'],
            ['refused: too short'],
        ),
    ],
)  # fmt: skip
def test_a_call_is_refused_for_a_reason_or_accepted(answers: tuple, refused: list, accepted: list) -> None:
    assert special.refused('waist')(seen(answers=answers)) == refused
    assert special.accepted(seen(answers=answers)) == accepted


def test_a_sensor_is_heard_at_its_rate() -> None:
    told = (Told(START + 3 * S, 0, 'tracking', {'waist rate [Hz]': '390.2'}),)
    assert special.hears('waist', 400.0)(seen(told=told)) == []
    assert special.hears('waist', 800.0)(seen(told=told)) == ['waist is heard at 390 of 800 Hz']
    assert special.hears('waist', 400.0)(replace(seen(), record=record(told=())))
