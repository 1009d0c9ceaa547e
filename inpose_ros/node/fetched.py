"""Subscriptions whose messages are fetched when they are wanted, and not handed over by the executor.

It hands over one a cycle, and a cycle costs more than a message does. With six sensors of 100 Hz that took a third of a
core, and at 1 kHz it fell behind.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any

from rclpy.callback_groups import CallbackGroup

# A queue that was full so many times within this time [s] loses messages for good; a few times, somebody was held up:
# a machine that has just begun, or is busy, fetches late.
_OFTEN, _LATELY = 20, 3.0


class Fetched(CallbackGroup):
    """Of subscriptions that the executor leaves alone."""

    def can_execute(self, entity: object) -> bool:
        return False

    def beginning_execution(self, entity: object) -> bool:
        return False

    def ending_execution(self, entity: object) -> None:
        pass


def waiting(subscription: Any, at_most: int) -> Iterator[tuple[Any, dict]]:
    """The messages that have come, each with what the middleware says of it."""
    handle = subscription.handle
    with handle:
        for _ in range(at_most):
            taken = handle.take_message(subscription.msg_type, False)
            if taken is None:
                return
            yield taken


class QueueWatch:
    """Finds out a queue that is full again and again when it is fetched: then its oldest messages are lost unseen."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self._full: deque[float] = deque(maxlen=_OFTEN)

    def overruns(self, messages: int, now: float) -> bool:
        """Whether it loses messages, by how many were fetched at a time [s]."""
        if messages < self.depth:
            return False
        self._full.append(now)
        return len(self._full) == _OFTEN and now - self._full[0] <= _LATELY
