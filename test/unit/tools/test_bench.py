"""`inpose bench`: each number means what it says, and the report has all that were promised."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from builtin_interfaces.msg import Time
from rclpy.serialization import serialize_message
from std_msgs.msg import Header

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.body.state import BodyState
from inpose_ros.cli import process_stats
from inpose_ros.cli.main import main
from inpose_ros.diffusion import checkpoint
from inpose_ros.evaluation.paper_cost import PaperCost
from inpose_ros.msg import BodyPose
from inpose_ros.node.parameters import NodeParameters
from inpose_ros.node.sensor_inputs import sensor_from
from inpose_ros.sensing.resample import JointWindow
from inpose_ros.tools import bench, bench_cost, bench_sensors
from inpose_ros.tools.bench_cost import CostBench
from inpose_ros.tools.bench_frames import STAGES, Frame, FrameBench, percentiles, summary
from inpose_ros.tools.bench_live import scored, solver_said
from inpose_ros.tools.bench_receiver import stamp_of

from ..training.examples import small_denoiser

MS = 1_000_000
SOLVE = {'network': 0.004, 'likelihood': 0.001, 'update': 0.002}


class TickingClock:
    """Each look at it is a millisecond later."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


class StandInSolver:
    """A T-pose whenever it is asked; it takes what SOLVE says, by the clock that it is given."""

    frames, rate, device, backend, passes = 8, 30.0, 'cpu', 'stand-in', 3
    timings = SOLVE

    def __init__(self, clock: TickingClock) -> None:
        self.skeleton, self.clock, self.windows, self.checks = Skeleton.mean(), clock, [], 0

    def check(self) -> tuple:
        self.checks += 1
        return ()

    def solve(self, window: JointWindow, floor_height: float = 0.0) -> BodyState:
        self.windows.append(window)
        self.clock.now += sum(SOLVE.values())
        joints = len(smpl22.JOINTS)
        return BodyState(
            stamp_ns=window.stamp_ns, skeleton=self.skeleton, root=torch.zeros(3, dtype=torch.float64),
            rot_world_joint=torch.eye(3, dtype=torch.float64).expand(joints, 3, 3),
            rotation_stddev=torch.full((joints,), 0.1), position_covariance=torch.eye(3).expand(joints, 3, 3),
            measured=window.rot_valid[-1], root_observed=True, foot_contact=torch.ones(2),
        )  # fmt: skip

    def reset(self) -> None: ...

    def warm_up(self, located: list[int]) -> None: ...


def frames_of(seconds: float, rate: float, warm_up: int) -> tuple[list[Frame], StandInSolver]:
    worn, clock = bench_sensors.worn(), TickingClock()
    solver = StandInSolver(clock)
    found = FrameBench(solver, [sensor_from(name, row) for name, row in worn.items()], clock)
    return found.run(bench_sensors.simulated(worn, 0, seconds), rate, warm_up), solver


def test_every_tick_after_the_warm_up_is_a_frame_of_the_newest_measurement() -> None:
    frames, solver = frames_of(1.0, 60.0, warm_up=40)
    assert len(solver.windows) == len(frames) + 40 and len(frames) == pytest.approx(20, abs=2)
    stamps = np.array([window.stamp_ns for window in solver.windows])
    ticks = np.arange(1, len(stamps) + 1) * 1e9 / 60
    # The newest of IMUs at 100 Hz and trackers at 90 Hz.
    assert (np.diff(stamps) > 0).all() and (ticks - stamps >= -1).all() and (ticks - stamps < 11.2 * MS).all()
    assert solver.windows[-1].location_valid[-1].sum() == 3 and solver.windows[-1].rot_valid[-1].sum() == 6


