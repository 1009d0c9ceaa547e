"""Estimates -> the bytes of those messages that describe a body in numbers alone."""

from collections.abc import Mapping, Sequence

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion, Transform, TransformStamped, Vector3
from sensor_msgs.msg import JointState
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from inpose_ros.body import smpl22, urdf
from inpose_ros.geometry import so3
from inpose_ros.node.conversions.body import array
from inpose_ros.node.conversions.stencil import Stencil
from inpose_ros.node.tracking import Estimate

_XYZW = [1, 2, 3, 0]  # of a quaternion wxyz
END_EFFECTORS = ('head', 'left_wrist', 'right_wrist', 'left_foot', 'right_foot')


class Streams:
    """What is said of one body over and over in numbers alone, serialised for the publishers.

    Args:
        world_frame: in which the pelvis is.
        frame_prefix: of all other frames.
    """

    def __init__(self, world_frame: str, frame_prefix: str) -> None:
        self._frames = (f'{frame_prefix}pelvis', *urdf.link_names(frame_prefix)[1])
        self._parents = (world_frame, *urdf.link_names(frame_prefix)[0])
        self._joints = Stencil(_joint_state, 2 * len(urdf.REVOLUTE_NAMES))
        self._tree = Stencil(self._transforms, 7 * len(self._frames))
        self._end = Stencil(self._pose, 7)

    def joint_state(self, estimate: Estimate) -> bytes:
        """JointState of the 63 revolute joints of the URDF."""
        return self._joints(np.concatenate((estimate.angles, estimate.velocities)), estimate.body.stamp_ns)

    def transforms(self, estimate: Estimate) -> bytes:
        """TFMessage of world -> pelvis -> every link, from the very angles of the joint state, so that the two cannot
        disagree."""
        body = estimate.body
        links = urdf.link_transforms(body.skeleton, estimate.angles)
        places = np.concatenate((array(body.root)[None], links.translations))
        turns = np.concatenate((so3.quaternion(array(body.rot_world_joint[:1])), links.quaternions))
        return self._tree(np.concatenate((places, turns[:, _XYZW]), 1).ravel(), body.stamp_ns)

    def end_effectors(self, estimate: Estimate) -> Mapping[str, bytes]:
        """PoseStamped relative to the pelvis: what a robot without legs can follow."""
        body = estimate.body
        rot_pelvis_world = array(body.rot_world_joint[0]).T
        rows = [smpl22.INDEX[name] for name in END_EFFECTORS]
        turns = so3.quaternion(rot_pelvis_world @ array(body.rot_world_joint)[rows])
        places = (array(body.positions)[rows] - array(body.root)) @ rot_pelvis_world.T
        poses = np.concatenate((places, turns[:, _XYZW]), 1)
        return {name: self._end(pose, body.stamp_ns) for name, pose in zip(END_EFFECTORS, poses)}

    def _transforms(self, numbers: Sequence[float], stamp: Time) -> TFMessage:
        frames = zip(self._parents, self._frames, np.reshape(numbers, (-1, 7)).tolist(), strict=True)
        return TFMessage(
            transforms=[
                TransformStamped(
                    header=Header(stamp=stamp, frame_id=parent), child_frame_id=child,
                    transform=Transform(
                        translation=Vector3(**dict(zip('xyz', pose))),
                        rotation=Quaternion(**dict(zip('xyzw', pose[3:]))),
                    ),
                )
                for parent, child, pose in frames
            ]
        )  # fmt: skip

    def _pose(self, numbers: Sequence[float], stamp: Time) -> PoseStamped:
        place, turn = Point(**dict(zip('xyz', numbers))), Quaternion(**dict(zip('xyzw', numbers[3:])))
        return PoseStamped(
            header=Header(stamp=stamp, frame_id=self._frames[0]), pose=Pose(position=place, orientation=turn)
        )


def _joint_state(numbers: Sequence[float], stamp: Time) -> JointState:
    """Positions, then velocities; it has no frame, as joint states never have."""
    count = len(urdf.REVOLUTE_NAMES)
    return JointState(
        header=Header(stamp=stamp), name=list(urdf.REVOLUTE_NAMES), position=numbers[:count], velocity=numbers[count:]
    )
