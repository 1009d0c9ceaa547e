"""One sensor's way in: a subscription, or a frame on /tf, whose messages become measurements."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from rclpy.clock import Clock
from rclpy.node import Node

from inpose_ros.errors import MeasurementError
from inpose_ros.node import qos
from inpose_ros.node.conversions.sensors import READERS, SensorMessage, measurement_in_world
from inpose_ros.node.conversions.stamp import ns_from_stamp
from inpose_ros.node.fetched import Fetched, QueueWatch, waiting
from inpose_ros.node.parameters import SensorParameters
from inpose_ros.node.tf_input import Frames
from inpose_ros.sensing.measurement import Measurement
from inpose_ros.sensing.plausibility.flood import FloodGate
from inpose_ros.sensing.plausibility.source import Source

# Of a frame that cannot be used it is told after so long [s], and then as often.
_TF_PATIENCE = 1.0


@dataclass(frozen=True)
class Receiver:
    """Who gets what comes in: a measurement, the time now and when it arrived [ns]; or what was wrong."""

    take: Callable[[Measurement, int, int], None]
    refuse: Callable[[str, MeasurementError], None]


def subscribe(
    node: Node, sensor: str, row: SensorParameters, frames: Frames, world_frame: str, receiver: Receiver
) -> 'TopicSubscription | FrameSubscription':
    """Begin to listen to a sensor."""
    if row.type == 'tf':
        return FrameSubscription(node, sensor, row, frames, receiver)
    return TopicSubscription(node, sensor, row, frames, world_frame, receiver)


class TopicSubscription:
    """A subscription, and what can be refused before or while a message is read."""

    def __init__(
        self, node: Node, sensor: str, row: SensorParameters, frames: Frames, world_frame: str, receiver: Receiver
    ) -> None:
        self._node, self._sensor, self._row = node, sensor, row
        self._frames, self._world_frame, self._receiver = frames, world_frame, receiver
        self._offset_ns = round(row.time_offset * 1e9)
        self._source, self._flood, self._queue = Source(), FloodGate(), QueueWatch(qos.SENSOR.depth)
        kind, self._read = READERS[row.type]
        self._subscription = node.create_subscription(
            kind, row.topic_for(sensor), self._receive_one, qos.SENSOR, callback_group=Fetched()
        )

    @property
    def several_publishers(self) -> bool:
        """Whether more than one publishes on the topic, and not for different sensors."""
        return not self._row.frame_id and self._node.count_publishers(self._subscription.topic_name) > 1

    def destroy(self) -> None:
        self._node.destroy_subscription(self._subscription)

    def fetch(self) -> None:
        """Read the messages that have come; those that come while they are judged are for the next time."""
        messages = list(waiting(self._subscription, self._queue.depth))
        if self._queue.overruns(len(messages), time.monotonic()):
            text = f'{self._sensor} sends more than can be taken in; the rest is lost: send less, or play more slowly'
            self._receiver.refuse(self._sensor, MeasurementError('overrun', text))
        for msg, info in messages:
            self._receive_one(msg, info)

    def _receive_one(self, msg: SensorMessage, info: dict) -> None:
        if self._row.frame_id and self._row.frame_id not in (msg.header.frame_id, getattr(msg, 'child_frame_id', None)):
            return
        clock = self._node.get_clock()
        now_ns = clock.now().nanoseconds
        if not _has_begun(clock, now_ns):
            return
        try:
            self._admit(info, now_ns, ns_from_stamp(msg.header.stamp) if clock.ros_time_is_active else None)
            measurement = self._read(msg, self._sensor)
            measurement = replace(measurement, stamp_ns=measurement.stamp_ns + self._offset_ns)
            measurement = self._in_world(measurement, msg.header.frame_id.removeprefix('/'), now_ns)
        except MeasurementError as error:
            self._receiver.refuse(self._sensor, error)
            return
        self._receiver.take(measurement, now_ns, now_ns - _waited_ns(info))

    def _admit(self, info: dict, now_ns: int, simulated_ns: int | None) -> None:
        """Refuse, at the least expense, what should not be here at all; `simulated_ns`: stamp, if time is simulated."""
        sent_ns = info.get('source_timestamp') or now_ns
        publisher = (info.get('publisher_gid') or {}).get('data')
        if not self._source.admits(publisher, sent_ns):
            topic = self._subscription.topic_name
            text = f'{self._sensor}: another publisher sends on {topic} too; only the first is heard'
            raise MeasurementError('second_publisher', text)
        if not self._flood.admits(sent_ns, simulated_ns):
            text = f'{self._sensor} sends many times as often as before, or more than 1200 Hz; the excess is dropped'
            raise MeasurementError('flood', text)

    def _in_world(self, measurement: Measurement, frame_id: str, now_ns: int) -> Measurement:
        """A pose as it is in the world; where the user named the frame, it is the world's."""
        if self._row.type == 'imu' or frame_id in ('', self._world_frame, self._row.frame_id):
            return measurement
        # A stamp in the future is judged elsewhere; the frames are not to blame for it.
        T_world_frame = self._frames.at(frame_id, min(measurement.stamp_ns, now_ns), self._sensor)
        return measurement_in_world(measurement, T_world_frame)


