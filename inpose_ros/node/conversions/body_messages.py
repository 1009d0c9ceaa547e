"""Estimates -> the bytes of the messages that describe a body over and over, in numbers alone."""

from collections.abc import Mapping

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion, Transform, TransformStamped, Vector3
from jaxtyping import Bool, Float32, Float64
from sensor_msgs.msg import JointState
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage
from torch import Tensor

from inpose_ros.body import smpl22, urdf
from inpose_ros.geometry import so3
from inpose_ros.msg import BodyPose
from inpose_ros.node.conversions.body import array
from inpose_ros.node.conversions.message_template import MessageTemplate
from inpose_ros.node.tracking import Estimate

END_EFFECTORS = ('head', 'left_wrist', 'right_wrist', 'left_foot', 'right_foot')
_END_JOINTS = [smpl22.INDEX[name] for name in END_EFFECTORS]
_XYZW = [1, 2, 3, 0]  # of a quaternion wxyz
_ANGLES, _POSE = np.zeros(len(urdf.REVOLUTE_NAMES)), np.zeros(7)


class BodyMessages:
    """What is said of one body over and over, serialised for the publishers.

    Args:
        world_frame: in which the body is.
        frame_prefix: of all other frames.
        body_id: whose body it is.
    """

    def __init__(self, world_frame: str, frame_prefix: str, body_id: str) -> None:
        self._world_frame, self._body_id = world_frame, body_id
        self._frames = (f'{frame_prefix}pelvis', *urdf.link_names(frame_prefix)[1])
        self._parents = (world_frame, *urdf.link_names(frame_prefix)[0])
        self._joints = MessageTemplate(_joint_state, [_ANGLES, _ANGLES])
        self._tree = MessageTemplate(self._transforms, [_POSE] * len(self._frames))
        self._end = MessageTemplate(self._pose, [_POSE])
        self._poses: dict[int, MessageTemplate] = {}  # of each state

    def joint_state(self, estimate: Estimate) -> bytes:
        """JointState of the 63 revolute joints of the URDF."""
        return self._joints(estimate.body.stamp_ns, estimate.angles, estimate.velocities)

    def body_pose(self, estimate: Estimate) -> bytes:
        """BodyPose."""
        body, state = estimate.body, estimate.state
        numbers = (
            body.quaternions[:, _XYZW],
            array(body.positions),
            _single(body.rotation_stddev),
            _single(body.position_stddev),
            np.array([*body.measured.tolist(), body.root_observed]),
            _single(body.skeleton.lengths),
            _single(body.foot_contact),
            np.array([estimate.solve_time], dtype=np.float32),
        )
        if state not in self._poses:
            self._poses[state] = MessageTemplate(lambda *said: self._body_pose(state, *said), numbers)
        return self._poses[state](body.stamp_ns, *numbers)

    def transforms(self, estimate: Estimate) -> bytes:
        """TFMessage of world -> pelvis -> every link, from the very angles of the joint state, so that the two cannot
        disagree."""
        body = estimate.body
        links = urdf.link_transforms(body.skeleton, estimate.angles)
        places = np.concatenate((array(body.root)[None], links.translations))
        turns = np.concatenate((body.quaternions[:1], links.quaternions))[:, _XYZW]
        return self._tree(body.stamp_ns, np.concatenate((places, turns), 1))

    def end_effectors(self, estimate: Estimate) -> Mapping[str, bytes]:
        """PoseStamped relative to the pelvis: what a robot without legs can follow."""
        body = estimate.body
        rot_pelvis_world = array(body.rot_world_joint[0]).T
        turns = so3.quaternion(rot_pelvis_world @ array(body.rot_world_joint)[_END_JOINTS])[:, _XYZW]
        places = (array(body.positions)[_END_JOINTS] - array(body.root)) @ rot_pelvis_world.T
        poses = np.concatenate((places, turns), 1)
        return dict(zip(END_EFFECTORS, self._end.each(body.stamp_ns, poses)))

    def _transforms(self, stamp: Time, *poses: Float64[np.ndarray, '7']) -> TFMessage:
        edges = zip(self._parents, self._frames, poses, strict=True)
        return TFMessage(transforms=[_transform(stamp, parent, child, pose) for parent, child, pose in edges])

    def _pose(self, stamp: Time, pose: Float64[np.ndarray, '7']) -> PoseStamped:
        header = Header(stamp=stamp, frame_id=self._frames[0])
        return PoseStamped(header=header, pose=Pose(position=_point(pose[:3]), orientation=_quaternion(pose[3:])))

    def _body_pose(
        self, state: int, stamp: Time,
        rotation: Float64[np.ndarray, 'joint 4'], position: Float64[np.ndarray, 'joint 3'],
        rotation_stddev: Float32[np.ndarray, 'joint'], position_stddev: Float32[np.ndarray, 'joint'],
        measured: Bool[np.ndarray, 'joint+1'], bone_length: Float32[np.ndarray, 'joint'],
        foot_contact: Float32[np.ndarray, '2'], solve_time: Float32[np.ndarray, '1'],
    ) -> BodyPose:  # fmt: skip
        """Args: measured: of the joints and, last, of the root."""
        return BodyPose(
            header=Header(stamp=stamp, frame_id=self._world_frame),
            body_id=self._body_id,
            state=state,
            joint=list(smpl22.JOINTS),
            rotation=[_quaternion(row) for row in rotation],
            position=[_point(row) for row in position],
            rotation_stddev=rotation_stddev.tolist(),
            position_stddev=position_stddev.tolist(),
            measured=measured[:-1].tolist(),
            root_observed=bool(measured[-1]),
            bone_length=bone_length.tolist(),
            foot_contact=foot_contact.tolist(),
            solve_time=float(solve_time[0]),
        )


def _joint_state(
    stamp: Time, position: Float64[np.ndarray, 'angle'], velocity: Float64[np.ndarray, 'angle']
) -> JointState:
    """It has no frame, as joint states never have. Nobody knows the efforts; they are zero, as some readers take all
    three for as long as the names."""
    message = JointState(header=Header(stamp=stamp), name=list(urdf.REVOLUTE_NAMES))
    message.position, message.velocity, message.effort = position.tolist(), velocity.tolist(), [0.0] * len(position)
    return message


def _transform(stamp: Time, parent: str, child: str, pose: Float64[np.ndarray, '7']) -> TransformStamped:
    transform = Transform(translation=Vector3(**_named('xyz', pose[:3])), rotation=_quaternion(pose[3:]))
    return TransformStamped(header=Header(stamp=stamp, frame_id=parent), child_frame_id=child, transform=transform)


def _point(place: Float64[np.ndarray, '3']) -> Point:
    return Point(**_named('xyz', place))


def _quaternion(xyzw: Float64[np.ndarray, '4']) -> Quaternion:
    return Quaternion(**_named('xyzw', xyzw))


def _named(names: str, values: Float64[np.ndarray, 'value']) -> dict[str, float]:
    return dict(zip(names, values.tolist(), strict=True))


def _single(tensor: Tensor) -> Float32[np.ndarray, '...']:
    return tensor.numpy().astype(np.float32, copy=False)
