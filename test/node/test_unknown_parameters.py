"""What was given and is read by nobody is told, with what may have been meant."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from rclpy.node import Node
from rclpy.parameter import Parameter

from inpose_ros.errors import ParameterError
from inpose_ros.node import params_file
from inpose_ros.node.player import PlayerNode
from inpose_ros.node.unknown_parameters import given

from .test_parameters import CONFIG

ROWS = {
    'rat': ({'rat': 60.0}, 'rat is no parameter of inpose; did you mean rate?'),
    'a field of a sensor': ({'head__typ': 'pose'}, 'head.typ is no parameter of inpose; did you mean head.type?'),
    'a group': ({'body__statur': 1.7}, 'did you mean body.stature?'),
    'a sensor not worn': ({'waist__joint': 'pelvis', 'waist__tipe': 'imu'}, 'did you mean waist.type?'),
    'two': ({'rat': 60.0, 'stpes': 2}, 'did you mean rate?; stpes is no parameter of inpose; did you mean steps?'),
    'nothing like it': ({'colour': 'red'}, 'colour is no parameter of inpose; config/inpose.yaml has all'),
    'below a sensor': ({'head__mount__x': 1.0}, 'did you mean head.mount?'),
    'another group': ({'body__colour': 'red'}, 'there are body.bones, body.estimate, body.save, body.stature'),
}


@pytest.mark.parametrize('name', ROWS)
def test_what_nobody_reads_keeps_the_node_from_configuring_and_names_the_nearest(stage, capfd, name):
    values, words = ROWS[name]
    node = stage.node(**values)
    node.trigger_configure()
    said = capfd.readouterr().err
    assert node.state == 'unconfigured' and 'not configured: ' in said and words in said


def test_files_and_the_command_line_count_and_what_rclpy_reads_is_known(stage, tmp_path):
    path = tmp_path / 'some.yaml'
    path.write_text(yaml.safe_dump({'/**': {'ros__parameters': {'rate': 20.0, 'head': {'type': 'pose'}}}}))
    words = ['--ros-args', '--params-file', str(path), '-p', 'use_sim_time:=false', '-p', 'sensors:=[]']
    node = Node('inpose', cli_args=words, parameter_overrides=[Parameter('seed', value=3)])
    stage.nodes.append(node)
    assert set(given(node)) == {'rate', 'head.type', 'use_sim_time', 'sensors', 'seed'}


def test_a_sensor_may_be_described_before_it_is_worn_and_the_log_says_so(stage, capfd):
    node = stage.node(waist__joint='pelvis', waist__type='imu')
    node.trigger_configure()
    assert node.state == 'inactive' and 'described, but not worn: waist' in capfd.readouterr().err


def test_one_file_serves_the_tracker_and_the_player(stage):
    node = stage.node(seconds=3.0, source='procedural')
    node.trigger_configure()
    assert node.state == 'inactive'
    values = [Parameter('rate', value=20.0), Parameter('seconds', value=1.0)]
    stage.nodes.append(PlayerNode(namespace=stage.namespace, parameter_overrides=values))


def test_the_player_names_what_nobody_reads_too(stage):
    with pytest.raises(ParameterError, match='secnds is no parameter of inpose_play; did you mean seconds'):
        PlayerNode(namespace=stage.namespace, parameter_overrides=[Parameter('secnds', value=3.0)])


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('', 'is empty: put names and values under ros__parameters'),
        ('# only a word\n', 'is empty'),
        ('rate: 60.0\n', 'has no ros__parameters, without which no node reads it'),
        ('/**:\n  rate: 60.0\n', 'has no ros__parameters'),
        ('- rate\n', 'holds no names'),
        ('just words', 'holds no names'),
        ('/**: [1,\n', 'is no YAML'),
        ('/**:\n  ros__parameters:\n', 'has no names with values under ros__parameters of /**'),
        ('/**:\n  ros__parameters: [rate]\n', 'has no names with values under ros__parameters of /**'),
    ],
)
def test_a_file_that_will_not_do_gets_a_sentence(tmp_path, text, words):
    path = tmp_path / 'my.yaml'
    path.write_text(text)
    with pytest.raises(ParameterError) as error:
        params_file.check(path)
    assert words in str(error.value) and str(path) in str(error.value) and '\n' not in str(error.value)


def test_a_file_that_is_not_there_is_told_with_those_that_are(tmp_path):
    for name in ('mine.yaml', 'a.yaml', 'word.txt'):
        (tmp_path / name).write_text('')
    for wanted, there in (('mien.yaml', 'mine.yaml, a.yaml'), ('zzz', 'a.yaml, mine.yaml')):
        with pytest.raises(ParameterError, match=f'there is no parameter file .*{wanted}; .* has {there}$'):
            params_file.check(tmp_path / wanted)


def test_what_launch_writes_is_read_as_rcl_reads_it(tmp_path):
    path = tmp_path / 'launch_params'
    path.write_text(
        '/**:\n  ros__parameters:\n    bodies: !!python/tuple\n    - anna\n    world_frame: odom\n'
        '/a/inpose:\n  ros__parameters:\n    world_frame: map\n'
    )
    params_file.check(path)
    found = [params_file.value([path], node, 'world_frame') for node in ('/inpose', '/a/inpose')]
    assert found == ['odom', 'map'] and params_file.value([path], '/inpose', 'rate') is None


@pytest.mark.parametrize('path', sorted(CONFIG.rglob('*.yaml')), ids=lambda path: path.stem)
def test_the_files_of_the_package_will_do(path):
    if 'faults' not in path.parts:
        params_file.check(path)


@pytest.mark.parametrize(
    ('section', 'node', 'heard'),
    [
        ('/**', '/a/inpose', True),
        ('inpose', '/inpose', True),
        ('/inpose', '/inpose', True),
        ('inpose', '/a/inpose', False),
        ('/*/inpose', '/a/inpose', True),
        ('/**/inpose', '/a/b/inpose', True),
        ('inpos', '/inpose', False),
        ('inpose_play', '/inpose', True),  # it is the player's
        ('/a/inpose_play', '/a/inpose', True),
    ],
)
def test_a_file_that_is_for_nobody_here_is_refused(tmp_path, section, node, heard):
    path = tmp_path / 'my.yaml'
    path.write_text(yaml.safe_dump({section: {'ros__parameters': {'rate': 60.0}}}))
    assert params_file.named(['inpose', '--ros-args', '--params-file', str(path)]) == [path]
    if heard:
        params_file.refuse_unheard([path], [node])
    else:
        with pytest.raises(ParameterError, match='no node here has such a name'):
            params_file.refuse_unheard([path], [node])


def test_that_rcl_takes_a_section_for_a_node_as_we_do(stage, tmp_path):
    path = tmp_path / 'my.yaml'
    for section, name, taken in [('inpose', 'inpose', False), ('/*/inpose', 'inpose', True), ('/**', 'inpose', True)]:
        path.write_text(yaml.safe_dump({section: {'ros__parameters': {'rate': 60.0}}}))
        node = Node(name, namespace=stage.namespace, cli_args=['--ros-args', '--params-file', str(path)])
        stage.nodes.append(node)
        assert (
            bool(given(node)) == taken == params_file._means(f'/{section.strip("/")}', node.get_fully_qualified_name())
        )


def test_ros_arguments_that_will_not_do_end_the_process_with_a_sentence():
    script = Path(__file__).parents[2] / 'scripts' / 'inpose'
    for words in (['--params-file', '/nowhere.yaml'], ['-p', 'rate=3'], ['--parms-file', 'x']):
        done = subprocess.run(
            [sys.executable, str(script), '--ros-args', *words], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 1 and 'not started: ' in done.stderr and 'Traceback' not in done.stderr
