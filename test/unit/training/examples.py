"""A small folder of packed motion, invented by the package itself, a small untrained denoiser, and short runs."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from inpose_ros.body import kinematics, smpl22
from inpose_ros.diffusion.denoiser import Denoiser, DenoiserConfig
from inpose_ros.geometry import rotation
from inpose_ros.motion.clip import MotionClip
from inpose_ros.motion.packed import PackedMotion
from inpose_ros.motion.procedural import procedural_clip, random_skeleton
from inpose_ros.training.trainer import Trainer, TrainingConfig
from inpose_ros.training.windows import MotionWindow, WindowSource

SMALL = DenoiserConfig(frames=8, width=32, layers=1, heads=2)
FRAMES, RATE = SMALL.frames, SMALL.rate
SUBJECTS = {'anna': random_skeleton(3), 'ben': random_skeleton(4)}
SOURCES = {'anna': 'cmu', 'ben': 'accad'}
# (split, subject, frames a second, seconds)
CLIPS = (
    ('train', 'anna', 60.0, 4.0),
    ('train', 'ben', 30.0, 3.0),
    ('train', 'anna', 30.0, 2.0),
    ('val', 'ben', 60.0, 3.0),
    ('val', 'anna', 30.0, 2.0),
    ('test', 'anna', 60.0, 2.0),
    ('test', 'ben', 60.0, 1.6),
    ('test', 'anna', 30.0, 1.4),
)


def pack(folder: Path) -> Path:
    """Write CLIPS as index.json and a file of local quaternions for each split."""
    rows, frames = [], {}
    for seed, (split, subject, fps, seconds) in enumerate(CLIPS):
        clip = procedural_clip(seed, seconds, SUBJECTS[subject], fps)
        before = sum(len(quat) for quat, _ in frames.get(split, []))
        frames.setdefault(split, []).append(_packed(clip))
        about = {'name': f'{subject}_{seed}', 'source': SOURCES[subject], 'subject': subject, 'label': 'invented'}
        rows.append(about | {'split': split, 'fps': fps, 'file': f'{split}.npz', 'start': before, 'length': len(clip)})
    for split, parts in frames.items():
        quat, trans = (np.concatenate(column) for column in zip(*parts, strict=True))
        np.savez(folder / f'{split}.npz', quat=quat, trans=trans)
    subjects = {name: {'offsets': body.bones.tolist()} for name, body in SUBJECTS.items()}
    index = {'joints': list(smpl22.JOINTS), 'subjects': subjects, 'clips': rows}
    (folder / 'index.json').write_text(json.dumps(index))
    return folder


def _packed(clip: MotionClip) -> tuple[np.ndarray, np.ndarray]:
    quat = rotation.quat_from_matrix(kinematics.local_rotations(clip.rot_world_joint.double()))
    return (quat * 32767).round().numpy().astype(np.int16), clip.root.numpy().astype(np.float32)


def small_denoiser(seed: int = 0) -> Denoiser:
    torch.manual_seed(seed)
    denoiser = Denoiser(SMALL).eval().requires_grad_(False)
    torch.nn.init.normal_(denoiser.head.weight, std=0.1)
    return denoiser


def source(folder: Path, split: str = 'train') -> WindowSource:
    return WindowSource(PackedMotion(folder, split), FRAMES, RATE)


def turned(window: MotionWindow, angle: float) -> MotionWindow:
    """The whole window turned about the vertical axis through the origin [rad]."""
    turn = rotation.about_z(torch.tensor(angle))
    return replace(window, rot_world_joint=turn @ window.rot_world_joint, root=window.root @ turn.T)


def trainer(folder: Path, packed: Path, steps: int, **changes: object) -> Trainer:
    """A run of a small network with one validation every two steps, on the CPU."""
    network, start, task = changes.pop('network', SMALL), changes.pop('start', None), changes.pop('task', None)
    config = TrainingConfig(**({'steps': steps, 'batch': 8, 'warmup': 1, 'validate_every': 2, 'seed': 5} | changes))
    return Trainer(folder, config, network, source(packed), source(packed, 'val'), torch.device('cpu'), start, task)
