"""`inpose bench`: what a pose costs, stage by stage and beside the paper's procedure, and how late it comes."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
import tyro

from inpose_ros.cli import process_stats
from inpose_ros.cli import report_files as reports
from inpose_ros.diffusion import checkpoint
from inpose_ros.diffusion.solver import DEFAULT_MODEL, select_device
from inpose_ros.errors import ParameterError
from inpose_ros.evaluation.paper_cost import ADVANCE, OFFICIAL, PaperCost, paper_cost
from inpose_ros.motion.procedural import random_skeleton
from inpose_ros.node.factory import build_solver, first_guess
from inpose_ros.node.parameters import NodeParameters
from inpose_ros.node.sensor_inputs import sensor_from
from inpose_ros.tools import bench_page, bench_sensors
from inpose_ros.tools.bench_cost import CostBench
from inpose_ros.tools.bench_frames import FrameBench, summary
from inpose_ros.tools.bench_live import live as measured_live

_WARM_UP = 2.0  # until the window is full and the solver has settled [s]


def bench(
    device: str = 'auto',
    report: Annotated[Path | None, tyro.conf.arg(metavar='FILE.json')] = None,
    doc: Annotated[Path | None, tyro.conf.arg(metavar='FILE.md')] = None,
    live: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    seconds: float = 60.0,
    busy: int = 0,
    rate: float = 60.0,
    steps: int = 1,
    frames: int = 600,
    windows: int = 3,
    model: Path = DEFAULT_MODEL,
    seed: int = 0,
) -> None:
    """Measure what a pose costs; nothing else should run meanwhile.

    Without --live: every stage of a frame in one thread, the paper's procedure at its official size, and the cost
    against window length, steps, sensors and bodies. With --live: end to end through DDS, with three trackers at 90 Hz
    and three IMUs at 100 Hz played by another process. With --doc alone: all of it, and once more live with a core kept
    busy.

    Args:
        device: auto, cpu or cuda.
        report: Where to write all numbers as JSON.
        doc: Page whose sections are written anew; with --live only that section.
        live: Measure through DDS only.
        seconds: How long live poses are counted.
        busy: So many other processes each keep a core busy while live poses are counted.
        rate: Poses a second.
        steps: Passes of the network wanted for a pose, 1 to 8.
        frames: How many frames are timed, after the first two seconds.
        windows: How many windows of the paper's procedure are timed, of which the median counts.
        model: Model folder.
        seed: Seed of body, motion and noise.
    """
    if min(frames, windows) < 1 or busy < 0 or not (1 <= seconds <= 3000 and 1 <= rate <= 120 and 1 <= steps <= 8):
        raise ParameterError(
            'frames and windows must be at least 1, busy at least 0, seconds 1 to 3000, rate 1 to 120, steps 1 to 8'
        )
    chosen = str(select_device(device))
    checkpoint.load(model)  # what is wrong with it is said here, not by a node that then waits for better parameters
    params = replace(
        NodeParameters(), device=chosen, rate=rate, steps=steps, seed=seed, model=str(model.resolve()),
        stature=random_skeleton(seed).stature,
    )  # fmt: skip
    result: dict[str, object] = {} if live else _in_one_thread(params, frames, windows)
    if live or doc is not None:
        result['live'] = _live(params, seconds, busy)
    if live:
        result = result['live'] | result
    elif doc is not None:
        result['live_busy'] = _live(params, seconds, max(1, busy))
    how = reports.provenance(chosen, seed, checkpoint.digest(model)) | _machine()
    _print(result)
    if report is not None:
        reports.write(report, result | how)
    if doc is not None:
        bench_page.update(doc, result, how, rate)


def _in_one_thread(params: NodeParameters, frames: int, windows: int) -> dict[str, object]:
    """Frames first, so that the memory is theirs; the paper gets all cores."""
    skeleton, worn, warm_up = first_guess(params).skeleton, bench_sensors.worn(), round(_WARM_UP * params.rate)
    solver = build_solver(params, skeleton)
    sensors = [sensor_from(name, row) for name, row in worn.items()]
    solver.warm_up([sensor.joint_index for sensor in sensors if sensor.type != 'imu'])
    _tell('frames')
    readings = bench_sensors.simulated(worn, params.seed, (frames + warm_up + 1) / params.rate)
    timed = FrameBench(solver, sensors).run(readings, params.rate, warm_up)
    result: dict[str, object] = {'inpose': summary(timed), 'rss_mb': process_stats.resident_mb(os.getpid())}
    if params.device == 'cuda':
        result['gpu_mb'] = torch.cuda.max_memory_allocated() / 2**20
    result |= {'backend': solver.backend, 'method': params.method, 'threads': torch.get_num_threads()}
    _tell("the paper's procedure")
    with _all_cores():
        cost = paper_cost(select_device(params.device), skeleton, params.seed, windows)
        result['paper_procedure'] = {'ms_per_window': cost.dense_ms, 'ms_per_window_closed_form': cost.closed_form_ms,
                                     'parameters': cost.parameters, 'frames': OFFICIAL.frames,
                                     'threads': torch.get_num_threads()}  # fmt: skip
    result |= ratios(cost, result['inpose']['p50_ms'])
    return result | {'cost': CostBench(params, skeleton, params.rate).run(_tell)}


def ratios(paper: PaperCost, frame_ms: float) -> dict[str, float]:
    """How many times longer the paper's procedure takes: for the newest frame of a window, for each new frame when it
    advances by ADVANCE, and for the newest frame with its likelihood in closed form.
    """
    return {
        'ratio': paper.dense_ms / frame_ms,
        'ratio_per_frame': paper.dense_ms / ADVANCE / frame_ms,
        'ratio_closed_form': paper.closed_form_ms / frame_ms,
    }


def _live(params: NodeParameters, seconds: float, busy: int) -> dict[str, object]:
    _tell(f'live, {seconds:g} s' + (f', {busy} busy' if busy else ''))
    node = {'device': params.device, 'model': params.model, 'steps': params.steps, 'body.stature': params.stature}
    return measured_live(node, params.seed, params.rate, seconds, busy) | {'steps': params.steps}


@contextmanager
def _all_cores() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(process_stats.cores())
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _machine() -> dict[str, object]:
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {'cpu': process_stats.cpu_model(), 'cores': process_stats.cores(), 'gpu': gpu}


def _print(result: dict[str, object], indent: str = '') -> None:
    for name, value in result.items():
        if isinstance(value, dict):
            print(f'{indent}{name}:')
            _print(value, indent + '  ')
        else:
            print(f'{indent}{name}: {value:.2f}' if isinstance(value, float) else f'{indent}{name}: {value}')


def _tell(what: str) -> None:
    print(f'measuring: {what}', file=sys.stderr, flush=True)
