"""`inpose evaluate`: every method on the same frames of recorded motion."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import torch
import tyro
from tqdm import tqdm

from inpose_ros.body.skeleton import Skeleton
from inpose_ros.cli import report_files as reports
from inpose_ros.diffusion import checkpoint
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.solver import DEFAULT_MODEL, select_device
from inpose_ros.errors import ParameterError
from inpose_ros.evaluation import detail
from inpose_ros.evaluation.bone_protocol import with_estimated_bones
from inpose_ros.evaluation.evaluate import Scenario, build_scenario
from inpose_ros.evaluation.evaluate import evaluate as score
from inpose_ros.evaluation.methods import METHODS, Contender
from inpose_ros.evaluation.setting import Setting, Sweep
from inpose_ros.motion.packed import PackedMotion
from inpose_ros.tools.report_pages import curves, gallery
from inpose_ros.tools.rivals.contenders import RIVALS
from inpose_ros.tools.rivals.networks import NetworkRival

_COLUMNS = ('mpjpe_cm', 'upper_cm', 'lower_cm', 'hand_cm', 'mpjre_deg', 'location_residual_cm', 'jitter_100m_s3',
            'coverage90', 'ms_per_frame')  # fmt: skip
_OFFERED: dict[str, Contender] = METHODS | RIVALS
Value = TypeVar('Value')
# By method, option and value as typed.
Results = dict[str, dict[str, dict[str, Value]]]


@dataclass(frozen=True)
class Outcome:
    """What one method did in one setting: its scores, its error at each joint [cm], claimed and observed coverages."""

    scores: dict[str, float]
    joint_cm: dict[str, float]
    calibration: dict[str, list[float]] | None
    details: list[detail.ClipDetail]

    @classmethod
    def of(
        cls, scene: Scenario, name: str, prior: MotionPrior, seed: int, on_scored: Callable[[int], None], keep: bool
    ) -> 'Outcome':
        """Score a method; `keep` its clips too."""
        details: list[detail.ClipDetail] = []
        scores = score(scene, _OFFERED[name], prior, seed, on_scored=on_scored, on_clip=details.append)
        joints, claims = detail.joint_errors(details), detail.calibration(details)
        return cls(scores, joints, claims, details if keep else [])


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
    figures: Annotated[Path | None, tyro.conf.arg(metavar='DIR')] = None,
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
        figures: Where to draw error over body scale and over location noise (of which two values must be given), the
            errors of each joint, claimed against observed coverage, and a gallery of best, median and worst clips.
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
    # What it was made by is read now, not after hours in which it may change.
    about = reports.provenance(prior.device, seed, checkpoint.digest(model))
    about |= {'data': reports.data_digest(data), 'code': reports.code_digest(), 'rivals': rival_digests(names)}

    def score_all(setting: Setting, bar: tqdm) -> dict[str, Outcome]:
        scene = build_scenario(
            clips, setting, first=stride - 1 if from_start else prior.frames - 1, stride=stride, frames=frames,
            rate=prior.rate, shuffle=shuffle_locations, seed=seed,
        )  # fmt: skip
        if setting.bones == 'estimated':
            scene = with_estimated_bones(scene, prior)
        bar.total = scene.frames * len(names) * len(set(settings.values()))
        keep = figures is not None and setting == sweep.base
        return {name: Outcome.of(scene, name, prior, seed, bar.update, keep) for name in names}

    done, scored = _run(settings, score_all)
    found = _collected(settings, done, sweep.base)
    _print(found['methods'], sweep)
    about |= {'frames': scored // len(names), 'split': split, 'stride': stride, 'base': vars(sweep.base)}
    about |= {'from_start': from_start, 'shuffle_locations': shuffle_locations, 'threads': torch.get_num_threads()}
    if report is not None:
        reports.write(report, found | about)
    if figures is not None:
        _draw(figures, found | about, done[sweep.base])


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(',')]


def _run(
    settings: Mapping[tuple[str, str], Setting], score_all: Callable[[Setting, tqdm], dict[str, Outcome]]
) -> tuple[dict[Setting, dict[str, Outcome]], int]:
    """Each setting once, though it may be the value of several options; and how many frames one of them scored."""
    done: dict[Setting, dict[str, Outcome]] = {}
    with tqdm(unit='frame') as bar:
        for (option, text), setting in settings.items():
            bar.set_description(f'{option} {text}')
            if setting not in done:
                done[setting] = score_all(setting, bar)
        return done, bar.total // len(done)


def _collected(
    settings: Mapping[tuple[str, str], Setting], done: Mapping[Setting, Mapping[str, Outcome]], base: Setting
) -> dict[str, object]:
    """What a report holds of the methods: scores and errors of each joint in every setting, claims at the base."""
    scores, joints = (
        _arranged(settings, {setting: _each(found, part) for setting, found in done.items()})
        for part in ('scores', 'joint_cm')
    )
    claims = {name: curve for name, curve in _each(done[base], 'calibration').items() if curve is not None}
    return {'methods': scores, 'joint_cm': joints, 'calibration': claims}


def _each(found: Mapping[str, Outcome], part: str) -> dict[str, object]:
    return {name: getattr(outcome, part) for name, outcome in found.items()}


def _arranged(
    settings: Mapping[tuple[str, str], Setting], done: Mapping[Setting, Mapping[str, Value]]
) -> Results[Value]:
    """What every method has in every setting, under each option and value that the setting stands for."""
    results: Results[Value] = {}
    for (option, text), setting in settings.items():
        for name, value in done[setting].items():
            results.setdefault(name, {}).setdefault(option, {})[text] = value
    return results


def _draw(folder: Path, found: curves.Report, base: Mapping[str, Outcome]) -> None:
    """All figures; what was not drawn is said."""
    name = 'inpose' if 'inpose' in base else next(iter(base))
    gallery.draw(folder / 'gallery.png', name, base[name].details)
    for file, why in curves.draw(folder, found).items():
        print(f'{file} was not drawn: {why}')


def _print(results: Results[dict[str, float]], sweep: Sweep) -> None:
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


def rival_digests(names: list[str]) -> dict[str, str]:
    """Of the weights of those rivals that have some."""
    offered = {name: _OFFERED[name] for name in names}
    return {name: checkpoint.digest(rival.folder) for name, rival in offered.items() if isinstance(rival, NetworkRival)}


def _cell(value: float | None) -> str:
    """A method that does not say how sure it is has no coverage."""
    return '-' if value is None else f'{value:.2f}'
