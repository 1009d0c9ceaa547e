"""A person's own zero: whatever their joints' axes are, and wherever they face, it is where they stand at ease."""

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import kinematics, smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.geometry import rotation
from inpose_ros.motion.neutral import Standing, neutral_turn, standing
from inpose_ros.sensing.calibration.still_pose import REST_POSES

Pose = Float[Tensor, 'joint 3 3']
Motion = Float[Tensor, 'frame joint 3 3']
BONES = Skeleton.mean().bones
N_POSE = REST_POSES['n_pose']
FRAMES, STANDS = 100, slice(40, 70)
ARMS = [smpl22.INDEX[f'{side}_{name}'] for side in ('left', 'right') for name in ('shoulder', 'elbow', 'wrist')]
# Joint of a leg -> the joint at the end of the bone that it may be twisted about.
LEGS = {
    smpl22.INDEX[f'{side}_{joint}']: smpl22.INDEX[f'{side}_{along}']
    for side in ('left', 'right')
    for joint, along in {'hip': 'knee', 'knee': 'ankle', 'ankle': 'ankle', 'foot': 'ankle'}.items()
}
LOOKING = [smpl22.INDEX['neck'], smpl22.HEAD]
TRUNK = [joint for joint in range(22) if joint not in (*ARMS, *LEGS, *LOOKING)]


