"""What a consumer may rely on while sensors fail, checked on what it was told. No ROS, no clock."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int

from inpose_ros.motion.faults import Fault
from inpose_ros.sensing.plausibility.swaps import LONGEST_NS

# The limit that the node promises for every joint [rad/s], and what rounding may add.
LIMIT = 15.0
_ROUNDING = 1e-3
# After a fault's end, poses are as good as before within this time [s] ...
RECOVERY = 1.0
# ... but for so much [m], mean over the joints: the same motion tracked twice differs by less.
MARGIN = 0.03
# A single pose may stand out; the median of so many may not.
_SMOOTHED = 5
# What a busy machine does to messages by itself.
OF_THE_MACHINE = ('jitter', 'delayed', 'late', 'no time for all that is wanted')
# What is named of sensors together, as one cannot know which of them is wrong, or all go along.
OF_SEVERAL = ('inconsistent', 'swapped', 'world_moved', 'time_reset')
# The diagnostics name what happened within the last 3 s, come once a second, and may be late [s].
TOLD = 5.0
# For so much longer [s] than others these may show after their end: a swap for as long as it is not believed, and who
# has contradicted the others or itself until it has agreed for a while.
LONGER = {
    'swapped': LONGEST_NS / 1e9, 'teleport': 1.0, 'ahead': 2.0, 'behind': 2.0, 'burst': 1.0, 'rotation_frozen': 1.0,
    'unworn': 3.0, 'world_moved': 3.0, 'lowered': 3.0, 'elevator': 3.0, 'far': 3.0, 'heading_step': 3.0,
    'orientation_identity': 3.0, 'gyro_zero': 3.0, 'gyro_reversed': 3.0, 'gyro_bias': 3.0, 'halves': 2.0, 'ned': 3.0,
}  # fmt: skip
# A change of state is logged at its time, give or take so much [s].
LOGGED = 1.0
# The cause under which each kind is to be named.
NAMED = {
    'dropout': 'silent', 'freeze': 'frozen', 'restart': 'silent', 'delay': 'delayed', 'jitter': 'jitter',
    'duplicates': 'duplicate', 'reordering': 'late', 'nan': 'not_finite', 'bad_quaternion': 'quaternion',
    'teleport': 'teleport', 'swapped': 'swapped', 'heading_step': 'heading_step', 'units_g': 'units_g',
    'units_degrees': 'units_degrees', 'flood': 'flood', 'clock_forward': 'future', 'clock_back': 'time_reset',
    'second_publisher': 'second_publisher', 'ahead': 'ahead', 'behind': 'behind', 'burst': 'burst',
    'stamp_zero': 'stamp_zero', 'lost': 'lost', 'rotation_frozen': 'frozen', 'world_moved': 'world_moved',
    'lowered': 'floor_contradicted', 'elevator': 'floor_contradicted', 'orientation_identity': 'orientation_stuck',
    'gyro_zero': 'gyro_disagrees', 'gyro_reversed': 'gyro_disagrees', 'gyro_bias': 'gyro_bias',
    # Nothing is wrong with who is far from the origin, and what is borne need not be named.
    'far': '', 'unworn': '', 'halves': '', 'ned': '',
}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """One message of the diagnostics: when it came [ns], its level, its status message and its values."""

    received_ns: int
    level: int
    message: str
    values: dict[str, str]

    def counts(self) -> dict[str, int]:
        """How often what happened: `cause` of all sensors and `sensor cause`."""
        keys = {key.replace('rejected: ', ''): value for key, value in self.values.items()}
        return {
            key: int(value) for key, value in keys.items() if value.isdigit() and key not in ('dropped', 'rejected')
        }


@dataclass(frozen=True)
class Logged:
    """A line of the node's log and when it came [ns]."""

    received_ns: int
    text: str


@dataclass(frozen=True)
class Answer:
    """What a service said when it was called."""

    service: str
    success: bool
    message: str


@dataclass(frozen=True)
class Record:
    """All that a consumer was told; `finite`: no number of it was NaN or infinite (the unknown foot contact aside).

    `tracking` and `degraded`: what state the pose is said to be of. `disturbed` says what the machine did to the run
    by itself, if anything, and `stalls` when it did nothing at all [ns since 1970].
    """

    joint_stamp_ns: Int[np.ndarray, 'joint_state']
    angles: Float[np.ndarray, 'joint_state angle']
    velocities: Float[np.ndarray, 'joint_state angle']
    pose_stamp_ns: Int[np.ndarray, 'pose']
    pose_received_ns: Int[np.ndarray, 'pose']
    position: Float[np.ndarray, 'pose joint 3']
    measured: Bool[np.ndarray, 'pose joint']
    degraded: Bool[np.ndarray, 'pose']
    tracking: Bool[np.ndarray, 'pose']
    position_stddev: Float[np.ndarray, 'pose joint']
    bone_length: Float[np.ndarray, 'pose joint']
    tf_stamp_ns: Int[np.ndarray, 'transform']
    finite: bool
    told: tuple[Told, ...]
    log: tuple[Logged, ...] = ()
    answers: tuple[Answer, ...] = ()
    disturbed: str = ''
    stalls: tuple[tuple[int, int], ...] = ()


def peak_velocities(record: Record) -> tuple[float, float]:
    """The fastest that any joint turned [rad/s]: as told, and by the angles' differences over the stamps'."""
    told = float(np.abs(record.velocities).max(initial=0.0))
    seconds = np.diff(record.joint_stamp_ns) / 1e9
    steps = np.abs(np.diff(record.angles, axis=0))[seconds > 0] / seconds[seconds > 0, None]
    return told, float(steps.max(initial=0.0))


