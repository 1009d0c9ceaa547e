"""Start the tracking node; with demo:=true also an invented person whose motion it tracks.

For example `ros2 launch inpose_ros inpose.launch.py sensors:=headset_controllers.yaml`.
"""

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_prefix, get_package_share_directory
from launch import Action, LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, LogInfo, OpaqueFunction
from launch.conditions import IfCondition
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

try:
    from inpose_ros.node import params_file, view
except (
    ModuleNotFoundError
):  # pip has put it where only the Python of its virtual environment looks, which ros2 may not be
    sys.path += map(str, Path(get_package_prefix('inpose_ros')).glob('lib/python*/site-packages'))
    from inpose_ros.node import params_file, view

ARGUMENTS = {
    'sensors': ('', 'sensors file: a path, or a name in config/sensors of this package; empty: none (or demo.yaml)'),
    'params_file': ('', 'parameter file, as config/inpose.yaml; what it sets overrides the sensors file'),
    'device': ('', 'auto, cpu or cuda; empty: as the parameter file says'),
    'bodies': ('', 'names of the people to track in one process, as anna,ben; empty: one, without a name'),
    'body_id': ('', 'whose body it is; empty: as the parameter file says'),
    'frame_prefix': (
        '',
        'before the name of each frame, as anna/; empty: as the parameter file says, else human/, in /a a/human/',
    ),
    'namespace': ('', 'namespace of the nodes and their topics'),
    'autostart': ('true', 'configure and activate by itself'),
    'log_level': ('info', 'debug, info, warn, error or fatal'),
    'demo': ('false', 'also play an invented motion as sensor topics'),
    'use_sim_time': ('', 'true: all nodes go by /clock; empty: as the parameter file says'),
    'publish_tf': ('', 'false: leave /tf to a robot_state_publisher; empty: as the parameter file says'),
    'rviz': ('false', 'also open RViz, where it is installed, with config/inpose.rviz in the frames of each body'),
    'localhost_only': (
        '',
        'true: other machines neither hear nor reach the nodes; false: those of the subnet do; '
        'empty: as ROS_AUTOMATIC_DISCOVERY_RANGE says, and true where it is not set',
    ),
}
# Arguments that are parameters of the node where they are not empty.
CHOSEN = ('device', 'body_id', 'frame_prefix')
# And those that are flags.
FLAGS = ('publish_tf', 'use_sim_time')
# What launch reads itself, as it reads arguments.
OF_LAUNCH = ('launch-prefix', 'launch-prefix-filter', 'emulate_tty', 'sigterm_timeout', 'sigkill_timeout')
# How a process ends that was told to: by itself, or by force.
TOLD = (0, 130, -2, -15)


def sensors_path(sensors: str) -> Path:
    """A path as it is; else the file of that name in config/sensors, with or without .yaml."""
    folder = Path(get_package_share_directory('inpose_ros')) / 'config' / 'sensors'
    candidates = [Path(sensors), folder / sensors, folder / f'{sensors}.yaml']
    for path in candidates:
        if path.is_file():
            return path
    there = ', '.join(sorted(path.name for path in folder.glob('*.yaml')))
    raise FileNotFoundError(f'no sensors file {sensors}; give a path or one of {there}')


def is_true(name: str, value: str) -> bool:
    """As launch's own conditions read a flag."""
    if value.lower() not in ('true', '1', 'false', '0'):
        raise ValueError(f'{name} is {value!r}; it must be true or false')
    return value.lower() in ('true', '1')


def discovery_range(localhost_only: str, environment: Mapping[str, str]) -> str:
    """How far the nodes are heard: no further than this machine, unless somebody says so.

    Poses of a person are nobody else's business, and whoever can publish a sensor's topic can move the body.
    """
    if localhost_only:
        return 'LOCALHOST' if is_true('localhost_only', localhost_only) else 'SUBNET'
    return environment.get('ROS_AUTOMATIC_DISCOVERY_RANGE') or 'LOCALHOST'


def parameter_files(value: Mapping[str, str]) -> list[str]:
    """Later ones win: the user's file over the sensors file. A file that will not do stops the launch."""
    sensors = value['sensors'] or ('demo.yaml' if is_true('demo', value['demo']) else '')
    files = [*([sensors_path(sensors)] if sensors else []), *map(Path, filter(None, [value['params_file']]))]
    for path in files:
        params_file.check(path)
    return list(map(str, files))


def is_asked_for(command: Sequence[str]) -> bool:
    """Whether a command names this file or the demo, so that no file of somebody else includes it."""
    here = Path(__file__).resolve().parent
    own = {path.name for path in here.glob('*.launch.py')}
    return any(
        (word in own and package == 'inpose_ros') or (Path(word).name in own and Path(word).resolve().parent == here)
        for package, word in pairwise(command)
    )


def refuse_unknown(given: Sequence[str], command: Sequence[str]) -> list[Action]:
    """launch takes any name:=value and says nothing. Of a file that includes this one all names come here, too.

    Such a file may well have nav2_params_file, use_namespace, model or rate for others, so that there only what is
    nearly the name of an argument is refused, and for the parameters of the node a word is said.
    """
    known = params_file.names(Path(get_package_share_directory('inpose_ros')) / 'config' / 'inpose.yaml')
    is_alone, told = is_asked_for(command), []
    for name in (name for name in given if name not in (*ARGUMENTS, *OF_LAUNCH)):
        parameters = [row for row in known if name in (row, row.removeprefix('body.'))]
        word = f'there is no argument {name}{_meant(name, parameters)}; `--show-args` lists all'
        if is_alone or _is_nearly_an_argument(name):
            raise ValueError(word)
        if parameters:
            told.append(LogInfo(msg=f'inpose.launch.py: {word}'))
    return told


