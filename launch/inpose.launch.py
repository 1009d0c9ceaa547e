"""Start the tracking node; with demo:=true also an invented person whose motion it tracks.

For example `ros2 launch inpose_ros inpose.launch.py sensors:=headset_controllers.yaml`.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

ARGUMENTS = {
    'sensors': ('', 'sensors file: a path, or a name in config/sensors of this package; empty: none (or demo.yaml)'),
    'params_file': ('', 'parameter file, as config/inpose.yaml; what it sets overrides the sensors file'),
    'device': ('', 'auto, cpu or cuda; empty: as the parameter file says'),
    'body_id': ('', 'whose body it is; empty: as the parameter file says'),
    'namespace': ('', 'namespace of the nodes and their topics'),
    'autostart': ('true', 'configure and activate by itself'),
    'log_level': ('info', 'debug, info, warn, error or fatal'),
    'demo': ('false', 'also play an invented motion as sensor topics'),
}


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


def nodes(context: LaunchContext) -> list[Node]:
    value = {name: context.perform_substitution(LaunchConfiguration(name)) for name in ARGUMENTS}
    sensors = value['sensors'] or ('demo.yaml' if is_true('demo', value['demo']) else '')
    # Later entries win: the user's file over the sensors file, arguments over both.
    files = [*([str(sensors_path(sensors))] if sensors else []), *filter(None, [value['params_file']])]
    chosen = {name: value[name] for name in ('device', 'body_id') if value[name]}
    shared = {'package': 'inpose_ros', 'namespace': value['namespace'], 'output': 'screen'}
    log = ['--log-level', value['log_level']]
    tracker = Node(
        **shared,
        executable='inpose',
        name='inpose',
        parameters=[*files, chosen, {'autostart': is_true('autostart', value['autostart'])}],
        ros_arguments=log,
    )
    player = Node(
        **shared,
        executable='inpose_play',
        name='inpose_play',
        parameters=[*files, {'loop': True}],
        ros_arguments=log,
        condition=IfCondition(value['demo']),
    )
    return [tracker, player]


def generate_launch_description() -> LaunchDescription:
    arguments = [
        DeclareLaunchArgument(name, default_value=default, description=meaning)
        for name, (default, meaning) in ARGUMENTS.items()
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=nodes)])
