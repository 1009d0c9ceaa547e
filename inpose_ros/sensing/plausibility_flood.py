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

    In a flood it lets pass as many as came before it, evenly spread, so that what is kept still covers the time.
    """

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._sent: deque[int] = deque()
        self._passed_ns: int | None = None
        self._second_ns: int | None = None
        self._count = 0
        self.rate: float | None = None  # [Hz], as established
        self.flooded = False

    @property
    def _limit(self) -> float:
        return MAX_RATE if self.rate is None else min(MAX_RATE, max(TIMES * self.rate, _HARMLESS))

    def admits(self, sent_ns: int) -> bool:
        """Whether the message sent at this time [ns] is to be looked at."""
        if self._sent and abs(sent_ns - self._sent[-1]) > _SILENCE_NS:  # silence, or a clock that was set
            self._forget()
        self._sent.append(max(sent_ns, self._sent[-1]) if self._sent else sent_ns)
        while self._sent[-1] - self._sent[0] > _SPAN_NS:
            self._sent.popleft()
        self.flooded = len(self._sent) > self._limit * _SPAN_NS / 1e9 + _SPARE
        self._learn(sent_ns)
        if self.flooded and self._passed_ns is not None and sent_ns - self._passed_ns < 0.9e9 / (self.rate or MAX_RATE):
            return False
        self._passed_ns = sent_ns
        return True

    def _learn(self, sent_ns: int) -> None:
        if self.flooded or self._second_ns is None:
            self._second_ns, self._count = sent_ns, 0
            return
        self._count += 1
        if sent_ns - self._second_ns >= _SECOND_NS:
            rate = self._count * 1e9 / (sent_ns - self._second_ns)
            self.rate = rate if self.rate is None else (1 - _ADAPT) * self.rate + _ADAPT * rate
            self._second_ns, self._count = sent_ns, 0
