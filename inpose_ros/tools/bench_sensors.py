"""What is worn in the benchmark: three trackers and three IMUs, as node and player are told, and simulated."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import yaml

from inpose_ros.motion.procedural import procedural_clip, random_skeleton
from inpose_ros.motion.simulate import SimulatedReading, WornSensor, simulate
from inpose_ros.node.parameters import SensorParameters
from inpose_ros.node.sensor_inputs import sensor_from

TRACKERS = ('head', 'left_wrist', 'right_wrist')
IMUS = ('pelvis', 'left_knee', 'right_knee')
# Of a tracker and of an IMU [Hz].
RATES = {'pose': 90.0, 'imu': 100.0}
POSITION_NOISE, ROTATION_NOISE = 0.001, 0.005  # [m], [rad]
_MOUNTS = {
    'head': (0.10, 0.0, 0.08, 1.0, 0.0, 0.0, 0.0),
    'left_wrist': (0.0, 0.06, 0.02, 0.92387953, 0.0, 0.0, 0.38268343),
    'right_wrist': (0.0, -0.06, 0.02, 0.92387953, 0.0, 0.0, -0.38268343),
    'pelvis': (0.0, 0.0, 0.0, 0.70710678, 0.0, -0.70710678, 0.0),
}
_STRAIGHT = SensorParameters.mount


def worn(trackers: Sequence[str] = TRACKERS, imus: Sequence[str] = IMUS) -> dict[str, SensorParameters]:
    """Sensors named after the joints that they are worn on."""
    types = dict.fromkeys(trackers, 'pose') | dict.fromkeys(imus, 'imu')
    return {
        name: SensorParameters(
            type=kind, mount=_MOUNTS.get(name, _STRAIGHT), position_stddev=0.003, rotation_stddev=0.01
        )
        for name, kind in types.items()
    }


def write(path: Path, sensors: dict[str, SensorParameters]) -> Path:
    """A file of sensors for the node and the player; the path."""
    rows = {
        name: {row.name: _plain(getattr(sensor, row.name)) for row in fields(sensor)}
        for name, sensor in sensors.items()
    }
    parameters = {'sensors': list(sensors)} | rows
    path.write_text(yaml.safe_dump({'/**': {'ros__parameters': parameters}}))
    return path


def simulated(sensors: dict[str, SensorParameters], seed: int, seconds: float) -> list[SimulatedReading]:
    """What they say while the invented person of that seed moves."""
    clip = procedural_clip(seed, seconds, random_skeleton(seed))
    each = [
        WornSensor(
            sensor_from(name, row), rate=RATES[row.type], position_noise=POSITION_NOISE, rotation_noise=ROTATION_NOISE
        )
        for name, row in sensors.items()
    ]
    return simulate(clip, each, np.random.default_rng(seed))


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
