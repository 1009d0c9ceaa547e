"""Recorded inertial sensors with a reference pose: an npz of arrays beside a json that names them."""

import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from inpose_ros.body import smpl22
from inpose_ros.errors import DataError
from inpose_ros.geometry import rotation
from inpose_ros.geometry.transform import Transform
from inpose_ros.sensing.measurement import Measurement

# The head sensor of `imu17_walk` sits at the back of the head, its x axis up and its z axis backward, leaning about 30
# degrees. This much of its mounting (joint <- sensor) is known beforehand: it tells which way the person faces, to some
# degrees; how it leans, and all other mountings, come from the seconds of standing.
HEAD_MOUNT = Transform(
    torch.tensor([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], dtype=torch.float64),
    torch.zeros(3, dtype=torch.float64),
)
# The standing ends where any sensor turns faster than the first of these [rad/s]; until then, frames in which all are
# slower than the second are still enough to calibrate on. In `imu17_walk` the first step exceeds 3 rad/s, standing
# stays below 0.35, and hands that settle in the first second reach 1.3.
LEAVING_RATE, STILL_RATE = 1.5, 0.4
_ARRAYS = {'sensor_quat': 4, 'acc': 3, 'gyr': 3, 'ref_quat': 4}


@dataclass(frozen=True)
class ImuRecording:
    """Orientation (sensor to world), specific force [m/s2] and gyro [rad/s] in sensor axes, at a constant rate [Hz].

    `joints` names the joint that each sensor is strapped to; `reference` holds global rotations of all joints.
    """

    name: str
    sensors: tuple[str, ...]
    joints: tuple[str, ...]
    rate: float
    rot_world_sensor: Float[np.ndarray, 'frame sensor 3 3']
    specific_force: Float[np.ndarray, 'frame sensor 3']
    angular_velocity: Float[np.ndarray, 'frame sensor 3']
    reference: Float[Tensor, 'frame 22 3 3']

    @classmethod
    def load(cls, path: str | Path) -> 'ImuRecording':
        """Read NAME.npz and NAME.json; `path` may be either of them, or NAME alone.

        Raises:
            DataError: a file is missing or malformed, or its joints are not those of this package.
        """
        path = Path(path)
        stem = path.with_suffix('') if path.suffix in ('.npz', '.json') else path
        header, arrays = _header(_beside(stem, '.json')), _arrays(_beside(stem, '.npz'))
        count = len(header['sensors'])
        if arrays['sensor_quat'].shape[1] != count or arrays['ref_quat'].shape[1] != len(smpl22.JOINTS):
            raise DataError(f'{stem}.npz does not hold the {count} sensors that {stem.name}.json names and 22 joints')
        quat, reference = (torch.from_numpy(arrays[key].astype(np.float64)) for key in ('sensor_quat', 'ref_quat'))
        return cls(
            name=stem.name,
            sensors=tuple(header['sensors']),
            joints=tuple(header['sensor_joint']),
            rate=float(header['rate']),
            rot_world_sensor=rotation.matrix_from_quat(quat).numpy(),
            specific_force=arrays['acc'].astype(np.float64),
            angular_velocity=arrays['gyr'].astype(np.float64),
            reference=rotation.matrix_from_quat(reference),
        )

    def __len__(self) -> int:
        return len(self.reference)

    @property
    def seconds(self) -> float:
        return (len(self) - 1) / self.rate

    def stamp_ns(self, frame: int, start_ns: int = 0) -> int:
        return start_ns + round(frame * 1e9 / self.rate)

    def joint(self, sensor: str) -> str:
        """The joint that a sensor is strapped to."""
        return self.joints[self._column(sensor)]

    def rotations(self, sensor: str) -> Float[np.ndarray, 'frame 3 3']:
        """World <- sensor, over all frames."""
        return self.rot_world_sensor[:, self._column(sensor)]

    def measurements(self, sensors: Sequence[str], start_ns: int = 0) -> list[Measurement]:
        """All readings of some sensors in the order of time; the first frame is at `start_ns`."""
        columns = [(name, self._column(name)) for name in sensors]
        return [
            Measurement(
                sensor=name,
                stamp_ns=self.stamp_ns(frame, start_ns),
                rot_world_sensor=self.rot_world_sensor[frame, column],
                angular_velocity=self.angular_velocity[frame, column],
                specific_force=self.specific_force[frame, column],
            )
            for frame in range(len(self))
            for name, column in columns
        ]

    def standing_frames(self, seconds: float | None = None) -> Int[np.ndarray, 'still']:
        """Numbers of the frames in which the person stands still before moving off, or the first `seconds` of them.

        Raises:
            DataError: less than half a second of it is there, so that no mounting can be told.
        """
        fastest = np.linalg.norm(self.angular_velocity, axis=-1).max(-1)
        leaving = np.flatnonzero(fastest > LEAVING_RATE)
        standing = fastest[: leaving[0] if len(leaving) else None]
        still = np.flatnonzero(standing < STILL_RATE)
        if len(still) < 0.5 * self.rate:
            raise DataError(
                f'{self.name} begins with {len(still) / self.rate:.2f} s of standing still; it needs 0.5 s or more'
            )
        return still if seconds is None else still[: max(round(seconds * self.rate), 1)]

    def _column(self, sensor: str) -> int:
        if sensor not in self.sensors:
            raise DataError(f'{self.name} has no sensor {sensor!r}; it has {", ".join(self.sensors)}')
        return self.sensors.index(sensor)


def _beside(stem: Path, suffix: str) -> Path:
    path = stem.with_name(stem.name + suffix)
    if not path.is_file():
        raise DataError(f'{path} is missing; a recording is NAME.npz with NAME.json beside it, give the path of NAME')
    return path


def _header(path: Path) -> dict:
    try:
        header = json.loads(path.read_text())
        sensors, joints, order = header['sensors'], header['sensor_joint'], header['reference_rotation_joints']
        rate = float(header['rate'])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f'{path} does not describe a recording: {error!r}') from error
    unknown = sorted(set(joints) - set(smpl22.JOINTS))
    if unknown or len(sensors) != len(joints) or rate <= 0:
        raise DataError(f'{path} must name a known joint for each sensor and a rate; unknown joints: {unknown}')
    if tuple(order) != smpl22.JOINTS:
        raise DataError(f'{path} has a reference of the joints {order}; needed are {list(smpl22.JOINTS)}')
    return header


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in _ARRAYS}
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f'{path} is no recording ({", ".join(_ARRAYS)}): {error}') from error
    for name, width in _ARRAYS.items():
        array = arrays[name]
        if (
            array.ndim != 3
            or array.shape[2] != width
            or len(array) != len(arrays['acc'])
            or not np.isfinite(array).all()
        ):
            raise DataError(f'{path}: {name} has the shape {array.shape}; needed are finite [frames, sensors, {width}]')
    return arrays
