"""The arm follower over real DDS: it follows, it stops, it obeys `measured`, and it resumes without a jump."""

from itertools import pairwise

import numpy as np
import pytest
import yourdfpy

pytest.importorskip('pink', reason='needs pip install -r requirements-examples.txt')

from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import JointState

from inpose_ros.body import smpl22
from inpose_ros.examples.arm_follower import LONGEST_STEP, FollowerParameters
from inpose_ros.examples.humanoid import G1, urdf_path
from inpose_ros.examples.humanoid_arms import HumanoidArms
from inpose_ros.examples.retarget import retarget
from inpose_ros.examples.trust import Caution
from inpose_ros.msg import BodyPose

from .people import SIDES, person, walker
from .people import messages as messages_of

FASTEST = FollowerParameters().max_joint_speed
SLOW = Caution().approach_share * FASTEST
ROBOT = HumanoidArms(G1, FASTEST).arms


@pytest.fixture(scope='module')
def clip():
    return walker(0)


class Hands:
    """Where the robot's wrists are, by another library than the follower's [m]."""

    def __init__(self) -> None:
        self._robot = yourdfpy.URDF.load(str(urdf_path(G1)), load_meshes=False, build_scene_graph=True)

    def __call__(self, joints: JointState) -> dict[str, np.ndarray]:
        self._robot.update_cfg(dict(zip(joints.name, joints.position)))
        links = {side: self._robot.joint_map[G1.wrist.format(side)].child for side in SIDES}
        return {side: self._robot.get_transform(link, 'pelvis')[:3, 3] for side, link in links.items()}


def target_of(side: str, messages: dict[str, object]) -> np.ndarray:
    return retarget(person(messages).arms[side], ROBOT[side], FollowerParameters().reach).wrist


@pytest.fixture(scope='module')
def far_frame(clip) -> int:
    """The frame at which the left wrist's target is furthest from where it is in the first seconds."""
    frames = np.array([target_of('left', messages_of(clip, frame)) for frame in range(len(clip))])
    return int(np.argmax(np.linalg.norm(frames - frames[:150].mean(0), axis=1)))


def moving(side: str, joints: JointState) -> bool:
    return any(name.startswith(side) and speed != 0 for name, speed in zip(joints.name, joints.velocity))


def assert_no_jump(before: JointState, after: list[JointState], speed: float) -> None:
    """From one state to the next no joint moves further than it could at this speed [rad/s]."""
    for a, b in pairwise([before, *after]):
        assert np.abs(np.array(b.position) - np.array(a.position)).max() <= speed * LONGEST_STEP + 1e-9


def test_the_hands_of_the_robot_stay_within_3_cm_of_a_persons_targets(scene, clip):
    scene.follower()
    tracker, heard = scene.tracker(clip), scene.heard
    scene.until(lambda: len(heard.settled()) > 240, timeout=60)
    tracker.stop()
    hands, compared, places = Hands(), 0, []
    expected = {side: np.array([target_of(side, messages) for messages in tracker.sent]) for side in SIDES}
    for joints, _ in heard.settled():
        wanted = heard.targets.get((joints.header.stamp.sec, joints.header.stamp.nanosec), {})
        there = hands(joints)
        places.append(there['left'])
        for side, target in wanted.items():
            place = np.array([target.pose.position.x, target.pose.position.y, target.pose.position.z])
            assert np.linalg.norm(expected[side] - place, axis=1).min() < 1e-9
            assert np.linalg.norm(there[side] - place) < 0.03
            compared += 1
    assert compared > 400
    assert np.ptp(places, axis=0).max() > 0.1  # and the person did move


def test_the_arms_stop_within_a_fifth_of_a_second_of_the_last_pose(scene, clip):
    """The middle one of three losses, by the stamps of what the robot does: the machine may be held up at times."""
    scene.follower()
    tracker, heard = scene.tracker(clip), scene.heard
    seconds = []
    for _ in range(3):
        scene.until(lambda: heard.following)
        tracker.stop()
        scene.until(lambda: heard.level == DiagnosticStatus.ERROR)
        assert 'no pose' in heard.status[-1][1].message and heard.value('stops') == str(len(seconds) + 1)
        scene.spin_for(0.3)
        seconds.append(stamp(heard.joints[stopped_from(heard)][1]) - stamp(tracker.sent[-1]['body_pose']))
        still = [joints for _, joints in heard.joints[stopped_from(heard) :]]
        assert len(still) > 5 and len({tuple(joints.position) for joints in still}) == 1
        tracker.go_on()
    assert sorted(seconds)[1] < 0.2, seconds


