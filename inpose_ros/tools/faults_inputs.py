"""Sensors of every type at once, from 20 Hz to 1 kHz, each switched off and on again in its turn."""

import importlib.util
import math
import sys

import numpy as np
from jaxtyping import Bool, Float

from inpose_ros.body import smpl22
from inpose_ros.motion.faults import Fault
from inpose_ros.tools import faults_checks as checks
from inpose_ros.tools.faults_bench import Setting, bench
from inpose_ros.tools.faults_checks import Record

SENSORS = 'faults/inputs.yaml'
# Each sensor's joint, type and rate [Hz], as in that file.
WORN = {
    'head': ('head', 'pose', 60.0),
    'left_wrist': ('left_wrist', 'pose_cov', 20.0),
    'right_wrist': ('right_wrist', 'odometry', 200.0),
    'waist': ('pelvis', 'imu', 1000.0),
    'left_foot': ('left_ankle', 'tf', 100.0),
}
# [s]: all send at first, then each is silent for a while in its turn.
FIRST, OFF, ON = 3.0, 2.0, 2.0
# After this time [s] a silent sensor is no longer said to measure: `sensor_timeout`, a tick and the solver's time.
GONE = 0.5 + 0.4
# So often, at most, it is played where the machine stalled.
_TRIES = 3


def present() -> dict[str, tuple[str, str, float]]:
    """The sensors that can be had here: those of type tf need tf2_ros."""
    if importlib.util.find_spec('tf2_ros') is not None:
        return WORN
    print('left out: type tf, as tf2_ros is not installed here', file=sys.stderr)
    return {name: row for name, row in WORN.items() if row[1] != 'tf'}


def silences(names: list[str]) -> list[Fault]:
    """Each sensor is silent once, one after another."""
    begins = [FIRST + k * (OFF + ON) for k in range(len(names))]
    return [Fault('dropout', begin, begin + OFF, (name,)) for name, begin in zip(names, begins, strict=True)]


def run(seed: int, device: str) -> dict[str, object]:
    """Play it, again where the machine stalled; what was found, with `failed` saying what should not be so."""
    worn = present()
    faults = silences(list(worn))
    player = {'sensors': list(worn), 'sensor_rates': [rate for _, _, rate in worn.values()]}
    setting = Setting(SENSORS, faults[-1].end + ON, node={'sensors': list(worn)}, player=player)
    left_out = sorted({f'type {kind}' for name, (_, kind, _) in WORN.items() if name not in worn})
    with bench(setting, seed, device) as found:
        for _ in range(_TRIES):
            record, start_ns = found.play(faults)
            result = judged(record, faults, worn, start_ns, found.alive)
            if not result['failed'] or not record.disturbed or not found.alive:
                return result | {'left_out': left_out}
    failed = [f'the machine was too busy to tell ({record.disturbed})', *result['failed']]
    return result | {'left_out': left_out, 'failed': failed}


def judged(
    record: Record, faults: list[Fault], worn: dict[str, tuple[str, str, float]], start_ns: int, alive: bool
) -> dict[str, object]:
    """Whether every joint kept to its limit and was said to be measured when it was, and only then."""
    received = (record.pose_received_ns - start_ns) / 1e9
    peaks = checks.peak_velocities(record)
    failed = [] if alive else ['the node died']
    failed += [] if record.finite else ['not finite']
    failed += ['stamps went back'] if checks.time_resets(record) else []
    failed += [f'a joint at {max(peaks):.1f} rad/s'] if checks.too_fast(peaks) else []
    rows = []
    for fault in faults:
        (name,) = fault.sensors
        joint, kind, rate = worn[name]
        row = {'sensor': name, 'type': kind, 'rate': rate, 'heard': heard(record, name, start_ns)}
        row |= switched(received, checks.mostly(record.measured[:, smpl22.INDEX[joint]]), fault)
        failed += [f'{name}: {what}' for what in row['failed']]
        rows.append(row)
    return {
        'inputs': rows, 'poses': len(received), 'peak_velocity': peaks[0], 'peak_by_angles': peaks[1], 'failed': failed,
    }  # fmt: skip


def switched(
    received: Float[np.ndarray, 'pose'], measured: Bool[np.ndarray, 'pose'], fault: Fault
) -> dict[str, object]:
    """How long after a sensor stopped and returned its joint was said to be so, and what is wrong with that."""
    off = checks.recovery_time(received[received < fault.end], ~measured[received < fault.end], fault.begin)
    on = checks.recovery_time(received, measured, fault.end)
    before = measured[(received > FIRST / 2) & (received < fault.begin)]
    failed = ['not measured all the time before'] if not len(before) or not before.all() else []
    failed += [f'said to be measured for {off:.2f} s after it stopped'] if off > GONE else []
    failed += [f'measured again only after {on:.2f} s'] if on > checks.RECOVERY else []
    return {'off_after': off, 'on_after': on, 'failed': failed}


def heard(record: Record, name: str, start_ns: int) -> float:
    """The rate [Hz] that the diagnostics told before the first silence; NaN where they did not."""
    told = [row for row in record.told if row.received_ns < start_ns + FIRST * 1e9]
    return float(told[-1].values.get(f'{name} rate [Hz]', math.nan)) if told else math.nan


def table(result: dict[str, object]) -> str:
    """What was found, in Markdown."""
    lines = ['| sensor | type | sent [Hz] | heard [Hz] | off after [s] | on after [s] | verdict |', '|' + '---|' * 7]
    for row in result['inputs']:
        times = [f'{row[key]:.2f}' for key in ('off_after', 'on_after')]
        verdict = '; '.join(row['failed']) or 'as promised'
        cells = [row['sensor'], row['type'], f'{row["rate"]:g}', f'{row["heard"]:.0f}', *times, verdict]
        lines.append('| ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)
