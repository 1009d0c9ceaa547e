"""Subscriptions whose messages are fetched when they are wanted, and not handed over by the executor.

It hands over one a cycle, and a cycle costs more than a message does. With six sensors of 100 Hz that took a third of a
core, and at 1 kHz it fell behind.
"""

from collections.abc import Iterator
from typing import Any

from rclpy.callback_groups import CallbackGroup


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
