"""A topic that suddenly sends many times as much as before, thinned before anything is spent on it."""

from collections import deque

# No sensor is to send more than this [Hz], ...
MAX_RATE = 1200.0
# ... nor this many times as much as before, ...
TIMES = 5
# ... where less than this [Hz] is never too much: it costs nothing.
_HARMLESS = 50.0
# It is counted over this time [ns], with a few messages to spare for a driver that catches up.
_SPAN_NS = 250_000_000
_SPARE = 5
# The rate is learnt a second [ns] at a time, and forgotten after a silence.
_SECOND_NS = 1_000_000_000
_SILENCE_NS = 2_000_000_000
# How much the latest second counts.
_ADAPT = 0.2


class FloodGate:
    """Lets messages pass, by the times at which they were sent (a subscriber that was held up gets many at once).

    In a flood it lets pass as many as came before it, evenly spread, so that what is kept still covers the time. A bag
    that is played at four times its speed sends four times as much and is no flood: where time is simulated, the
    stamps must say so as well, and tell what is spread evenly.
    """

    def __init__(self) -> None:
        self._by_sent, self._by_stamps = _Count(), _Count()
        self.flooded = False

    @property
    def rate(self) -> float | None:
        """Messages a second [Hz] by the times of sending, as established."""
        return self._by_sent.rate

    def admits(self, sent_ns: int, stamp_ns: int | None = None) -> bool:
        """Whether the message sent at this time [ns] is to be looked at.

        Args:
            stamp_ns: its stamp, where time is simulated.
        """
        count, time_ns = self._by_sent, sent_ns
        self.flooded = count.add(sent_ns)
        if stamp_ns is not None:
            count, time_ns = self._by_stamps, stamp_ns
            self.flooded = count.add(stamp_ns) and self.flooded
        if self.flooded and count.passed_ns is not None:
            if time_ns - count.passed_ns < 0.9e9 / (count.rate or MAX_RATE):
                return False
        count.passed_ns = time_ns
        return True


class _Count:
    """How many messages there are lately, by one clock, and how many there are as a rule."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._times: deque[int] = deque()
        self._second_ns: int | None = None
        self._count = 0
        self.rate: float | None = None  # [Hz], as established
        self.passed_ns: int | None = None

    @property
    def _limit(self) -> float:
        return MAX_RATE if self.rate is None else min(MAX_RATE, max(TIMES * self.rate, _HARMLESS))

    def add(self, time_ns: int) -> bool:
        """Count a message; whether there are too many."""
        times = self._times
        if times and not -_SPAN_NS <= time_ns - times[-1] <= _SILENCE_NS:  # silence, or a clock that was set
            self._forget()
            times = self._times
        times.append(max(time_ns, times[-1]) if times else time_ns)
        while times[-1] - times[0] > _SPAN_NS:
            times.popleft()
        too_many = len(times) > self._limit * _SPAN_NS / 1e9 + _SPARE
        self._learn(time_ns, too_many)
        return too_many

    def _learn(self, time_ns: int, too_many: bool) -> None:
        if too_many or self._second_ns is None:
            self._second_ns, self._count = time_ns, 0
            return
        self._count += 1
        if time_ns - self._second_ns >= _SECOND_NS:
            rate = self._count * 1e9 / (time_ns - self._second_ns)
            self.rate = rate if self.rate is None else (1 - _ADAPT) * self.rate + _ADAPT * rate
            self._second_ns, self._count = time_ns, 0
