"""Readings that a driver fetches several at a time and stamps as it fetches them: spread over the time they are of."""

from collections import deque
from dataclasses import dataclass, field, replace
from statistics import median

from inpose_ros.sensing.measurement import Measurement

# Two readings of one burst are stamped so little apart at most: [ns], and over the mean interval.
_TOGETHER_NS = 2_000_000
_TOGETHER = 0.2
# Bursts it is where nearly half of so many intervals at most, and of so many at least, lie within one: pairs make half.
_KEPT, _LEAST = 128, 8
_SHARE = 0.45
# The size of a burst is what the last few were, ...
_SIZES = 5
# ... of which there have to be some.
_BURSTS = 3
# A longer silence [ns] is no interval.
_SILENCE_NS = 300_000_000
# After a gap a burst holds no more than what was measured in this many of its usual times.
_LONGEST = 1.5


@dataclass
class Bursts:
    """Watches one sensor's stamps; `found` says whether they come in bursts.

    The last reading of a burst was measured when the burst was fetched, those before it at a steady rate since the one
    before. A sensor whose stamps are evenly spaced is left as it is, however its messages arrive.
    """

    found: bool = False
    _last: Measurement | None = None
    _fetched_ns: int = 0  # the last stamp of the burst before this one
    _number: int = 0  # of the reading within its burst
    _intervals: deque[tuple[int, bool]] = field(default_factory=deque)
    _total_ns: int = 0  # of the intervals
    _inside: int = 0  # how many of them lie within a burst
    _sizes: deque[int] = field(default_factory=lambda: deque(maxlen=_SIZES))

    def spread(self, measurement: Measurement) -> Measurement:
        """The reading with the stamp of its own time. One that comes out of order is left as it is."""
        last = self._last
        if last is None or measurement.stamp_ns < last.stamp_ns or _is_double(last, measurement):
            self._last = last or measurement
            return measurement
        interval = measurement.stamp_ns - last.stamp_ns
        together = interval <= min(_TOGETHER_NS, _TOGETHER * self._mean)
        if interval <= _SILENCE_NS:
            self._note(interval, together)
        if together:
            self._number += 1
        else:
            self._sizes.append(self._number + 1)
            self._fetched_ns, self._number = last.stamp_ns, 0
            self._judge()
        self._last = measurement
        if not self.found:
            return measurement
        return replace(measurement, stamp_ns=measurement.stamp_ns - self._since(measurement.stamp_ns))

    def _note(self, interval: int, together: bool) -> None:
        if len(self._intervals) == _KEPT:
            oldest, was_together = self._intervals.popleft()
            self._total_ns -= oldest
            self._inside -= was_together
        self._intervals.append((interval, together))
        self._total_ns += interval
        self._inside += together

    @property
    def _mean(self) -> float:
        """The mean interval [ns]; before there is any, that of a slow sensor."""
        return self._total_ns / len(self._intervals) if self._intervals else _TOGETHER_NS / _TOGETHER

    def _judge(self) -> None:
        count = len(self._intervals)
        self.found = len(self._sizes) >= _BURSTS and count >= _LEAST and self._inside >= _SHARE * count

    def _since(self, stamp_ns: int) -> int:
        """How long before its stamp this reading was measured [ns]."""
        size = median(self._sizes)
        period = min((stamp_ns - self._fetched_ns) / size, _LONGEST * self._mean)
        return round(max(0.0, size - 1 - self._number) * period)


def _is_double(one: Measurement, other: Measurement) -> bool:
    """Whether it is the same message once more, which says nothing of how the sensor is read."""
    return one.stamp_ns == other.stamp_ns and one.same_reading(other)
