"""Every parameter of the node once: type, default, bounds, meaning.

The dataclasses below are the only place where a parameter is written down; declaring, reading, checking and the
descriptors that `ros2 param describe` shows all come from their fields.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from itertools import combinations
from typing import Any

from rclpy.exceptions import InvalidTopicNameException
from rclpy.node import Node
from rclpy.validate_topic_name import validate_topic_name
from typing_extensions import Self

from inpose_ros.body import smpl22
from inpose_ros.diffusion.backend import NAMES
from inpose_ros.diffusion.loading import METHODS
from inpose_ros.errors import ParameterError
from inpose_ros.node.parameter_table import NOTHING, declared, parameter, ros_name, values
from inpose_ros.sensing.measurement import TYPES

# What a topic that is not given is called, for each type but pose and pose_cov.
_TOPICS = {'imu': 'imu', 'odometry': 'odom'}


@dataclass(frozen=True)
class SensorParameters:
    """What is configured for each name in `sensors`, under `<sensor>.`."""

    joint: str = parameter('', 'Joint that the sensor is strapped to; empty: the one of its name.', live=True)
    type: str = parameter(
        'pose',
        'Kind of message: pose (PoseStamped), pose_cov (PoseWithCovarianceStamped), odometry (Odometry), '
        'tf (the frame frame_id) or imu (Imu).',
        one_of=TYPES,
        live=True,
    )
    topic: str = parameter('', 'Topic; empty: <sensor>/pose, <sensor>/odom or <sensor>/imu.', live=True)
    frame_id: str = parameter(
        '',
        'Only messages of this frame, for drivers that share a topic; empty: all. Its poses are then taken to be in '
        'world_frame. For type tf: the frame to look up.',
        live=True,
    )
    mount: tuple[float, ...] = parameter(
        (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0),
        'How the sensor sits on its joint, joint <- sensor: x y z [m] qw qx qy qz.',
        live=True,
    )
    zeroed: bool = parameter(
        False,
        'The mount was found in an N-pose (~/calibrate sets this): rotations are relative to that pose of this person.',
        live=True,
    )
    time_offset: float = parameter(0.0, 'Added to the stamps of this sensor [s].', ge=-10.0, le=10.0, live=True)
    position_stddev: float = parameter(
        0.005, 'Noise of a tracked position [m], where its message does not say.', ge=1e-4, le=1.0, live=True
    )
    rotation_stddev: float = parameter(
        0.02, 'Noise of a measured rotation [rad], where its message does not say.', ge=1e-4, le=2.0, live=True
    )

    max_stddev: tuple[float, ...] = parameter(
        (0.5, 1.0),
        'A position [m], a rotation [rad] whose own covariance is above this is lost, and not used.',
        live=True,
    )

    def topic_for(self, sensor: str) -> str:
        """The topic that a sensor of this name is heard on."""
        return self.topic or f'{sensor}/{_TOPICS.get(self.type, "pose")}'


@dataclass(frozen=True)
class WornParameters:
    """What the tracker and the player have in common: which sensors are worn, and where they are measured."""

    sensors: tuple[str, ...] = parameter(('head', 'left_wrist', 'right_wrist'), 'Names of the sensors worn.', live=True)
    world_frame: str = parameter('world', 'Frame in which poses are given and published; z up.')

    @classmethod
    def read(cls, node: Node) -> tuple[Self, dict[str, SensorParameters]]:
        """Declare what is not declared yet, and read and check all.

        Raises:
            ParameterError: a value that would not do; the text names one that would.
        """
        own = cls(**dict(values(node, cls, '')))
        own.check()
        return own, worn(node)

    def check(self) -> None:
        """Raise a ParameterError where values do not make sense."""
        if not self.world_frame or self.world_frame.startswith('/'):
            raise ParameterError(f'world_frame is {self.world_frame!r}; give one without a leading /, such as world')


@dataclass(frozen=True)
class NodeParameters(WornParameters):
    """The node's own parameters, read when it configures; `bodies` and `autostart` when the process starts."""

    bodies: tuple[str, ...] = parameter(
        ('',), 'Names of the bodies that this process tracks, each by a node in a namespace of that name; empty: one.'
    )
    frame_prefix: str = parameter(
        'human/', 'Goes before the name of each link on /tf and in the URDF; not given in a namespace /a: a/human/.'
    )
    publish_tf: bool = parameter(True, 'Publish the frames on /tf; false where a robot_state_publisher does.')
    body_id: str = parameter('anonymous', 'Whose body it is, as in REP-155.')
    rate: float = parameter(30.0, 'Poses a second [Hz].', ge=1.0, le=120.0)
    device: str = parameter('auto', 'Where the network runs.', one_of=('auto', 'cpu', 'cuda'))
    backend: str = parameter(
        'auto',
        'What runs the network: auto (a CUDA graph on a GPU; on a CPU openvino where it is installed, in bfloat16 '
        'where the processor has it, else torch).',
        one_of=NAMES,
    )
    threads: int = parameter(0, 'Threads of the network on a CPU; 0: half of the cores.', ge=0, le=256)
    model: str = parameter('', 'Folder of a model (config.json, model.safetensors); empty: the one of the package.')
    method: str = parameter(
        'inpose', 'inpose goes on from pose to pose, window starts each from scratch, paper is offline.', one_of=METHODS
    )
    stature: float = parameter(0.0, 'Body height [m]; 0: not given.', ge=0.0, le=2.6, name='body.stature')
    bones: str = parameter('', 'YAML file of the bones; empty: not given. Goes before body.stature.', name='body.bones')
    estimate: bool = parameter(
        True, 'Estimate the bones while the user moves; a body.bones without deviations is kept.', name='body.estimate'
    )
    save: str = parameter('', 'YAML file to write the estimated bones to; empty: none.', name='body.save')
    floor_height: float = parameter(0.0, 'Height of the floor in the world [m]; NaN: estimated, like the bones.')
    steps: int = parameter(1, 'Passes of the network that guide a pose, at most.', ge=1, le=8)
    lag: int = parameter(
        0, 'Poses are so many frames of 1/30 s late, and better for it where trackers err.', ge=0, le=10
    )
    deadline_ms: float = parameter(
        0.0, 'Solving takes fewer passes rather than longer than this [ms]; 0: 0.8 of the time between two poses.',
        ge=0.0, le=10000.0,
    )  # fmt: skip
    realtime_priority: int = parameter(
        0,
        'Priority over ordinary processes (SCHED_RR), once active and where the system permits it; 0: none.',
        ge=0,
        le=98,
    )
    sensor_timeout: float = parameter(0.5, 'A sensor silent for this long has stopped [s].', ge=0.05, le=10.0)
    max_joint_velocity: float = parameter(
        15.0, 'No published joint turns faster than this [rad/s], whatever the sensors do.', ge=0.1, le=100.0
    )
    seed: int = parameter(0, 'Seed of all that is drawn by chance.', ge=0, le=2**31 - 1)
    autostart: bool = parameter(True, 'Configure and activate by itself when started.')

    @classmethod
    def read(cls, node: Node) -> tuple[Self, dict[str, SensorParameters]]:
        declare(node)  # unless it is done: some defaults are the node's own
        return super().read(node)

    def check(self) -> None:
        super().check()
        if self.frame_prefix.startswith('/'):
            raise ParameterError(f'frame_prefix is {self.frame_prefix!r}; tf2 takes no leading /: write human/')
        if abs(self.floor_height) > 100 or (math.isnan(self.floor_height) and not self.estimate):
            raise ParameterError(f'floor_height is {self.floor_height:g}; write -100 to 100, or NaN with body.estimate')


