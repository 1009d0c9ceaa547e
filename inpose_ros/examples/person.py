"""What a consumer takes out of the tracker's messages, and what it refuses to believe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from geometry_msgs.msg import Point, PoseStamped, Quaternion
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import JointState

from inpose_ros.examples.retarget import SIDES, Matrix, PersonArm, Vector
from inpose_ros.msg import BodyPose

# The joint whose sensor decides whether a limb may be followed.
WITNESS = {'left': 'left_wrist', 'right': 'right_wrist', 'head': 'head'}
# Targets are relative to this joint: of all trunk joints the one that head and wrists tell most about.
CHEST = 'spine3'
_NEEDED = ('pelvis', CHEST, 'head', *(f'{side}_{part}' for side in SIDES for part in ('shoulder', 'elbow', 'wrist')))


class UnfitPose(ValueError):
    """A message that must not move a robot; the text says what is wrong with it."""


@dataclass(frozen=True)
class Person:
    """One instant of a tracked person, as far as a robot with arms and a neck cares.

    `measured` and `stddev` [m] are for each limb: left, right, head. `gaze` is how far the head is turned to the left
    and bent down [rad].
    """

    stamp_ns: int
    body_id: str
    state: int
    arms: Mapping[str, PersonArm]
    measured: Mapping[str, bool]
    stddev: Mapping[str, float]
    gaze: tuple[float, float]


def stamp_ns(message: object) -> int:
    """The stamp of a message with a header [ns]."""
    return message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec


def person_from(body: BodyPose, wrists: Mapping[str, PoseStamped], joints: JointState) -> Person:
    """Read the messages of one stamp; `wrists` are `end_effectors/<side>_wrist`.

    Raises:
        UnfitPose: something is missing, not finite or no rotation.
    """
    index = {name: row for row, name in enumerate(body.joint)}
    if missing := [name for name in _NEEDED if name not in index]:
        raise UnfitPose(f'body_pose has no joints {missing}')
    rows = (body.rotation, body.position, body.measured, body.position_stddev, body.bone_length)
    if any(len(row) != len(index) for row in rows):
        raise UnfitPose('the arrays of body_pose are not of one length')
    limbs = {limb: index[name] for limb, name in WITNESS.items()}
    return Person(
        stamp_ns=stamp_ns(body),
        body_id=body.body_id,
        state=body.state,
        arms={side: _arm(side, body, index, wrists[side]) for side in SIDES},
        measured={limb: bool(body.measured[row]) for limb, row in limbs.items()},
        stddev={limb: _finite('position_stddev', body.position_stddev[row]) for limb, row in limbs.items()},
        gaze=gaze_from(joints),
    )


def gaze_from(joints: JointState) -> tuple[float, float]:
    """How far the head is turned to the left and bent down against the chest [rad]: neck and head together.

    Their angles are small, so those about one axis add up. They are unwrapped, hence the way back into one turn.
    """
    angles = dict(zip(joints.name, joints.position))
    try:
        pan = angles['neck_z'] + angles['head_z']
        tilt = angles['neck_y'] + angles['head_y']
    except KeyError as error:
        raise UnfitPose(f'joint_states has no joint {error}') from None
    return tuple(_finite('joint_states', (angle + np.pi) % (2 * np.pi) - np.pi) for angle in (pan, tilt))


def _arm(side: str, body: BodyPose, index: Mapping[str, int], wrist: PoseStamped) -> PersonArm:
    """The wrist comes in the pelvis' frame, so shoulder, elbow and chest are brought there too."""
    rot_world_pelvis = _rotation(body.rotation[index['pelvis']])
    rot_world_chest = _rotation(body.rotation[index[CHEST]])
    rot_chest_pelvis = rot_world_chest.T @ rot_world_pelvis
    pelvis, shoulder, elbow = (
        _vector(body.position[index[name]]) for name in ('pelvis', f'{side}_shoulder', f'{side}_elbow')
    )
    pelvis_to_shoulder = rot_world_pelvis.T @ (shoulder - pelvis)
    return PersonArm(
        elbow=rot_world_chest.T @ (elbow - shoulder),
        wrist=rot_chest_pelvis @ (_vector(wrist.pose.position) - pelvis_to_shoulder),
        rot_chest_hand=rot_chest_pelvis @ _rotation(wrist.pose.orientation),
        upper_arm=_bone(body.bone_length[index[f'{side}_elbow']]),
        forearm=_bone(body.bone_length[index[f'{side}_wrist']]),
    )


def _vector(point: Point) -> Vector:
    return _checked('a position', (point.x, point.y, point.z))


def _rotation(quaternion: Quaternion) -> Matrix:
    values = _checked('an orientation', (quaternion.x, quaternion.y, quaternion.z, quaternion.w))
    if abs(np.linalg.norm(values) - 1) > 0.01:
        raise UnfitPose(f'the quaternion {values.tolist()} is no rotation')
    return Rotation.from_quat(values).as_matrix()


def _bone(length: float) -> float:
    if not 0.05 < length < 1.0:  # also not for NaN
        raise UnfitPose(f'a bone of an arm is {length} m long')
    return float(length)


def _finite(what: str, value: float) -> float:
    return float(_checked(what, [value])[0])


def _checked(what: str, values: Sequence[float]) -> np.ndarray:
    array = np.array(values, dtype=float)
    if not np.isfinite(array).all():
        raise UnfitPose(f'{what} is not finite')
    return array
