"""Parts of the messages that describe a body."""

import numpy as np
from geometry_msgs.msg import Point, Quaternion
from jaxtyping import Float
from std_msgs.msg import Header
from torch import Tensor

from inpose_ros.body.state import BodyState
from inpose_ros.geometry import so3
from inpose_ros.node.conversions.stamp import stamp_from_ns


def header(stamp_ns: int, frame_id: str) -> Header:
    return Header(stamp=stamp_from_ns(stamp_ns), frame_id=frame_id)


def points(body: BodyState) -> list[Point]:
    """Where the joints are in the world [m]."""
    return [Point(x=x, y=y, z=z) for x, y, z in array(body.positions).tolist()]


def array(tensor: Tensor) -> Float[np.ndarray, '...']:
    return tensor.numpy().astype(np.float64, copy=False)


def quaternions(matrices: Float[np.ndarray, 'row 3 3']) -> list[Quaternion]:
    """Rotation matrices as messages."""
    return [Quaternion(x=x, y=y, z=z, w=w) for w, x, y, z in so3.quaternion(matrices).tolist()]
