"""The way in: what the sensors say is judged, oriented, and kept in the window."""

import contextlib
import math
import time
from collections.abc import Callable, Mapping

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from inpose_ros.errors import MeasurementError
from inpose_ros.geometry.transform import Transform
from inpose_ros.node.expected import Expected
from inpose_ros.node.health import ACCEPTED, Health
from inpose_ros.node.inlet import FrameInlet, Receiver, TopicInlet, open_inlet
from inpose_ros.node.parameters import SensorParameters
from inpose_ros.node.tf_input import Frames, require_tf2
from inpose_ros.sensing.calibration import anchor, facing, turned
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.orientation import OrientationFilter
from inpose_ros.sensing.plausibility import Plausibility
from inpose_ros.sensing.window import MeasurementWindow, WindowSnapshot

_WARN_EVERY = 5.0  # [s]
# A change of these makes it another device, ...
_DEVICE = ('type', 'topic', 'frame_id')
# ... and a change of these is noticed where its messages come in.
_HEARING = (*_DEVICE, 'time_offset')
# With these, what went before no longer goes with what comes.
_MEANING = ('joint', 'mount', 'zeroed')


# Messages are taken in whenever a pose is to be solved, and so often [s] where that is seldom: less than their queue
# holds at 1 kHz.
_FETCH_PERIOD = 0.03


def sensor_from(name: str, params: SensorParameters) -> Sensor:
    """The sensor as configured; a joint that is not given is the one of its name."""
    return Sensor(
        name=name,
        joint=params.joint or name,
        type=params.type,
        T_joint_sensor=Transform.from_xyz_quat(list(params.mount)),
        position_stddev=params.position_stddev,
        rotation_stddev=params.rotation_stddev,
        zeroed=params.zeroed,
    )


def check_sensors(params: Mapping[str, SensorParameters]) -> None:
    """Raise a ParameterError where one of them cannot be listened to here."""
    for name, row in params.items():
        if row.type == 'tf':
            require_tf2(name)


