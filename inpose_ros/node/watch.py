"""What is looked at ten times a second: whether time goes on, and who is silent; what has changed is logged."""

import traceback
from collections.abc import Callable

from rclpy.node import Node

from inpose_ros.node.clock_watch import ClockWatch
from inpose_ros.node.diagnostics import Idle
from inpose_ros.node.health import Health
from inpose_ros.node.state_changes import StateChanges
from inpose_ros.node.tracking import Estimate
from inpose_ros.node.watchdog import Remark, Watchdog

# Between two looks [ns].
_LOOK_NS = 90_000_000


class Watch:
    """Looks, by a steady clock, and has the health know how the clock of the stamps goes."""

    def __init__(self, node: Node, went_back: Callable[[], None]) -> None:
        """Args: went_back: called as soon as a simulated clock has gone back."""
        self._log = node.get_logger()
        self.clock, self.silence, self._state = ClockWatch(node, went_back), Watchdog(), StateChanges()
        self._looked_ns = 0
        self._stood = self._failed = ''

    def begin(self, health: Health, now_ns: int) -> None:
        """The node is active from now on."""
        self.silence, self._state = Watchdog(), StateChanges()
        health.begin(now_ns)

    def look(self, health: Health, now_ns: int) -> None:
        """Take note of how things are, unless it was done just now."""
        if now_ns - self._looked_ns < _LOOK_NS:
            return
        self._looked_ns = now_ns
        health.fell_behind(self.clock.look())
        health.pace = self.clock.pace
        self._say_of_time()
        if self.clock.has_begun:
            for remark in self.silence.look(health.silent(now_ns), health.sensors, lambda: health.recent(now_ns)):
                self._say(remark)

    def see(self, estimate: Estimate, health: Health, now_ns: int) -> None:
        """Take note of a pose: what it lacks, and what it shows of the sensors."""
        for cause, text in estimate.remarks.items():
            health.remark(cause, text, now_ns)
        change = self._state.look(estimate.missing, estimate.remarks, now_ns)
        if change is not None:
            self._say(change)

    def failed(self, error: Exception, health: Health, now_ns: int) -> None:
        """A window could not be solved, for a reason that nobody expected: counted, and each said once in whole."""
        health.counts['internal_error'] += 1
        health.remark('internal_error', f'{type(error).__name__}: {error}', now_ns)
        if repr(error) != self._failed:
            self._failed, text = repr(error), ''.join(traceback.format_exception(error))
            self._log.error(f'internal_error: a window could not be solved; please report this:\n{text}')

    def idle(self, busy: bool) -> Idle:
        """Why no poses may come out, though sensors send; `busy`: the solver has one to make."""
        return Idle(self.clock.standing(), 'the solver has not come to an end' if busy else 'no reading is any newer')

    def destroy(self) -> None:
        self.clock.destroy()

    def _say_of_time(self) -> None:
        standing = self.clock.standing()
        word = '' if standing is None else standing.word
        if word != self._stood:
            self._stood = word
            goes_on = Remark(False, 'the simulated clock goes on')
            self._say(goes_on if standing is None else Remark(True, f'{standing.word}: {standing.text}'))

    def _say(self, remark: Remark) -> None:
        if remark.is_warning:  # rclpy wants one line of code for each severity
            self._log.warning(remark.text)
        else:
            self._log.info(remark.text)