class FrameSubscription:
    """A frame on /tf; every new stamp of its own link is a measurement."""

    several_publishers = False

    def __init__(self, node: Node, sensor: str, row: SensorParameters, frames: Frames, receiver: Receiver) -> None:
        self._node, self._sensor, self._row = node, sensor, row
        self._frames, self._receiver = frames, receiver
        self._offset_ns = round(row.time_offset * 1e9)
        self._stamp_ns = 0
        self._heard = (-1, 0)
        self._wrong_since: float | None = None
        self._looked = -math.inf

    def destroy(self) -> None:
        """It has nothing of its own: the frames are everybody's."""

    def fetch(self) -> None:
        """Take what has become known of the frame."""
        self._frames.fetch()
        heard = (self._frames.heard_of, self._frames.forgotten)
        if heard == self._heard and self._wrong_since is None:
            return
        if heard[1] != self._heard[1]:  # stamps may begin anew
            self._stamp_ns = 0
        self._heard = heard
        try:
            found = self._frames.since(self._row.frame_id, self._stamp_ns, self._sensor)
        except MeasurementError as error:
            self._meet(error)
            return
        self._wrong_since = None
        for measurement in found:
            self._hand_over(measurement)
        if found:
            self._look_at_its_rate()

    def _hand_over(self, measurement: Measurement) -> None:
        self._stamp_ns = measurement.stamp_ns
        clock = self._node.get_clock()
        now_ns = clock.now().nanoseconds
        if _has_begun(clock, now_ns):
            measurement = replace(measurement, stamp_ns=measurement.stamp_ns + self._offset_ns)
            self._receiver.take(measurement, now_ns, now_ns)

    def _meet(self, error: MeasurementError) -> None:
        """Tell of what is wrong, where it lasts, as often as it lasts so long: every new transform would be a case."""
        now = time.monotonic()
        if self._wrong_since is None:
            self._wrong_since = now
        elif now - self._wrong_since >= _TF_PATIENCE:
            self._receiver.refuse(self._sensor, error)
            self._wrong_since = now

    def _look_at_its_rate(self) -> None:
        now = time.monotonic()
        if now - self._looked >= _TF_PATIENCE:
            self._looked = now
            error = self._frames.slowness(self._row.frame_id, self._sensor)
            if error is not None:
                self._receiver.refuse(self._sensor, error)


def _has_begun(clock: Clock, now_ns: int) -> bool:
    """Whether there is a time at all; before the first message on /clock nobody can tell when anything was."""
    return now_ns > 0 or not clock.ros_time_is_active


def _waited_ns(info: dict) -> int:
    """How long a message has lain here until the executor had time for it; that is no delay of the sensor's."""
    received_ns = info.get('received_timestamp') or 0
    return max(0, time.time_ns() - received_ns) if received_ns > 0 else 0
