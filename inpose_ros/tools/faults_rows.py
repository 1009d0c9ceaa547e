"""The matrix of faults played row by row, and what a consumer was told of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from inpose_ros.evaluation import tracking
from inpose_ros.motion.clip import MotionClip
from inpose_ros.motion.faults import world_at
from inpose_ros.tools import faults_checks as checks
from inpose_ros.tools import faults_state as state
from inpose_ros.tools.faults_bench import Bench, bench
from inpose_ros.tools.faults_checks import Record
from inpose_ros.tools.faults_special import Seen
from inpose_ros.tools.faults_table import Row

# Where poses come more slowly [Hz] than this before the fault, the machine is busy with something else, ...
BUSY = 20.0
# ... and a row that is not as promised is played again, as it is where the machine stalled: so often at most.
_TRIES = 3
# Where a motion is hard, one run is off a little [s] earlier than another, as passes of the network fall otherwise.
_ABOUT = 0.3
# The rate is counted from so long [s] on, and over so long at least.
_FOUND, _COUNTED = 0.5, 0.6
_MOMENT = 0.05  # [s]
# Sensors that nothing is wrong with may be out of use for this share of the poses: the machine's messages come late.
_LOST = 0.05


@dataclass(frozen=True)
class Errors:
    """How far joints were from the truth on average [m], at times of the motion [s], and each of them (`off`).

    `good`: all sensors were used; `unharmed`: those were that nothing is wrong with.
    """

    when: Float[np.ndarray, 'pose']
    received: Float[np.ndarray, 'pose']
    error: Float[np.ndarray, 'pose']
    good: Bool[np.ndarray, 'pose']
    unharmed: Bool[np.ndarray, 'pose']


@dataclass(frozen=True)
class Played:
    """A row once it is played: record, stamp of the first frame [ns], errors, and how long the user's bones are [m]."""

    record: Record
    start_ns: int
    errors: Errors
    off: Float[np.ndarray, 'pose joint']
    bones: Float[np.ndarray, 'joint']

    @property
    def received(self) -> Float[np.ndarray, 'pose']:
        """When poses came [s of the motion]."""
        return (self.record.pose_received_ns - self.start_ns) / 1e9


def distances(record: Record, truth: MotionClip, start_ns: int, row: Row) -> Float[np.ndarray, 'pose joint']:
    """How far each joint is from the truth [m] at each pose's stamp, in the world: nothing is aligned."""
    true = tracking.truth_at(truth, record.pose_stamp_ns, start_ns).positions.double().numpy()
    for fault in row.moves:
        for k, when in enumerate((record.pose_stamp_ns - start_ns) / 1e9):
            if (move := world_at(fault, float(when))) is not None:
                true[k] = true[k] @ move.rot.T + move.shift
    return np.linalg.norm(record.position - true, axis=-1)


def errors(record: Record, off: Float[np.ndarray, 'pose joint'], seconds: float, start_ns: int, row: Row) -> Errors:
    """The errors of the poses that are of this motion."""
    when = (record.pose_stamp_ns - start_ns) / 1e9
    keep = (when >= 0) & (when <= seconds)
    received = (record.pose_received_ns[keep] - start_ns) / 1e9
    used = [checks.mostly(record.measured[keep][:, joints].all(-1)) for joints in (row.joints, row.unharmed)]
    return Errors(when[keep], received, checks.smoothed(off[keep].mean(-1)), *used)


def judged(row: Row, played: Played, clean: Played, alive: bool) -> dict[str, object]:
    """What the row shows, and whether that is as it should be; `failed` says what is not."""
    record, found = played.record, played.errors
    if not len(found.error) or not len(clean.errors.error):
        failed = ['no poses of this motion, or of it without a fault'] if alive else ['the node died']
        return {'row': row.name, 'failed': failed}
    peaks, resets = checks.peak_velocities(record), checks.time_resets(record)
    # What is told while a clock stands bears its last time, or one that was heard a moment before.
    begin = row.begin - _MOMENT if row.stop else row.begin
    named = checks.causes_named(record.told, played.start_ns + round(begin * 1e9))
    failed = [] if alive else ['the node died']
    failed += [] if record.finite else ['not finite']
    failed += ['too fast'] if checks.too_fast(peaks) else []
    # When all sensors have gone back, so do the stamps; once, as they then go forward.
    allowed = sum(fault.kind == 'clock_back' and not fault.sensors for fault in row.faults)
    failed += ['stamps went back'] if resets > allowed else []
    if row.is_clean:
        failed += [f'{cause} named without a fault' for cause in named if cause not in checks.OF_THE_MACHINE]
        failed += state.calm(record, played.received, row.setting.settles)
        recovery = {'recovery': None}
    else:
        failed += [] if not row.cause or row.cause in named else ['not named']
        recovery, late = _recovered(row, found, clean.errors)
        failed += late
    failed += _said(row, played)
    seen = Seen(
        record, played.start_ns, clean.record, row.begin, row.end, tuple(row.joints), found.received,
        found.error - _level(row, found, clean.errors), played.bones,
    )  # fmt: skip
    failed += [text for check in row.extra for text in check(seen)]
    return {
        'row': row.name, 'rate': rate_before(row, played), 'finite': record.finite, 'stamps_back': resets,
        'peak_velocity': peaks[0], 'peak_by_angles': peaks[1], 'named': named, **recovery, 'failed': failed,
    }  # fmt: skip