def test_the_stages_are_those_of_the_solver_with_the_window_before_and_the_messages_after() -> None:
    frames, _ = frames_of(1.0, 30.0, warm_up=0)
    assert set(frames[0].seconds) == {*STAGES, 'whole'} and {frame.passes for frame in frames} == {3}
    for frame in frames:
        taken = dict(frame.seconds)
        assert taken.pop('check') == pytest.approx(0.001)  # after the pose is out: no part of the whole
        assert taken.pop('whole') == pytest.approx(sum(taken.values()) + 0.001)  # a look at the clock around the solve
        assert {name: taken[name] for name in SOLVE} == SOLVE


def test_percentiles_are_in_milliseconds_and_rise() -> None:
    assert percentiles([0.001 * k for k in range(101)]) == pytest.approx({'p50_ms': 50, 'p95_ms': 95, 'p99_ms': 99})


def test_a_summary_has_every_stage_and_the_whole_beside_them() -> None:
    frames = [
        Frame({'window': 0.001, **SOLVE, 'messages': 0.003, 'check': 0.0, 'whole': 0.011}, passes)
        for passes in (1, 2, 2)
    ]
    found = summary(frames)
    assert list(found['stages']) == list(STAGES) and found['stages']['network']['p99_ms'] == pytest.approx(4)
    assert (found['p50_ms'], found['passes'], found['frames']) == (pytest.approx(11), 2, 3)


def test_ratios_are_to_the_newest_frame_per_new_frame_and_in_closed_form() -> None:
    found = bench.ratios(PaperCost(dense_ms=4000.0, closed_form_ms=3000.0, parameters=1), 10.0)
    assert found == {'ratio': 400.0, 'ratio_per_frame': 20.0, 'ratio_closed_form': 300.0}


def test_poses_are_missed_that_do_not_come_in_the_time_from_the_first_on() -> None:
    received = np.arange(0, 3_000, 100) * MS
    kept = np.delete(received, [3, 7])
    found = scored(kept - 20 * MS, kept, rate=10.0, seconds=2.0)
    assert (found['frames'], found['missed']) == (18, 2)
    assert found['latency_p50_ms'] == found['latency_p99_ms'] == pytest.approx(20)
    late = np.where(np.arange(len(kept)) >= 18, 900, 20) * MS  # after the time that counts
    assert scored(kept - late, kept, 10.0, 2.0) == found
    faster = scored(kept - 20 * MS, kept, rate=5.0, seconds=2.0)
    assert faster['missed'] == 0


def test_what_the_diagnostics_do_not_say_of_the_solver_is_left_out() -> None:
    assert solver_said([]) == {} and solver_said([{'dropped': '4'}]) == {'dropped': 4}
    told = [
        {'network_passes': 'nan', 'hurried [%]': '0'},
        {'network_passes': '4', 'hurried [%]': '30'},
        {'network_passes': '1.5', 'dropped': '0'},
    ]
    passes = {'mean': 2.75, 'min': 1.5, 'max': 4.0}
    assert solver_said(told) == {'network_passes': passes, 'hurried_percent': 15.0, 'dropped': 0}


def test_the_stamp_of_a_message_is_read_from_its_bytes() -> None:
    message = BodyPose(header=Header(stamp=Time(sec=1_700_000_000, nanosec=999_999_999), frame_id='world'))
    assert stamp_of(serialize_message(message)) == 1_700_000_000_999_999_999


def test_the_machine_is_told_what_a_process_takes_until_it_has_ended() -> None:
    before = process_stats.cpu_seconds(os.getpid())
    while process_stats.cpu_seconds(os.getpid()) < before + 0.05:
        sum(range(10_000))
    assert 10 < process_stats.resident_mb(os.getpid()) < 1e6
    assert process_stats.cpu_model() and process_stats.cores() >= 1
    child = subprocess.Popen([sys.executable, '-c', ''])
    child.wait()
    for look in (process_stats.cpu_seconds, process_stats.resident_mb):
        with pytest.raises(ProcessLookupError):
            look(child.pid)


@pytest.fixture(scope='module')
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('model')
    checkpoint.save(folder, small_denoiser())
    return folder


