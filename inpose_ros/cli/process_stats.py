"""What a process takes of the machine, as Linux counts it."""

import os
import platform
from pathlib import Path

_TICKS = os.sysconf('SC_CLK_TCK')


def cpu_seconds(pid: int) -> float:
    """Time on the CPU so far, of all threads, user and system [s].

    Raises:
        ProcessLookupError: there is no such process any more.
    """
    # The name in brackets may hold blanks; user and system time are the 14th and 15th field of the line.
    fields = _proc(pid, 'stat').rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_mb(pid: int) -> float:
    """Resident memory [MB].

    Raises:
        ProcessLookupError: there is no such process any more.
    """
    rows = dict(line.split(':', 1) for line in _proc(pid, 'status').splitlines())
    if 'VmRSS' not in rows:  # it has ended, and nobody has asked for its status yet
        raise ProcessLookupError(f'process {pid} has ended')
    return int(rows['VmRSS'].split()[0]) / 1024


def cpu_model() -> str:
    """What the machine's CPU is called."""
    rows = (line.split(':', 1) for line in Path('/proc/cpuinfo').read_text().splitlines() if ':' in line)
    names = [value.strip() for key, value in rows if key.strip() == 'model name']
    return names[0] if names else platform.machine()


def cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0))


def _proc(pid: int, name: str) -> str:
    try:
        return Path(f'/proc/{pid}/{name}').read_text()
    except FileNotFoundError:
        raise ProcessLookupError(f'process {pid} has ended') from None
