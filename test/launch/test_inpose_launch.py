"""The launch file, where launch_ros is installed (it is not on PyPI)."""

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip('launch_ros', reason='launch_ros is not installed; it comes with a ROS 2 distribution')

from launch import LaunchContext
from launch.actions import DeclareLaunchArgument

LAUNCH = Path(__file__).parents[2] / 'launch' / 'inpose.launch.py'


@pytest.fixture
def module() -> object:
    spec = importlib.util.spec_from_file_location('inpose_launch', LAUNCH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def context_with(module: object, **values: str) -> LaunchContext:
    context = LaunchContext()
    defaults = {name: default for name, (default, _) in module.ARGUMENTS.items()}
    context.launch_configurations.update(defaults | values)
    return context


def test_every_argument_is_described(module):
    declared = [e for e in module.generate_launch_description().entities if isinstance(e, DeclareLaunchArgument)]
    assert {argument.name for argument in declared} == set(module.ARGUMENTS)
    assert all(argument.description for argument in declared)


def test_the_player_starts_only_in_the_demo(module):
    for demo in ('true', 'false'):
        context = context_with(module, demo=demo)
        tracker, player = module.nodes(context)
        assert tracker.condition is None and player.condition.evaluate(context) == (demo == 'true')


@pytest.mark.parametrize(
    ('said', 'meant'), [('true', True), ('True', True), ('1', True), ('false', False), ('0', False)]
)
def test_flags_are_read_as_launch_reads_conditions(module, said, meant):
    assert module.is_true('autostart', said) == meant


def test_a_flag_that_is_none_is_told(module):
    with pytest.raises(ValueError, match='autostart is'):
        module.nodes(context_with(module, autostart='later'))


def test_a_sensors_file_is_found_by_its_name(module):
    assert module.sensors_path('demo').name == 'demo.yaml'
    with pytest.raises(FileNotFoundError, match='headset_controllers'):
        module.sensors_path('nothing')
