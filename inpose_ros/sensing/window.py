"""MeasurementWindow: the last seconds of all sensors, ordered by stamp whatever order they arrived in."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from inpose_ros.errors import MeasurementError
from inpose_ros.sensing.measurement import Measurement
from inpose_ros.sensing.sample_buffer import Columns

# A flood of stamps inside the span must not fill the memory; 1 kHz over four seconds fits.
CAPACITY = 4096
# A sensor's time has gone back where this many readings in turn come from so far behind its newest [ns], or two that
# came so long one after the other [ns].
_BACK_COUNT = 5
_BACK_NS, _BACK_FOR_NS = 100_000_000, 150_000_000
# Who does not come back with the others is lost after so many of its own pauses, and after so long at least [ns].
_PAUSES = 3
_LOST_NS = 300_000_000


@dataclass(frozen=True)
class WindowSnapshot:
    """What a window held at one moment; a worker thread may read it while the window goes on."""

    newest_stamp_ns: int | None
    measurements: dict[str, tuple[Measurement, ...]]
    kept: Mapping[str, Columns] = field(default_factory=dict)

    def series(self, sensor: str) -> tuple[Measurement, ...]:
        """The measurements of one sensor by rising stamp; empty for a sensor that said nothing."""
        return self.measurements.get(sensor, ())

    def columns(self, sensor: str) -> Columns:
        """The same as arrays."""
        return self.kept[sensor] if sensor in self.kept else Columns.of(self.series(sensor))


class MeasurementWindow:
    """Keeps the measurements of `span_ns` before the newest stamp, by sensor and stamp.

    Time is that of the stamps; a clock is only asked (as `now_ns`) which stamps lie in the future, and how long a
    sensor has been silent. `counts` tells how many measurements were `late` (inserted), dropped (`duplicate`,
    `too_old`, `future`), and how often time went back (`time_reset`).
    """

    def __init__(self, span_ns: int, future_ns: int = 500_000_000) -> None:
        self.span_ns = span_ns
        self.future_ns = future_ns
        self.counts: Counter[str] = Counter()
        # The time that has passed while measurements arrived [ns]; unlike the clock it never goes back.
        self._elapsed_ns = 0
        self._now_ns: int | None = None
        self._forget()

    def _forget(self) -> None:
        self._newest_ns: int | None = None
        self._stamps: dict[str, list[int]] = {}
        self._measurements: dict[str, list[Measurement]] = {}
        self._columns: dict[str, Columns] = {}  # of the first of them
        self._heard: dict[str, int] = {}
        self._pauses: dict[str, float] = {}
        self._furthest: dict[str, int] = {}  # the newest stamp of each, be it in the window or too old
        self._gone_back: dict[str, Measurement] = {}
        self._behind: dict[str, list[tuple[int, Measurement]]] = {}  # with when they came
        self._old_in_a_row = 0

    @property
    def newest_stamp_ns(self) -> int | None:
        return self._newest_ns

    def newest_without(self, sensors: Collection[str]) -> int | None:
        """The newest stamp of all sensors but these."""
        if not sensors:
            return self._newest_ns
        return max((own[-1] for name, own in self._stamps.items() if own and name not in sensors), default=None)

    def clear(self) -> None:
        """Empty the window; the counts stay."""
        self._forget()

    def start_afresh(self) -> None:
        """Empty it, as time has gone back."""
        self._forget()
        self.counts['time_reset'] += 1

    def drop(self, sensors: Collection[str]) -> None:
        """Forget all that these sensors have said."""
        stated = (self._stamps, self._measurements, self._columns, self._furthest, self._gone_back, self._behind)
        for name in sensors:
            for by_sensor in (*stated, self._heard, self._pauses):
                by_sensor.pop(name, None)
        self._newest_ns = max((stamps[-1] for stamps in self._stamps.values() if stamps), default=None)

    def add(self, measurement: Measurement, now_ns: int) -> None:
        """Put a measurement where its stamp belongs.

        When every sensor heard within the span has gone back behind the window's start (a looping bag, a restarted
        clock), the window is emptied and goes on in the new time. One old stamp alone is a straggler. Inside the span
        it takes more to tell new times from late readings: the last few of every sensor must lie well behind the
        newest stamp, and rise. Where these have, who has been silent since for longer than is usual is lost.

        Raises:
            MeasurementError: it was dropped; `cause` is future, too_old or duplicate.
        """
        self._pass_until(now_ns)
        if measurement.stamp_ns > now_ns + self.future_ns:
            raise self._dropped(
                'future', measurement, f'{(measurement.stamp_ns - now_ns) / 1e9:.3f} s ahead of the clock'
            )
        self._hear(measurement.sensor)
        self._note_behind(measurement)
        if self._is_behind():
            self._restart([m for name in self._here() for _, m in self._behind[name]])
            return
        if self._newest_ns is not None and measurement.stamp_ns < self._newest_ns - self.span_ns:
            self._meet_old(measurement)
            return
        self._insert(measurement)
        self._gone_back.pop(measurement.sensor, None)
        self._old_in_a_row = 0

    def series(self, sensor: str) -> tuple[Measurement, ...]:
        """The measurements of one sensor by rising stamp; empty for a sensor that said nothing."""
        self._prune(sensor)
        return tuple(self._measurements.get(sensor, ()))

    def columns(self, sensor: str) -> Columns:
        """The same as arrays, of which only what is new is made."""
        return self._columns_of(sensor, self.series(sensor))

    def _columns_of(self, sensor: str, readings: tuple[Measurement, ...]) -> Columns:
        kept = self._columns.get(sensor)
        self._columns[sensor] = Columns.of(readings) if kept is None else kept.then(readings[len(kept) :])
        return self._columns[sensor]

    def snapshot(self, without: Collection[str] = (), newest_ns: int | None = None) -> WindowSnapshot:
        """An immutable copy, of all sensors but some.

        Args: newest_ns: the end of the grid that it is for; None: its newest stamp.
        """
        series = {name: self.series(name) for name in self._measurements if name not in without}
        columns = {name: self._columns_of(name, readings) for name, readings in series.items()}
        return WindowSnapshot(newest_ns or self.newest_without(without), series, columns)

    def _pass_until(self, now_ns: int) -> None:
        if self._now_ns is not None:
            self._elapsed_ns += max(0, now_ns - self._now_ns)
        self._now_ns = now_ns

    def _hear(self, sensor: str) -> None:
        """Note when a sensor is heard, and its longest pause of late; a longer one of before fades within the span."""
        if sensor in self._heard:
            pause = min(self._elapsed_ns - self._heard[sensor], self.span_ns)
            faded = self._pauses.get(sensor, 0.0) * (1 - pause / self.span_ns)
            self._pauses[sensor] = max(pause, faded)
        self._heard[sensor] = self._elapsed_ns

    def _here(self) -> set[str]:
        """The live sensors that have not been silent for longer than is usual."""
        patience = {name: max(_LOST_NS, _PAUSES * self._pauses.get(name, self.span_ns)) for name in self._live()}
        return {name for name, most in patience.items() if self._elapsed_ns - self._heard[name] <= most}

    def _live(self) -> set[str]:
        """The sensors that were heard within the span."""
        return {name for name, heard in self._heard.items() if self._elapsed_ns - heard <= self.span_ns}

    def _note_behind(self, measurement: Measurement) -> None:
        """Keep a sensor's readings as they come while they lie well behind its newest stamp, and rise."""
        name, stamp_ns = measurement.sensor, measurement.stamp_ns
        row, own = self._behind.setdefault(name, []), self._stamps.get(name)
        newest_ns = own[-1] if own else self._newest_ns  # another's may be of a clock that is ahead
        if newest_ns is None or stamp_ns >= newest_ns - _BACK_NS:
            row.clear()
        elif not row or stamp_ns != row[-1][1].stamp_ns:  # a double says nothing
            if row and stamp_ns < row[-1][1].stamp_ns:
                row.clear()
            row.append((self._elapsed_ns, measurement))
            del row[:-_BACK_COUNT]
        self._furthest[name] = max(stamp_ns, self._furthest.get(name, stamp_ns))

    def _is_behind(self) -> bool:
        """Whether time has gone back for all who are here.

        Who has been behind ever since it began says nothing of that: its clock is wrong, and the others may be silent.
        """
        rows = {name: self._behind.get(name, ()) for name in self._here()}
        return all(map(_is_enough, rows.values())) and any(
            row[-1][1].stamp_ns < self._furthest[name] - _BACK_NS for name, row in rows.items()
        )

    def _dropped(self, cause: str, measurement: Measurement, reason: str) -> MeasurementError:
        self.counts[cause] += 1
        return MeasurementError(cause, f'dropped a measurement of {measurement.sensor}: its stamp is {reason}')

    def _meet_old(self, measurement: Measurement) -> None:
        """Drop a stamp from before the window's start, unless it shows that time has gone back."""
        self._gone_back[measurement.sensor] = measurement
        self._old_in_a_row += 1
        live = self._live()
        if self._old_in_a_row < 2 or not live <= self._gone_back.keys():
            age = (self._newest_ns - measurement.stamp_ns) / 1e9
            raise self._dropped('too_old', measurement, f'{age:.3f} s older than the newest')
        self._restart([self._gone_back[name] for name in live])

    def _restart(self, measurements: list[Measurement]) -> None:
        """Empty the window and go on with the first measurements of the new time."""
        heard, pauses = self._heard, self._pauses
        self._forget()
        self._heard, self._pauses = heard, pauses
        self.counts['time_reset'] += 1
        newest = max(measurement.stamp_ns for measurement in measurements)
        for measurement in sorted(measurements, key=lambda m: m.stamp_ns):
            if measurement.stamp_ns >= newest - self.span_ns:
                self._insert(measurement)

    def _insert(self, measurement: Measurement) -> None:
        stamps = self._stamps.setdefault(measurement.sensor, [])
        measurements = self._measurements.setdefault(measurement.sensor, [])
        place = bisect_left(stamps, measurement.stamp_ns)
        if place < len(stamps):
            if stamps[place] == measurement.stamp_ns:
                raise self._dropped('duplicate', measurement, 'already there')
            self.counts['late'] += 1
            self._columns.pop(measurement.sensor, None)
        stamps.insert(place, measurement.stamp_ns)
        measurements.insert(place, measurement)
        if self._newest_ns is None or measurement.stamp_ns > self._newest_ns:
            self._newest_ns = measurement.stamp_ns
        self._prune(measurement.sensor)

    def _prune(self, sensor: str) -> None:
        stamps = self._stamps.get(sensor)
        if stamps:
            first = max(bisect_left(stamps, self._newest_ns - self.span_ns), len(stamps) - CAPACITY)
            del stamps[:first], self._measurements[sensor][:first]
            if first and sensor in self._columns:
                self._columns[sensor] = self._columns[sensor].without(first)


def _is_enough(row: Sequence[tuple[int, Measurement]]) -> bool:
    """Whether readings that are behind, with when they came, are no mere stragglers."""
    return len(row) >= _BACK_COUNT or (len(row) > 1 and row[-1][0] - row[0][0] >= _BACK_FOR_NS)
