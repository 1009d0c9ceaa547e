"""When a pose is begun: at a steady rate, or a little later where a message is about to come."""

from collections import deque
from collections.abc import Callable
from itertools import pairwise

from rclpy.node import Node

# A tick waits for this part of the time between two at most, for a message that is about to come, and for so long where
# it finds nothing new, as one came late before it.
_WAIT = 0.3
# Of each sensor so many arrivals say when the next one comes, ...
_KEPT = 12
# ... if the intervals between most of them differ by less than this part.
_STEADY = 0.25
# Waited for beyond that [ns]: no clock is exact, and sensors of one device send one after another.
_MARGIN_NS = 400_000
# A fresher measurement must be fresher by this much more than the wait takes [ns].
_WORTH_NS = 500_000


class Trigger:
    """Begins a pose at a steady rate [Hz], or a little later where that is worth it.

    Args:
        begin: begins one; False: there is nothing to make it of.
        worth_waiting_ns: for how long a tick had better wait, which is told how long it may; 0: not at all.
    """

    def __init__(
        self, node: Node, rate: float, begin: Callable[[], bool], worth_waiting_ns: Callable[[int], int]
    ) -> None:
        self._node, self._begin, self._worth_waiting_ns = node, begin, worth_waiting_ns
        self._most_ns = round(_WAIT * 1e9 / rate)
        self.steady = node.create_timer(1 / rate, self.tick)
        self._later = node.create_timer(_WAIT / rate, self._tick_later, autostart=False)

    def tick(self) -> None:
        wait_ns = self._worth_waiting_ns(self._most_ns)
        if wait_ns or not self._begin():
            self._later.timer_period_ns = wait_ns or self._most_ns
            self._later.reset()

    def stop(self) -> None:
        for timer in (self.steady, self._later):
            self._node.destroy_timer(timer)

    def _tick_later(self) -> None:
        self._later.cancel()
        self._begin()


class ArrivalForecast:
    """What sensors that send steadily will send next, and when.

    Where poses are wanted at a rate that is not the sensors', the newest measurement at a tick may be nearly as old as
    the time between two of them. Then the next one is close, and a pose that waits for it is later by little and
    says where the body was much later.
    """

    def __init__(self) -> None:
        self._arrivals: dict[str, deque[tuple[int, int]]] = {}

    def arrived(self, sensor: str, arrived_ns: int, stamp_ns: int) -> None:
        """A measurement has come."""
        self._arrivals.setdefault(sensor, deque(maxlen=_KEPT)).append((arrived_ns, stamp_ns))

    def wait_ns(self, now_ns: int, newest_ns: int, most_ns: int) -> int:
        """How long a pose had better wait; 0: not at all.

        Args:
            newest_ns: stamp of the newest measurement there is.
            most_ns: the longest wait.
        """
        best, gained = 0, _WORTH_NS
        for rows in self._arrivals.values():
            interval = _steady_interval(rows)
            arrived, stamp = rows[-1]
            wait = arrived + interval + _MARGIN_NS - now_ns
            gain = stamp + interval - newest_ns - wait
            if interval and _MARGIN_NS < wait <= most_ns and gain > gained:
                best, gained = wait, gain
        return best


def _steady_interval(rows: deque[tuple[int, int]]) -> int:
    """Between two arrivals of a sensor's [ns]; 0 where that is not known, or never the same."""
    if len(rows) < _KEPT:
        return 0
    intervals = sorted(later - earlier for (earlier, _), (later, _) in pairwise(rows))
    lower, middle, upper = (intervals[len(intervals) * quarter // 4] for quarter in (1, 2, 3))
    return middle if upper - lower < _STEADY * middle else 0
