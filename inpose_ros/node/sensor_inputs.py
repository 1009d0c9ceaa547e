"""The way in: what the sensors say is judged, oriented, and kept in the window."""

import math
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from inpose_ros.errors import MeasurementError
from inpose_ros.geometry.transform import Transform
from inpose_ros.node.health import Health
from inpose_ros.node.parameters import SensorParameters
from inpose_ros.node.subscription import FrameSubscription, Receiver, TopicSubscription, subscribe
from inpose_ros.node.tf_input import Frames, require_tf2
from inpose_ros.node.trigger import ArrivalForecast
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.reception import Reception
from inpose_ros.sensing.window import WindowSnapshot

_WARN_EVERY = 5.0  # [s]
# A change of these makes it another device, ...
_DEVICE = ('type', 'topic', 'frame_id')
# ... and a change of these is noticed where its messages come in.
_HEARING = (*_DEVICE, 'time_offset')
# With these, what went before no longer goes with what comes.
_MEANING = ('joint', 'mount', 'zeroed')
# A sensor of which one of these is found was not where it seemed to be just before, or will not be.
_BREAKS = ('teleport', 'heading_step', 'swapped', 'frozen')
# Messages are taken in whenever a pose is to be solved, and so often [s] where that is seldom: less than their queue
# holds at 1 kHz.
_FETCH_PERIOD = 0.03
# Between two looks at whose clock is odd [ns].
_CLOCKS_NS = 90_000_000


def sensor_from(name: str, params: SensorParameters) -> Sensor:
    """The sensor as configured; a joint that is not given is the one of its name."""
    place, turn = params.max_stddev
    return Sensor(
        name=name,
        joint=params.joint or name,
        type=params.type,
        T_joint_sensor=Transform.from_xyz_quat(list(params.mount)),
        position_stddev=params.position_stddev,
        rotation_stddev=params.rotation_stddev,
        zeroed=params.zeroed,
        max_stddev=(place, turn),
    )


def check_sensors(params: Mapping[str, SensorParameters]) -> None:
    """Raise a ParameterError where one of them cannot be listened to here."""
    for name, row in params.items():
        if row.type == 'tf':
            require_tf2(name)