def time_resets(record: Record) -> int:
    """How often stamps did not rise, on the topic where that happened most."""
    every = (record.joint_stamp_ns, record.pose_stamp_ns, record.tf_stamp_ns)
    return max(int((np.diff(stamps) <= 0).sum()) for stamps in every)


def causes_named(told: Sequence[Told], begin_ns: int) -> dict[str, str]:
    """What the diagnostics have named from a time on, and how: by the status message or by a count that rose."""
    before = [row for row in told if row.received_ns < begin_ns]
    after = [row for row in told if row.received_ns >= begin_ns]
    was = before[-1].counts() if before else {}
    named: dict[str, str] = {}
    for row in after:
        for cause, count in row.counts().items():
            if ' ' not in cause and count > was.get(cause, 0):
                named[cause] = f'{count - was.get(cause, 0)} x'
    for row in after:
        for part in row.message.split('; '):
            cause, colon, rest = part.partition(': ')
            sensors = rest.partition(' (')[0]
            if colon and ' ' not in cause:
                named[cause] = f'{sensors} ({named[cause]})' if named.get(cause, '').endswith(' x') else sensors
    return named


def blamed(told: Sequence[Told], begin_ns: int, good: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What the status messages have named of good sensors from a time on; what they cannot help aside."""
    found: dict[str, set[str]] = {}
    for row in told:
        for part in row.message.split('; ') if row.level and row.received_ns >= begin_ns else ():
            cause, colon, rest = part.partition(': ')
            names = set(re.findall(r'\w+', rest.partition('(')[0])) & set(good)
            if colon and ' ' not in cause and names and cause not in (*OF_THE_MACHINE, *OF_SEVERAL):
                found.setdefault(cause, set()).update(names)
    return {cause: tuple(sorted(names)) for cause, names in found.items()}


def recovery_time(received: Float[np.ndarray, 'pose'], good: Bool[np.ndarray, 'pose'], end: float) -> float:
    """How long after a fault's end [s] every pose is good; infinite where they never are."""
    after = received >= end
    times, ok = received[after], good[after]
    if not len(ok) or not ok[-1]:
        return math.inf
    bad = np.flatnonzero(~ok)
    first = bad[-1] + 1 if len(bad) else 0
    return float(times[first] - end)


def smoothed(values: Float[np.ndarray, 'pose']) -> Float[np.ndarray, 'pose']:
    """The running median of the values."""
    if len(values) < _SMOOTHED:
        return values
    padded = np.pad(values, _SMOOTHED // 2, mode='edge')
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, _SMOOTHED), axis=-1)


def mostly(flags: Bool[np.ndarray, 'pose']) -> Bool[np.ndarray, 'pose']:
    """Flags without those that only a pose or two have: a message that comes late makes its sensor miss one."""
    return smoothed(flags.astype(np.float64)) > 0.5


def unexplained(record: Record, faults: Sequence[Fault], start_ns: int, seconds: float, patience: float) -> list[str]:
    """Spells without poses or with poses said to be degraded, and warnings, that no fault explains.

    Args:
        patience: for so long [s] after its end a fault may still show; in the diagnostics, for TOLD longer. One in
            which sensors were swapped may show for as long as a swap is not believed: two of them, one within the
            other, may leave what looks like a third. A stall of the machine explains as much as a fault does.
    """
    stalls = [tuple((t - start_ns) / 1e9 for t in stall) for stall in record.stalls]
    when = (record.pose_received_ns - start_ns) / 1e9
    edges = np.concatenate([[0.0], when[(when > 0) & (when < seconds)], [seconds]])
    spells = [(float(a), float(b), 'no pose', patience) for a, b in pairwise(edges) if b - a > patience]
    degraded = when[_usual(record.degraded)]
    spells += [(float(t), float(t), 'degraded', patience) for t in degraded if patience < t < seconds]
    for row in record.told:
        told = (row.received_ns - start_ns) / 1e9
        if patience + TOLD < told < seconds and (what := _warned(row)):
            spells.append((told, told, f'"{what}" in the diagnostics', patience + TOLD))
    return [
        f'{what} at {begin:.1f} s'
        for begin, end, what, after in spells
        if not any(fault.begin < end + 1e-9 and begin < fault.end + after + _longer(fault) for fault in faults)
        and not any(stalled < end + 1e-9 and begin < over + after for stalled, over in stalls)
    ]


def _longer(fault: Fault) -> float:
    return LONGER.get(fault.kind, 0.0)


def _usual(flags: Bool[np.ndarray, 'pose']) -> Bool[np.ndarray, 'pose']:
    return mostly(flags) & flags


def _warned(row: Told) -> str:
    """What the diagnostics warn of, less what a busy machine does."""
    parts = [] if row.level == 0 else row.message.split('; ')
    return '; '.join(part for part in parts if part.partition(':')[0] not in OF_THE_MACHINE)


def changes(record: Record) -> list[float]:
    """When what is said of the tracking changed: from whole to degraded, and back [ns]."""
    degraded = record.degraded.astype(int)
    return [float(t) for t in record.pose_received_ns[1:][np.diff(degraded) != 0]]


def unlogged(record: Record, start_ns: int) -> list[str]:
    """The changes of state of which the log says nothing at that time."""
    logged = np.array([row.received_ns for row in record.log], dtype=np.float64)
    silent = [t for t in changes(record) if not (np.abs(logged - t) <= LOGGED * 1e9).any()]
    return [f'no word in the log of the change at {(t - start_ns) / 1e9:.1f} s' for t in silent]


def too_fast(peaks: tuple[float, float]) -> bool:
    """Whether any joint turned faster than promised."""
    return max(peaks) > LIMIT + _ROUNDING