def stopped_from(heard) -> int:
    """From which joint state on nothing moves any more."""
    moving = [k for k, (_, joints) in enumerate(heard.joints) if any(joints.velocity)]
    return moving[-1] + 1


def stamp(message: object) -> float:
    return message.header.stamp.sec + message.header.stamp.nanosec / 1e9


def test_after_a_pause_the_arms_take_up_the_new_pose_slowly(scene, clip, far_frame):
    scene.follower()
    tracker, heard = scene.tracker(clip), scene.heard
    scene.until(lambda: heard.following)
    tracker.stop()
    scene.until(lambda: heard.level == DiagnosticStatus.ERROR)
    scene.spin_for(0.1)
    count = len(heard.joints)
    tracker.frame = far_frame
    tracker.go_on()
    scene.until(lambda: heard.level != DiagnosticStatus.ERROR)
    scene.until(lambda: heard.following)
    after = [joints for _, joints in heard.joints[count:]]
    until_followed = after[: next(k for k, (_, s) in enumerate(heard.status[count:]) if b'following' in said(s))]
    assert_no_jump(heard.joints[count - 1][1], until_followed, SLOW)
    assert_no_jump(heard.joints[count - 1][1], after, FASTEST)


def said(status: DiagnosticStatus) -> list[bytes]:
    return [row.value.encode() for row in status.values if row.key in SIDES]


def test_an_arm_whose_wrist_is_inferred_is_held_while_the_other_goes_on(scene, clip):
    scene.follower()
    tracker, heard = scene.tracker(clip), scene.heard
    scene.until(lambda: heard.following)

    def infer(messages):
        messages['body_pose'].measured[smpl22.INDEX['left_wrist']] = False
        messages['body_pose'].state = BodyPose.STATE_DEGRADED

    tracker.edit = infer
    began = len(tracker.sent)
    scene.until(lambda: heard.value('left') == 'held')
    assert len(tracker.sent) - began <= (Caution().grace + 0.2) * 30
    count = len(heard.joints)
    scene.until(lambda: len(heard.joints) > count + 60)
    held = [joints for _, joints in heard.joints[count:]]
    assert not any(moving('left', joints) for joints in held)
    assert any(moving('right', joints) for joints in held)
    assert 'left: inferred' in heard.status[-1][1].message
    tracker.edit = lambda messages: None
    count = len(heard.joints)
    scene.until(lambda: heard.value('left') in ('approaching', 'following'))
    scene.until(lambda: len(heard.joints) > count + 5)
    assert_no_jump(heard.joints[count - 1][1], [joints for _, joints in heard.joints[count:]], FASTEST)


def test_nothing_moves_while_the_person_is_being_calibrated(scene, clip):
    scene.follower()
    tracker, heard = scene.tracker(clip), scene.heard
    scene.until(lambda: heard.following)

    def calibrate(messages):
        messages['body_pose'].state = BodyPose.STATE_CALIBRATING

    tracker.edit = calibrate
    scene.until(lambda: heard.value('left') == heard.value('right') == 'held')
    assert not any(heard.joints[-1][1].velocity)
    assert 'calibrating' in heard.status[-1][1].message


@pytest.mark.parametrize(
    ('shift', 'cause'), [(-1_000_000_000, 'too old'), (1_000_000_000, 'in the future')], ids=['old', 'future']
)
def test_poses_of_another_time_are_not_followed_and_counted(scene, clip, shift, cause):
    scene.follower()
    tracker, heard = scene.tracker(clip), scene.heard
    tracker.shift_ns = shift
    scene.until(lambda: int(heard.value(f'rejected: {cause}') or 0) > 30)
    assert heard.level == DiagnosticStatus.ERROR
    assert not any(any(joints.velocity) for _, joints in heard.joints)
    tracker.shift_ns = 0
    scene.until(lambda: heard.following)