DEFAULTS = NodeParameters()


def bodies(node: Node) -> tuple[str, ...]:
    """The names of the bodies that a process tracks; none: one body, without a name.

    Raises:
        ParameterError: they are no names, or not apart; the text names what would do.
    """
    (row,) = (row for row in fields(NodeParameters) if row.name == 'bodies')
    problem = declared(node, row, '')
    if problem:
        raise problem
    names = tuple(filter(None, node.get_parameter(row.name).value))
    if len(set(names)) < len(names) or not all(name.isidentifier() and name.isascii() for name in names):
        raise ParameterError(f'bodies is {list(names)}; give each a name of letters, digits and _, such as [anna, ben]')
    return names


def own_defaults(node: Node) -> NodeParameters:
    """What holds for a node where nobody says otherwise: in a namespace, its frames are not those of another."""
    return replace(DEFAULTS, frame_prefix=f'{node.get_namespace()}/{DEFAULTS.frame_prefix}'.lstrip('/'))


def declare(node: Node, defaults: NodeParameters | None = None) -> None:
    """Declare all that have sound values, so that they can be listed before the node is configured."""
    defaults = own_defaults(node) if defaults is None else defaults
    for row in fields(NodeParameters):
        declared(node, row, '', getattr(defaults, row.name))
    names = node.get_parameter('sensors').value if node.has_parameter('sensors') else ()
    for sensor in names or ():
        declare_sensor(node, sensor)