def _is_nearly_an_argument(name: str) -> bool:
    near = get_close_matches(name, ARGUMENTS, 1, 0.81)
    return bool(near) and not name.startswith(f'{near[0]}_') and not name.endswith(f'_{near[0]}')


def _meant(name: str, parameters: Sequence[str]) -> str:
    if parameters:
        return f'; {parameters[0]} is a parameter of the node: write it into a file, and give that as params_file'
    held = [row for row in ARGUMENTS if row in name or name in row.split('_')]
    near = get_close_matches(name, ARGUMENTS, 1, 0.7) or held or get_close_matches(name, ARGUMENTS, 1)
    return f'; did you mean {near[0]}?' if near else ''


def body_names(bodies: str) -> list[str]:
    """The names in anna,ben."""
    return [name for name in (part.strip() for part in bodies.split(',')) if name]


def body_namespaces(namespace: str, bodies: Sequence[str]) -> list[str]:
    """Where the topics of each body are."""
    return [f'{namespace}/{body}' if namespace else body for body in bodies] or [namespace]


def frames(value: Mapping[str, str], files: Sequence[str], place: str, is_named: bool) -> tuple[str, str]:
    """world_frame and frame_prefix of the body in a namespace, as its node will have them."""
    node, paths = f'/{place}/inpose'.replace('//', '/'), [Path(path) for path in files]
    own = f'{place}/' if is_named else f'{place}/{view.DEFAULT_PREFIX}'.lstrip('/')
    given = value['frame_prefix'] or params_file.value(paths, node, 'frame_prefix')
    world = params_file.value(paths, node, 'world_frame')
    return view.DEFAULT_WORLD if world is None else world, own if given is None else given


def rviz(shared: Mapping[str, object], world_frame: str, frame_prefix: str) -> Action:
    """RViz in the namespace of a body, whose topics its file names without one; or a word why not."""
    try:
        get_package_prefix('rviz2')
    except PackageNotFoundError:
        return LogInfo(
            msg='rviz:=true, but rviz2 is not installed: going on without (apt install ros-$ROS_DISTRO-rviz2)'
        )
    text = (Path(get_package_share_directory('inpose_ros')) / 'config' / 'inpose.rviz').read_text()
    with tempfile.NamedTemporaryFile('w', prefix='inpose_', suffix='.rviz', delete=False) as file:
        file.write(view.filled(text, world_frame, frame_prefix))
    return Node(**shared, package='rviz2', executable='rviz2', name='rviz2', arguments=['-d', file.name])


def fail_with(event: ProcessExited, context: LaunchContext) -> None:
    """launch ends with status 0 whatever becomes of its processes, unless something is raised."""
    if event.returncode not in TOLD:
        name = event.process_name.rpartition('-')[0]
        raise RuntimeError(f'{name} has ended with status {event.returncode}; it says above why')


def nodes(context: LaunchContext) -> list[Action]:
    told = refuse_unknown(context.launch_configurations, sys.argv)
    value = {name: context.perform_substitution(LaunchConfiguration(name)) for name in ARGUMENTS}
    files, heard = parameter_files(value), discovery_range(value['localhost_only'], os.environ)
    flags = {name: is_true(name, value[name]) for name in FLAGS if value[name]}
    clock = [{'use_sim_time': flags['use_sim_time']}] if 'use_sim_time' in flags else []
    bodies = body_names(value['bodies'])
    shared = {'output': 'screen', 'additional_env': {'ROS_AUTOMATIC_DISCOVERY_RANGE': heard}}
    log = ['--log-level', value['log_level']]
    tracker = Node(
        **shared,
        namespace=value['namespace'],
        package='inpose_ros',
        executable='inpose',
        name=None if bodies else 'inpose',  # the parameters below are those of the node named here; of all, if none is
        parameters=[
            *files,
            {name: value[name] for name in CHOSEN if value[name]} | flags,
            {'autostart': is_true('autostart', value['autostart'])},
            *([{'bodies': bodies}] if bodies else []),
        ],
        ros_arguments=[*log, '--enclave', '/inpose_ros/inpose'],  # counts only where ROS_SECURITY_ENABLE is set
        on_exit=fail_with,
    )
    namespaces = body_namespaces(value['namespace'], bodies)
    places = [{**shared, 'namespace': place} for place in namespaces]
    players = [player(place, [*files, {'loop': True}, *clock], log, value['demo']) for place in places]
    told.append(LogInfo(msg=f'the nodes are discovered within: {heard} (localhost_only:=true or false)'))
    views = []
    if is_true('rviz', value['rviz']):
        shown = [frames(value, files, place.strip('/'), bool(bodies)) for place in namespaces]
        views = [rviz({**place, 'parameters': clock}, *both) for place, both in zip(places, shown, strict=True)]
    return [tracker, *players, *told, *views]


def player(shared: Mapping[str, object], parameters: list[object], log: list[str], demo: str) -> Node:
    """The player of one body, where the demo is wanted."""
    return Node(
        **shared,
        package='inpose_ros',
        executable='inpose_play',
        name='inpose_play',
        parameters=parameters,
        ros_arguments=[*log, '--enclave', '/inpose_ros/inpose_play'],
        condition=IfCondition(demo),
        on_exit=fail_with,
    )


def generate_launch_description() -> LaunchDescription:
    arguments = [
        DeclareLaunchArgument(name, default_value=default, description=meaning)
        for name, (default, meaning) in ARGUMENTS.items()
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=nodes)])
