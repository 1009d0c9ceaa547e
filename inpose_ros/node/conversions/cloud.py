"""Estimates -> a point cloud of the joints, for tools that know clouds and not bodies."""

import array
import functools
import sys
from types import ModuleType

import numpy as np
from builtin_interfaces.msg import Time
from jaxtyping import Shaped, UInt8
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from inpose_ros.body import smpl22
from inpose_ros.node.conversions.message_template import MessageTemplate
from inpose_ros.node.conversions.stamp import stamp_from_ns
from inpose_ros.node.tracking import Estimate

# One point a joint: where it is [m], its number in body_pose, and the standard deviation of its location [m].
POINT = np.dtype([('x', 'f4'), ('y', 'f4'), ('z', 'f4'), ('joint', 'u4'), ('stddev', 'f4')])
_DATATYPES = {'f4': PointField.FLOAT32, 'u4': PointField.UINT32}
FIELDS = [
    PointField(name=name, offset=offset, datatype=_DATATYPES[kind.str[1:]], count=1)
    for name, (kind, offset) in POINT.fields.items()
]


def point_cloud2() -> ModuleType | None:
    """The library of ROS, which comes with a distribution and not with the wheels; None where it is not there."""
    try:
        from sensor_msgs_py import point_cloud2
    except ImportError:
        return None
    return point_cloud2


class CloudMessages:
    """The clouds of one body, serialised for the publisher; its points are in this frame."""

    def __init__(self, world_frame: str) -> None:
        self._cloud = MessageTemplate(
            functools.partial(_cloud, world_frame), [np.zeros(len(smpl22.JOINTS), POINT).view(np.uint8)]
        )

    def __call__(self, estimate: Estimate) -> bytes:
        return self._cloud(estimate.body.stamp_ns, _points(estimate).view(np.uint8))


def cloud_from(estimate: Estimate, world_frame: str) -> PointCloud2:
    return _cloud(world_frame, stamp_from_ns(estimate.body.stamp_ns), _points(estimate).view(np.uint8))


def _points(estimate: Estimate) -> Shaped[np.ndarray, 'joint']:
    body = estimate.body
    rows = np.empty(len(smpl22.JOINTS), POINT)
    rows['x'], rows['y'], rows['z'] = np.asarray(body.positions).T
    rows['joint'] = np.arange(len(rows))
    rows['stddev'] = np.asarray(body.position_stddev)
    return rows


def _cloud(world_frame: str, stamp: Time, data: UInt8[np.ndarray, 'byte']) -> PointCloud2:
    library = point_cloud2()
    make = cloud_of if library is None else library.create_cloud
    cloud = make(Header(stamp=stamp, frame_id=world_frame), FIELDS, data.view(POINT))
    cloud.is_dense = True  # every point is finite
    return cloud


def cloud_of(head: Header, fields: list[PointField], rows: np.ndarray) -> PointCloud2:
    """What sensor_msgs_py's create_cloud makes of an array whose bytes are laid out as the fields say."""
    cloud = PointCloud2(
        header=head,
        height=1,
        width=len(rows),
        is_dense=False,
        is_bigendian=sys.byteorder != 'little',
        fields=fields,
        point_step=rows.dtype.itemsize,
        row_step=rows.dtype.itemsize * len(rows),
    )
    cloud.data = array.array('B', rows.tobytes())  # the constructor would look at every byte
    return cloud
