"""Estimates -> the messages that describe a body."""

from collections.abc import Mapping

import numpy as np
from geometry_msgs.msg import Point, PoseStamped, Quaternion, TransformStamped
from jaxtyping import Float
from sensor_msgs.msg import JointState
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage
from torch import Tensor

from inpose_ros.body import smpl22, urdf
from inpose_ros.body.state import BodyState
from inpose_ros.geometry import so3
from inpose_ros.msg import BodyPose
from inpose_ros.node.conversions.stamp import stamp_from_ns
from inpose_ros.node.tracking import Estimate

END_EFFECTORS = ('head', 'left_wrist', 'right_wrist', 'left_foot', 'right_foot')


def header(stamp_ns: int, frame_id: str) -> Header:
    return Header(stamp=stamp_from_ns(stamp_ns), frame_id=frame_id)


def points(body: BodyState) -> list[Point]:
    """Where the joints are in the world [m]."""
    return [Point(x=x, y=y, z=z) for x, y, z in _array(body.positions).tolist()]


def joint_state_from(estimate: Estimate) -> JointState:
    """The 63 revolute joints of the URDF; it has no frame, as joint states never have."""
    return JointState(
        header=header(estimate.body.stamp_ns, ''),
        name=list(urdf.REVOLUTE_NAMES),
        position=estimate.angles.tolist(),
        velocity=estimate.velocities.tolist(),
    )


def transforms_from(
    estimate: Estimate, world_frame: str, frame_prefix: str, again: TFMessage | None = None
) -> TFMessage:
    """world -> pelvis -> every link, from the very angles of the joint state, so that the two cannot disagree.

    Args:
        again: an earlier message of the same frames, to be filled anew and returned: making 64 transforms takes
            several times as long as solving their places.
    """
    body = estimate.body
    links = urdf.link_transforms(body.skeleton, estimate.angles, frame_prefix)
    if again is None:
        frames = zip((world_frame, *links.parents), (f'{frame_prefix}pelvis', *links.children), strict=True)
        again = TFMessage(transforms=[_frame(parent, child) for parent, child in frames])
    stamp = stamp_from_ns(body.stamp_ns)
    root = so3.quaternion(_array(body.rot_world_joint[:1]))
    rotations = np.concatenate((root, links.quaternions)).tolist()
    places = np.concatenate((_array(body.root)[None], links.translations)).tolist()
    for message, place, (w, x, y, z) in zip(again.transforms, places, rotations, strict=True):
        message.header.stamp = stamp
        translation, rotation = message.transform.translation, message.transform.rotation
        translation.x, translation.y, translation.z = place
        rotation.w, rotation.x, rotation.y, rotation.z = w, x, y, z
    return again


def body_pose_from(estimate: Estimate, world_frame: str, body_id: str) -> BodyPose:
    body = estimate.body
    return BodyPose(
        header=header(body.stamp_ns, world_frame),
        body_id=body_id,
        state=estimate.state,
        joint=list(smpl22.JOINTS),
        rotation=quaternions(_array(body.rot_world_joint)),
        position=points(body),
        rotation_stddev=body.rotation_stddev.tolist(),
        position_stddev=body.position_stddev.tolist(),
        measured=body.measured.tolist(),
        root_observed=bool(body.root_observed),
        bone_length=body.skeleton.lengths.tolist(),
        foot_contact=body.foot_contact.tolist(),
        solve_time=float(estimate.solve_time),
    )


def end_effectors_from(estimate: Estimate, frame_prefix: str) -> Mapping[str, PoseStamped]:
    """Poses relative to the pelvis: what a robot without legs can follow."""
    body = estimate.body
    rot_pelvis_world = _array(body.rot_world_joint[0]).T
    rows = [smpl22.INDEX[name] for name in END_EFFECTORS]
    rotations = rot_pelvis_world @ _array(body.rot_world_joint)[rows]
    offsets = (_array(body.positions)[rows] - _array(body.root)) @ rot_pelvis_world.T
    poses = {}
    for name, (x, y, z), rotation in zip(END_EFFECTORS, offsets.tolist(), quaternions(rotations), strict=True):
        pose = PoseStamped(header=header(body.stamp_ns, f'{frame_prefix}pelvis'))
        pose.pose.position = Point(x=x, y=y, z=z)
        pose.pose.orientation = rotation
        poses[name] = pose
    return poses


def _frame(parent: str, child: str) -> TransformStamped:
    return TransformStamped(header=Header(frame_id=parent), child_frame_id=child)


def _array(tensor: Tensor) -> Float[np.ndarray, '...']:
    return np.asarray(tensor, dtype=np.float64)


def quaternions(matrices: Float[np.ndarray, 'row 3 3']) -> list[Quaternion]:
    """Rotation matrices as messages."""
    return [Quaternion(x=x, y=y, z=z, w=w) for w, x, y, z in so3.quaternion(matrices).tolist()]
