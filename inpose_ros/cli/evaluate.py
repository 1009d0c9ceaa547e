"""`inpose evaluate`: every method on the same frames of recorded motion."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import torch
import tyro
from tqdm import tqdm

from inpose_ros.body.skeleton import Skeleton
from inpose_ros.cli import report as reports
from inpose_ros.diffusion import checkpoint
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.solver import DEFAULT_MODEL, select_device
from inpose_ros.errors import ParameterError
from inpose_ros.evaluation.carried import with_estimated_bones
from inpose_ros.evaluation.evaluate import build_scenario
from inpose_ros.evaluation.evaluate import evaluate as score
from inpose_ros.evaluation.methods import METHODS, Contender
from inpose_ros.evaluation.rivals.contenders import RIVALS
from inpose_ros.evaluation.rivals.networks import NetworkRival
from inpose_ros.evaluation.setting import Setting, Sweep
from inpose_ros.motion.packed import PackedMotion

_COLUMNS = ('mpjpe_cm', 'upper_cm', 'lower_cm', 'hand_cm', 'mpjre_deg', 'location_residual_cm', 'jitter_100m_s3',
            'coverage90', 'ms_per_frame')  # fmt: skip
_OFFERED: dict[str, Contender] = METHODS | RIVALS
# By method, option and value as typed.
Results = dict[str, dict[str, dict[str, dict[str, float]]]]


def evaluate(
    data: Path,
    split: str = 'test',
    methods: str = 'prior,paper,paper_head,inpose',
    sensors: tyro.conf.UseAppendAction[tuple[str, ...]] = (),
    scale: str = '1.0',
    body: tyro.conf.UseAppendAction[tuple[str, ...]] = (),
    location_noise: str = '0',
    rotation_noise: str = '0',
    bones: str = 'known',
    report: Annotated[Path | None, tyro.conf.arg(metavar='FILE.json')] = None,
    model: Path = DEFAULT_MODEL,
    device: str = 'auto',
    stride: int = 5,
    frames: int | None = None,
    from_start: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    shuffle_locations: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False,
    seed: int = 0,
) -> None:
    """Score methods against recorded motion, all on the same frames of the same clips.

    Where an option is given several values, each is scored while the others stay at their base: their only value, or
    else their default.

    Args:
        data: Folder of the packed motion data (index.json, *.npz).
        split: Which part of the data: train, val or test.
        methods: Names joined by commas: prior, paper, paper_head, inpose, or the rivals location_conditioned,
            location_augmented, regression, regression_ik and ik.
        sensors: Joints tracked, joined by commas (head,left_wrist,right_wrist where none are given); `pelvis:imu` is no
            tracker but an IMU. Repeatable.
        scale: Body scales joined by commas; all bones and the root's way are multiplied.
        body: `own` (where none is given), `mean`, or groups of bones such as `arms=1.4,torso=0.7` of the mean skeleton.
            Repeatable.
        location_noise: Standard deviations of the locations' noise joined by commas [m]; the solver is told.
        rotation_noise: The same of the rotations' noise [rad].
        bones: What the solver takes for the bones, joined by commas: `known`, `mean` for an average body, or
            `estimated` from at least a minute of the subject's motion before.
        report: Where to write the scores as JSON.
        model: Model folder.
        device: auto, cpu or cuda.
        stride: Windows end at every so many-th frame (30 Hz).
        frames: Score only so many of those frames, spread evenly over all clips.
        from_start: Score windows that begin before their clip too, when little has been seen; by default a window lies
            wholly inside its clip.
        shuffle_locations: Give each clip another clip's locations, which must hurt if locations are used.
        seed: Seed of the samplers' noise and of the shuffling.
    """
    names = methods.split(',')
    unknown = [name for name in names if name not in _OFFERED]
    if unknown:
        raise ParameterError(f'no methods {unknown}; there are {", ".join(_OFFERED)}')
    if stride < 1 or (frames is not None and frames < 1):
        raise ParameterError('stride and frames must be at least 1')
    sweep = Sweep.of(
        scale=_parts(scale), body=body or ('own',), location_noise=_parts(location_noise),
        rotation_noise=_parts(rotation_noise), bones=_parts(bones), sensors=sensors or (Setting().sensors,),
    )  # fmt: skip
    settings = sweep.settings()
    prior = MotionPrior.load(model, select_device(device))
    for name in names:  # what a rival lacks is said now, not after hours
        _OFFERED[name].solver(prior, Skeleton.mean(), seed)
    clips = list(PackedMotion(data, split))

    def score_all(setting: Setting, bar: tqdm) -> dict[str, dict[str, float]]:
        scene = build_scenario(
            clips, setting, first=stride - 1 if from_start else prior.frames - 1, stride=stride, frames=frames,
            rate=prior.rate, shuffle=shuffle_locations, seed=seed,
        )  # fmt: skip
        if setting.bones == 'estimated':
            scene = with_estimated_bones(scene, prior)
        bar.total = scene.frames * len(names) * len(set(settings.values()))
        return {name: score(scene, _OFFERED[name], prior, seed, on_scored=bar.update) for name in names}

    results, scored = _run(names, settings, score_all)
    _print(results, sweep)
    if report is not None:
        about = reports.provenance(prior.device, seed, checkpoint.digest(model))
        about |= {'frames': scored // len(names), 'split': split, 'stride': stride, 'base': vars(sweep.base)}
        about |= {'from_start': from_start, 'shuffle_locations': shuffle_locations}
        about |= {'threads': torch.get_num_threads(), 'rivals': _digests(names)}
        reports.write(report, {'methods': results} | about)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(',')]


def _run(
    names: list[str],
    settings: dict[tuple[str, str], Setting],
    score_all: Callable[[Setting, tqdm], dict[str, dict[str, float]]],
) -> tuple[Results, int]:
    """Each setting once, though it may be the value of several options; and how many frames one of them scored."""
    done: dict[Setting, dict[str, dict[str, float]]] = {}
    with tqdm(unit='frame') as bar:
        for (option, text), setting in settings.items():
            bar.set_description(f'{option} {text}')
            if setting not in done:
                done[setting] = score_all(setting, bar)
        frames = bar.total // len(set(settings.values()))
    results: Results = {name: {} for name in names}
    for (option, text), setting in settings.items():
        for name in names:
            results[name].setdefault(option, {})[text] = done[setting][name]
    return results, frames


def _print(results: Results, sweep: Sweep) -> None:
    """A row for each method and value; of an option that has one value only the base is shown."""
    rows = [('', '')] if all(len(texts) == 1 for texts in sweep.values.values()) else []
    rows += [(name, text) for name, texts in sweep.values.items() if len(texts) > 1 for text in texts]
    label = max(12, *(len(f'{option} {text}') for option, text in rows))
    print('method'.ljust(23), 'setting'.ljust(label), *(name.rjust(max(len(name), 9)) for name in _COLUMNS))
    for method, found in results.items():
        for option, text in rows:
            row = found[option][text] if option else next(iter(found['scale'].values()))
            cells = (_cell(row.get(column)).rjust(max(len(column), 9)) for column in _COLUMNS)
            print(method.ljust(23), f'{option} {text}'.strip().ljust(label), *cells)


def _digests(names: list[str]) -> dict[str, str]:
    """Of the weights of those rivals that have some."""
    offered = {name: _OFFERED[name] for name in names}
    return {name: checkpoint.digest(rival.folder) for name, rival in offered.items() if isinstance(rival, NetworkRival)}


def _cell(value: float | None) -> str:
    """A method that does not say how sure it is has no coverage."""
    return '-' if value is None else f'{value:.2f}'
