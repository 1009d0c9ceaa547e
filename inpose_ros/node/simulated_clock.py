"""A simulator's clock on /clock: at its own speed, paused, or dead for a while."""

import threading
import time

from rclpy.node import Node
from rosgraph_msgs.msg import Clock

from inpose_ros.node import qos
from inpose_ros.node.conversions.stamp import stamp_from_ns

# Between two messages on /clock, in real time [s].
_PERIOD = 0.005
# Simulators begin near zero [ns].
_BEGIN_NS = 10_000_000_000
PAUSED, DEAD = 'clock_paused', 'no_clock'


class SimulatedClock:
    """Publishes the time in a thread of its own until it is closed.

    `stop` has it stand still (clock_paused) or fall silent (no_clock: its publisher goes away, and comes back) once.
    """

    def __init__(self, node: Node, speed: float) -> None:
        """Args: speed: how many simulated seconds one second lasts."""
        self.speed, self._node = speed, node
        self._publisher = self._new_publisher()
        self._lock = threading.Lock()
        self._real, self._sim_ns = time.monotonic(), _BEGIN_NS
        self._stop: tuple[str, int, float] | None = None
        self._until: float | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def now_ns(self) -> int:
        """The simulated time [ns]."""
        with self._lock:
            return self._sim_ns

    def stop(self, how: str, at_ns: int, seconds: float) -> None:
        """From a simulated time [ns] on be paused or dead, as `how` says, for so long in real time [s]."""
        with self._lock:
            self._stop = (how, at_ns, seconds)

    def close(self) -> None:
        self._closed.set()
        self._thread.join()
        if self._publisher is not None:
            self._node.destroy_publisher(self._publisher)

    def _new_publisher(self) -> object:
        return self._node.create_publisher(Clock, '/clock', qos.OUTPUT)

    def _run(self) -> None:
        while not self._closed.wait(_PERIOD):
            now_ns = self._advanced(time.monotonic())
            if self._publisher is not None:
                self._publisher.publish(Clock(clock=stamp_from_ns(now_ns)))
            self._come_or_go()

    def _advanced(self, real: float) -> int:
        """The simulated time at a real one [s]; a pause begins at its time to the nanosecond."""
        with self._lock:
            passed, self._real = real - self._real, real
            if self._until is not None and real >= self._until:
                self._stop = self._until = None
            if self._until is not None and self._stop[0] == PAUSED:
                return self._sim_ns
            before_ns = self._sim_ns
            self._sim_ns += round(self.speed * passed * 1e9)
            if self._stop is not None and self._until is None and self._sim_ns >= self._stop[1]:
                self._sim_ns, self._until = max(before_ns, self._stop[1]), real + self._stop[2]
            return self._sim_ns

    def _come_or_go(self) -> None:
        """A dead clock has no publisher, though its simulator goes on; one that is back has a new one."""
        dead = self._until is not None and self._stop[0] == DEAD
        if dead and self._publisher is not None:
            self._node.destroy_publisher(self._publisher)
            self._publisher = None
        elif not dead and self._publisher is None:
            self._publisher = self._new_publisher()