def declare_sensor(node: Node, sensor: str) -> None:
    """Declare what can be set for a sensor, at its defaults or as the parameter file has it."""
    if sensor.isidentifier():
        for row in fields(SensorParameters):
            declared(node, row, f'{sensor}.')


def is_of_a_sensor(name: str) -> bool:
    """Whether a parameter of this ROS name belongs to one sensor."""
    sensor, _, own = name.partition('.')
    return sensor.isidentifier() and own in {row.name for row in fields(SensorParameters)}


def worn(node: Node, changes: Mapping[str, Any] = NOTHING) -> dict[str, SensorParameters]:
    """The sensors as they are, or as they would be with some parameters changed; by ROS name.

    Raises:
        ParameterError: that would not do; the text names what would.
    """
    names = dict(values(node, WornParameters, '', changes))['sensors']
    _check_names(names)
    rows = {sensor: SensorParameters(**dict(values(node, SensorParameters, f'{sensor}.', changes))) for sensor in names}
    for sensor, row in rows.items():
        _check_sensor(row, f'{sensor}.')
    _check_topics(rows)
    return rows


def is_frozen(name: str) -> bool:
    """Whether a parameter of this ROS name takes effect only when the node configures."""
    row = {ros_name(row, ''): row for row in fields(NodeParameters)}.get(name)
    return row is not None and not row.metadata['live']


def checked_mount(name: str, values: tuple[float, ...]) -> tuple[float, ...]:
    """A mounting that is seven finite numbers with a quaternion of length one.

    Raises:
        ParameterError: it is not.
    """
    example = 'write x y z qw qx qy qz, such as [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]'
    if len(values) != 7 or not all(map(math.isfinite, values)):
        raise ParameterError(f'{name} is {list(values)}; it must be seven finite numbers: {example}')
    if abs(math.hypot(*values[3:]) - 1) > 0.01:
        raise ParameterError(f'{name} has a quaternion of length {math.hypot(*values[3:]):.3f} instead of 1; {example}')
    return tuple(values)


def _check_names(sensors: tuple[str, ...]) -> None:
    if not sensors or len(set(sensors)) < len(sensors):
        raise ParameterError(f'sensors is {list(sensors)}; give each sensor worn once, such as [head, left_wrist]')
    bad = [name for name in sensors if not name.isidentifier()]
    if bad:
        raise ParameterError(f'sensors has {bad}; a name is letters, digits and _, such as left_wrist')


def _check_sensor(read: SensorParameters, prefix: str) -> None:
    joint = read.joint or prefix[:-1]
    if joint not in smpl22.INDEX:
        raise ParameterError(f'{prefix}joint is {joint!r}; it must be one of {", ".join(smpl22.JOINTS)}')
    if read.type == 'tf' and (not read.frame_id or read.frame_id.startswith('/')):
        raise ParameterError(
            f'{prefix}frame_id is {read.frame_id!r}; with {prefix}type tf it names the frame to look up, such as '
            'tracker_1, without a leading /'
        )
    checked_mount(f'{prefix}mount', read.mount)
    if len(read.max_stddev) != 2 or not all(0 < limit < math.inf for limit in read.max_stddev):
        raise ParameterError(
            f'{prefix}max_stddev is {list(read.max_stddev)}; write a limit in m and one in rad, such as [0.5, 1.0]'
        )
    try:
        validate_topic_name(read.topic_for(prefix[:-1]))
    except InvalidTopicNameException as error:
        raise ParameterError(f'{prefix}topic is {read.topic!r}; write it like tracker/pose ({error})') from error


def _check_topics(rows: Mapping[str, SensorParameters]) -> None:
    """DDS has one type for a topic; a second subscription of another type would not even come about."""
    heard = {sensor: row for sensor, row in rows.items() if row.type != 'tf'}
    for (one, row), (other, second) in combinations(heard.items(), 2):
        topic = row.topic_for(one)
        if topic == second.topic_for(other) and row.type != second.type:
            raise ParameterError(
                f'{one} and {other} share the topic {topic}, but {one}.type is {row.type} and {other}.type '
                f'{second.type}; a topic has one type: give one of them a topic of its own'
            )
