"""Estimates -> the messages that describe a body."""

import numpy as np
from geometry_msgs.msg import Point, Quaternion
from jaxtyping import Float
from std_msgs.msg import Header
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.body.state import BodyState
from inpose_ros.geometry import so3
from inpose_ros.msg import BodyPose
from inpose_ros.node.conversions.stamp import stamp_from_ns
from inpose_ros.node.tracking import Estimate


def header(stamp_ns: int, frame_id: str) -> Header:
    return Header(stamp=stamp_from_ns(stamp_ns), frame_id=frame_id)


def points(body: BodyState) -> list[Point]:
    """Where the joints are in the world [m]."""
    return [Point(x=x, y=y, z=z) for x, y, z in array(body.positions).tolist()]


def body_pose_from(estimate: Estimate, world_frame: str, body_id: str) -> BodyPose:
    body = estimate.body
    return BodyPose(
        header=header(body.stamp_ns, world_frame),
        body_id=body_id,
        state=estimate.state,
        joint=list(smpl22.JOINTS),
        rotation=quaternions(array(body.rot_world_joint)),
        position=points(body),
        rotation_stddev=body.rotation_stddev.tolist(),
        position_stddev=body.position_stddev.tolist(),
        measured=body.measured.tolist(),
        root_observed=bool(body.root_observed),
        bone_length=body.skeleton.lengths.tolist(),
        foot_contact=body.foot_contact.tolist(),
        solve_time=float(estimate.solve_time),
    )


def array(tensor: Tensor) -> Float[np.ndarray, '...']:
    return np.asarray(tensor, dtype=np.float64)


def quaternions(matrices: Float[np.ndarray, 'row 3 3']) -> list[Quaternion]:
    """Rotation matrices as messages."""
    return [Quaternion(x=x, y=y, z=z, w=w) for w, x, y, z in so3.quaternion(matrices).tolist()]