def test_a_stamp_that_does_not_rise_is_not_followed(scene, clip):
    scene.follower(max_age=60.0)
    tracker, heard = scene.tracker(clip), scene.heard
    scene.until(lambda: heard.following)
    count = len(tracker.sent)

    def repeat(messages):
        for message in messages.values():
            message.header.stamp = tracker.sent[count - 1]['body_pose'].header.stamp

    tracker.edit = repeat
    scene.until(lambda: heard.level == DiagnosticStatus.ERROR)
    assert int(heard.value('rejected: not newer')) > 1


def test_when_time_goes_back_for_good_the_new_time_is_followed(scene, clip):
    scene.follower(max_age=60.0)
    tracker, heard = scene.tracker(clip), scene.heard
    scene.until(lambda: heard.following)
    tracker.shift_ns = -30_000_000_000
    scene.until(lambda: heard.level == DiagnosticStatus.ERROR)
    scene.until(lambda: heard.following)


def test_a_pose_with_nan_stops_the_arms_and_nothing_that_is_published_has_one(scene, clip):
    scene.follower()
    tracker, heard = scene.tracker(clip), scene.heard
    scene.until(lambda: heard.following)

    def spoil(messages):
        messages['end_effectors/left_wrist'].pose.position.x = float('nan')

    tracker.edit = spoil
    scene.until(lambda: heard.level == DiagnosticStatus.ERROR)
    assert int(heard.value('rejected: unfit')) > 0
    tracker.edit = lambda messages: None
    scene.until(lambda: heard.following)
    for _, joints in heard.joints:
        assert np.isfinite(joints.position).all() and np.isfinite(joints.velocity).all()
        assert len(joints.effort) == len(joints.name)


def test_another_person_is_approached_anew(scene, clip, far_frame):
    scene.follower()
    tracker, heard = scene.tracker(clip), scene.heard
    scene.until(lambda: len(heard.settled()) > 10, timeout=60)
    count = len(heard.joints)

    def swap(messages):
        messages['body_pose'].body_id = 'somebody else'

    tracker.edit = swap
    tracker.frame = far_frame
    scene.until(lambda: heard.value('left') == 'approaching')
    begun = len(heard.joints)
    scene.until(lambda: len(heard.joints) > begun + 10)
    assert_no_jump(heard.joints[count][1], [joints for _, joints in heard.joints[count + 1 :]], FASTEST)


def test_the_neck_of_talos_turns_with_the_head_of_the_person(scene, clip):
    scene.follower(robot='talos')
    tracker, heard = scene.tracker(clip), scene.heard

    def look_left(messages):
        joints = messages['joint_states']
        angles = {'neck_z': 0.2, 'head_z': 0.3, 'neck_y': 0.1, 'head_y': 0.1}
        joints.position = [angles.get(name, 0.0) for name in joints.name]

    tracker.edit = look_left

    def gaze():
        joints = heard.joints[-1][1] if heard.joints else JointState()
        angles = dict(zip(joints.name, joints.position))
        return angles.get('head_2_joint', 0.0), angles.get('head_1_joint', 0.0)

    scene.until(lambda: gaze() == pytest.approx((0.5, 0.2), abs=1e-3))


@pytest.mark.parametrize(('name', 'value'), [('robot', 'r2d2'), ('reach', 1.5), ('timeout', -1.0)])
def test_a_parameter_that_would_not_do_is_named_with_what_would(scene, name, value):
    with pytest.raises(ValueError, match=f'{name} is .*must be'):
        scene.follower(**{name: value})


def test_a_parameter_with_a_slip_in_its_name_is_told_and_those_of_others_are_not(scene):
    with pytest.raises(ValueError, match='there is no parameter robt; did you mean robot'):
        scene.follower(robt='talos')
    scene.follower(rate=30.0, max_joint_velocity=15.0, sensor_timeout=0.5, **{'head.max_stddev': [0.5, 1.0]})
