"""A stall of the machine is seen by who wants to run all the time, and only then."""

import sys
import time

from inpose_ros.tools.faults_stalls import STALL, heartbeat, stalled

MS = 1_000_000


def test_a_late_beat_is_a_stall_from_when_it_was_due() -> None:
    assert stalled(0, 5 * MS, 100 * MS) == []
    assert stalled(0, 5 * MS + round(STALL * 1e9), 100 * MS) == []
    assert stalled(0, 205 * MS, 1000 * MS) == [(800 * MS, 1000 * MS)]


def test_a_process_that_gets_no_time_notes_a_stall() -> None:
    interval = sys.getswitchinterval()
    begin_ns = time.time_ns()
    with heartbeat() as beating:
        sys.setswitchinterval(10.0)  # nobody else gets the interpreter meanwhile
        try:
            end = time.monotonic() + 4 * STALL
            while time.monotonic() < end:
                pass
        finally:
            sys.setswitchinterval(interval)
        time.sleep(0.05)
        stalls = beating.since(begin_ns)
    assert stalls and max(end - begin for begin, end in stalls) > STALL * 1e9
    assert beating.since(time.time_ns()) == ()
