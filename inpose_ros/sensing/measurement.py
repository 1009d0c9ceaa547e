"""What a sensor is and what it said: configuration and measurements, free of messages."""

import functools
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from inpose_ros.body import smpl22
from inpose_ros.errors import SensorError
from inpose_ros.geometry.transform import Transform

TYPES = ('pose', 'pose_cov', 'odometry', 'tf', 'imu')


@dataclass(frozen=True)
class Sensor:
    """A device on the body: which joint it is strapped to, how it sits there, how well it measures.

    `zeroed`: its mount was found in an N-pose, so it says how far the joint is from that, not from an anatomical zero.
    `max_stddev`: a position [m], a rotation [rad] that is less sure than this, by its own word, is no measurement.
    """

    name: str
    joint: str
    type: str = 'pose'
    T_joint_sensor: Transform = field(default_factory=Transform.identity)
    position_stddev: float = 0.005
    rotation_stddev: float = 0.02
    zeroed: bool = False
    max_stddev: tuple[float, float] = (0.5, 1.0)

    def __post_init__(self) -> None:
        if self.joint not in smpl22.INDEX:
            raise SensorError(f'{self.name}.joint is {self.joint!r}; it must be one of {", ".join(smpl22.JOINTS)}')
        if self.type not in TYPES:
            raise SensorError(f'{self.name}.type is {self.type!r}; it must be one of {", ".join(TYPES)}')

    @property
    def joint_index(self) -> int:
        return smpl22.INDEX[self.joint]

    @functools.cached_property
    def mount(self) -> tuple[Float[np.ndarray, '3 3'], Float[np.ndarray, '3']]:
        """T_joint_sensor as arrays: rotation, and translation [m]."""
        return self.T_joint_sensor.rotation.numpy(), self.T_joint_sensor.translation.numpy()


@dataclass(frozen=True)
class Measurement:
    """One reading, in the sensor's own frame and the world of its driver; absent parts are None.

    `rot_world_sensor` is a rotation matrix, `position` the sensor's place in the world [m], `angular_velocity` [rad/s]
    and `specific_force` [m/s2] are in sensor axes (at rest the specific force points up, 9.81).
    `position_stddev` [m] and `rotation_stddev` [rad] are this reading's own noise, where the message says it
    (a covariance) or a filter knows it; None: that of the sensor.
    """

    sensor: str
    stamp_ns: int
    rot_world_sensor: Float[np.ndarray, '3 3'] | None = None
    position: Float[np.ndarray, '3'] | None = None
    angular_velocity: Float[np.ndarray, '3'] | None = None
    specific_force: Float[np.ndarray, '3'] | None = None
    position_stddev: float | None = None
    rotation_stddev: float | None = None

    @property
    def parts(self) -> tuple[np.ndarray | None, ...]:
        """All that was read, that first by which motion shows best."""
        return self.position, self.rot_world_sensor, self.angular_velocity, self.specific_force

    def same_reading(self, other: 'Measurement') -> bool:
        """Whether all that was read is the same to the last bit, whatever the stamps."""
        return all(
            (one is None) == (two is None) and (one is None or one.tobytes() == two.tobytes())
            for one, two in zip(self.parts, other.parts)
        )

    @functools.cached_property
    def world_force(self) -> Float[np.ndarray, '3']:
        """The specific force in world axes [m/s2]; worked out once, though many windows ask for it."""
        return self.rot_world_sensor @ self.specific_force