def _said(row: Row, played: Played) -> list[str]:
    """What is wrong with what is said of the state and of joints."""
    record, received = played.record, played.received
    failed = state.overclaimed(record, row.joints, received)
    failed += _blamed(row, played)
    located = [row.worn[name] for name in row.worn if name not in row.harmed and name not in row.blind]
    failed += state.overstated(record, played.off, located, received)
    if row.out is not None:
        harmed = [row.worn[name] for name in row.harmed]
        failed += state.still_used(record, harmed, received, row.begin + row.out, row.end)
    if row.recovers and not row.is_clean:
        failed += state.tracking_again(record, received)
    return failed


def _blamed(row: Row, played: Played) -> list[str]:
    """Which sensors are named for what they have nothing to do with."""
    if row.is_clean or not row.faults:
        return []
    good = [name for name in row.worn if name not in row.harmed]
    blamed = checks.blamed(played.record.told, played.start_ns + round(row.begin * 1e9), good)
    return [f'{cause} of {", ".join(names)}, which are right' for cause, names in blamed.items()]


def _recovered(row: Row, found: Errors, clean: Errors) -> tuple[dict[str, float | None], list[str]]:
    """How the poses fared, and what should not have been so."""
    before = found.error[(found.when > 1.0) & (found.when < row.begin)]
    lost = float(np.mean(~found.unharmed[found.received > 1.0])) if np.any(found.received > 1.0) else 0.0
    failed = [f'good sensors out of use in {lost:.0%} of the poses'] if lost > _LOST else []
    worst = float(found.error[found.received >= row.begin].max(initial=0.0))
    told = {'good_lost': lost, 'before_error': float(before.max(initial=0.0)), 'worst_error': worst}
    if not row.recovers:
        return {'recovery': None} | told, failed
    level = _level(row, found, clean)
    patience = checks.RECOVERY * (row.setting.speed or 1.0) + row.relearns
    used = checks.recovery_time(found.received, found.good, row.end)
    exact = checks.recovery_time(found.received, found.error <= level + checks.MARGIN, row.end)
    failed += [f'sensors in use after {used:.2f} s only'] if used > patience else []
    failed += [f'as exact as before after {exact:.2f} s only'] if exact > patience else []
    return {'recovery': max(used, exact), 'used_again': used, 'exact_again': exact} | told, failed


def _level(row: Row, found: Errors, clean: Errors) -> Float[np.ndarray, 'pose']:
    """How exact [m] poses are to be: as the same motion is about then without the fault, and no better than before."""
    before = found.error[(found.when > 1.0) & (found.when < row.begin)]
    usual = np.interp(found.when, clean.when, clean.error)
    about = np.abs(found.when[:, None] - clean.when) <= _ABOUT
    usual = np.maximum(usual, np.where(about, clean.error, 0.0).max(1))
    return np.maximum(usual, before.max(initial=0.0))


def run(rows: Sequence[Row], seed: int, device: str) -> Iterator[dict[str, object]]:
    """Play the rows, one node for each setting or, where that wants fresh ones, each row; and judge each."""
    for setting in dict.fromkeys(row.setting for row in rows):
        own = [row for row in rows if row.setting is setting]
        clean: Played | None = None
        for some in [[row] for row in own] if setting.fresh else [own]:
            with bench(setting, seed, device) as found:
                for row in some:
                    result, played = _undisturbed(found, row, clean)
                    clean = clean or played
                    yield result
                    if not found.alive:
                        break


def _undisturbed(found: Bench, row: Row, clean: Played | None) -> tuple[dict[str, object], Played]:
    """Play a row and judge it; again if need be, until the machine has time for it."""
    for _ in range(_TRIES):
        played = _played(found, row)
        result = judged(row, played, clean or played, found.alive)
        why = disturbance(row, played)
        # What others are compared with has to be undisturbed itself, and few poses show little.
        matters = result['failed'] or row.is_clean or rate_before(row, played) < BUSY
        if not why or not matters or not found.alive:
            return result, played
    if not result['failed'] and not rate_before(row, played) < BUSY:
        return result, played
    return result | {'failed': [f'the machine was too busy to tell ({why})', *result['failed']]}, played


def _played(found: Bench, row: Row) -> Played:
    if row.reset:
        found.reset()
    record, start_ns = found.play(row.faults, calls=row.calls, stop=row.stop)
    off = distances(record, found.truth, start_ns, row)
    bones = found.truth.skeleton.lengths.double().numpy()
    return Played(record, start_ns, errors(record, off, found.truth.seconds, start_ns, row), off, bones)


def disturbance(row: Row, played: Played) -> str:
    """What the machine did to a row by itself; empty where it had time."""
    rate = rate_before(row, played)
    slow = f'{rate:.0f} poses a second before the fault' if rate < BUSY else ''
    return '; '.join(filter(None, (played.record.disturbed, slow)))


def rate_before(row: Row, played: Played) -> float:
    """Poses a second before the fault [Hz], once tracking has begun; NaN where it begins too early to tell."""
    seconds = row.begin - _FOUND
    if seconds < _COUNTED:
        return float('nan')
    return float(((played.received > _FOUND) & (played.received < row.begin)).sum() / seconds)
