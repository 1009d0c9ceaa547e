"""What it gains to let a sensor go on beyond its last reading: how far off it is at the newest frame.

python -m inpose_ros.evaluation.inertial --data FOLDER
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from inpose_ros.body import smpl22
from inpose_ros.motion.clip import MotionClip
from inpose_ros.motion.packed import PERMISSIVE_SOURCES, PackedMotion
from inpose_ros.motion.simulate import SensorPath, WornSensor, simulate
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.resample import JointWindow, joint_window
from inpose_ros.sensing.window import MeasurementWindow

DELAYS = (0.0, 0.02, 0.04)  # [s]
RATES = {'imu': (20.0, 50.0, 100.0), 'pose': (30.0, 60.0, 90.0)}  # [Hz]
# What is known at the newest frame: the last reading, what the last readings show, what the gyroscope says.
HELD, SHOWN, SAID = range(3)
_HEAD = WornSensor(Sensor('other', 'head'), rate=60.0, position_noise=0.001, rotation_noise=0.002)
# A MEMS gyroscope of a few years ago; an orientation is noisy by 0.2 degrees about each axis, a place by 2 mm.
_NOISE = {'rotation_noise': 0.0035, 'gyro_noise': 0.01, 'gyro_bias': 0.01, 'position_noise': 0.002}
_TICK = 1 / 30
_TIMEOUT_NS = 500_000_000


def newest_errors(clip: MotionClip, worn: WornSensor, seed: int) -> Float[np.ndarray, 'tick 2 3']:
    """Errors of the sensor's joint at the newest frame, at ticks of 30 Hz: rotation [degrees], place [cm].

    Each as HELD, SHOWN and SAID. Beside the sensor there is another one that does not lag. NaN where the joint's
    rotation or place is not known.
    """
    windows, last, rows, next_tick = [MeasurementWindow(2_000_000_000) for _ in range(2)], None, [], 1.0
    path = SensorPath(clip, worn.sensor.joint_index, worn.mount)
    for reading in simulate(clip, [_HEAD, worn], np.random.default_rng(seed)):
        while reading.arrival_ns / 1e9 > next_tick:
            rows.append(_errors(windows, last, path, worn.sensor))
            next_tick += _TICK
        plain = replace(reading.measurement, angular_velocity=None)
        for window, measurement in zip(windows, (plain, reading.measurement), strict=True):
            window.add(measurement, reading.arrival_ns)
        last = reading.measurement if reading.measurement.sensor == worn.sensor.name else last
    return np.array(rows).reshape(-1, 2, 3)


def _errors(
    windows: Sequence[MeasurementWindow], last: Measurement | None, path: SensorPath, sensor: Sensor
) -> Float[np.ndarray, '2 3']:
    shown, said = (joint_window(window, (_HEAD.sensor, sensor), 1, 30.0, _TIMEOUT_NS) for window in windows)
    when = np.array([shown.stamp_ns / 1e9])
    true_rot, true_place = path.rotation(when)[0], path.position(when)[0]
    joint = sensor.joint_index
    if last is None or not shown.rot_valid[-1, joint]:
        return np.full((2, 3), np.nan)
    rots = [last.rot_world_sensor, *(_rotation(known, joint) for known in (shown, said))]
    turned = [np.degrees(Rotation.from_matrix(true_rot.T @ rot).magnitude()) for rot in rots]
    if not shown.location_valid[-1, joint]:
        return np.array([turned, [np.nan] * 3])
    places = [last.position, *(known.location[-1, joint].numpy() for known in (shown, said))]
    return np.array([turned, [100 * np.linalg.norm(place - true_place) for place in places]])


def _rotation(known: JointWindow, joint: int) -> Float[np.ndarray, '3 3']:
    return known.rot_world_joint[-1, joint].double().numpy()


def scores(clips: Sequence[MotionClip], joint: str, kind: str, seed: int) -> list[dict[str, float]]:
    """Means and 95th percentiles over all ticks of all clips, for each rate and delay of a sensor of this type."""
    rows = []
    for rate in RATES[kind]:
        for delay in DELAYS:
            # Not in step with the other sensor, as no two devices are.
            worn = WornSensor(Sensor('sensor', joint, kind), rate=rate, phase=0.3 / rate, delay=delay, **_NOISE)
            errors = np.concatenate([newest_errors(clip, worn, seed + i) for i, clip in enumerate(clips)])
            known = np.isfinite(errors[:, 0, HELD])
            row = {'rate': rate, 'late_ms': 1000 * delay, 'ticks': len(known), 'known': float(known.mean())}
            for part, unit in enumerate(('deg', 'cm')):
                for name, column in (('held', HELD), ('shown', SHOWN), ('said', SAID)):
                    values = errors[known, part, column]
                    row |= {f'{name}_{unit}': values.mean(), f'{name}_{unit}_p95': np.percentile(values, 95)}
            rows.append({key: float(value) for key, value in row.items()})
    return rows


def table(rows: Sequence[dict[str, float]], kind: str) -> str:
    """The scores as Markdown: mean (95th percentile)."""
    columns = (
        ('held_deg', 'shown_deg', 'said_deg') if kind == 'imu' else ('held_deg', 'shown_deg', 'held_cm', 'shown_cm')
    )
    lines = ['| ' + ' | '.join((f'{kind} [Hz]', 'late [ms]', *columns)) + ' |', '|---' * (2 + len(columns)) + '|']
    for row in rows:
        cells = [f'{row[column]:.2f} ({row[column + "_p95"]:.1f})' for column in columns]
        lines.append('| ' + ' | '.join((f'{row["rate"]:.0f}', f'{row["late_ms"]:.0f}', *cells)) + ' |')
    return '\n'.join(lines)


def chosen(folder: Path, count: int, seconds: float) -> list[MotionClip]:
    """Clips of the test split, spread evenly over it, each cut to its first seconds."""
    motion = PackedMotion(folder, 'test', PERMISSIVE_SOURCES)
    numbers = np.unique(np.linspace(0, len(motion) - 1, count).astype(int))
    return [_cut(motion.clip(int(number)), seconds) for number in numbers]


def _cut(clip: MotionClip, seconds: float) -> MotionClip:
    frames = slice(0, round(seconds * clip.fps))
    return replace(clip, rot_world_joint=clip.rot_world_joint[frames], root=clip.root[frames])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', type=Path, required=True, help='folder of the packed motion data')
    parser.add_argument('--joint', default='left_wrist', choices=smpl22.JOINTS, help='where the sensor sits')
    parser.add_argument('--clips', type=int, default=12, help='how many clips of the test split')
    parser.add_argument('--seconds', type=float, default=6.0, help='how much of each clip [s]')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--report', type=Path, help='write all scores to this JSON file')
    args = parser.parse_args()
    clips = chosen(args.data, args.clips, args.seconds)
    found = {kind: scores(clips, args.joint, kind, args.seed) for kind in RATES}
    for kind, rows in found.items():
        print(table(rows, kind), end='\n\n')
    if args.report is not None:
        about = {'joint': args.joint, 'clips': len(clips), 'seconds': args.seconds, 'seed': args.seed}
        args.report.write_text(json.dumps(found | about, indent=1) + '\n')


if __name__ == '__main__':
    main()
