"""A stand-in for tf2_ros, which does not come with the wheels: the part of its interface that the node uses.

It knows frames right below the root only. Where the real one is installed, test_tf_input.py runs with that as well.
"""

import types
from typing import Any

from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from rclpy.time import Time
from tf2_msgs.msg import TFMessage

from inpose_ros.node import qos
from inpose_ros.node.conversions.stamp import ns_from_stamp


class TransformException(Exception):
    pass


class Buffer:
    """The transforms of each frame, by stamp, and the newest of each."""

    def __init__(self) -> None:
        self._moving: dict[tuple[str, str], dict[int, TransformStamped]] = {}
        self._newest: dict[tuple[str, str], int] = {}
        self._static: dict[tuple[str, str], TransformStamped] = {}

    def set_transform(self, transform: TransformStamped, authority: str) -> None:
        key, stamp_ns = (transform.header.frame_id, transform.child_frame_id), ns_from_stamp(transform.header.stamp)
        if stamp_ns > self._newest.get(key, stamp_ns) - 10 * 10**9:  # as the real one: what is too old is dropped
            self._moving.setdefault(key, {})[stamp_ns] = transform
            self._newest[key] = max(stamp_ns, self._newest.get(key, stamp_ns))

    def set_transform_static(self, transform: TransformStamped, authority: str) -> None:
        self._static[transform.header.frame_id, transform.child_frame_id] = transform

    def clear(self) -> None:
        self._moving.clear()
        self._newest.clear()

    def lookup_transform(self, target_frame: str, source_frame: str, time: Time) -> TransformStamped:
        key = (target_frame, source_frame)
        if key in self._static:
            return self._static[key]
        rows = self._moving.get(key, {})
        if rows and time.nanoseconds == 0:
            return rows[self._newest[key]]
        if time.nanoseconds not in rows:
            raise TransformException(f'"{source_frame}" at {time.nanoseconds} is not known')
        return rows[time.nanoseconds]


class TransformListener:
    """Fills a buffer from /tf and /tf_static."""

    def __init__(self, buffer: Buffer, node: Node) -> None:
        self._node = node
        put, put_static = self._filler(buffer.set_transform), self._filler(buffer.set_transform_static)
        self.tf_sub = node.create_subscription(TFMessage, '/tf', put, qos.TF)
        self.tf_static_sub = node.create_subscription(TFMessage, '/tf_static', put_static, qos.LATCHED)

    def _filler(self, put: Any) -> Any:
        def fill(message: TFMessage) -> None:
            for transform in message.transforms:
                put(transform, 'default_authority')

        return fill

    def unregister(self) -> None:
        self._node.destroy_subscription(self.tf_sub)
        self._node.destroy_subscription(self.tf_static_sub)


def module() -> types.ModuleType:
    """What `import tf2_ros` is to give."""
    made = types.ModuleType('tf2_ros')
    made.Buffer, made.TransformListener, made.TransformException = Buffer, TransformListener, TransformException
    return made
