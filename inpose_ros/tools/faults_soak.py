"""Random faults for a long time: memory, crashes, and changes of state that no fault explains."""

import contextlib
import time

import numpy as np

from inpose_ros.cli import process_stats
from inpose_ros.motion.faults import KINDS, Fault
from inpose_ros.motion.faults_kinds import NEEDS
from inpose_ros.tools import faults_checks as checks
from inpose_ros.tools.faults_bench import Setting, bench

_SEGMENT = 60.0  # a motion [s]; then the player starts anew, with other faults
_EVERY = 10.0  # between looks at the memory [s]
# What happens for the first time takes memory that stays: at least so long [s], and a quarter of the time, is warm-up.
_WARM_UP = 60.0
GROWTH = 0.01  # more than this share of the memory after it is a leak ...
LONG = 600.0  # ... where there was so much time [s] to tell it from what settles
SETTING = Setting('faults/mixed.yaml', _SEGMENT)
_LOCATED, _IMU = ('head', 'left_wrist', 'right_wrist'), 'waist'
# What befalls the world befalls all that is located in it, or one of them, by chance; a clock that is set, all sensors.
_OF_THE_WORLD = ('world_moved', 'lowered', 'elevator', 'far', 'unworn')
_OF_THE_CLOCK = ('clock_forward', 'clock_back', 'stamp_zero', 'burst')
# These say how good they are, so they can say that they are lost.
_KNOWING = ('head', 'left_wrist')
# For so long after a fault [s] its traces may be seen: the silence that is waited for, and the time to recover.
_PATIENCE = 2.0


def random_faults(seconds: float, rng: np.random.Generator) -> list[Fault]:
    """Faults of every kind one after another, at times two at once."""
    faults, begin = [], float(rng.uniform(2, 4))
    while begin < seconds - 4:
        kind = str(rng.choice(list(KINDS)))
        faults.append(Fault(kind, begin, begin + float(rng.uniform(0.2, 3)), _sensors(kind, rng)))
        begin += float(rng.exponential(4))
    return faults


def _sensors(kind: str, rng: np.random.Generator) -> tuple[str, ...]:
    need = NEEDS.get(kind)
    if need in ('specific_force', 'angular_velocity'):
        return (_IMU,)
    if kind == 'swapped':
        return tuple(map(str, rng.choice(_LOCATED, 2, replace=False)))
    if kind in _OF_THE_CLOCK:
        return ()
    if kind in _OF_THE_WORLD and rng.uniform() < 0.7:
        return _LOCATED
    if kind == 'lost':
        return (str(rng.choice(_KNOWING)),)
    return (str(rng.choice(_LOCATED if need else (*_LOCATED, _IMU))),)


class Memory:
    """The resident memory of a process [MB], looked at every now and then."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._begin = time.monotonic()
        self.samples: list[tuple[float, float]] = []

    def look(self) -> None:
        now = time.monotonic() - self._begin
        if self.samples and now - self.samples[-1][0] < _EVERY:
            return
        with contextlib.suppress(ProcessLookupError):  # it has died, which is told elsewhere
            self.samples.append((now, process_stats.resident_mb(self._pid)))


def growth(samples: list[tuple[float, float]]) -> float:
    """How much more memory [MB] is used at the end than after the warm-up: medians of three; NaN where too few."""
    begin = max(_WARM_UP, samples[-1][0] / 4) if samples else _WARM_UP
    warm = [used for when, used in samples if when >= begin]
    return float(np.median(warm[-3:]) - np.median(warm[:3])) if len(warm) >= 4 else float('nan')


def run(minutes: float, seed: int, device: str) -> dict[str, object]:
    """Play random faults for so long; what was found, with `failed` saying what should not be so."""
    rng = np.random.default_rng(seed)
    failed: list[str] = []
    segments = []
    deadline = time.monotonic() + 60 * minutes
    with bench(SETTING, seed, device) as found:
        memory = Memory(found.node.pid)
        while found.alive and time.monotonic() < deadline:
            faults = random_faults(_SEGMENT, rng)
            record, start_ns = found.play(faults, memory.look)
            segments.append(_judged(record, faults, start_ns))
            print(f'{segments[-1]}; memory {memory.samples[-1][1]:.0f} MB', flush=True)
        failed += [] if found.alive else [f'the node died with status {found.node.poll()}']
    grown = growth(memory.samples)
    failed += [text for segment in segments for text in segment['failed']]
    used, long = memory.samples[-1][1], 60 * minutes >= LONG
    failed += [f'memory grew by {grown:.1f} of {used:.0f} MB'] if long and grown > GROWTH * used else []
    print(f'memory after the warm-up: {grown:+.1f} of {used:.0f} MB' + ('' if long else '; too short to judge'))
    return {'minutes': minutes, 'segments': segments, 'memory_mb': memory.samples, 'growth_mb': grown, 'failed': failed}


def _judged(record: checks.Record, faults: list[Fault], start_ns: int) -> dict[str, object]:
    peaks, resets = checks.peak_velocities(record), checks.time_resets(record)
    failed = checks.unexplained(record, faults, start_ns, _SEGMENT, _PATIENCE)
    failed += checks.unlogged(record, start_ns)
    failed += [] if record.finite else ['not finite']
    failed += [f'a joint at {max(peaks):.1f} rad/s'] if checks.too_fast(peaks) else []
    if resets > sum(fault.kind == 'clock_back' for fault in faults):
        failed.append(f'stamps went back {resets} times')
    return {'faults': len(faults), 'poses': len(record.pose_stamp_ns), 'changes': len(checks.changes(record)),
            'peak_velocity': max(peaks), 'stamps_back': resets, 'failed': failed}  # fmt: skip
