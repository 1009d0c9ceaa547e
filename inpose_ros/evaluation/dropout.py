"""What a second without one tracker costs: its joint inferred, or held where it was last; as solved and as published.

python -m inpose_ros.evaluation.dropout --data FOLDER
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from inpose_ros.body import continuity, smpl22, urdf
from inpose_ros.body.continuity import Continued, Evidence
from inpose_ros.body.state import BodyState
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.sampler import InPoseRule
from inpose_ros.diffusion.solver import DEFAULT_MODEL, PoseSolver
from inpose_ros.evaluation.inertial import chosen
from inpose_ros.geometry import rotation
from inpose_ros.motion.clip import MotionClip
from inpose_ros.motion.simulate import SimulatedReading, WornSensor, simulate
from inpose_ros.sensing.measurement import Sensor
from inpose_ros.sensing.resample import JointWindow, joint_window
from inpose_ros.sensing.window import MeasurementWindow

LOST, GONE = 'left_wrist', (2.0, 3.0)  # [s]
_TIMEOUT = 0.5
# Means are taken over these times after the tracker stops [s]; it returns after one second.
BINS = ((-0.3, 0.0), (0.0, 0.1), (0.1, 0.25), (0.25, 0.5), (0.5, 1.0), (1.0, 1.3), (1.3, 1.6))
_BEGIN, _END, _TICK = GONE[0] - 0.3, GONE[1] + 0.6, 1 / 30
_LIMIT = 15.0  # [rad/s]
_WRIST = smpl22.INDEX[LOST]


@dataclass(frozen=True)
class Run:
    """One clip with one way to bridge the silence: the wrist's errors [cm] as solved and as published at each tick.

    `ages` [s] are the times since the tracker stopped, `peaks` [rad/s] the fastest turns as solved and as published.
    """

    ages: Float[np.ndarray, 'tick']
    solved: Float[np.ndarray, 'tick']
    published: Float[np.ndarray, 'tick']
    peaks: tuple[float, float]


def readings(clip: MotionClip, held: bool, seed: int) -> list[SimulatedReading]:
    """Three trackers at 60 Hz, of which one stops for a second; held: it repeats its last reading until the timeout."""
    worn = [
        WornSensor(Sensor(name, name), phase=0.005 * i, position_noise=0.002, rotation_noise=0.005)
        for i, name in enumerate(('head', LOST, 'right_wrist'))
    ]
    rows, last = [], None
    for row in simulate(clip, worn, np.random.default_rng(seed)):
        age = row.measurement.stamp_ns / 1e9 - GONE[0]
        if row.measurement.sensor != LOST or not 0 <= age < GONE[1] - GONE[0]:
            rows.append(row)
            last = row.measurement if row.measurement.sensor == LOST else last
        elif held and age < _TIMEOUT:
            rows.append(replace(row, measurement=replace(last, stamp_ns=row.measurement.stamp_ns)))
    return rows


def windows(rows: Sequence[SimulatedReading], solver: PoseSolver) -> Iterator[JointWindow]:
    """What the solver is given at each tick."""
    sensors = [Sensor(name, name) for name in ('head', LOST, 'right_wrist')]
    window, tick = MeasurementWindow(2_000_000_000), _BEGIN
    for row in rows:
        while row.arrival_ns / 1e9 > tick and tick < _END:
            yield joint_window(window, sensors, solver.frames, solver.rate, round(_TIMEOUT * 1e9))
            tick += _TICK
        window.add(row.measurement, row.arrival_ns)


def run(clip: MotionClip, solver: PoseSolver, held: bool, seed: int) -> Run:
    given = list(windows(readings(clip, held, seed), solver))
    bodies = [solver.solve(window) for window in given]
    published = list(_published(bodies, given))
    stamps = np.array([body.stamp_ns for body in bodies]) / 1e9
    truth = clip.sampled(torch.from_numpy(stamps)).positions.double()
    raw = [continuity.begin(body, continued.evidence) for body, continued in zip(bodies, published, strict=True)]
    return Run(
        stamps - GONE[0], _errors(bodies, truth), _errors([now.body for now in published], truth),
        (_peak(raw, stamps), _peak(published, stamps)),
    )  # fmt: skip


def _published(bodies: Sequence[BodyState], given: Sequence[JointWindow]) -> Iterator[Continued]:
    last = None
    for body, window in zip(bodies, given, strict=True):
        evidence = Evidence.of(window.rot_valid[-1], window.location_valid[-1])
        if last is None:
            last = continuity.begin(body, evidence)
        else:
            step = (body.stamp_ns - last.body.stamp_ns) / 1e9
            last = continuity.follow(last, body, evidence, step, _LIMIT)
        yield last


def _errors(bodies: Sequence[BodyState], truth: Float[torch.Tensor, 'tick joint 3']) -> Float[np.ndarray, 'tick']:
    """Distances of the lost wrist from the truth [cm], in the world."""
    places = torch.stack([body.positions.double()[_WRIST] for body in bodies])
    return 100 * (places - truth[:, _WRIST]).norm(dim=-1).numpy()


def _peak(poses: Sequence[Continued], stamps: Float[np.ndarray, 'tick']) -> float:
    """The fastest turn of a ball joint from one pose to the next [rad/s]."""
    angles = np.stack([now.angles for now in poses])
    local = torch.from_numpy(urdf.ball_rotations(angles))
    turned = rotation.angle_between(local[:-1], local[1:]).numpy()
    return float((turned.max(-1) / np.diff(stamps)).max())


def table(runs: dict[str, Sequence[Run]]) -> tuple[str, dict[str, list[float]]]:
    """Mean error of the wrist [cm] in each of BINS, and the fastest turn, mean over the clips; Markdown and numbers."""
    rows = {}
    for name, of_clips in runs.items():
        ages = np.concatenate([one.ages for one in of_clips])
        for part, what in enumerate(('solved', 'published')):
            errors = np.concatenate([getattr(one, what) for one in of_clips])
            means = [errors[(ages >= low) & (ages < high)].mean() for low, high in BINS]
            rows[f'{name}, {what}'] = [float(x) for x in (*means, np.mean([one.peaks[part] for one in of_clips]))]
    head = ['', *(f'{low:g} to {high:g} s' for low, high in BINS), 'peak [rad/s]']
    lines = ['| ' + ' | '.join(head) + ' |', '|---' * len(head) + '|']
    lines += ['| ' + ' | '.join((name, *(f'{value:.1f}' for value in row))) + ' |' for name, row in rows.items()]
    return '\n'.join(lines), rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', type=Path, required=True, help='folder of the packed motion data')
    parser.add_argument('--clips', type=int, default=40, help='how many clips of the test split, those long enough')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--report', type=Path, help='write the table to this JSON file too')
    args = parser.parse_args()
    prior = MotionPrior.load(DEFAULT_MODEL, torch.device('cpu'))
    clips = [clip for clip in chosen(args.data, args.clips, _END + 0.1) if clip.seconds >= _END]
    runs = {
        name: [run(clip, PoseSolver(prior, clip.skeleton, InPoseRule()), held, args.seed) for clip in clips]
        for name, held in (('inferred', False), ('held', True))
    }
    text, rows = table(runs)
    print(f'{len(clips)} clips\n\n{text}')
    if args.report is not None:
        args.report.write_text(json.dumps({'clips': len(clips), 'bins': BINS, 'rows': rows}, indent=1) + '\n')


if __name__ == '__main__':
    main()
