"""Rows of the matrix of faults: each is a motion played with one fault, and what a consumer was told of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from inpose_ros.body import smpl22
from inpose_ros.cli import faults_checks as checks
from inpose_ros.cli.faults_bench import Bench, bench
from inpose_ros.cli.faults_checks import Record
from inpose_ros.evaluation import tracking
from inpose_ros.motion.clip import MotionClip
from inpose_ros.motion.faults import Fault

# A row of the matrix [s]: good, faulty, good again. The diagnostics come once a second, and silence is known after
# half a second: a fault has to last longer than both.
BEGIN, END, SECONDS = 2.0, 3.7, 6.2
# Where poses come more slowly [Hz] than this before the fault, the machine is busy with something else, ...
BUSY = 20.0
# ... and the row is played again, so often at most: what it shows is not the node's doing.
_TRIES = 2
# What is worn: trackers only, and with an IMU at the waist; each sensor with its joint.
TRACKERS, WITH_IMU = 'sensors/demo.yaml', 'sensors/headset_controllers_pelvis_imu.yaml'
_WORN = {TRACKERS: {name: name for name in ('head', 'left_wrist', 'right_wrist')}}
_WORN[WITH_IMU] = _WORN[TRACKERS] | {'waist': 'pelvis'}
# Sensors that nothing is wrong with may be out of use for this share of the poses: the machine's messages come late.
_LOST = 0.05


@dataclass(frozen=True)
class Row:
    """A fault (None: the same motion without any), the sensors file with which it is played, and its name.

    `cause` is what the diagnostics have to name.
    """

    name: str
    sensors: str
    fault: Fault | None = None
    cause: str = ''

    @property
    def joints(self) -> list[int]:
        """The joints on which the sensors are worn."""
        return [smpl22.INDEX[joint] for joint in _WORN[self.sensors].values()]

    @property
    def unharmed(self) -> list[int]:
        """The joints of the sensors that nothing is wrong with."""
        if self.fault is None or not self.fault.sensors:
            return []
        return [smpl22.INDEX[j] for name, j in _WORN[self.sensors].items() if name not in self.fault.sensors]


def _row(kind: str, *sensors: str, name: str = '', file: str = TRACKERS, cause: str = '') -> Row:
    return Row(name or kind, file, Fault(kind, BEGIN, END, sensors), cause or checks.NAMED[kind])


ROWS = (
    Row('none', TRACKERS),
    _row('dropout', 'left_wrist'),
    _row('dropout', name='dropout of all'),
    _row('restart', 'left_wrist'),
    _row('freeze', 'left_wrist'),
    _row('delay', 'left_wrist'),
    _row('jitter', 'left_wrist'),
    _row('duplicates'),
    _row('reordering'),
    _row('nan'),
    _row('bad_quaternion'),
    _row('teleport', 'left_wrist'),
    _row('teleport', 'head', name='teleport of the head'),
    _row('swapped', 'left_wrist', 'right_wrist'),
    _row('second_publisher', 'left_wrist'),
    _row('flood', 'left_wrist'),
    _row('clock_forward'),
    _row('clock_forward', 'left_wrist', name='clock_forward of one'),
    _row('clock_back'),
    _row('clock_back', 'left_wrist', name='clock_back of one', cause='too_old'),
    Row('none with an IMU', WITH_IMU),
    _row('heading_step', 'waist', file=WITH_IMU),
    _row('units_g', 'waist', file=WITH_IMU),
    _row('units_degrees', 'waist', file=WITH_IMU),
)


@dataclass(frozen=True)
class Errors:
    """How far joints were from the truth on average [m], at times of the motion [s].

    `good`: all sensors were used; `unharmed`: those were that nothing is wrong with.
    """

    when: Float[np.ndarray, 'pose']
    received: Float[np.ndarray, 'pose']
    error: Float[np.ndarray, 'pose']
    good: Bool[np.ndarray, 'pose']
    unharmed: Bool[np.ndarray, 'pose']


def errors(record: Record, truth: MotionClip, start_ns: int, row: Row) -> Errors:
    """The errors of the poses that are of this motion, in the world: nothing is aligned."""
    when = (record.pose_stamp_ns - start_ns) / 1e9
    keep = (when >= 0) & (when <= truth.seconds)
    true = tracking.truth_at(truth, record.pose_stamp_ns[keep], start_ns).positions.double().numpy()
    distance = np.linalg.norm(record.position[keep] - true, axis=-1).mean(-1)
    received = (record.pose_received_ns[keep] - start_ns) / 1e9
    used = [checks.mostly(record.measured[keep][:, joints].all(-1)) for joints in (row.joints, row.unharmed)]
    return Errors(when[keep], received, checks.smoothed(distance), *used)


def judged(row: Row, record: Record, found: Errors, clean: Errors, start_ns: int, alive: bool) -> dict[str, object]:
    """What the row shows, and whether that is as it should be; `failed` says what is not."""
    if not len(found.error) or not len(clean.error):
        return {'row': row.name, 'failed': ['no poses of this motion, or of it without a fault']}
    peaks, resets = checks.peak_velocities(record), checks.time_resets(record)
    named = checks.causes_named(record.told, start_ns + round(BEGIN * 1e9))
    rate = rate_before(record, start_ns)
    failed = [] if alive else ['the node died']
    failed += ['the machine was too busy to tell'] if rate < BUSY else []
    failed += [] if record.finite else ['not finite']
    failed += ['too fast'] if checks.too_fast(peaks) else []
    # When all sensors have gone back, so do the stamps; once, as they then go forward.
    allowed = 1 if row.cause == 'time_reset' else 0
    failed += ['stamps went back'] if resets > allowed else []
    if row.fault is None:
        failed += [f'{cause} named without a fault' for cause in named if cause not in checks.OF_THE_MACHINE]
        recovery = {'recovery': None}
    else:
        failed += [] if row.cause in named else ['not named']
        recovery, late = _recovered(found, clean)
        failed += late
    return {
        'row': row.name, 'rate': rate, 'finite': record.finite, 'stamps_back': resets, 'peak_velocity': peaks[0],
        'peak_by_angles': peaks[1], 'named': named, **recovery, 'failed': failed,
    }  # fmt: skip


def _recovered(found: Errors, clean: Errors) -> tuple[dict[str, float], list[str]]:
    """How the poses fared, and what should not have been so.

    After the fault they are to be as the same motion goes without it, and need not be better than they were before.
    """
    before = found.error[(found.when > 1.0) & (found.when < BEGIN)]
    level = np.maximum(np.interp(found.when, clean.when, clean.error), before.max(initial=0.0))
    used = checks.recovery_time(found.received, found.good, END)
    exact = checks.recovery_time(found.received, found.error <= level + checks.MARGIN, END)
    lost = float(np.mean(~found.unharmed[found.received > 1.0])) if np.any(found.received > 1.0) else 0.0
    failed = [f'sensors in use after {used:.2f} s only'] if used > checks.RECOVERY else []
    failed += [f'as exact as before after {exact:.2f} s only'] if exact > checks.RECOVERY else []
    failed += [f'good sensors out of use in {lost:.0%} of the poses'] if lost > _LOST else []
    worst = float(found.error[found.received >= BEGIN].max(initial=0.0))
    return {
        'recovery': max(used, exact), 'used_again': used, 'exact_again': exact, 'good_lost': lost,
        'before_error': float(before.max(initial=0.0)), 'worst_error': worst,
    }, failed  # fmt: skip


def run(rows: Sequence[Row], seed: int, device: str) -> Iterator[dict[str, object]]:
    """Play the rows, one node for each file of sensors, and judge each."""
    for sensors in dict.fromkeys(row.sensors for row in rows):
        with bench(sensors, seed, SECONDS, device) as found:
            clean = None
            for row in (row for row in rows if row.sensors == sensors):
                record, start_ns = _undisturbed(found, row)
                row_errors = errors(record, found.truth, start_ns, row)
                clean = clean or row_errors
                yield judged(row, record, row_errors, clean, start_ns, found.alive)
                if not found.alive:
                    break


def _undisturbed(found: Bench, row: Row) -> tuple[Record, int]:
    """Play a row, again if need be, until the machine has time for it."""
    for _ in range(_TRIES):
        record, start_ns = found.play([row.fault] if row.fault else [])
        if not found.alive or rate_before(record, start_ns) >= BUSY:
            break
    return record, start_ns


def rate_before(record: Record, start_ns: int) -> float:
    """Poses a second before the fault [Hz], once tracking has begun."""
    received = (record.pose_received_ns - start_ns) / 1e9
    return float(((received > 0.5) & (received < BEGIN)).sum() / (BEGIN - 0.5))