class SensorInputs:
    """Listens to every sensor, and hands what they say on to the Reception. All of it runs in the executor's thread.

    A sensor whose handling ends in an error that nobody expected is left out, named and counted as `internal_error`,
    until it is configured anew or the tracking starts afresh: one device must not end the others' tracking.
    """

    def __init__(
        self, node: Node, params: Mapping[str, SensorParameters], span_ns: int, health: Health, world_frame: str
    ) -> None:
        check_sensors(params)
        self._node, self._health, self._world_frame = node, health, world_frame
        self._reception = Reception(span_ns)
        self._frames = Frames(node, world_frame)
        self._subscriptions: dict[str, TopicSubscription | FrameSubscription] = {}
        self._rows: dict[str, SensorParameters] = {}
        self._sensors: dict[str, Sensor] = {}
        self._broken: set[str] = set()
        self._warned: dict[tuple[str, str], float] = {}
        self._said: dict[tuple[str, str], str] = {}
        self._compared_ns = 0
        self.breaks = 0
        self.forecast = ArrivalForecast()
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
        for name, subscription in tuple(self._subscriptions.items()):
            self.look_at_clock()
            self._guarded(name, subscription.fetch)
        self._compare_clocks()

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
        return self._reception.adrift

    @property
    def refused(self) -> Counter[tuple[str, str]]:
        """How many readings were wrong until now, by cause and sensor."""
        return self._health.by_sensor.copy()

    @property
    def said(self) -> dict[tuple[str, str], str]:
        """What was said last of those that were wrong, by cause and sensor."""
        return dict(self._said)

    @property
    def epoch(self) -> int:
        """Rises when what was measured before no longer goes with what comes."""
        return self._reception.epoch

    @property
    def newest_stamp_ns(self) -> int | None:
        """Of the readings that a pose is made of."""
        return self._reception.newest_stamp_ns

    def snapshot(self) -> WindowSnapshot:
        return self._reception.snapshot()

    def latest(self) -> dict[str, Measurement]:
        """The newest measurement of each sensor that has one."""
        return self._reception.latest()

    def wear(self, params: Mapping[str, SensorParameters]) -> None:
        """These are the sensors from now on; those that stay as they are notice nothing."""
        before, self._rows = self._rows, dict(params)
        self._sensors = {name: sensor_from(name, row) for name, row in params.items()}
        self._broken = {name for name in self._broken if before[name] == params.get(name)}
        self._health.wear(tuple(params))
        others = {name for name in before if name not in params or _differ(before[name], params[name], _DEVICE)}
        kept = [name for name in params if name in before]
        meaning_changed = any(_differ(before[name], params[name], _MEANING) for name in kept)
        self._reception.wear(self._sensors, others, meaning_changed)
        for name in before:
            if name not in params or _differ(before[name], params[name], _HEARING):
                self._subscriptions.pop(name).destroy()
        receiver = Receiver(self._take, self._refuse)
        for name, row in params.items():
            if name not in self._subscriptions:
                self._subscriptions[name] = subscribe(self._node, name, row, self._frames, self._world_frame, receiver)

    def turn(self, yaw: float) -> None:
        """Turn the world by an angle [rad] about its vertical, for what was measured as for what will be."""
        self._reception.turn(yaw, self._stamp_now_ns())

    def align(self, yaws: Mapping[str, float]) -> None:
        """Give IMUs without a heading theirs, by angles [rad] about the vertical."""
        self._reception.align(yaws, self._stamp_now_ns())

    def let_step(self, sensors: Collection[str]) -> None:
        """Until told otherwise these may step, and no others: they contradict the others, as the poses show."""
        self._reception.let_step(sensors)

    def restart(self) -> None:
        """Judge what comes without regard to what went before."""
        self._broken.clear()
        self._reception.restart()
        self._frames.forget()

    def start_afresh(self) -> None:
        """The node's clock has gone back: what is held is of another time."""
        self._reception.start_afresh()
        for name in self._sensors:
            self._health.note('time_reset', name, self._now_ns())
        self._meet_new_time()

    def look_around(self) -> None:
        """Have named what is no single event: a second publisher, bursts, a sensor that was left out for an error."""
        now_ns = self._now_ns()
        several = [name for name, subscription in self._subscriptions.items() if subscription.several_publishers]
        lasting = {'second_publisher': several, 'burst': self._reception.in_bursts, 'internal_error': self._broken}
        for cause, names in lasting.items():
            for name in names:
                self._health.mention(cause, name, now_ns)

    def destroy(self) -> None:
        self._node.destroy_timer(self._timer)
        for subscription in self._subscriptions.values():
            subscription.destroy()
        self._frames.destroy()

    def _now_ns(self) -> int:
        """By the steady clock of the health."""
        return time.monotonic_ns()

    def _stamp_now_ns(self) -> int:
        """By the clock that stamps are of."""
        return self._node.get_clock().now().nanoseconds

    def _compare_clocks(self) -> None:
        """Name those whose stamps are not of the time of the others', and what would mend it."""
        now_ns = self._now_ns()
        if 0 <= now_ns - self._compared_ns < _CLOCKS_NS:
            return
        self._compared_ns = now_ns
        odd = self._reception.odd_clocks(self._stamp_now_ns(), self._health.pace.step_ns)
        for name, offset_ns in odd.items():
            mended = self._rows[name].time_offset - offset_ns / 1e9
            detail = f'{offset_ns / 1e6:+.0f} ms, its clock? {name}.time_offset: {mended:.3f}'
            self._health.mention('ahead' if offset_ns > 0 else 'behind', name, now_ns, detail)

    # --- what comes in

    def _guarded(self, sensor: str, handle: Callable[[], object]) -> None:
        """Handle what a sensor says, unless that failed before: an error that nobody expected is its own affair."""
        if sensor in self._broken:
            return
        try:
            handle()
        except Exception as error:  # the boundary: counted, named, told once, and the others go on
            self._broken.add(sensor)
            self._reception.leave_out(sensor)
            self._health.note('internal_error', sensor, self._now_ns())
            self._node.get_logger().error(
                f'internal_error: {sensor} is left out until ~/reset, as what it says could not be handled; please '
                f'report this:\n{"".join(traceback.format_exception(error))}'
            )

    def _take(self, measurement: Measurement, now_ns: int, arrived_ns: int) -> None:
        received = self._reception.take(measurement, now_ns, arrived_ns)
        for finding in received.findings:
            self._refuse(measurement.sensor, finding)
        for cause, sensor in received.counted:
            self._health.note(cause, sensor, self._now_ns())
            self.breaks += cause == 'world_moved'
            if cause == 'time_reset':
                self._meet_new_time()
        heard = received.measurement or received.contradictory
        if self.listener is not None and heard is not None:  # the acceleration in its own words: what is it like?
            self.listener(replace(heard, specific_force=measurement.specific_force))
        if received.measurement is None:
            return
        self._health.arrived(measurement.sensor, self._now_ns(), (arrived_ns - measurement.stamp_ns) / 1e9)
        self.forecast.arrived(measurement.sensor, arrived_ns, measurement.stamp_ns)

    def _meet_new_time(self) -> None:
        self.breaks += 1
        text = 'time went back; tracking starts afresh in the new time'
        self._node.get_logger().warning(text, throttle_duration_sec=_WARN_EVERY)
        self.forecast = ArrivalForecast()
        self._health.restart()
        self.restart()

    def _refuse(self, sensor: str, error: MeasurementError) -> None:
        """Count what was wrong, and say so once in a while."""
        count = self._health.note(error.cause, sensor, self._now_ns())
        self.breaks += error.cause in _BREAKS
        key, now = (error.cause, sensor), time.monotonic()
        self._said[key] = str(error)
        if now - self._warned.get(key, -math.inf) >= _WARN_EVERY:
            self._warned[key] = now
            self._node.get_logger().warning(f'{error.cause}: {error} ({count} so far)')


def _differ(one: SensorParameters, other: SensorParameters, names: tuple[str, ...]) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in names)