def drawn(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def twists() -> Pose:
    """Up to a radian for each limb's joint about its own bone: how one source of motion may define its axes."""
    along = dict(LEGS)
    for joint in ARMS:
        along[joint] = smpl22.PARENTS.index(joint) if joint in smpl22.PARENTS else joint
    angles, rotvec = drawn(22, seed=1).tanh(), torch.zeros(22, 3, dtype=torch.float64)
    for joint, end in along.items():
        rotvec[joint] = angles[joint] * BONES[end] / BONES[end].norm()
    return rotation.exp(rotvec)


def hanging() -> Pose:
    """The N-pose with arms a few degrees off."""
    off = torch.zeros(22, 3, dtype=torch.float64)
    off[ARMS] = 0.1 * drawn(len(ARMS), 3, seed=2)
    return rotation.exp(off) @ N_POSE


def leaning(angle: float) -> Pose:
    """Each joint of the legs turned by this angle across its bone, as in knees that are not straight [rad]."""
    rotvec = torch.zeros(22, 3, dtype=torch.float64)
    for joint, along in LEGS.items():
        across = torch.linalg.cross(BONES[along], drawn(3, seed=joint))
        rotvec[joint] = angle * across / across.norm()
    return rotation.exp(rotvec)


def headings(still: bool) -> Motion:
    """Where somebody faces: one way for long, or another in each frame, so that they are never still."""
    return rotation.about_z(torch.full((FRAMES,), 2.2).double() if still else 3 * drawn(FRAMES, seed=5))[:, None]


def person(pose: Pose, still: bool) -> Motion:
    """Somebody who is in this pose in STANDS and else gesticulates, both arms raised."""
    moving = torch.zeros(FRAMES, 22, 3, dtype=torch.float64)
    moving[:, ARMS, 1] = -2.0
    moving = rotation.exp(moving + 0.2 * drawn(FRAMES, 22, 3, seed=3))
    moving[STANDS] = pose
    return headings(still) @ moving


def found(motion: Motion, rate: float = 30.0) -> Standing | None:
    return standing(motion, BONES, torch.full((len(motion),), rate))


def turn_of(motion: Motion, bones: Tensor = BONES) -> Pose | None:
    return neutral_turn(motion, bones, torch.full((len(motion),), 30.0))


def assert_same(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, atol=1e-9, rtol=0)


@pytest.mark.parametrize('still', [True, False])
def test_arms_are_at_the_n_pose_once_turned_however_they_hang_and_are_twisted(still: bool) -> None:
    motion = person(hanging(), still) @ twists()
    zero = (headings(still) @ N_POSE)[STANDS][:, ARMS]
    assert rotation.angle_between(motion[STANDS][:, ARMS], zero).min() > 0.02
    assert_same((motion @ turn_of(motion))[STANDS][:, ARMS], zero)


@pytest.mark.parametrize('still', [True, False])
def test_straight_legs_are_at_the_n_pose_once_turned(still: bool) -> None:
    motion = person(hanging(), still) @ twists()
    zero = (headings(still) @ N_POSE)[STANDS][:, list(LEGS)]
    assert rotation.angle_between(motion[STANDS][:, list(LEGS)], zero).max() > 0.3
    assert_same((motion @ turn_of(motion))[STANDS][:, list(LEGS)], zero)


@pytest.mark.parametrize(('angle', 'still'), [(0.1, False), (0.33, True)], ids=['in motion', 'on bent legs'])
def test_legs_of_who_does_not_really_stand_lose_their_twist_and_keep_how_they_lean(angle: float, still: bool) -> None:
    """A rotation across the bone is posture there, and no matter of axes."""
    motion = person(leaning(angle) @ hanging(), still) @ twists()
    assert not found(motion).still
    expected = (headings(still) @ leaning(angle))[STANDS][:, list(LEGS)]
    assert_same((motion @ turn_of(motion))[STANDS][:, list(LEGS)], expected)


def test_who_stands_still_is_at_the_n_pose_with_trunk_and_legs_too() -> None:
    pose = rotation.exp(0.05 * drawn(22, 3, seed=4)) @ leaning(0.1) @ hanging()
    motion = person(pose, still=True) @ twists()
    assert found(motion).still
    facing = rotation.about_z(rotation.heading(motion[STANDS][:, smpl22.PELVIS]))[:, None]
    turned = (motion @ turn_of(motion))[STANDS]
    zeroed = [*ARMS, *LEGS, *TRUNK]
    assert_same(turned[:, zeroed], (facing @ N_POSE)[:, zeroed])
    assert torch.equal(turned[:, LOOKING], motion[STANDS][:, LOOKING])


def test_trunk_and_head_of_who_is_seen_in_passing_stay_as_recorded() -> None:
    motion = person(rotation.exp(0.05 * drawn(22, 3, seed=4)) @ hanging(), still=False)
    kept = [*TRUNK, *LOOKING]
    assert torch.equal(turn_of(motion)[kept], torch.eye(3, dtype=torch.float64).expand(len(kept), 3, 3))


@pytest.mark.parametrize('still', [True, False])
def test_somebody_whose_zero_is_the_n_pose_is_not_turned(still: bool) -> None:
    assert_same(turn_of(person(N_POSE, still)), torch.eye(3, dtype=torch.float64).expand(22, 3, 3))


@pytest.mark.parametrize('still', [True, False])
def test_a_twist_of_the_axes_changes_the_turn_by_its_inverse(still: bool) -> None:
    motion = person(rotation.exp(0.05 * drawn(22, 3, seed=4)) @ hanging(), still)
    assert_same(twists() @ turn_of(motion @ twists()), turn_of(motion))


@pytest.mark.parametrize('still', [True, False])
def test_where_they_face_makes_no_difference(still: bool) -> None:
    motion = person(hanging(), still) @ twists()
    for angle in (0.7, -2.5):
        assert_same(turn_of(rotation.about_z(torch.tensor(angle).double()) @ motion), turn_of(motion))


def test_standing_twice_facing_two_ways_is_standing() -> None:
    once = person(hanging(), still=True) @ twists()
    back = rotation.about_z(torch.tensor(3.0).double()) @ once
    assert_same(turn_of(torch.cat((once, back))), turn_of(once))


@pytest.mark.parametrize('still', [True, False])
def test_the_mirror_image_of_a_person_has_the_mirror_image_of_their_turn(still: bool) -> None:
    motion = person(leaning(0.1) @ hanging(), still) @ twists()
    image = turn_of(kinematics.mirrored(motion), kinematics.mirrored_bones(BONES))
    assert_same(image, kinematics.mirrored(turn_of(motion)))


@pytest.mark.parametrize('still', [True, False])
def test_the_frames_of_standing_are_found_among_all_others_and_face_forward(still: bool) -> None:
    frames = found(person(hanging(), still))
    assert len(frames.rot_world_joint) == 15 and frames.still == still
    assert_same(frames.rot_world_joint, hanging().expand(15, 22, 3, 3))


def test_who_walks_past_and_stands_elsewhere_is_zeroed_where_they_stand() -> None:
    """The arms hang straighter in passing, which the haste outweighs."""
    stands = person(hanging(), still=True)
    both = torch.cat((person(N_POSE, still=False), stands))
    assert_same(turn_of(both), turn_of(stands))


@pytest.mark.parametrize(('rate', 'still'), [(10.0, True), (60.0, False)])
def test_how_fast_somebody_moves_is_told_by_the_rate_of_the_frames(rate: float, still: bool) -> None:
    swaying = rotation.about_z(torch.tensor([0.01, -0.01]).double().repeat(20))[:, None]
    assert found(swaying @ hanging(), rate).still == still


@pytest.mark.parametrize(
    'bent',
    [
        {'left_hip': (0, -1.5, 0), 'right_hip': (0, -1.5, 0)},
        {'right_shoulder': (-1.5, 0, 0), 'right_elbow': (-1.5, 0, 0)},
        {'left_shoulder': (0, -3.0, 0), 'left_elbow': (0, -3.0, 0)},
        {name: (0, 1.5, 0) for name in smpl22.JOINTS},
    ],
    ids=['sitting', 'one arm to the side', 'one arm up', 'lying'],
)
def test_who_never_stands_at_ease_has_no_turn(bent: dict[str, tuple[float, float, float]]) -> None:
    rotvec = torch.zeros(22, 3, dtype=torch.float64)
    for name, value in bent.items():
        rotvec[smpl22.INDEX[name]] = torch.tensor(value)
    assert turn_of(headings(still=True) @ rotation.exp(rotvec) @ N_POSE) is None


@pytest.mark.parametrize(('count', 'enough'), [(14, False), (15, True)])
def test_a_glimpse_of_standing_is_too_little(count: int, enough: bool) -> None:
    raised = headings(still=True) @ REST_POSES['t_pose']
    motion = torch.cat((raised, (headings(still=True) @ hanging())[:count]))
    assert (turn_of(motion) is not None) == enough


def test_who_was_recorded_for_less_than_a_glimpse_has_no_turn() -> None:
    assert turn_of(person(hanging(), still=True)[STANDS][:10]) is None