def test_costs_are_measured_at_each_value_of_what_is_varied(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    monkeypatch.setattr(bench_cost, '_FRAMES', 2)
    monkeypatch.setattr(bench_cost, '_WARM_UP', 1)
    for name, values in {'LENGTHS': (4, 8), 'STEPS': (3,), 'SENSORS': (4,), 'BODIES': (2,)}.items():
        monkeypatch.setattr(bench_cost, name, values)
    said = []
    params = replace(NodeParameters(), device='cpu', model=str(model))
    found = CostBench(params, Skeleton.mean(), 60.0).run(said.append)
    values = {name: list(row) for name, row in found.items()}
    assert values == {'window_frames': ['4', '8'], 'steps': ['3'], 'sensors': ['4'], 'bodies': ['2']}
    assert all(ms > 0 for row in found.values() for ms in row.values()) and len(said) == 4


def inpose(monkeypatch: pytest.MonkeyPatch, *words: object) -> object:
    """Run the command; the status with which it ends, or its last words."""
    monkeypatch.setattr(sys, 'argv', ['inpose', 'bench', *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code


def test_the_report_holds_frames_ratios_memory_costs_and_how_it_came_about(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: Path
) -> None:
    monkeypatch.setattr(bench, 'paper_cost', lambda *how: PaperCost(4000.0, 3000.0, 22))
    monkeypatch.setattr(bench.CostBench, 'run', lambda self, tell: {'steps': {'1': 1.0}})
    report = tmp_path / 'new' / 'report.json'
    words = ('--device', 'cpu', '--frames', 5, '--rate', 10, '--model', model, '--seed', 3, '--report', report)
    assert not inpose(monkeypatch, *words)
    found = json.loads(report.read_text())
    ours = found['inpose']
    assert {'p50_ms', 'p95_ms', 'p99_ms', 'stages', 'passes'} <= set(ours) and ours['frames'] >= 5
    assert all(set(row) == {'p50_ms', 'p95_ms', 'p99_ms'} for row in ours['stages'].values())
    assert found['paper_procedure']['ms_per_window'] == 4000.0
    assert found['ratio'] == pytest.approx(4000 / ours['p50_ms']) == pytest.approx(20 * found['ratio_per_frame'])
    assert found['ratio_closed_form'] == pytest.approx(0.75 * found['ratio'])
    assert found['rss_mb'] > 10 and found['cost'] == {'steps': {'1': 1.0}}
    assert (found['device'], found['seed'], found['model']) == ('cpu', 3, checkpoint.digest(model))
    assert found['command'].startswith('inpose bench') and {'cpu', 'cores', 'versions', 'threads'} <= set(found)


def test_live_numbers_alone_stand_at_the_top_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: Path) -> None:
    told = []

    def live(*how: object) -> dict[str, object]:
        told.append(how)
        return {'frames': 59, 'missed': 1, 'busy': 2}

    monkeypatch.setattr(bench, 'measured_live', live)
    report = tmp_path / 'report.json'
    words = ('--live', '--busy', 2, '--steps', 3, '--seconds', 1, '--model', model, '--report', report)
    assert not inpose(monkeypatch, *words)
    found = json.loads(report.read_text())
    assert found['live'] == {'frames': 59, 'missed': 1, 'busy': 2, 'steps': 3}
    assert (found['frames'], found['missed']) == (59, 1)
    assert told[0][1:] == (0, 60.0, 1.0, 2)
    assert told[0][0]['steps'] == 3 and told[0][0]['model'] == str(model)


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (('--frames', '0'), 'at least 1'),
        (('--seconds', '0'), '1 to 3000'),
        (('--steps', '9'), 'steps 1 to 8'),
        (('--device', 'abacus'), 'abacus'),
        (('--model', 'nowhere'), 'nowhere'),
        (('--live', '--model', 'nowhere'), 'nowhere'),
    ],
)
def test_a_mistake_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str) -> None:
    last = inpose(monkeypatch, *words)
    assert isinstance(last, str) and last.startswith('inpose: ') and said in last and '\n' not in last
