"""From what a sensor says to the window: stamped, judged, oriented, turned into the user's world, and kept."""

import contextlib
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from inpose_ros.errors import MeasurementError
from inpose_ros.sensing.bursts import Bursts
from inpose_ros.sensing.calibration.still_pose import anchor, facing, turned
from inpose_ros.sensing.clock_offsets import ClockOffsets, Offset
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.orientation import OrientationFilter
from inpose_ros.sensing.plausibility.checks import Plausibility, Verdict, impossible
from inpose_ros.sensing.plausibility.world import WorldMove
from inpose_ros.sensing.window import MeasurementWindow, WindowSnapshot

# Who spoke longer ago [ns] does not know where the body faces now.
_RECENT_NS = 1_000_000_000
# What the window counts of readings that it takes all the same.
TAKEN_ALL_THE_SAME = ('late', 'time_reset')


class Received(NamedTuple):
    """What became of a reading: as it is in the window (None: it is not), and what was wrong with it.

    `counted` are causes that are worth counting though nothing was refused, with the sensors that they are of.
    `contradictory` is a reading that was refused as its orientation contradicts gravity: a calibration says how.
    """

    measurement: Measurement | None
    findings: tuple[MeasurementError, ...] = ()
    counted: tuple[tuple[str, str], ...] = ()
    contradictory: Measurement | None = None


