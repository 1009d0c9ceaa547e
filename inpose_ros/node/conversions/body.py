"""Parts of the messages that describe a body."""

import numpy as np
from jaxtyping import Float
from std_msgs.msg import Header
from torch import Tensor

from inpose_ros.node.conversions.stamp import stamp_from_ns


def header(stamp_ns: int, frame_id: str) -> Header:
    return Header(stamp=stamp_from_ns(stamp_ns), frame_id=frame_id)


def array(tensor: Tensor) -> Float[np.ndarray, '...']:
    return tensor.numpy().astype(np.float64, copy=False)
