"""Whether the node's clock comes and goes on, where it is a simulated one; how fast, and in what steps."""

import math
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from rclpy.clock import JumpThreshold, TimeJump
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.time import Time
from rosgraph_msgs.msg import Clock as ClockMessage

from inpose_ros.node import qos
from inpose_ros.node.fetched import Fetched, waiting
from inpose_ros.node.health import STEADY, ClockPace

# A simulated clock that has stood for so long [ns] is told of.
_STANDS_NS = 2_000_000_000
# Its speed and its steps are those of this time [ns].
_LATELY_NS = 2_000_000_000
# It is not known before [ns].
_KNOWN_NS = 400_000_000
# Steps of less are as good as none [ns]; a clock that leaps further has been set.
_STEP_NS, _LEAP_NS = 10_000_000, 2_000_000_000
# It has gone back where it did so by more than this [ns].
_BACK_NS = 100_000_000
# One who goes back so often in that time is two.
_TO_AND_FRO = 3


class Standing(NamedTuple):
    """Why time does not go on, in a word and a sentence; `wanted`: somebody may have meant it."""

    word: str
    text: str
    wanted: bool = False


class ClockWatch:
    """Looks at the node's clock, by a steady one.

    Simulated time is what a bag or a simulator says on /clock: it may be slower or faster than time, stand still, begin
    again, or never come. No sensor is to blame for any of it.
    """

    def __init__(self, node: Node, went_back: Callable[[], None], steady_ns: Callable[[], int] = time.monotonic_ns):
        """Args: went_back: called as soon as a simulated clock has gone back."""
        self._node, self._went_back, self._steady_ns = node, went_back, steady_ns
        self._looks: deque[tuple[int, int]] = deque()  # steady and simulated time
        self._steps: deque[tuple[int, int]] = deque()  # steady time, and how long a step was
        self._backs: deque[tuple[int, int]] = deque()  # steady time, and how far it went back
        self._went_on_ns = self._came_ns = steady_ns()
        self._came = self._was_set = False
        self._said_ns = -1
        self._subscription = None
        threshold = JumpThreshold(
            min_forward=Duration(nanoseconds=_STEP_NS), min_backward=Duration(nanoseconds=-_BACK_NS)
        )
        self._handle = node.get_clock().create_jump_callback(threshold, post_callback=self._on_jump)

    @property
    def simulated(self) -> bool:
        return self._node.get_clock().ros_time_is_active

    @property
    def pace(self) -> ClockPace:
        """How it has gone lately; where a simulated one has just begun, its speed may be anything."""
        if not self.simulated:
            return STEADY
        (begin, first), (end, last) = (self._looks[0], self._looks[-1]) if self._looks else ((0, 0), (0, 0))
        speed = (last - first) / (end - begin) if end - begin >= _KNOWN_NS else math.inf
        return ClockPace(speed, max((step for _, step in self._steps), default=0))

    @property
    def facts(self) -> dict[str, str]:
        """What is known of a simulated clock, for people to read."""
        speed = self.pace.speed
        return {'clock': f'simulated, {speed:.2f} s a second'} if self.simulated and math.isfinite(speed) else {}

    @property
    def has_begun(self) -> bool:
        """Whether there is a time at all."""
        return not self.simulated or self._node.get_clock().now().nanoseconds > 0

    def fetch(self) -> None:
        """Set a simulated clock to what has come on /clock until now.

        The executor does so too, but in its turn: where much is sent, readings would be judged by a time that is long
        past, and seem to be of the future.
        """
        if not self.simulated:
            return
        if self._subscription is None:
            self._came_ns = self._went_on_ns = self._steady_ns()
            self._subscription = self._node.create_subscription(
                ClockMessage, '/clock', self._set, qos.NEWEST, callback_group=Fetched()
            )
        for message, _ in waiting(self._subscription, 1):
            self._set(message)

    def _set(self, message: ClockMessage) -> None:
        said = Time.from_msg(message.clock)
        self._came, self._came_ns = True, self._steady_ns()
        if said.nanoseconds != self._said_ns:
            self._said_ns, self._went_on_ns = said.nanoseconds, self._came_ns
        self._node.get_clock().set_ros_time_override(said)

    def look(self) -> int:
        """Take note of the time; by how much [ns] a simulated clock has fallen behind since the last look.

        Negative: it has gone ahead.
        """
        if not self.simulated:
            self._forget()
            return 0
        self.fetch()
        now_ns, clock_ns = self._steady_ns(), self._node.get_clock().now().nanoseconds
        if self._was_set:  # which is no speed
            self._went_on_ns, self._was_set = now_ns, False
            self._looks.clear()
        before_ns, shown_ns = self._looks[-1] if self._looks else (now_ns, clock_ns)
        if clock_ns != shown_ns:  # when it did, the last message tells: looks are a second apart where it stands
            self._went_on_ns = max(self._went_on_ns, self._came_ns) if self._came else now_ns
        self._looks.append((now_ns, clock_ns))
        for row in (self._looks, self._steps, self._backs):
            while row and row[0][0] < now_ns - _LATELY_NS:
                row.popleft()
        return (now_ns - before_ns) - max(0, clock_ns - shown_ns)

    def standing(self) -> Standing | None:
        """What is wrong, where a simulated clock does not go on, or not in one direction."""
        now_ns = self._steady_ns()
        publishers = self._node.count_publishers('/clock') if len(self._backs) >= _TO_AND_FRO else 0
        if publishers > 1:
            text = f'{publishers} publish on /clock, and the time goes to and fro between them: stop all but one'
            return Standing('two_clocks', text)
        if self.has_begun and (not self.simulated or now_ns - self._went_on_ns < _STANDS_NS):
            return None
        stands = f'{(now_ns - self._went_on_ns) / 1e9:.0f} s'
        if self._came and now_ns - self._came_ns < _STANDS_NS:
            at = self._node.get_clock().now().nanoseconds / 1e9
            text = f'/clock has said {at:.3f} s for {stands}; nothing is published until it goes on'
            return Standing('clock_paused', text, wanted=True)
        cure = 'start what publishes it (ros2 bag play --clock, a simulator), or set use_sim_time to false'
        since = f'for {stands}' if self._came else 'yet'
        return Standing('no_clock', f'use_sim_time is true and nothing has come on /clock {since}: {cure}')

    def destroy(self) -> None:
        self._handle.unregister()
        self._forget()

    def _on_jump(self, jump: TimeJump) -> None:
        if not self.simulated:
            return
        delta_ns = jump.delta.nanoseconds
        if delta_ns < 0 or delta_ns >= _LEAP_NS:
            self._was_set = True
        else:
            self._steps.append((self._steady_ns(), delta_ns))
        if delta_ns < 0:
            self._backs.append((self._steady_ns(), delta_ns))
            self._went_back()

    def _forget(self) -> None:
        self._looks.clear()
        self._steps.clear()
        self._backs.clear()
        self._came, self._said_ns = False, -1
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None
