"""People whose motion is known, and what a tracker would say of them."""

from collections.abc import Mapping

import numpy as np
from geometry_msgs.msg import Point, PoseStamped, Quaternion
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import JointState

from inpose_ros.body import smpl22, urdf
from inpose_ros.examples.person import Person, person_from
from inpose_ros.motion.clip import MotionClip
from inpose_ros.motion.procedural import procedural_clip, random_skeleton
from inpose_ros.msg import BodyPose

SIDES = ('left', 'right')
RATE = 30.0
KINDS = {
    'body_pose': BodyPose,
    'joint_states': JointState,
    'end_effectors/left_wrist': PoseStamped,
    'end_effectors/right_wrist': PoseStamped,
}


def walker(seed: int, seconds: float = 30.0) -> MotionClip:
    """Somebody of their own size who walks, turns, squats, reaches and waves."""
    return procedural_clip(seed, seconds, random_skeleton(seed), fps=RATE)


def messages(clip: MotionClip, frame: int, stamp_ns: int = 1_000_000_000) -> dict[str, object]:
    """All that a perfect tracker says of one frame, by topic."""
    rot = clip.rot_world_joint[frame].double().numpy()
    places = clip.positions[frame].double().numpy()
    said: dict[str, object] = {'body_pose': _body(clip, rot, places), 'joint_states': _joints(rot)}
    said |= {f'end_effectors/{side}_wrist': _wrist(side, rot, places) for side in SIDES}
    for message in said.values():
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 1_000_000_000)
    return said


def person(said: Mapping[str, object]) -> Person:
    """What the follower makes of it."""
    wrists = {side: said[f'end_effectors/{side}_wrist'] for side in SIDES}
    return person_from(said['body_pose'], wrists, said['joint_states'])


def _body(clip: MotionClip, rot: np.ndarray, places: np.ndarray) -> BodyPose:
    body = BodyPose(body_id='somebody', state=BodyPose.STATE_TRACKING, joint=list(smpl22.JOINTS))
    body.header.frame_id = 'world'
    body.rotation = [_quaternion(matrix) for matrix in rot]
    body.position = [Point(x=x, y=y, z=z) for x, y, z in places.tolist()]
    body.rotation_stddev = body.position_stddev = [0.02] * 22
    body.measured = [name in ('head', 'left_wrist', 'right_wrist') for name in smpl22.JOINTS]
    body.bone_length = clip.skeleton.lengths.tolist()
    return body


def _joints(rot: np.ndarray) -> JointState:
    angles = urdf.revolute_angles(rot)
    return JointState(name=list(urdf.REVOLUTE_NAMES), position=angles.tolist(), velocity=[0.0] * 63)


def _wrist(side: str, rot: np.ndarray, places: np.ndarray) -> PoseStamped:
    row = smpl22.INDEX[f'{side}_wrist']
    pose = PoseStamped()
    pose.header.frame_id = 'human/pelvis'
    x, y, z = (rot[0].T @ (places[row] - places[0])).tolist()
    pose.pose.position = Point(x=x, y=y, z=z)
    pose.pose.orientation = _quaternion(rot[0].T @ rot[row])
    return pose


def _quaternion(matrix: np.ndarray) -> Quaternion:
    x, y, z, w = Rotation.from_matrix(matrix).as_quat().tolist()
    return Quaternion(x=x, y=y, z=z, w=w)
