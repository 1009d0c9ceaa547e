"""Stalls of the machine, as a process notices them that wants to run all the time."""

import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

# The heart beats so often [s]; a beat that comes so much [s] too late is a stall. The shortest time that a promise is
# about is twice as long.
_BEAT = 0.005
STALL = 0.05


class Heartbeat:
    """A thread that sleeps for a moment at a time and notes when it is not woken in time.

    Whoever does nothing but sleep is late only where the machine has no time for anybody, or this process for itself,
    whose notes then come late as well.
    """

    def __init__(self) -> None:
        self._closed = threading.Event()
        self._stalls: list[tuple[int, int]] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def since(self, begin_ns: int) -> tuple[tuple[int, int], ...]:
        """The stalls that ended after a time [ns since 1970], each from its begin to its end."""
        return tuple(stall for stall in tuple(self._stalls) if stall[1] > begin_ns)

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        last = time.monotonic_ns()
        while not self._closed.wait(_BEAT):
            now = time.monotonic_ns()
            self._stalls += stalled(last, now, time.time_ns())
            last = now


def stalled(last_ns: int, now_ns: int, wall_ns: int) -> list[tuple[int, int]]:
    """The stall between two beats of a steady clock, if there is one, on the wall's."""
    late_ns = now_ns - last_ns - round(_BEAT * 1e9)
    return [(wall_ns - late_ns, wall_ns)] if late_ns > STALL * 1e9 else []


@contextmanager
def heartbeat() -> Iterator[Heartbeat]:
    """A heart that beats while the block runs, in which this process' search for garbage stalls nobody."""
    gc.collect()
    gc.freeze()
    gc.disable()
    beating = Heartbeat()
    try:
        yield beating
    finally:
        beating.close()
        gc.enable()
        gc.unfreeze()