class Intake:
    """Listens to every sensor and keeps what they measured. All of it runs in the executor's thread."""

    def __init__(
        self, node: Node, params: Mapping[str, SensorParameters], span_ns: int, health: Health, world_frame: str
    ) -> None:
        check_sensors(params)
        self._node, self._health, self._world_frame = node, health, world_frame
        self._window = MeasurementWindow(span_ns)
        self._plausibility = Plausibility()
        self._filters: dict[str, OrientationFilter] = {}
        self._frames = Frames(node, world_frame)
        self._inlets: dict[str, TopicInlet | FrameInlet] = {}
        self._rows: dict[str, SensorParameters] = {}
        self._sensors: dict[str, Sensor] = {}
        self._warned: dict[tuple[str, str], float] = {}
        self.expected = Expected()
        self._turns = 0
        self._yaw = 0.0
        self.listener: Callable[[Measurement], None] | None = None
        self.look_at_clock: Callable[[], None] = lambda: None
        self.wear(params)
        # By a clock that goes on where a simulated one is paused.
        self._timer = node.create_timer(
            _FETCH_PERIOD, self._fetch_in_time, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self._fetched = -math.inf

    def fetch(self) -> None:
        """Take in what the sensors have sent until now."""
        self._fetched = time.monotonic()
        for inlet in tuple(self._inlets.values()):
            self.look_at_clock()
            inlet.fetch()

    def _fetch_in_time(self) -> None:
        """Where nobody has asked for it just now."""
        if time.monotonic() - self._fetched > 0.8 * _FETCH_PERIOD:
            self.fetch()

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        return tuple(self._sensors.values())

    @property
    def adrift(self) -> tuple[str, ...]:
        """The sensors that have no heading but what a filter carries on."""
        return tuple(self._filters)

    @property
    def epoch(self) -> int:
        """Rises when what was measured before no longer goes with what comes."""
        return self._window.counts['time_reset'] + self._turns

    @property
    def newest_stamp_ns(self) -> int | None:
        return self._window.newest_stamp_ns

    def snapshot(self) -> WindowSnapshot:
        return self._window.snapshot()

    def latest(self) -> dict[str, Measurement]:
        """The newest measurement of each sensor that has one."""
        series = {name: self._window.series(name) for name in self._sensors}
        return {name: rows[-1] for name, rows in series.items() if rows}

    def wear(self, params: Mapping[str, SensorParameters]) -> None:
        """These are the sensors from now on; those that stay as they are notice nothing."""
        before, self._rows = self._rows, dict(params)
        self._sensors = {name: sensor_from(name, row) for name, row in params.items()}
        self._health.wear(tuple(params))
        others = {name for name in before if name not in params or _differ(before[name], params[name], _DEVICE)}
        if others:
            self._forget(others)
        for name in before:
            if name not in params or _differ(before[name], params[name], _HEARING):
                self._inlets.pop(name).destroy()
        receiver = Receiver(self._take, self._refuse)
        for name, row in params.items():
            if name not in self._inlets:
                self._inlets[name] = open_inlet(self._node, name, row, self._frames, self._world_frame, receiver)
            if name in before and _differ(before[name], row, _MEANING):
                self._turns += 1

    def turn(self, yaw: float) -> None:
        """Turn the world by an angle [rad] about its vertical, for what was measured as for what will be."""
        self._rewrite(lambda measurement: turned(measurement, yaw))
        self._yaw += yaw
        self._turns += 1

    def align(self, yaws: Mapping[str, float]) -> None:
        """Give IMUs without a heading theirs, by angles [rad] about the vertical."""
        for name, yaw in yaws.items():
            self._filters[name].align(yaw)
        self._rewrite(lambda measurement: turned(measurement, yaws.get(measurement.sensor, 0.0)))
        self._turns += 1

    def restart(self) -> None:
        """Judge what comes without regard to what went before."""
        self._plausibility.restart()
        self._frames.forget()
        for orientation in self._filters.values():
            orientation.interrupt()

    def start_afresh(self) -> None:
        """The node's clock has gone back: what is held is of another time."""
        self._window.clear()
        self._window.counts['time_reset'] += 1
        for name in self._sensors:
            self._health.note('time_reset', name, self._now_ns())
        self._meet_new_time()

    def look_for_publishers(self) -> None:
        """Have those sensors named on whose topics more than one publishes."""
        for name, inlet in self._inlets.items():
            if inlet.several_publishers:
                self._health.mention('second_publisher', name, self._now_ns())

    def destroy(self) -> None:
        self._node.destroy_timer(self._timer)
        for inlet in self._inlets.values():
            inlet.destroy()
        self._frames.destroy()

    def _now_ns(self) -> int:
        """By the steady clock of the health."""
        return time.monotonic_ns()

    def _forget(self, sensors: set[str]) -> None:
        self._plausibility.restart(sensors)
        for name in sensors:
            self._filters.pop(name, None)
        self._rewrite(lambda measurement: None if measurement.sensor in sensors else measurement)

    def _rewrite(self, change: Callable[[Measurement], Measurement | None]) -> None:
        """Replace what the window holds; None: drop it."""
        held = [m for rows in self._window.snapshot().measurements.values() for m in rows]
        now_ns = self._node.get_clock().now().nanoseconds
        self._window.clear()
        for measurement in map(change, held):
            if measurement is not None:
                # The clock may have gone back just now; what then lies in the future is not worth keeping.
                with contextlib.suppress(MeasurementError):
                    self._window.add(measurement, now_ns)

    # --- what comes in

    def _take(self, measurement: Measurement, now_ns: int, arrived_ns: int) -> None:
        before = {cause: self._window.counts[cause] for cause in ACCEPTED}
        try:
            measurement = turned(self._judged(measurement, now_ns), self._yaw)
            self._window.add(measurement, now_ns)
        except MeasurementError as error:
            self._refuse(measurement.sensor, error)
            return
        finally:
            self._note_accepted(measurement.sensor, before, self._now_ns())
        self._health.arrived(measurement.sensor, self._now_ns(), (arrived_ns - measurement.stamp_ns) / 1e9)
        self.expected.arrived(measurement.sensor, arrived_ns, measurement.stamp_ns)
        if self.listener is not None:
            self.listener(measurement)

    def _note_accepted(self, sensor: str, before: Mapping[str, int], now_ns: int) -> None:
        """What the window has counted, but not rejected."""
        for cause in ACCEPTED:
            if self._window.counts[cause] > before[cause]:
                self._health.note(cause, sensor, now_ns)
                if cause == 'time_reset':
                    self._meet_new_time()

    def _meet_new_time(self) -> None:
        text = 'time went back; tracking starts afresh in the new time'
        self._node.get_logger().warning(text, throttle_duration_sec=_WARN_EVERY)
        self.expected = Expected()
        self._health.restart()
        self.restart()

    def _judged(self, measurement: Measurement, now_ns: int) -> Measurement:
        """What may be used of a measurement, with a rotation."""
        if not self._is_of_now(measurement.stamp_ns, now_ns):
            return measurement  # the window has the word; a stray stamp must not become what others are compared with
        sensor = self._sensors[measurement.sensor]
        verdict = self._plausibility.judge(measurement, sensor)
        if verdict.measurement is None:
            raise verdict.findings[0]
        for finding in verdict.findings:
            self._refuse(measurement.sensor, finding)
        if sensor.type == 'imu' and measurement.rot_world_sensor is None:
            return self._oriented(verdict.measurement, sensor)
        return verdict.measurement

    def _is_of_now(self, stamp_ns: int, now_ns: int) -> bool:
        newest_ns = self.newest_stamp_ns
        old = newest_ns is not None and stamp_ns < newest_ns - self._window.span_ns
        return not old and stamp_ns <= now_ns + self._window.future_ns

    def _oriented(self, measurement: Measurement, sensor: Sensor) -> Measurement:
        orientation = self._filters.setdefault(sensor.name, OrientationFilter())
        measurement = orientation.feed(measurement, sensor.rotation_stddev)
        if orientation.aligned:
            return measurement
        yaw = self._body_faces() - facing(measurement.rot_world_sensor, sensor)
        orientation.align(yaw)
        return turned(measurement, yaw)

    def _body_faces(self) -> float:
        """Where the user faces [rad] in the drivers' world, by those who know; forward, where nobody does."""
        rotations = {name: m.rot_world_sensor for name, m in self.latest().items() if name not in self._filters}
        certain = [sensor for sensor in self.sensors if rotations.get(sensor.name) is not None]
        if not certain:
            return -self._yaw
        chosen = anchor(certain)
        return facing(rotations[chosen.name], chosen) - self._yaw

    def _refuse(self, sensor: str, error: MeasurementError) -> None:
        """Count what was wrong, and say so once in a while."""
        count = self._health.note(error.cause, sensor, self._now_ns())
        key, now = (error.cause, sensor), time.monotonic()
        if now - self._warned.get(key, -math.inf) >= _WARN_EVERY:
            self._warned[key] = now
            self._node.get_logger().warning(f'{error.cause}: {error} ({count} so far)')


def _differ(one: SensorParameters, other: SensorParameters, names: tuple[str, ...]) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in names)
