"""What /tf says, through tf2_ros where it is installed."""

from types import ModuleType
from typing import Any

from rclpy.node import Node
from rclpy.time import Time

from inpose_ros.errors import MeasurementError, ParameterError
from inpose_ros.node.conversions.sensors import measurement_from_transform
from inpose_ros.sensing.measurement import Measurement

# A transform this much [ns] older or newer than a reading still places it: /tf often comes later than what needs it.
_NEAR_NS = 100_000_000
# So many messages are read at a time, at most, before others have their turn.
AT_ONCE = 32


def tf2_ros() -> ModuleType | None:
    """The library, which comes with a ROS 2 distribution and not with the wheels; None where it is not there."""
    try:
        import tf2_ros
    except ImportError:
        return None
    return tf2_ros


def require_tf2(sensor: str) -> None:
    """Raise a ParameterError that says what to do, where a sensor of type tf cannot be had."""
    if tf2_ros() is None:
        raise ParameterError(
            f'{sensor}.type is tf, which needs tf2_ros, and that cannot be imported here: install it '
            '(apt install ros-$ROS_DISTRO-tf2-ros-py), or have the pose published as a topic of type pose'
        )


def read_what_waits(subscription: Any) -> None:
    """Have the messages that wait read together with the first.

    The executor hands over one message a cycle, and /tf, of which this node's own poses are a part, would fall behind.
    """
    read = subscription.callback

    def callback(message: Any) -> None:
        read(message)
        handle = subscription.handle
        with handle:
            for _ in range(AT_ONCE):
                taken = handle.take_message(subscription.msg_type, False)
                if taken is None:
                    return
                read(taken[0])

    subscription.callback = callback


class Frames:
    """Poses of frames in the world.

    It begins to listen when it is first asked: reading all of /tf, this node's own part included, costs time that most
    set-ups need not spend.
    """

    def __init__(self, node: Node, world_frame: str) -> None:
        self._node, self._world_frame = node, world_frame
        self._buffer: Any = None
        self._listener: Any = None

    def newest(self, frame_id: str, sensor: str) -> Measurement:
        """The pose of a frame in the world at the newest time that all links of the chain have.

        Raises:
            MeasurementError: wrong_frame; tf2 knows no way from one to the other.
        """
        return self._lookup(frame_id, Time(), sensor)

    def at(self, frame_id: str, stamp_ns: int, sensor: str) -> Measurement:
        """The pose of a frame in the world when something was measured in it.

        Raises:
            MeasurementError: wrong_frame; not known for that time.
        """
        if tf2_ros() is None:
            raise MeasurementError(
                'wrong_frame',
                f'{sensor} is given in frame {frame_id!r} and not in {self._world_frame!r}; set world_frame to it, or '
                f'{sensor}.frame_id if it is the same, or install tf2_ros and publish the transform between them',
            )
        try:
            return self._lookup(frame_id, Time(nanoseconds=max(1, stamp_ns)), sensor)  # 0 would mean the newest
        except MeasurementError:
            found = self._lookup(frame_id, Time(), sensor)
            if abs(found.stamp_ns - stamp_ns) > _NEAR_NS:
                raise
            return found

    def forget(self) -> None:
        """Drop what was heard (but for static transforms): it may be of a time to come, before a clock went back."""
        if self._buffer is not None:
            self._buffer.clear()

    def destroy(self) -> None:
        if self._listener is not None:
            self._listener.unregister()
        self._listener = self._buffer = None

    def _lookup(self, frame_id: str, time: Time, sensor: str) -> Measurement:
        library = tf2_ros()
        if self._listener is None:
            self._buffer = library.Buffer()
            self._listener = library.TransformListener(self._buffer, self._node)
            read_what_waits(self._listener.tf_sub)
        try:
            found = self._buffer.lookup_transform(self._world_frame, frame_id, time)
        except library.TransformException as error:
            text = f'{sensor}: tf2 knows no way from frame {frame_id!r} to {self._world_frame!r} ({error})'
            raise MeasurementError('wrong_frame', text) from error
        return measurement_from_transform(found, sensor)
