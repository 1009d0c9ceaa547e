"""The parameters of the player."""

from dataclasses import dataclass

from inpose_ros.errors import ParameterError
from inpose_ros.node.parameter_table import parameter
from inpose_ros.node.parameters import WornParameters
from inpose_ros.sensing.calibration.still_pose import REST_POSES


@dataclass(frozen=True)
class PlayerParameters(WornParameters):
    """The player's own parameters; the sensors' are those of the tracking node, so one sensors file serves both."""

    source: str = parameter('procedural', 'procedural, the path of a recording, or a folder of packed motion data.')
    split: str = parameter('test', 'Split of the packed motion data.', one_of=('train', 'val', 'test'))
    clip: int = parameter(0, 'Number of the clip in that split.', ge=0, le=1_000_000)
    seed: int = parameter(0, 'Seed of the invented motion, of its body and of the noise.', ge=0, le=2**31 - 1)
    seconds: float = parameter(20.0, 'Length of the invented motion [s].', ge=1.0, le=3600.0)
    part: tuple[float, ...] = parameter((0.0, 0.0), 'From which to which second of the motion is played; 0 0: all.')
    stand: float = parameter(
        0.0, 'The user stands still for so long [s] before the motion; 0: not at all.', ge=0.0, le=600.0
    )
    pose: str = parameter('n_pose', 'How the user stands.', one_of=tuple(REST_POSES))
    start_ns: int = parameter(0, 'Stamp of the first frame [ns]; 0: a second from now.', ge=0, le=2**63 - 1)
    sensor_rate: float = parameter(60.0, 'Messages a second [Hz]; a recording has its own.', ge=1.0, le=1e3)
    sensor_rates: tuple[float, ...] = parameter(
        (0.0,), 'Messages a second [Hz] of each sensor in its turn; where 0 or none is given: sensor_rate.'
    )
    bare_imus: tuple[str, ...] = parameter(('',), 'IMUs that give no orientation, gyro and accelerometer only.')
    position_noise: float = parameter(0.0, 'Noise of positions [m].', ge=0.0, le=1.0)
    rotation_noise: float = parameter(0.0, 'Noise of rotations [rad].', ge=0.0, le=1.0)
    delay: float = parameter(0.0, 'How long a message takes from its stamp to its publication [s].', ge=0.0, le=10.0)
    loop: bool = parameter(
        False, 'Begin again at the end; a motion is played backwards in between, so that nobody jumps.'
    )
    tf_link: float = parameter(
        0.0, 'Frames of sensors of type tf are given in the frame odom, and odom in the world so often [Hz]; 0: never, '
        'they are given in the world.', ge=0.0, le=100.0,
    )  # fmt: skip
    faults: str = parameter('', 'YAML file of what goes wrong with the sensors, and when; empty: nothing.')

    def check(self) -> None:
        super().check()
        if not all(0 <= rate <= 1e3 for rate in self.sensor_rates):
            raise ParameterError(f'sensor_rates is {list(self.sensor_rates)}; give rates from 1.0 to 1000.0 Hz, or 0.0')
        if len(self.part) != 2 or not (0 <= self.part[0] < self.part[1] or not any(self.part)):
            raise ParameterError(f'part is {list(self.part)}; write [begin, end] in seconds; [0.0, 0.0] is all of it')

    def rate_of(self, sensor: str) -> float:
        """Messages a second [Hz]."""
        return dict(zip(self.sensors, self.sensor_rates, strict=False)).get(sensor) or self.sensor_rate
