"""The robots that can be driven: names and habits of their joints, which no URDF says."""

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, pi
from pathlib import Path


@dataclass(frozen=True)
class Humanoid:
    """A robot of the package example-robot-data; in the names of joints, {} stands for the side.

    `t_pose` and `ready` are angles [rad] of the joints that are not zero there; `narrowed` are limits [rad] inside
    those of the URDF. `neck` are the joints that turn the head to the left and bend it down.
    """

    urdf: str
    arm: tuple[str, ...]
    shoulder: str
    elbow: str
    wrist: str
    t_pose: Mapping[str, float]
    ready: Mapping[str, float]
    narrowed: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    neck: tuple[str, ...] = ()


# Unitree's G1 (BSD-3-Clause): its arms turn as fast as a person's.
# A G1 whose upper arm passes straight sideways may take it on as pitch or as roll; coming down again by the wrong one
# leads to a limit, 17 cm from the target (3 of 16 invented motions). Roll ends before that fork, elbows before they
# bend backward; every direction of the arm stays within reach by pitch.
G1 = Humanoid(
    urdf='g1_description/urdf/g1_29dof_rev_1_0.urdf',
    arm=(
        *(f'{{}}_shoulder_{axis}_joint' for axis in ('pitch', 'roll', 'yaw')),
        '{}_elbow_joint',
        *(f'{{}}_wrist_{axis}_joint' for axis in ('roll', 'pitch', 'yaw')),
    ),
    shoulder='{}_shoulder_roll_joint',  # where the three axes of the shoulder meet, but for millimetres
    elbow='{}_elbow_joint',
    wrist='{}_wrist_yaw_joint',
    t_pose={
        'left_shoulder_roll_joint': pi / 2,
        'right_shoulder_roll_joint': -pi / 2,
        'left_elbow_joint': pi / 2,  # at zero its forearms point forward
        'right_elbow_joint': pi / 2,
    },
    ready={
        'left_shoulder_roll_joint': 0.2,
        'right_shoulder_roll_joint': -0.2,
        'left_elbow_joint': 0.6,
        'right_elbow_joint': 0.6,
    },
    narrowed={
        'left_shoulder_roll_joint': (-inf, 1.45),
        'right_shoulder_roll_joint': (-1.45, inf),
        'left_elbow_joint': (-inf, 1.55),
        'right_elbow_joint': (-inf, 1.55),
    },
)

# PAL's Talos (Apache-2.0): arms of a person's length and a neck, but joints of 1.8 to 4.6 rad/s, so its hands lag
# behind quick gestures.
TALOS = Humanoid(
    urdf='talos_data/robots/talos_full_v2.urdf',
    arm=tuple(f'arm_{{}}_{number}_joint' for number in range(1, 8)),
    shoulder='arm_{}_2_joint',
    elbow='arm_{}_4_joint',
    wrist='arm_{}_7_joint',
    t_pose={'arm_left_2_joint': pi / 2, 'arm_right_2_joint': -pi / 2},
    ready={
        'arm_left_2_joint': 0.2,
        'arm_right_2_joint': -0.2,
        'arm_left_4_joint': -1.0,
        'arm_right_4_joint': -1.0,
    },
    neck=('head_2_joint', 'head_1_joint'),
)

ROBOTS = {'g1': G1, 'talos': TALOS}


def urdf_path(robot: Humanoid) -> Path:
    """Where pip has put the robot's URDF.

    Raises:
        FileNotFoundError: example-robot-data is not installed, or lacks it.
    """
    try:
        files = importlib.metadata.files('example-robot-data') or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.as_posix().endswith(f'/robots/{robot.urdf}'):
            return Path(file.locate())
    raise FileNotFoundError(f'no {robot.urdf} of example-robot-data; pip install -r requirements-examples.txt')
