"""Ticks: when a pose is begun."""

from collections.abc import Callable

from rclpy.node import Node

# A tick waits for this part of the time between two at most, for a message that is about to come, and for so long where
# it finds nothing new, as one came late before it.
_WAIT = 0.3


class Ticks:
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