class Reception:
    """Takes in what all sensors of one body say, one reading after another; no messages and no clock of its own.

    `epoch` rises when what was measured before no longer goes with what comes.
    """

    def __init__(self, span_ns: int) -> None:
        self._window = MeasurementWindow(span_ns)
        self._plausibility = Plausibility()
        self._offsets = ClockOffsets()
        self._sensors: dict[str, Sensor] = {}
        self._bursts: dict[str, Bursts] = {}
        self._filters: dict[str, OrientationFilter] = {}
        self._turns = 0
        self._yaw = self._imu_yaw = 0.0  # of the user's world, and of IMUs besides, whose world does not move with it
        self._odd: dict[str, Offset] = {}

    # --- who is worn

    def wear(self, sensors: Mapping[str, Sensor], others: Collection[str], meaning_changed: bool) -> None:
        """These are the sensors from now on.

        Args:
            others: whose device is another one than before, or gone.
            meaning_changed: what went before no longer goes with what comes.
        """
        self._sensors = dict(sensors)
        if others:
            self._forget(others)
        self._turns += meaning_changed

    def leave_out(self, sensor: str) -> None:
        """Nothing that this one has said counts any more."""
        self._forget({sensor})

    def let_step(self, sensors: Collection[str]) -> None:
        """Until told otherwise these may step, and no others: they contradict the others, as the poses show."""
        self._plausibility.may_step = sensors

    def start_afresh(self) -> None:
        """Time has gone back: what is held is of another time."""
        self._window.start_afresh()
        self._meet_new_time()

    def restart(self) -> None:
        """Judge what comes without regard to what went before: another person may wear the sensors."""
        self._forget_judgements()
        for orientation in self._filters.values():
            orientation.begin_again()

    def _forget_judgements(self) -> None:
        self._plausibility.restart()
        self._offsets.forget()
        self._bursts.clear()

    def _meet_new_time(self) -> None:
        self._forget_judgements()
        for orientation in self._filters.values():
            orientation.interrupt()

    # --- what is known

    @property
    def epoch(self) -> int:
        return self._window.counts['time_reset'] + self._turns

    @property
    def adrift(self) -> tuple[str, ...]:
        """The sensors that have no heading but what a filter carries on."""
        return tuple(self._filters)

    @property
    def in_bursts(self) -> tuple[str, ...]:
        """The sensors whose readings are stamped as they are fetched, several at a time."""
        return tuple(name for name, own in self._bursts.items() if own.found)

    def odd_clocks(self, now_ns: int, step_ns: int = 0) -> dict[str, int]:
        """The sensors whose clocks are ahead of the others', or (negative) behind them, by how much [ns].

        Args: step_ns: in which the clock goes on by which arrivals are known.
        """
        self._odd = self._offsets.odd(now_ns, step_ns)
        return {name: odd.offset_ns for name, odd in self._odd.items() if odd.wrong}

    @property
    def newest_stamp_ns(self) -> int | None:
        """The newest stamp that most sensors have reached: but for those that are ahead of the others."""
        return self._window.newest_without({name for name, odd in self._odd.items() if odd.offset_ns > 0})

    @property
    def _ahead(self) -> set[str]:
        """The sensors whose clocks are ahead of the others', so that nothing they say is of its time."""
        return {name for name, odd in self._odd.items() if odd.offset_ns > 0 and odd.wrong}

    def snapshot(self) -> WindowSnapshot:
        """The window as it is, up to that stamp, without those whose clocks are ahead."""
        return self._window.snapshot(self._ahead, self.newest_stamp_ns)

    def latest(self) -> dict[str, Measurement]:
        """The newest measurement of each sensor that has one."""
        series = {name: self._window.series(name) for name in self._sensors}
        return {name: rows[-1] for name, rows in series.items() if rows}

    # --- the user's world

    def turn(self, yaw: float, now_ns: int) -> None:
        """Turn the world by an angle [rad] about its vertical, for what was measured as for what will be."""
        self._rewrite(lambda measurement: turned(measurement, yaw), now_ns)
        self._yaw += yaw
        self._turns += 1

    def align(self, yaws: Mapping[str, float], now_ns: int) -> None:
        """Give IMUs without a heading theirs, by angles [rad] about the vertical."""
        for name, yaw in yaws.items():
            self._filters[name].align(yaw)
        self._rewrite(lambda measurement: turned(measurement, yaws.get(measurement.sensor, 0.0)), now_ns)
        self._turns += 1

    def _follow(self, move: WorldMove, now_ns: int) -> None:
        """All located sensors have moved together: so has what they said before, and the headings of the others."""
        move = move.seen_from(self._yaw)
        self._rewrite(move.applied, now_ns)
        self._imu_yaw += move.yaw
        self._turns += 1

    # --- what comes in

    def take(self, measurement: Measurement, now_ns: int, arrived_ns: int) -> Received:
        """Take in a reading.

        Args:
            now_ns: the time now, by the clock that stamps are of.
            arrived_ns: when it came, by the same.
        """
        name, counts = measurement.sensor, dict(self._window.counts)
        findings, counted, contradictory = (), [], None
        try:
            measurement = self._stamped(measurement, now_ns, arrived_ns)
            measurement, findings, move, afresh = self._judged(measurement, now_ns)
            if move is not None:
                self._follow(move, now_ns)
                counted = [('world_moved', sensor) for sensor in move.sensors]
            if afresh:
                self._window.drop({name})
            taken = turned(measurement, self._yaw_of(name))
            self._window.add(taken, now_ns)
        except MeasurementError as error:
            taken, findings = None, (*findings, error)
            if error.cause == 'gravity':
                contradictory = turned(measurement, self._yaw_of(name))
        counted += [(cause, name) for cause in TAKEN_ALL_THE_SAME if self._window.counts[cause] > counts.get(cause, 0)]
        if ('time_reset', name) in counted:
            self._meet_new_time()
        return Received(taken, findings, tuple(counted), contradictory)

    def _yaw_of(self, sensor: str) -> float:
        return self._yaw + self._imu_yaw if self._sensors[sensor].type == 'imu' else self._yaw

    def _stamped(self, measurement: Measurement, now_ns: int, arrived_ns: int) -> Measurement:
        """The reading with the time at which it was measured."""
        name = measurement.sensor
        if self._is_of_now(measurement.stamp_ns, now_ns):
            if self._offsets.arrived(name, measurement.stamp_ns, arrived_ns):
                self._forget({name})  # what it said was of another time
        return self._bursts.setdefault(name, Bursts()).spread(measurement)

    def _judged(self, measurement: Measurement, now_ns: int) -> Verdict:
        """What may be used of a measurement, with a rotation."""
        if not self._is_of_now(measurement.stamp_ns, now_ns):
            # The window has the word; a stray stamp must not become what others are compared with. But it may show that
            # time has gone back, and then the reading is kept.
            found = impossible(measurement)
            if found is not None:
                raise found
            return Verdict(measurement, ())
        sensor = self._sensors[measurement.sensor]
        verdict = self._plausibility.judge(measurement, sensor)
        usable = verdict.measurement
        if usable is None:
            raise verdict.findings[0]
        if sensor.type == 'imu' and usable.rot_world_sensor is None:
            usable, found = self._oriented(usable, sensor)
            verdict = verdict._replace(measurement=usable, findings=(*verdict.findings, *found))
        return verdict

    def _is_of_now(self, stamp_ns: int, now_ns: int) -> bool:
        newest_ns = self._window.newest_stamp_ns
        old = newest_ns is not None and stamp_ns < newest_ns - self._window.span_ns
        return not old and stamp_ns <= now_ns + self._window.future_ns

    def _oriented(self, measurement: Measurement, sensor: Sensor) -> tuple[Measurement, list[MeasurementError]]:
        orientation = self._filters.get(sensor.name)
        if orientation is None:
            turning = partial(self._plausibility.turning, sensor.name)
            orientation = self._filters[sensor.name] = OrientationFilter(turning)
        measurement = orientation.feed(measurement, sensor.rotation_stddev)
        finding = orientation.finding(sensor.name)
        if not orientation.aligned:
            measurement = self._headed(measurement, sensor, orientation)
        return measurement, [] if finding is None else [finding]

    def _headed(self, measurement: Measurement, sensor: Sensor, orientation: OrientationFilter) -> Measurement:
        """The measurement with the heading of the body; where nobody knows that, with its own, or else forward."""
        faces = self._body_faces(measurement.stamp_ns)
        if faces is None and orientation.has_heading:
            return measurement
        yaw = (faces or 0.0) - self._yaw - self._imu_yaw - facing(measurement.rot_world_sensor, sensor)
        doubt = orientation.follow(yaw)
        return replace(turned(measurement, yaw), rotation_stddev=math.hypot(sensor.rotation_stddev, doubt))

    def _body_faces(self, stamp_ns: int) -> float | None:
        """Where the user faces [rad] in the user's world at about that time, by those who know."""
        known = {name: m for name, m in self.latest().items() if name not in self._filters}
        rotations = {name: m.rot_world_sensor for name, m in known.items() if abs(m.stamp_ns - stamp_ns) < _RECENT_NS}
        certain = [sensor for sensor in self._sensors.values() if rotations.get(sensor.name) is not None]
        if not certain:
            return None
        chosen = anchor(certain)
        return facing(rotations[chosen.name], chosen)

    def _forget(self, sensors: Collection[str]) -> None:
        self._plausibility.restart(sensors)
        for name in sensors:
            self._filters.pop(name, None)
            self._bursts.pop(name, None)
            self._odd.pop(name, None)
            self._offsets.forget(name)
        self._window.drop(sensors)

    def _rewrite(self, change: Callable[[Measurement], Measurement], now_ns: int) -> None:
        """Replace what the window holds."""
        held = [m for rows in self._window.snapshot().measurements.values() for m in rows]
        self._window.clear()
        for measurement in map(change, held):
            # The clock may have gone back just now; what then lies in the future is not worth keeping.
            with contextlib.suppress(MeasurementError):
                self._window.add(measurement, now_ns)
