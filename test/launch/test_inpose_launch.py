"""The launch file, where launch_ros is installed (it is not on PyPI)."""

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from inpose_ros.errors import ParameterError
from inpose_ros.node import view

pytest.importorskip('launch_ros', reason='launch_ros is not installed; it comes with a ROS 2 distribution')

from launch import LaunchContext, LaunchDescription, LaunchService
from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    LogInfo,
    RegisterEventHandler,
    Shutdown,
    TimerAction,
)
from launch.event_handlers import OnProcessExit, OnProcessIO
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_ros.utilities import evaluate_parameters

LAUNCH = Path(__file__).parents[2] / 'launch' / 'inpose.launch.py'


def loaded(path: Path) -> object:
    spec = importlib.util.spec_from_file_location(path.name.replace('.', '_'), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def module() -> object:
    return loaded(LAUNCH)


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
        tracker, player, *_ = module.nodes(context)
        assert tracker.condition is None and player.condition.evaluate(context) == (demo == 'true')


def test_each_body_has_a_player_and_a_view_and_all_have_one_tracker(module, monkeypatch):
    monkeypatch.setattr(module, 'get_package_prefix', lambda package: '/somewhere')
    context = context_with(module, demo='true', rviz='true', namespace='lab', bodies='anna, ben')
    actions = [action for action in module.nodes(context) if not isinstance(action, LogInfo)]
    assert [action.node_executable for action in actions] == ['inpose', *2 * ['inpose_play'], *2 * ['rviz2']]
    assert module.body_namespaces('lab', ['anna', 'ben']) == ['lab/anna', 'lab/ben']
    assert module.body_namespaces('', ['anna']) == ['anna'] and module.body_namespaces('lab', []) == ['lab']


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


@pytest.mark.parametrize(
    ('said', 'environment', 'meant'),
    [
        ('', {}, 'LOCALHOST'),
        ('', {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SUBNET'}, 'SUBNET'),
        ('true', {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SUBNET'}, 'LOCALHOST'),
        ('false', {}, 'SUBNET'),
    ],
)
def test_other_machines_are_heard_only_when_somebody_says_so(module, said, environment, meant):
    assert module.discovery_range(said, environment) == meant


def test_the_discovery_range_is_given_to_every_process_and_told(module):
    context = context_with(module, localhost_only='true')
    tracker, player, told = module.nodes(context)
    for node in (tracker, player):
        ((name, value),) = node.additional_env
        assert [part.text for part in (*name, *value)] == ['ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST']
    assert 'LOCALHOST' in context.perform_substitution(told.msg[0])


def test_without_rviz_installed_a_word_says_so_and_the_rest_starts(module, monkeypatch):
    def nothing(package: str) -> str:
        raise module.PackageNotFoundError(package)

    monkeypatch.setattr(module, 'get_package_prefix', nothing)
    context = context_with(module, rviz='true')
    *_, word = module.nodes(context)
    assert isinstance(word, LogInfo) and 'rviz2 is not installed' in context.perform_substitution(word.msg[0])


@pytest.fixture
def shown(module, monkeypatch) -> Callable[..., list[tuple[str, str]]]:
    """The fixed frame and the filter of frames of each view that is opened with these arguments."""
    monkeypatch.setattr(module, 'get_package_prefix', lambda package: '/somewhere')

    def shown(**arguments: str) -> list[tuple[str, str]]:
        actions = [
            a for a in module.nodes(context_with(module, rviz='true', **arguments)) if not isinstance(a, LogInfo)
        ]
        views = [action for action in actions if action.node_package == 'rviz2']
        found = []
        for shown_by in views:
            assert (
                shown_by.expanded_node_namespace == '<node_namespace_unspecified>'
            )  # given, and expanded when it starts
            manager = yaml.safe_load(Path(shown_by._Node__arguments[1]).read_text())['Visualization Manager']
            (frames,) = [row for row in manager['Displays'] if row['Class'].endswith('/TF')]
            found.append((manager['Global Options']['Fixed Frame'], frames['Filter (whitelist)']))
        return found

    return shown


def test_rviz_shows_the_frames_of_the_node_whose_namespace_it_is_in(shown, tmp_path):
    path = tmp_path / 'my.yaml'
    path.write_text(
        '/**: {ros__parameters: {world_frame: odom}}\n/lab/anna/inpose: {ros__parameters: {frame_prefix: her/}}'
    )
    assert shown() == [('world', '^human/|^world$')]
    assert shown(namespace='a') == [('world', '^a/human/|^world$')]
    assert shown(namespace='a', frame_prefix='mine/') == [('world', '^mine/|^world$')]
    assert shown(bodies='anna,ben') == [('world', '^anna/|^world$'), ('world', '^ben/|^world$')]
    both = [('odom', '^her/|^odom$'), ('odom', '^lab/ben/|^odom$')]
    assert shown(namespace='lab', bodies='anna,ben', params_file=str(path)) == both


def test_a_view_of_the_defaults_is_the_file_of_the_package():
    text = (LAUNCH.parents[1] / 'config' / 'inpose.rviz').read_text()
    assert yaml.safe_load(view.filled(text, 'world', 'human/')) == yaml.safe_load(text)


def test_a_parameter_file_that_will_not_do_stops_the_launch(module, tmp_path):
    (tmp_path / 'mine.yaml').write_text('rate: 60.0')
    for name, words in (('mien.yaml', 'has mine.yaml'), ('mine.yaml', 'has no ros__parameters')):
        with pytest.raises(ParameterError, match=words):
            module.nodes(context_with(module, params_file=str(tmp_path / name)))


UNKNOWN = {
    'sensor_file': 'did you mean sensors',
    'sensors_file': 'did you mean sensors',
    'parameters_file': 'did you mean params_file',
    'params': 'did you mean params_file',
    'parms_file': 'did you mean params_file',
    'sensr': 'did you mean sensors',
    'body': 'did you mean body_id',
    'prefix': 'did you mean frame_prefix',
    'sim_time': 'did you mean use_sim_time',
    'rate': 'rate is a parameter of the node: write it into a file, and give that as params_file',
    'floor_height': 'floor_height is a parameter of the node',
    'world_frame': 'world_frame is a parameter of the node',
    'stature': 'body.stature is a parameter of the node',
    'robot': '--show-args` lists all',
}
# What a file may have that includes this one, and others with it.
OTHERS = (
    'robot robot_name robot_namespace ros_namespace use_namespace world map model rate seed world_frame frame_id topic '
    'tf_prefix nav2_params_file robot_params_file device_id camera_device rviz_config rviz_config_file use_rviz gui '
    'launch_rviz use_composition autostart_nav publish_frequency headless controllers_file sim_time user_id port host '
    'name ns config global_params ros_remaps'
).split()


@pytest.mark.parametrize('name', UNKNOWN)
@pytest.mark.parametrize('words', [['inpose_ros', 'demo.launch.py'], [str(LAUNCH)], ['-d', 'inpose_ros', LAUNCH.name]])
def test_an_argument_that_is_none_is_told_with_what_was_meant(module, monkeypatch, name, words):
    monkeypatch.setattr(sys, 'argv', ['ros2', 'launch', *words, f'{name}:=x'])
    with pytest.raises(ValueError, match=f'there is no argument {name}; ') as error:
        module.nodes(context_with(module, **{name: 'x'}))
    assert UNKNOWN[name] in str(error.value)


@pytest.mark.parametrize('name', OTHERS)
def test_arguments_of_a_file_that_includes_this_one_are_left_to_it(module, monkeypatch, name):
    monkeypatch.setattr(sys, 'argv', ['ros2', 'launch', 'mine', 'demo.launch.py', f'{name}:=x'])
    told = module.refuse_unknown([name], sys.argv)
    assert len(told) == (name in ('model', 'rate', 'seed', 'world_frame'))  # a word, as they may be meant for us


def test_an_included_file_refuses_what_is_nearly_an_argument(module):
    for name in ('parms_file', 'sensr', 'sensor', 'namespase', 'parameters_file', 'frame_prefx'):
        with pytest.raises(ValueError, match=f'there is no argument {name}; did you mean'):
            module.nodes(context_with(module, **{name: 'x'}))


def test_what_launch_reads_itself_is_no_mistake(module, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['ros2', 'launch', str(LAUNCH), '--launch-prefix', 'nice'])
    module.nodes(context_with(module, **{'launch-prefix': 'nice', 'emulate_tty': 'true'}))


@pytest.mark.parametrize(('said', 'meant'), [('', None), ('true', True), ('False', False)])
def test_all_nodes_go_by_the_clock_that_is_said(module, monkeypatch, said, meant):
    monkeypatch.setattr(module, 'get_package_prefix', lambda package: '/somewhere')
    context = context_with(module, demo='true', rviz='true', use_sim_time=said)
    started = [action for action in module.nodes(context) if not isinstance(action, LogInfo)]
    assert [action.node_executable for action in started] == ['inpose', 'inpose_play', 'rviz2']
    for action in started:
        rows = [row for row in action._Node__parameters if isinstance(row, dict)]
        found = [
            value for row in evaluate_parameters(context, rows) for name, value in row.items() if name == 'use_sim_time'
        ]
        assert found == ([] if meant is None else [meant])


def test_the_demo_includes_the_launch_file_beside_it(module):
    (include,) = loaded(LAUNCH.parent / 'demo.launch.py').generate_launch_description().entities
    assert isinstance(include, IncludeLaunchDescription)
    assert dict(include.launch_arguments) == {'demo': 'true'}
    included = include.launch_description_source.try_get_launch_description_without_context()
    assert {argument.name for argument in included.get_launch_arguments()} == set(module.ARGUMENTS)


def run(file: str, words: set[str], **arguments: str) -> tuple[set[str], dict[str, int]]:
    """Launch until these words were heard (100 s at most), then interrupt; the words heard, and how processes ended."""
    heard: set[str] = set()
    ended: dict[str, int] = {}

    def listen(event: object) -> Shutdown | None:
        heard.update(word for word in words if word in event.text.decode())
        return Shutdown(reason='heard all') if heard == words else None

    def end(event: object, context: LaunchContext) -> None:
        ended[event.process_name.rpartition('-')[0]] = event.returncode

    source = PythonLaunchDescriptionSource(str(LAUNCH.parent / file))
    service = LaunchService(noninteractive=True)
    service.include_launch_description(
        LaunchDescription(
            [
                RegisterEventHandler(OnProcessIO(on_stdout=listen, on_stderr=listen)),
                RegisterEventHandler(OnProcessExit(on_exit=end)),
                TimerAction(period=100.0, actions=[Shutdown(reason='waited in vain')]),
                IncludeLaunchDescription(source, launch_arguments=arguments.items()),
            ]
        )
    )
    service.run()
    return heard, ended


def test_the_launch_file_brings_up_the_tracker_which_an_interrupt_ends_cleanly():
    words = {'no sensor is sending'}
    assert run('inpose.launch.py', words, localhost_only='true') == (words, {'inpose': 0})


def test_the_demo_tracks_its_invented_person_and_ends_cleanly():
    words = {'playing', 'sensors are sending; publishing'}
    heard, ended = run('demo.launch.py', words, localhost_only='true', namespace='demo_test')
    assert heard == words and ended == {'inpose': 0, 'inpose_play': 0}


def test_several_bodies_are_tracked_by_one_process_each_by_its_own_player():
    words = {f'[bodies_test.{name}.inpose]: sensors are sending' for name in ('anna', 'ben')}
    heard, ended = run('demo.launch.py', words, localhost_only='true', namespace='bodies_test', bodies='anna,ben')
    assert heard == words and ended == {'inpose': 0, 'inpose_play': 0}


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['params_file:=/nowhere.yaml'], 'there is no parameter file /nowhere.yaml'),
        (['sensors:=nothing'], 'no sensors file nothing'),
        (['sensor:=demo'], 'did you mean sensors'),
        (['rate:=60.0'], 'rate is a parameter of the node'),
        (['robot:=mine'], 'there is no argument robot'),
        (['bodies:=anna,anna'], 'not started: bodies is'),
    ],
)
def test_ros2_launch_ends_with_an_error_and_a_sentence_where_nothing_can_be_started(arguments, words):
    if shutil.which('ros2') is None:
        pytest.skip('ros2 is not installed')
    command = ['ros2', 'launch', str(LAUNCH), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=100)
    assert done.returncode == 1 and words in done.stdout, done.stdout
    assert 'Traceback' not in done.stdout
