"""Where sensors are tells which pose somebody holds: others are refused, careless ones of the right kind are not."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from inpose_ros.body import kinematics, smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.errors import CalibrationError
from inpose_ros.geometry.transform import Transform
from inpose_ros.sensing.calibration.places import Facing, KnownBody, Located, check_places
from inpose_ros.sensing.calibration.rest_poses import REST_POSES
from inpose_ros.sensing.calibration.still_pose import calibrate
from inpose_ros.sensing.measurement import Measurement, Sensor

INDEX, MEAN = smpl22.INDEX, Skeleton.mean()
HANDS = ('head', 'left_wrist', 'right_wrist')
WORN = {
    'headset and hands': HANDS,
    'trackers at the feet too': (*HANDS, 'pelvis', 'left_foot', 'right_foot'),
    'elbows and knees too': (*HANDS, 'left_elbow', 'right_elbow', 'pelvis', 'left_knee', 'right_knee'),
    'pelvis and hands': ('pelvis', 'left_wrist', 'right_wrist'),
    'head and one hand': ('head', 'right_wrist'),
    'hands alone': ('left_wrist', 'right_wrist'),
}
LEVERS = {'head': (0.1, 0.0, 0.08), 'left_wrist': (0.0, 0.06, 0.02), 'right_wrist': (0.0, -0.06, 0.02)}
# Where the left upper arm and forearm point; the right ones mirror them.
OTHERS = {
    'hands on hips': ((-0.35, 0.5, -0.8), (0.5, -0.45, -0.55)),
    'arms crossed': ((0.25, 0.15, -0.95), (0.45, -0.85, 0.15)),
    'arms forward': ((1, 0, 0), (1, 0, 0)),
    'hands up': ((0, 0.2, 1), (0, 0.2, 1)),
    'forearms forward': ((0, 0, -1), (1, 0, 0)),
    'forearms up': ((0, 1, 0), (0, 0, 1)),
    'arms half way down': ((0, 1, -1), (0, 1, -1)),
}


def sensors(joints: tuple[str, ...]) -> list[Sensor]:
    lever = {name: torch.tensor(LEVERS.get(name, (0.0, 0.0, 0.0))).double() for name in joints}
    return [Sensor(name, name, T_joint_sensor=Transform(torch.eye(3).double(), lever[name])) for name in joints]


def towards(start: tuple, end: tuple) -> np.ndarray:
    """The shortest rotation from one direction to another."""
    return Rotation.align_vectors(np.array([end], dtype=float), np.array([start], dtype=float))[0].as_matrix()


def with_arms(upper: tuple, fore: tuple) -> np.ndarray:
    """Somebody who stands upright with the left arm so, and the right one likewise."""
    rot = np.tile(np.eye(3), (22, 1, 1))
    for side, sign in (('left', 1), ('right', -1)):
        mirror = np.array([1, sign, 1])
        rot[INDEX[f'{side}_shoulder']] = towards((0, sign, 0), upper * mirror)
        rot[INDEX[f'{side}_elbow']] = rot[INDEX[f'{side}_wrist']] = towards((0, sign, 0), fore * mirror)
    return rot


def careless(pose: str, rng: np.random.Generator) -> np.ndarray:
    """The pose with arms 20 degrees off, elbows bent by 20, the head turned by 15, leaning by 4, feet apart."""

    def some(degrees: float, axis: np.ndarray | None = None) -> np.ndarray:
        axis = rng.normal(size=3) if axis is None else axis
        return Rotation.from_rotvec(math.radians(degrees) * axis / np.linalg.norm(axis)).as_matrix()

    rot = REST_POSES[pose].numpy().copy()
    for side, sign in (('left', 1), ('right', -1)):
        upper, bent, leg = (INDEX[f'{side}_{name}'] for name in ('shoulder', 'elbow', 'hip'))
        rot[upper] = some(20) @ rot[upper]
        rot[bent] = rot[INDEX[f'{side}_wrist']] = some(20) @ rot[upper]
        rot[leg] = rot[INDEX[f'{side}_knee']] = some(10, np.array([sign, 0.0, 0.0]))
    rot[INDEX['head']] = some(15)
    return some(4, np.array([*rng.normal(size=2), 0.0])) @ rot


def located(rot: np.ndarray, joints: tuple[str, ...], yaw: float, true: Skeleton, noise: float = 0.0) -> list[Located]:
    """The places of sensors on somebody who faces `yaw` [rad], measured and mounted to `noise` [m]."""
    rng = np.random.default_rng(1)
    world = Rotation.from_euler('z', yaw).as_matrix()
    places = kinematics.joint_positions(true, torch.from_numpy(rot)).numpy()
    return [
        Located(s, world @ (places[s.joint_index] + rot[s.joint_index] @ s.mount[1] + noise * rng.normal(size=3)) + 1.0)
        for s in sensors(joints)
    ]


@pytest.mark.parametrize('pose', REST_POSES)
@pytest.mark.parametrize('worn', WORN)
@pytest.mark.parametrize('known', ['measured', 'roughly', 'not at all'])
def test_careless_poses_of_the_right_kind_are_accepted(pose, worn, known):
    rng = np.random.default_rng(0)
    for size in (0.85, 0.95, 1.05, 1.15):
        true = MEAN.scaled(size)
        off = {group: rng.choice([0.92, 1.09]) for group in ('arms', 'torso', 'legs', 'shoulders')}
        body = {
            'measured': KnownBody(true),
            'roughly': KnownBody(true.with_groups(off), 0.015),
            'not at all': KnownBody(MEAN, 0.25),
        }[known]
        yaw = rng.uniform(-3, 3)
        places = located(careless(pose, rng), WORN[worn], yaw, true, noise=0.015)
        check_places(places, pose, Facing('head', yaw + rng.choice([-0.3, 0.3])), body)


@pytest.mark.parametrize('worn', WORN)
@pytest.mark.parametrize(('held', 'named'), [('t_pose', 'n_pose'), ('n_pose', 't_pose')])
def test_one_pose_held_and_the_other_named_is_refused_with_the_one_held(worn, held, named):
    rng = np.random.default_rng(2)
    places = located(careless(held, rng), WORN[worn], -1.1, MEAN)
    with pytest.raises(CalibrationError, match=rf'this is no {named}; .*{", ".join(WORN[worn])} it is the {held}'):
        check_places(places, named, Facing('head', -1.1), KnownBody(MEAN, 0.015))


@pytest.mark.parametrize('named', REST_POSES)
@pytest.mark.parametrize('held', OTHERS)
@pytest.mark.parametrize('worn', ['headset and hands', 'elbows and knees too', 'trackers at the feet too'])
def test_who_holds_neither_pose_is_refused(held, named, worn):
    places = located(with_arms(*OTHERS[held]), WORN[worn], 2.0, MEAN, noise=0.005)
    with pytest.raises(CalibrationError, match=f'this is no {named} '):
        check_places(places, named, Facing('head', 2.0), KnownBody(MEAN))


def test_who_sits_is_refused_where_the_legs_are_tracked():
    rot = REST_POSES['t_pose'].numpy().copy()
    for side in ('left', 'right'):
        rot[INDEX[f'{side}_hip']] = Rotation.from_euler('y', -90, degrees=True).as_matrix()
    places = located(rot, WORN['trackers at the feet too'], 0.0, MEAN)
    with pytest.raises(CalibrationError, match=r'the left foot, seen from the left hip'):
        check_places(places, 't_pose', Facing('head', 0.0), KnownBody(MEAN))
    check_places(located(rot, HANDS, 0.0, MEAN), 't_pose', Facing('head', 0.0), KnownBody(MEAN))


@pytest.mark.parametrize('pose', REST_POSES)
@pytest.mark.parametrize('wrong', ['hands exchanged', 'head backward'])
def test_left_for_right_is_refused(pose, wrong):
    places = located(REST_POSES[pose].numpy(), HANDS, 0.5, MEAN)
    facing = 0.5
    if wrong == 'hands exchanged':
        (head, a), (left, b), (right, c) = places
        places = [Located(head, a), Located(left, c), Located(right, b)]
    else:
        facing += math.pi
    with pytest.raises(CalibrationError, match=r'18\d degrees away|17\d degrees away'):
        check_places(places, pose, Facing('head', facing), KnownBody(MEAN))


@pytest.mark.parametrize('pose', REST_POSES)
@pytest.mark.parametrize(
    ('world', 'words'),
    [
        (np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]), 'z axis down'),
        (np.array([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]]), 'y axis up'),
    ],
)
def test_places_in_another_world_are_refused_with_its_name(pose, world, words):
    places = [Located(s, world @ place) for s, place in located(REST_POSES[pose].numpy(), HANDS, 0.5, MEAN)]
    with pytest.raises(CalibrationError, match=words):
        check_places(places, pose, Facing('head', 0.5), KnownBody(MEAN))


def test_one_place_alone_says_nothing():
    check_places(
        located(REST_POSES['t_pose'].numpy(), ('head',), 0.0, MEAN), 'n_pose', Facing('head', 0.0), KnownBody(MEAN)
    )


def test_calibrating_compares_the_mean_places_and_leaves_imus_out_of_it():
    worn = [*sensors(HANDS), Sensor('waist', 'pelvis', 'imu')]
    rot = REST_POSES['n_pose'].numpy()
    places = {s.name: place for s, place in located(rot, HANDS, 0.0, MEAN)}
    samples = {
        s.name: [Measurement(s.name, k * 10_000_000, rot[s.joint_index], places.get(s.name)) for k in range(20)]
        for s in worn
    }
    assert set(calibrate(samples, worn, 'n_pose', body=KnownBody(MEAN)).mounts) == {*HANDS, 'waist'}
    with pytest.raises(CalibrationError, match=r'it is the n_pose \(arms hanging\)'):
        calibrate(samples, worn, 't_pose', body=KnownBody(MEAN))
    calibrate(samples, worn, 't_pose')
