"""One sensor's way in: a subscription, or a frame on /tf, whose messages become measurements."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node

from inpose_ros.errors import MeasurementError
from inpose_ros.node import qos
from inpose_ros.node.conversions.sensors import READERS, SensorMessage, measurement_in_world
from inpose_ros.node.parameters import SensorParameters
from inpose_ros.node.tf_input import Frames
from inpose_ros.sensing.measurement import Measurement
from inpose_ros.sensing.plausibility_flood import FloodGate
from inpose_ros.sensing.plausibility_source import Source

# /tf is asked so often [s]; faster frames lose readings, which the solver's 30 Hz do not miss.
_TF_PERIOD = 0.01
# A frame that is unknown, or has stood still for so many times, is told of, or asked for anew.
_TF_PATIENCE = 100


@dataclass(frozen=True)
class Receiver:
    """Who gets what comes in: a measurement, the time now and when it arrived [ns]; or what was wrong.

    `guarded` handles what a sensor says, so that no error in it reaches the executor.
    """

    take: Callable[[Measurement, int, int], None]
    refuse: Callable[[str, MeasurementError], None]
    guarded: Callable[[str, Callable[[], object]], None]


def open_inlet(
    node: Node, sensor: str, row: SensorParameters, frames: Frames, world_frame: str, receiver: Receiver
) -> 'TopicInlet | FrameInlet':
    """Begin to listen to a sensor."""
    if row.type == 'tf':
        return FrameInlet(node, sensor, row, frames, receiver)
    return TopicInlet(node, sensor, row, frames, world_frame, receiver)


class _Fetched(CallbackGroup):
    """Of subscriptions that the executor leaves alone."""

    def can_execute(self, entity: object) -> bool:
        return False

    def beginning_execution(self, entity: object) -> bool:
        return False

    def ending_execution(self, entity: object) -> None:
        pass


class TopicInlet:
    """A subscription, and what can be refused before or while a message is read."""

    def __init__(
        self, node: Node, sensor: str, row: SensorParameters, frames: Frames, world_frame: str, receiver: Receiver
    ) -> None:
        self._node, self._sensor, self._row = node, sensor, row
        self._frames, self._world_frame, self._receiver = frames, world_frame, receiver
        self._offset_ns = round(row.time_offset * 1e9)
        self._source, self._flood = Source(), FloodGate()
        kind, self._read = READERS[row.type]
        self._subscription = node.create_subscription(
            kind, row.topic_for(sensor), self._receive_one, qos.SENSOR, callback_group=_Fetched()
        )

    @property
    def several_publishers(self) -> bool:
        """Whether more than one publishes on the topic, and not for different sensors."""
        return not self._row.frame_id and self._node.count_publishers(self._subscription.topic_name) > 1

    def destroy(self) -> None:
        self._node.destroy_subscription(self._subscription)

    def fetch(self) -> None:
        """Read the messages that have come.

        They are fetched, not handed over by the executor: it takes one a cycle, and a cycle costs more than a message
        does. With six sensors of 100 Hz it took a third of a core, and at 1 kHz it fell behind.
        """
        handle = self._subscription.handle
        with handle:
            for _ in range(qos.SENSOR.depth):  # all that the queue holds
                taken = handle.take_message(self._subscription.msg_type, False)
                if taken is None:
                    return
                self._receive_one(*taken)

    def _receive_one(self, msg: SensorMessage, info: dict) -> None:
        if self._row.frame_id and self._row.frame_id not in (msg.header.frame_id, getattr(msg, 'child_frame_id', None)):
            return
        now_ns = self._node.get_clock().now().nanoseconds
        try:
            self._admit(info, now_ns)
            measurement = self._in_world(self._read(msg, self._sensor), msg.header.frame_id.removeprefix('/'))
        except MeasurementError as error:
            self._receiver.refuse(self._sensor, error)
            return
        measurement = replace(measurement, stamp_ns=measurement.stamp_ns + self._offset_ns)
        self._receiver.take(measurement, now_ns, now_ns - _waited_ns(info))

    def _admit(self, info: dict, now_ns: int) -> None:
        """Refuse, at the least expense, what should not be here at all."""
        sent_ns = info.get('source_timestamp') or now_ns
        publisher = (info.get('publisher_gid') or {}).get('data')
        if not self._source.admits(publisher, sent_ns):
            topic = self._subscription.topic_name
            text = f'{self._sensor}: another publisher sends on {topic} too; only the first is heard'
            raise MeasurementError('second_publisher', text)
        if not self._flood.admits(sent_ns):
            text = f'{self._sensor} sends many times as often as before, or more than 1200 Hz; the excess is dropped'
            raise MeasurementError('flood', text)

    def _in_world(self, measurement: Measurement, frame_id: str) -> Measurement:
        """A pose as it is in the world; where the user named the frame, it is the world's."""
        if self._row.type == 'imu' or frame_id in ('', self._world_frame, self._row.frame_id):
            return measurement
        T_world_frame = self._frames.at(frame_id, measurement.stamp_ns, self._sensor)
        return measurement_in_world(measurement, T_world_frame)


class FrameInlet:
    """A frame on /tf, asked for at its newest time; every new stamp is a measurement."""

    def __init__(self, node: Node, sensor: str, row: SensorParameters, frames: Frames, receiver: Receiver) -> None:
        self._node, self._sensor, self._row = node, sensor, row
        self._frames, self._receiver = frames, receiver
        self._offset_ns = round(row.time_offset * 1e9)
        self._stamp_ns = 0
        self._unheard = 0
        self._timer = node.create_timer(_TF_PERIOD, lambda: receiver.guarded(sensor, self._ask))

    several_publishers = False

    def fetch(self) -> None:
        """It asks by itself."""

    def destroy(self) -> None:
        self._node.destroy_timer(self._timer)

    def _ask(self) -> None:
        try:
            measurement = self._frames.newest(self._row.frame_id, self._sensor)
        except MeasurementError as error:
            if error.cause != 'wrong_frame' or self._unheard % _TF_PATIENCE == _TF_PATIENCE - 1:
                self._receiver.refuse(self._sensor, error)
            self._unheard += 1
            return
        if measurement.stamp_ns in (self._stamp_ns, 0):  # 0: a static transform, which measures nothing
            self._unheard += 1
            if self._unheard % _TF_PATIENCE == 0:
                self._frames.forget()
            return
        self._unheard, self._stamp_ns = 0, measurement.stamp_ns
        now_ns = self._node.get_clock().now().nanoseconds
        measurement = replace(measurement, stamp_ns=measurement.stamp_ns + self._offset_ns)
        self._receiver.take(measurement, now_ns, now_ns)


def _waited_ns(info: dict) -> int:
    """How long a message has lain here until the executor had time for it; that is no delay of the sensor's."""
    received_ns = info.get('received_timestamp') or 0
    return max(0, time.time_ns() - received_ns) if received_ns > 0 else 0
