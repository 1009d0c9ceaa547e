"""A clip worn with sensors: what trackers and inertial units on that body would have said, and when it arrived."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.interpolate
import scipy.signal
import torch
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation, RotationSpline

from inpose_ros.errors import SensorError
from inpose_ros.geometry import rotation
from inpose_ros.geometry.transform import Transform
from inpose_ros.motion.clip import MotionClip
from inpose_ros.sensing.measurement import Measurement, Sensor

GRAVITY = np.array([0.0, 0.0, -9.81])
# Slow errors forget where they were within about this time [s].
_DRIFT_TIME = 10.0

Times = Float[np.ndarray, 'sample']
Vectors = Float[np.ndarray, 'sample 3']


@dataclass(frozen=True)
class WornSensor:
    """A sensor as it really sits on a body and really errs; `sensor` is what the tracker is told of it.

    `T_joint_sensor` is the true mounting (None: as told). `rate` [Hz]; `phase` is the time of the first reading [s].
    Noises are standard deviations of each component: `position_noise` [m], `rotation_noise` [rad] (white),
    `rotation_drift` [rad] (slow), `gyro_noise` and `gyro_bias` [rad/s], `force_noise` and `force_bias` [m/s2].
    `dropouts` are intervals (begin, end) [s] without readings; besides them, silences of `dropout_duration` [s] on
    average begin `dropout_rate` times a second [Hz], and single readings are lost with the probability `loss`.
    A reading arrives `delay` [s] after its stamp, and up to a few `delay_jitter` [s] later (exponential).
    """

    sensor: Sensor
    T_joint_sensor: Transform | None = None
    rate: float = 60.0
    phase: float = 0.0
    position_noise: float = 0.0
    rotation_noise: float = 0.0
    rotation_drift: float = 0.0
    gyro_noise: float = 0.0
    gyro_bias: float = 0.0
    force_noise: float = 0.0
    force_bias: float = 0.0
    dropouts: tuple[tuple[float, float], ...] = ()
    dropout_rate: float = 0.0
    dropout_duration: float = 0.3
    loss: float = 0.0
    delay: float = 0.0
    delay_jitter: float = 0.0

    def __post_init__(self) -> None:
        if not self.rate > 0:
            raise SensorError(f'{self.sensor.name} has the rate {self.rate} Hz; give one above 0, such as 60')
        if not 0 <= self.loss <= 1:
            raise SensorError(f'{self.sensor.name} loses {self.loss} of its readings; give a share between 0 and 1')
        if self.phase < 0 or self.delay < 0 or self.delay_jitter < 0:
            raise SensorError(f'{self.sensor.name} has a negative phase, delay or delay_jitter; give seconds from 0 on')

    @property
    def mount(self) -> Transform:
        """The true mounting, joint <- sensor."""
        return self.sensor.T_joint_sensor if self.T_joint_sensor is None else self.T_joint_sensor


@dataclass(frozen=True)
class SimulatedReading:
    """A measurement and when it reaches the tracker."""

    measurement: Measurement
    arrival_ns: int


def disturbed(mount: Transform, rng: np.random.Generator, angle: float, distance: float) -> Transform:
    """A mounting put on carelessly: turned by an angle [rad], shifted by a distance [m], at random."""
    axis, way = (v / np.linalg.norm(v) for v in rng.normal(size=(2, 3)))
    return mount @ Transform(rotation.exp(torch.from_numpy(angle * axis)), torch.from_numpy(distance * way))


def simulate(
    clip: MotionClip, worn: Sequence[WornSensor], rng: np.random.Generator, start_ns: int = 0
) -> list[SimulatedReading]:
    """What all sensors say during a clip, in the order of arrival; the clip's first frame is at `start_ns`.

    Each sensor has a generator of its own, so that its errors do not depend on which others come after it.
    """
    readings = [
        reading
        for one, own_rng in zip(worn, rng.spawn(len(worn)), strict=True)
        for reading in _readings(clip, one, own_rng, start_ns)
    ]
    return sorted(readings, key=lambda reading: reading.arrival_ns)


def _readings(clip: MotionClip, worn: WornSensor, rng: np.random.Generator, start_ns: int) -> list[SimulatedReading]:
    count = max(int(np.floor((clip.seconds - worn.phase) * worn.rate + 1e-6)) + 1, 0)
    times = worn.phase + np.arange(count) / worn.rate
    measure = _imu if worn.sensor.type == 'imu' else _pose
    rows = measure(clip, worn, times, rng)
    heard = _heard(worn, times, rng)
    stamps = start_ns + np.rint(times * 1e9).astype(np.int64)
    late = worn.delay + worn.delay_jitter * rng.exponential(size=count)
    arrivals = stamps + np.rint(late * 1e9).astype(np.int64)
    return [
        SimulatedReading(
            Measurement(worn.sensor.name, int(stamps[k]), **{part: values[k] for part, values in rows.items()}),
            int(arrivals[k]),
        )
        for k in np.flatnonzero(heard)
    ]


class SensorPath:
    """Where one sensor is and how it is turned, as smooth functions of time: splines through the clip's frames.

    Splines, because an accelerometer feels the second derivative, at the sensor's own place and not at the joint's.
    """

    def __init__(self, clip: MotionClip, joint: int, mount: Transform) -> None:
        frames = np.arange(len(clip)) / clip.fps
        T_world_joint = Transform(clip.rot_world_joint[:, joint].double(), clip.positions[:, joint].double())
        every = Transform(
            mount.rotation.double().expand(len(clip), 3, 3), mount.translation.double().expand(len(clip), 3)
        )
        T_world_sensor = T_world_joint @ every
        self._position = scipy.interpolate.CubicSpline(frames, T_world_sensor.translation.numpy())
        self._rotation = RotationSpline(frames, Rotation.from_matrix(T_world_sensor.rotation.numpy()))

    def position(self, times: Times) -> Vectors:
        """Place in the world [m]."""
        return self._position(times)

    def rotation(self, times: Times) -> Float[np.ndarray, 'sample 3 3']:
        """World <- sensor."""
        return self._rotation(times).as_matrix()

    def angular_velocity(self, times: Times) -> Vectors:
        """Body rates in sensor axes [rad/s]."""
        return self._rotation(times, 1)

    def specific_force(self, times: Times) -> Vectors:
        """Acceleration less gravity, in sensor axes [m/s2]; at rest it points up."""
        force = self._position(times, 2) - GRAVITY
        return np.einsum('tji,tj->ti', self.rotation(times), force)


def _pose(clip: MotionClip, worn: WornSensor, times: Times, rng: np.random.Generator) -> dict[str, np.ndarray]:
    path = SensorPath(clip, worn.sensor.joint_index, worn.mount)
    return {
        'rot_world_sensor': _with_rotation_errors(path.rotation(times), worn, rng),
        'position': path.position(times) + worn.position_noise * rng.normal(size=(len(times), 3)),
    }


def _imu(clip: MotionClip, worn: WornSensor, times: Times, rng: np.random.Generator) -> dict[str, np.ndarray]:
    path = SensorPath(clip, worn.sensor.joint_index, worn.mount)
    shape = (len(times), 3)
    gyro = worn.gyro_bias * rng.normal(size=3) + worn.gyro_noise * rng.normal(size=shape)
    force = worn.force_bias * rng.normal(size=3) + worn.force_noise * rng.normal(size=shape)
    return {
        'rot_world_sensor': _with_rotation_errors(path.rotation(times), worn, rng),
        'angular_velocity': path.angular_velocity(times) + gyro,
        'specific_force': path.specific_force(times) + force,
    }


def _with_rotation_errors(
    rot: Float[np.ndarray, 'sample 3 3'], worn: WornSensor, rng: np.random.Generator
) -> Float[np.ndarray, 'sample 3 3']:
    """White noise, and a drift that wanders slowly (a stationary Gauss-Markov process), both in sensor axes."""
    white, driving, first = rng.normal(size=rot.shape[:2]), rng.normal(size=rot.shape[:2]), rng.normal(size=(1, 3))
    keep = np.exp(-1 / (worn.rate * _DRIFT_TIME))
    drift, _ = scipy.signal.lfilter([np.sqrt(1 - keep**2)], [1, -keep], driving, axis=0, zi=keep * first)
    error = worn.rotation_noise * white + worn.rotation_drift * drift
    return rot @ Rotation.from_rotvec(error).as_matrix() if len(rot) else rot


def _heard(worn: WornSensor, times: Times, rng: np.random.Generator) -> Bool[np.ndarray, 'sample']:
    """Which readings are sent at all."""
    length = float(times[-1]) if len(times) else 0.0
    begins = rng.uniform(0, length, rng.poisson(worn.dropout_rate * length))
    silences = [(begin, begin + rng.exponential(worn.dropout_duration)) for begin in begins]
    silent = rng.uniform(size=len(times)) < worn.loss
    for begin, end in (*worn.dropouts, *silences):
        silent = silent | ((times >= begin) & (times < end))
    return ~silent
