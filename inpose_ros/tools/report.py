"""`inpose report`: all evaluations that the targets need, then docs/results.md with its figures."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tqdm import tqdm

from inpose_ros.body.skeleton import Skeleton
from inpose_ros.cli import report_files as reports
from inpose_ros.diffusion import checkpoint
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.solver import DEFAULT_MODEL, select_device
from inpose_ros.errors import DataError, InPoseError, ModelError, ParameterError
from inpose_ros.evaluation.setting import BONES
from inpose_ros.tools.evaluate import rival_digests
from inpose_ros.tools.report_pages import page
from inpose_ros.tools.report_pages.plan import Frames, Run, outdated, planned
from inpose_ros.tools.report_pages.report_reader import Found
from inpose_ros.tools.rivals.contenders import RIVALS

_FRAMES = Frames()
_FIGURES = {
    'scale_scaled_mpjpe_cm.png': 'Scaled MPJPE against body scale',
    'scale_mpjre_deg.png': 'MPJRE against body scale',
    'location_noise_mpjpe_cm.png': 'MPJPE against location noise',
    'joints.png': 'Errors of each joint',
    'calibration.png': 'Claimed against observed coverage',
    'costs.png': 'Error against the time from measurement to pose',
    page.GALLERY: 'Best, median and worst clip',
}


@dataclass(frozen=True)
class Evaluation:
    """Where runs are kept, and what `inpose evaluate` is given in all of them."""

    folder: Path
    data: Path
    model: Path
    split: str
    device: str
    seed: int
    jobs: int

    def words(self, run: Run) -> tuple[str, ...]:
        return run.words(self.split, self.device, self.seed)

    def report(self, run: Run) -> Path:
        return self.folder / f'{run.name}.json'

    def figures(self, run: Run) -> Path:
        return self.folder / run.name

    def command(self, run: Run) -> list[str]:
        """What is run, in a process of its own."""
        places = ['--data', self.data, '--model', self.model, '--report', self.report(run)]
        places += ['--figures', self.figures(run)] if run.pictured else []
        return [sys.executable, '-m', 'inpose_ros', 'evaluate', *map(str, places), *self.words(run)]

    def why(self, run: Run, made_by: dict[str, object]) -> str:
        """Why it has to be run; empty where its report stands."""
        if not self.report(run).exists():
            return 'no report yet'
        if run.pictured and not (self.figures(run) / page.GALLERY).exists():
            return 'no gallery yet'
        return outdated(json.loads(self.report(run).read_text()), self.words(run), made_by)

    def run(self, run: Run) -> bool:
        """Evaluate; all that is said goes to a log beside the report. The cores are shared, unless it is said how."""
        threads = {'OMP_NUM_THREADS': str(max(1, (os.cpu_count() or 1) // self.jobs))}
        with open(self.folder / f'{run.name}.log', 'w') as log:
            done = subprocess.run(self.command(run), stdout=log, stderr=log, env=threads | dict(os.environ))
        return done.returncode == 0


def report(
    data: Path,
    out: Annotated[Path, tyro.conf.arg(metavar='FILE.md')] = Path('docs/results.md'),
    runs: Path = Path('runs/report'),
    tried: Annotated[Path, tyro.conf.arg(metavar='FILE.md')] = Path('docs/results_tried.md'),
    split: str = 'test',
    model: Path = DEFAULT_MODEL,
    device: str = 'auto',
    frames_main: int = _FRAMES.main,
    frames_sweep: int = _FRAMES.sweep,
    frames_paper: int = _FRAMES.paper,
    frames_costs: int = _FRAMES.costs,
    jobs: int = 2,
    any_code: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    seed: int = 0,
) -> int:
    """Measure all that was promised, and write it beside the targets. Goes on where it was stopped.

    An evaluation whose report is there, by the same options, weights, data and code, is not made again.

    Args:
        data: Folder of the packed motion data (index.json, *.npz).
        out: The page; its figures go to the folder `figures` beside it.
        runs: Where the reports of the evaluations are kept.
        tried: What was written by hand of missed targets, a section `## 3 ...` for the third; it goes into the page.
        split: Which part of the data: train, val or test.
        model: Model folder.
        device: auto, cpu or cuda.
        frames_main: Frames scored of the main tables.
        frames_sweep: Frames scored at each value of what is varied.
        frames_paper: Frames scored where the paper's procedure takes part, at a second each.
        frames_costs: Frames scored of steps, lags and backends, 50 steps among them.
        jobs: Evaluations at a time, which share the cores.
        any_code: Keep reports of other code, too: for when a change cannot have changed a number.
        seed: Seed of the samplers' noise.
    """
    if min(frames_main, frames_sweep, frames_paper, frames_costs, jobs) < 1:
        raise ParameterError('frames and jobs must be at least 1')
    if not (data / 'index.json').exists():
        raise DataError(f'{data} has no index.json: give the folder of the packed motion data')
    every = Evaluation(runs, data, model, split, device, seed, jobs)
    rivals, remarks = _rivals(MotionPrior.load(model, select_device(device)), seed)
    frames = Frames(frames_main, frames_sweep, frames_paper, frames_costs)
    plan = planned(frames, rivals, BONES)
    made_by = {'model': checkpoint.digest(model), 'data': reports.data_digest(data), 'rivals': rival_digests(rivals)}
    made_by |= {} if any_code else {'code': reports.code_digest()}
    failed = _evaluate(every, plan, made_by)
    remarks += [f'`{run.name}` failed.' for run in failed]
    command = ('inpose', 'report', '--data', 'FOLDER', '--split', split, '--frames-main', str(frames.main),
               '--frames-sweep', str(frames.sweep), '--frames-paper', str(frames.paper),
               '--frames-costs', str(frames.costs))  # fmt: skip
    made = page.Made(command, plan, {run.name: every.words(run) for run in plan}, remarks)
    _write(every, [run for run in plan if run not in failed], made, out, tried)
    return int(bool(failed))


def _rivals(prior: MotionPrior, seed: int) -> tuple[list[str], list[str]]:
    """Those that can be run, and what to say of the others and of what else is lacking."""
    there, remarks = [], []
    for name, rival in RIVALS.items():
        try:
            rival.solver(prior, Skeleton.mean(), seed)
            there.append(name)
        except InPoseError as error:
            print(f'without {name}: {error}')
            lacking = (
                'its weights are' if isinstance(error, ModelError) else 'a library of requirements-examples.txt is'
            )
            remarks.append(f'`{name}` is left out: {lacking} missing.')
    if 'estimated' not in BONES:
        remarks.append('`--bones estimated` is left out: this version has no such option.')
    return there, remarks


def _evaluate(every: Evaluation, plan: Sequence[Run], made_by: dict[str, object]) -> list[Run]:
    """Make what is not there; returns what failed."""
    every.folder.mkdir(parents=True, exist_ok=True)
    reasons = {run.name: every.why(run, made_by) for run in plan}
    for name, why in reasons.items():
        print(f'{name}: {why or "kept"}')
    failed = []
    for alone in (False, True):
        failed += _evaluate_all(every, [run for run in plan if reasons[run.name] and run.alone == alone], alone)
    return failed


def _evaluate_all(every: Evaluation, wanted: Sequence[Run], alone: bool) -> list[Run]:
    """Side by side, or one after the other; returns what failed."""
    failed, jobs = [], 1 if alone else every.jobs
    with ThreadPoolExecutor(jobs) as pool, tqdm(total=len(wanted), unit='run', disable=not wanted) as bar:
        futures = {pool.submit(every.run, run): run for run in wanted}
        try:
            for future in as_completed(futures):
                bar.update()
                if not future.result():
                    failed.append(futures[future])
                    tqdm.write(f'{futures[future].name} failed: see {every.folder / futures[future].name}.log')
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    return failed


def _write(every: Evaluation, runs: Sequence[Run], made: page.Made, out: Path, tried: Path) -> None:
    """The page of what was measured, and its figures."""
    found = Found({run.name: json.loads(every.report(run).read_text()) for run in runs})
    folder = out.parent / 'figures'
    folder.mkdir(parents=True, exist_ok=True)
    for file, why in page.draw(folder, found).items():
        (folder / file).unlink(missing_ok=True)
        print(f'{file} was not drawn: {why}')
    for run in runs:
        if run.pictured:
            shutil.copy(every.figures(run) / page.GALLERY, folder / page.GALLERY)
    figures = {what: f'figures/{file}' for file, what in _FIGURES.items() if (folder / file).exists()}
    written = tried.read_text() if tried.exists() else ''
    out.write_text(page.written(found, made, written, figures))
    print(f'{out} is written')
