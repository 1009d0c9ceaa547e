"""`inpose evaluate`: every method on the same frames of recorded motion."""

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
from inpose_ros.evaluation.evaluate import Scenario, build_scenario
from inpose_ros.evaluation.evaluate import evaluate as score
from inpose_ros.evaluation.methods import METHODS, Contender
from inpose_ros.evaluation.rivals.contenders import RIVALS
from inpose_ros.evaluation.scenario import WornJoints
from inpose_ros.motion.packed import PackedMotion

_COLUMNS = ('mpjpe_cm', 'upper_cm', 'lower_cm', 'hand_cm', 'mpjre_deg', 'location_residual_cm', 'jitter_100m_s3',
            'ms_per_frame')  # fmt: skip
_OFFERED: dict[str, Contender] = METHODS | RIVALS


def evaluate(
    data: Path,
    split: str = 'test',
    methods: str = 'prior,paper,paper_head,inpose',
    sensors: str = 'head,left_wrist,right_wrist',
    scale: str = '1.0',
    body: str = 'own',
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

    Args:
        data: Folder of the packed motion data (index.json, *.npz).
        split: Which part of the data: train, val or test.
        methods: Names joined by commas: prior, paper, paper_head, inpose, or the rivals location_conditioned,
            location_augmented, regression, regression_ik and ik.
        sensors: Joints tracked, joined by commas; `pelvis:imu` measures the pelvis' rotation alone.
        scale: Body scales joined by commas; all bones and the root's way are multiplied.
        body: `own`, `mean`, or groups of bones such as `arms=1.4,torso=0.7` of the mean skeleton.
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
    scales = _scales(scale)
    prior = MotionPrior.load(model, select_device(device))
    for name in names:  # what a rival lacks is said now, not after hours
        _OFFERED[name].solver(prior, Skeleton.mean(), seed)
    scene = build_scenario(
        list(PackedMotion(data, split)), WornJoints.parse(sensors), body=body,
        first=stride - 1 if from_start else prior.frames - 1, stride=stride, frames=frames, rate=prior.rate,
        shuffle=shuffle_locations, seed=seed,
    )  # fmt: skip
    results = _run(scene, names, scales, prior, seed)
    _print(results)
    if report is not None:
        about = reports.provenance(prior.device, seed, checkpoint.digest(model))
        about |= {'frames': scene.frames, 'split': split, 'sensors': sensors, 'body': body, 'stride': stride}
        about |= {'from_start': from_start, 'shuffle_locations': shuffle_locations}
        about |= {'threads': torch.get_num_threads()}
        reports.write(report, {'methods': {name: {'scale': rows} for name, rows in results.items()}} | about)


def _scales(text: str) -> dict[str, float]:
    """Each scale as typed, with its value."""
    try:
        scales = {part.strip(): float(part) for part in text.split(',')}
    except ValueError:
        raise ParameterError(f'scale is {text!r}; write numbers joined by commas, such as 0.6,1.0,1.4') from None
    if not all(0.1 <= value <= 10 for value in scales.values()):
        raise ParameterError(f'scale is {text!r}; each must be between 0.1 and 10')
    return scales


def _run(
    scene: Scenario, names: list[str], scales: dict[str, float], prior: MotionPrior, seed: int
) -> dict[str, dict[str, dict[str, float]]]:
    results: dict[str, dict[str, dict[str, float]]] = {name: {} for name in names}
    with tqdm(total=scene.frames * len(names) * len(scales), unit='frame') as bar:
        for text, factor in scales.items():
            scaled = scene.scaled(factor)
            for name in names:
                bar.set_description(f'{name} x{text}')
                results[name][text] = score(scaled, _OFFERED[name], prior, seed, on_scored=bar.update)
    return results


def _print(results: dict[str, dict[str, dict[str, float]]]) -> None:
    print('method'.ljust(22), 'scale'.ljust(6), *(name.rjust(max(len(name), 9)) for name in _COLUMNS))
    for name, rows in results.items():
        for text, row in rows.items():
            print(
                name.ljust(22), text.ljust(6), *(f'{row[column]:.2f}'.rjust(max(len(column), 9)) for column in _COLUMNS)
            )
