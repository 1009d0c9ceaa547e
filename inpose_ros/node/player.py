"""A motion or a recording played as sensor topics, as drivers would publish them."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from rclpy.executors import SingleThreadedExecutor
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.task import Future
from rclpy.utilities import remove_ros_args
from tf2_msgs.msg import TFMessage

from inpose_ros.errors import DataError, FaultError, InPoseError
from inpose_ros.motion import faults
from inpose_ros.motion.clip import MotionClip
from inpose_ros.motion.faults_reading import FaultyReading
from inpose_ros.motion.packed import PackedMotion
from inpose_ros.motion.procedural import procedural_clip, random_skeleton
from inpose_ros.motion.recording import ImuRecording
from inpose_ros.motion.simulate import SimulatedReading, WornSensor, simulate
from inpose_ros.motion.standing import standing_first
from inpose_ros.node import params_file, qos
from inpose_ros.node.conversions.sensors import (
    READERS,
    WRITERS,
    SensorMessage,
    transforms_from_measurement,
)
from inpose_ros.node.fault_outlet import Outlet
from inpose_ros.node.parameters import SensorParameters
from inpose_ros.node.player_parameters import PlayerParameters
from inpose_ros.node.process import ros
from inpose_ros.node.sensor_inputs import sensor_from
from inpose_ros.node.simulated_clock import SimulatedClock
from inpose_ros.node.tf_link import FRAME, Link, in_link
from inpose_ros.node.unknown_parameters import refuse_unknown
from inpose_ros.sensing.measurement import Measurement

# Without an agreed start there is this much time [ns] for subscribers to be found.
_LEAD_NS = 1_000_000_000


class Schedule:
    """Readings in the order of their arrival, handed out when they are due; time is told, not asked for."""

    def __init__(self, readings: Sequence[SimulatedReading], start_ns: int, period_ns: int | None = None) -> None:
        """Args: readings: on a clock that starts at 0; period_ns: start again after this time, for ever."""
        self._readings = sorted(readings, key=lambda reading: reading.arrival_ns)
        self._start_ns = start_ns
        self._period_ns = period_ns
        self._next = 0

    @property
    def due_ns(self) -> int | None:
        """When the next reading is due; None: there is none left."""
        if self._next >= len(self._readings):
            return None
        return self._start_ns + self._readings[self._next].arrival_ns

    def take(self, now_ns: int) -> list[SimulatedReading]:
        """All that is due and was not taken yet, with its stamps on the present clock."""
        taken = []
        while self.due_ns is not None and self.due_ns <= now_ns:
            reading, arrival_ns = self._readings[self._next], self.due_ns
            stamp_ns = max(0, self._start_ns + reading.measurement.stamp_ns)
            taken.append(
                replace(reading, measurement=replace(reading.measurement, stamp_ns=stamp_ns), arrival_ns=arrival_ns)
            )
            self._advance()
        return taken

    def _advance(self) -> None:
        self._next += 1
        if self._next == len(self._readings) and self._period_ns is not None:
            self._next = 0
            self._start_ns += self._period_ns


def motion(params: PlayerParameters) -> MotionClip:
    """The clip that the parameters name.

    Raises:
        DataError: there is none.
    """
    clip = _moving(params)
    if any(params.part):
        frames = slice(*(round(second * clip.fps) for second in params.part))
        clip = replace(clip, rot_world_joint=clip.rot_world_joint[frames], root=clip.root[frames])
    if len(clip) < 2:
        raise DataError(f'part is {list(params.part)}, where the motion is over; it is shorter')
    if not params.stand:
        return clip
    return standing_first(clip, params.stand, params.pose, np.random.default_rng((params.seed, 2)))


def _moving(params: PlayerParameters) -> MotionClip:
    if params.source == 'procedural':
        return procedural_clip(params.seed, params.seconds, random_skeleton(params.seed))
    packed = PackedMotion(params.source, params.split)
    if params.clip >= len(packed):
        raise DataError(f'clip is {params.clip}; split {params.split} of {params.source} has 0 to {len(packed) - 1}')
    return packed.clip(params.clip)


def readings(params: PlayerParameters, sensors: Mapping[str, SensorParameters]) -> tuple[list[SimulatedReading], float]:
    """What the sensors say, on a clock that starts at 0, and how long it lasts [s].

    Raises:
        DataError, FaultError: there is no such motion, or what is to go wrong cannot.
    """
    rows, seconds = _good_readings(params, sensors)
    rows = [_bare(row) if row.measurement.sensor in params.bare_imus else row for row in rows]
    if not params.faults:
        return rows, seconds
    told = faults.load(params.faults)
    if any(fault.kind == 'second_publisher' for fault in told) and any(row.type == 'tf' for row in sensors.values()):
        raise FaultError('second_publisher cannot be played with sensors of type tf: all of them share /tf')
    # A generator of its own: the same noise with faults as without.
    rng = np.random.default_rng((params.seed, 1))
    return faults.faulted(rows, told, list(sensors), rng), seconds


def _bare(reading: SimulatedReading) -> SimulatedReading:
    return replace(reading, measurement=replace(reading.measurement, rot_world_sensor=None))


def _good_readings(
    params: PlayerParameters, sensors: Mapping[str, SensorParameters]
) -> tuple[list[SimulatedReading], float]:
    if params.source.endswith(('.npz', '.json')):
        recording = ImuRecording.load(params.source)
        delay_ns = round(params.delay * 1e9)
        rows = recording.measurements(list(sensors))
        return [SimulatedReading(row, row.stamp_ns + delay_ns) for row in rows], recording.seconds + 1 / recording.rate
    worn = [
        WornSensor(
            sensor_from(name, row),
            rate=params.rate_of(name),
            position_noise=params.position_noise,
            rotation_noise=params.rotation_noise,
            delay=params.delay,
        )
        for name, row in sensors.items()
    ]
    clip = motion(params).there_and_back() if params.loop else motion(params)
    period = 1 / max(map(params.rate_of, sensors))
    return simulate(clip, worn, np.random.default_rng(params.seed)), clip.seconds + period


class PlayerNode(Node):
    """Publishes a schedule on the topics of the sensors.

    `late_ns` is how late anything was sent, at most; `unheard` are the sensors that nobody listened to at the start.
    """

    def __init__(self, simulated: SimulatedClock | None = None, **options: object) -> None:
        """Args: simulated: the clock by which to play, where it is not the node's own."""
        super().__init__('inpose_play', **options)
        self._simulated = simulated
        self.late_ns, self.unheard = 0, None
        self.params, self._sensors = PlayerParameters.read(self)
        refuse_unknown(self, PlayerParameters)
        rows, seconds = readings(self.params, self._sensors)
        now_ns = self._now_ns()
        period_ns = round(seconds * 1e9) if self.params.loop else None
        self.start_ns = self.params.start_ns or now_ns + _LEAD_NS
        self.schedule = Schedule(rows, self.start_ns, period_ns)
        self._outlets = {name: self._outlet(name, row) for name, row in self._sensors.items()}
        self._link = self._new_link() if self.params.tf_link else None
        self.get_logger().info(f'playing {seconds:.1f} s of {self.params.source} on {", ".join(self._sensors)}')

    def publish_due(self) -> float | None:
        """Publish what is due; the time until the next is [s], None: all is played."""
        now_ns = self._now_ns()
        if self._link is not None:
            self._link.publish_due(now_ns)
        due = self.schedule.take(now_ns)
        if due and self.unheard is None:
            self.unheard = [name for name, outlet in self._outlets.items() if not outlet.heard]
        self.late_ns = max(self.late_ns, *(now_ns - reading.arrival_ns for reading in due), 0)
        for reading in due:
            event = reading.event if isinstance(reading, FaultyReading) else ''
            self._outlets[reading.measurement.sensor].publish(self._message(reading.measurement), event)
        due_ns = self.schedule.due_ns
        speed = 1.0 if self._simulated is None else self._simulated.speed
        return None if due_ns is None else max(0.0, (due_ns - self._now_ns()) / 1e9 / speed)

    def _now_ns(self) -> int:
        return self.get_clock().now().nanoseconds if self._simulated is None else self._simulated.now_ns()

    def _outlet(self, name: str, row: SensorParameters) -> Outlet:
        kind, topic, profile = TFMessage, '/tf', qos.TF
        if row.type != 'tf':
            kind, topic, profile = READERS[row.type][0], row.topic_for(name), qos.SENSOR
        return Outlet(lambda: self.create_publisher(kind, topic, profile), self.destroy_publisher)

    def _new_link(self) -> Link:
        publisher = self.create_publisher(TFMessage, '/tf', qos.TF)
        return Link(publisher.publish, self.params.world_frame, self.params.tf_link)

    def _message(self, measurement: Measurement) -> SensorMessage | TFMessage:
        row = self._sensors[measurement.sensor]
        measurement = replace(
            measurement,
            # The tracker adds the offset, as the driver's stamps are off by so much.
            stamp_ns=max(0, measurement.stamp_ns - round(row.time_offset * 1e9)),
            # Some messages say how good they are.
            position_stddev=measurement.position_stddev or self.params.position_noise or None,
            rotation_stddev=measurement.rotation_stddev or self.params.rotation_noise or None,
        )
        if row.type == 'tf' and self._link is not None:
            return transforms_from_measurement(in_link(measurement), FRAME, row.frame_id)
        if row.type == 'tf':
            return transforms_from_measurement(measurement, self.params.world_frame, row.frame_id)
        home = measurement.sensor if row.type == 'imu' else self.params.world_frame
        return WRITERS[row.type](measurement, row.frame_id or home)


