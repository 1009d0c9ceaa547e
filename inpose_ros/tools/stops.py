"""`inpose stops`: executables are told to end at random times from their first moment on, and how they do is judged."""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal

from tqdm import tqdm

from inpose_ros.cli import processes

# Who starts another is to be sure that it ends within this time [s]; launch kills it after that.
LIMIT = 5.0
# Told twice, the second time comes this much [s] after the first, at most.
_AGAIN = 0.5


@dataclass(frozen=True)
class Stop:
    """When [s] after its start a process is told to end, how often, and by which signal."""

    after: float
    again: float | None
    number: signal.Signals


@dataclass(frozen=True)
class End:
    """How a process ended."""

    stop: Stop
    seconds: float
    status: int | None
    said: str

    @property
    def fault(self) -> str | None:
        """What is not as it should be."""
        if self.status is None or self.seconds > LIMIT:
            return f'took longer than {LIMIT:g} s'
        if 'Traceback' in self.said or 'terminate called' in self.said:
            return 'ended in a traceback'
        return None if self.status in (0, 128 + signal.SIGINT) else f'ended with status {self.status}'


def chosen(random_numbers: random.Random, within: float) -> Stop:
    """A stop at random: half of them come twice, a quarter are SIGTERM."""
    again = random_numbers.uniform(0, _AGAIN) if random_numbers.random() < 0.5 else None
    number = signal.SIGTERM if random_numbers.random() < 0.25 else signal.SIGINT
    return Stop(random_numbers.uniform(0, within), again, number)


def ended(command: list[str], stop: Stop, environment: dict[str, str]) -> End:
    """Start it, tell it to end, and wait until it has, or for twice the limit."""
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as child:
        time.sleep(stop.after)
        child.send_signal(stop.number)
        start = time.monotonic()
        if stop.again is not None:
            time.sleep(stop.again)
            child.send_signal(stop.number)
        try:
            said = child.communicate(timeout=2 * LIMIT)[1]
        except subprocess.TimeoutExpired:
            child.kill()
            return End(stop, time.monotonic() - start, None, child.communicate()[1])
        return End(stop, time.monotonic() - start, child.returncode, said)


def stops(
    executable: Literal['inpose', 'inpose_play'] = 'inpose',
    number: int = 200,
    within: float = 5.0,
    seed: int = 0,
    jobs: int = 1,
) -> int:
    """Tell a fresh process to end, again and again, and say how it did: status 1 where one did not as it should.

    Each has to end within 5 s, without a traceback, with status 0 or 130. The tracker hears a played motion meanwhile.

    Args:
        executable: Which one.
        number: How often.
        within: It is told within this time [s] of its start.
        seed: Seed of the times.
        jobs: So many at a time; more than one keeps the machine busy, which is a harder test.
    """
    random_numbers = random.Random(seed)
    wanted = [chosen(random_numbers, within) for _ in range(number)]
    command = [str(processes.executable_path(executable)), '--ros-args']
    command += ['--params-file', str(processes.config('sensors/demo.yaml'))]
    with ThreadPoolExecutor(jobs) as pool, tqdm(total=number, desc=executable) as bar:
        shares = pool.map(lambda job: _share(command, wanted[job::jobs], job, bar), range(jobs))
        ends = [end for share in shares for end in share]
    for end in ends:
        if end.fault:
            print(f'{end.fault}: {end.stop}, after {end.seconds:.1f} s, status {end.status}\n{end.said}')
    slowest = max(ends, key=lambda end: end.seconds)
    statuses = dict(Counter(end.status for end in ends))
    print(f'{executable}: {number} stops, {sum(end.fault is not None for end in ends)} not as they should be;', end=' ')
    print(f'statuses {statuses}, the slowest took {slowest.seconds:.2f} s ({slowest.stop})')
    return int(any(end.fault for end in ends))


def _share(command: list[str], wanted: list[Stop], job: int, bar: tqdm) -> list[End]:
    """One after another, in a ROS domain of its own."""
    domain = (int(os.environ.get('ROS_DOMAIN_ID', '0')) + 1 + job) % 100
    environment = os.environ | {'ROS_DOMAIN_ID': str(domain), 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}
    ends = []
    with _played(environment) if command[0].endswith('inpose') else nullcontext():
        for stop in wanted:
            ends.append(ended(command, stop, environment))
            bar.update()
    return ends


@contextmanager
def _played(environment: dict[str, str]) -> Iterator[None]:
    """A motion that is played meanwhile."""
    command = [str(processes.executable_path('inpose_play')), '--ros-args', '-p', 'loop:=true']
    command += ['--params-file', str(processes.config('sensors/demo.yaml'))]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as player:
        try:
            yield
        finally:
            player.terminate()
