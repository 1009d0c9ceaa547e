"""What becomes of a bug in a lifecycle transition."""

import functools
import traceback
from collections.abc import Callable

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn


def log_exceptions(transition: Callable) -> Callable:
    """Log the traceback of a bug in a transition; rclpy turns it into an error state without a word."""

    @functools.wraps(transition)
    def wrapped(self: LifecycleNode, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return transition(self, state)
        except Exception:
            self.get_logger().fatal(traceback.format_exc())
            raise

    return wrapped