def play(node: PlayerNode, stop: Future) -> None:
    """Publish all that the node has to, each reading at its time, or until `stop` is done, and destroy the node."""
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    stop.add_done_callback(lambda _: executor.wake())
    try:
        # Waiting for the next reading inside the executor is precise and still serves parameters.
        while not stop.done() and (wait := node.publish_due()) is not None:
            executor.spin_once_until_future_complete(stop, wait)
    finally:
        executor.shutdown()
        node.destroy_node()


def main(args: list[str] | None = None) -> None:
    """Play until the end, or until SIGINT or SIGTERM; ends with status 1 where there is nothing to play.

    `inpose_play --faults FILE.yaml` is short for the parameter of that name.
    """
    words = sys.argv if args is None else args
    parser = argparse.ArgumentParser('inpose_play', description='Play a motion as sensor topics.')
    parser.add_argument('--faults', metavar='FILE.yaml', help='what goes wrong with the sensors, and when')
    told = parser.parse_args(remove_ros_args(words)[1:])
    with ros(words) as stop:
        try:
            node = PlayerNode(parameter_overrides=[Parameter('faults', value=told.faults)] if told.faults else [])
            # The players of other bodies, which read the same files, are processes of their own.
            params_file.refuse_unheard(
                params_file.named(words), [node.get_fully_qualified_name()], params_file.TRACKER, are_all=False
            )
        except InPoseError as error:
            get_logger('inpose_play').error(f'not playing: {error}')
            raise SystemExit(1) from None
        play(node, stop)
