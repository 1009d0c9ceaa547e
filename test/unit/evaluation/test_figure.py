"""A tracked motion is drawn."""

from pathlib import Path

import numpy as np

from inpose_ros.body import smpl22
from inpose_ros.evaluation import figure
from inpose_ros.geometry import rotation
from inpose_ros.motion.procedural import procedural_clip, random_skeleton


def test_a_tracked_motion_becomes_a_picture(tmp_path: Path) -> None:
    clip = procedural_clip(0, 2.0, random_skeleton(0), 10.0)
    truth = clip.positions.double()
    heading = rotation.heading(clip.rot_world_joint[:, smpl22.PELVIS])
    path = tmp_path / 'new' / 'demo.png'
    curves = {'all joints': np.linspace(0, 5, len(clip))}
    figure.tracked_motion(
        path, 'A walk', np.arange(len(clip)) / 10, truth, truth + 0.05, heading, curves, 'cm', figures=2
    )
    assert path.read_bytes().startswith(b'\x89PNG')
