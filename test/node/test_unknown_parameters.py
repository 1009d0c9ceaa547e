"""What was given and is read by nobody is told, with what may have been meant."""

import itertools
import re
import subprocess
import sys
from contextlib import nullcontext
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


@pytest.mark.parametrize(
    ('described', 'meant'),
    [
        ({'haed.type': 'imu', 'haed.joint': 'head'}, 'head'),
        ({'haed.topic': 'a/b'}, 'head'),
        ({'Head.topic': 'a/b'}, 'head'),
        ({'left_wrsit.topic': 'a/b'}, 'left_wrist'),
        ({'leftwrist.mount': [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]}, 'left_wrist'),
        ({'head.type': 'imu', 'rigth_wrist.time_offset': 0.1}, 'right_wrist'),
    ],
    ids=str,
)
def test_a_sensor_with_a_slip_in_its_name_is_told_with_the_one_that_was_meant(stage, capfd, described, meant):
    node = stage.node(**described)
    node.trigger_configure()
    assert node.state == 'unconfigured' and f'did you mean {meant}?' in capfd.readouterr().err
    values = [Parameter(name, value=value) for name, value in described.items()]
    with pytest.raises(ParameterError, match=f'did you mean {meant}'):
        PlayerNode(namespace=stage.namespace, parameter_overrides=values)


@pytest.mark.parametrize(
    'values',
    [
        {'sensors': ['head'], 'left_wrist.topic': 'a/b', 'waist.joint': 'pelvis'},
        {'sensors': ['spine2'], 'spine1.topic': 'a/b'},
        {'sensors': ['left_knee', 'left_ankle', 'left_wrist'], 'right_wrist.topic': 'a/b', 'right_knee.topic': 'c/d'},
        {'head_spare.joint': 'head', 'head2.joint': 'head', 'left_wrist_imu.type': 'imu'},
        {'hand.joint': 'left_wrist'},
        {'head.topic': 'a/b', 'haed.topic': 'a/b'},
    ],
    ids=str,
)
def test_a_sensor_for_another_time_is_no_slip(stage, capfd, values):
    node = stage.node(**values)
    node.trigger_configure()
    assert node.state == 'inactive' and 'described, but not worn: ' in capfd.readouterr().err


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


PEOPLE, ROBOT = ('/anna/inpose', '/ben/inpose'), ('/robot1/inpose',)


@pytest.mark.parametrize(
    ('sections', 'nodes', 'refused'),
    [
        ('/anna/inpose /bne/inpose', PEOPLE, '/bne/inpose'),
        ('/** /bne/inpose', PEOPLE, '/bne/inpose'),
        ('/anna/inpose /ben/inpos', PEOPLE, '/ben/inpos'),
        ('/anna/inpose /ben/inpose /bne/inpose_play /ben/impose', PEOPLE, '/ben/impose'),
        ('/anna/inpose /inpose', PEOPLE, '/inpose'),
        ('/** inpos', ('/inpose',), '/inpos'),
        ('/inpose inpose_player', ('/inpose',), '/inpose_player'),
        ('/** /*', ('/a/inpose',), '/*'),
        ('/*', ('/a/inpose',), '/*'),
        ('/a/inpose /*', ('/a/inpose',), '/*'),
        ('/**/inpos /**/inpose_play', ('/a/inpose',), '/**/inpos'),
        ('/** /tracker /trakcer', ('/tracker',), '/trakcer'),
        ('/camera /rviz2', ('/inpose',), '/camera and /rviz2'),
        # one file for many
        ('/** /camera /robot_state_publisher /rviz2 /inpose_arm_follower /imu/filter', ('/inpose',), None),
        ('/** /camera/**', ('/a/inpose',), None),
        ('/anna/inpose /ben/inpose /anna/inpose_play /camera', PEOPLE, None),
        ('/robot1/inpose /robot2/inpose /robot2/inpose_play /robot2/* /robot2/camera', ROBOT, None),
        ('/inpose1 /inpose2', ('/inpose1',), None),
        ('/** /inpose2', ('/inpose1',), '/inpose2'),
        ('/*/inpose /**/inpose_play /inpose_play', ('/a/inpose', '/inpose'), None),
    ],
)  # fmt: skip
def test_each_section_of_a_file_is_judged_by_itself(tmp_path, sections, nodes, refused):
    path = tmp_path / 'my.yaml'
    path.write_text(yaml.safe_dump({name: {'ros__parameters': {'seed': 3}} for name in sections.split()}))
    if refused is None:
        return params_file.refuse_unheard([path], nodes)
    with pytest.raises(ParameterError, match=f' is for {re.escape(refused)}, and no node here has such a name'):
        params_file.refuse_unheard([path], nodes)


def test_who_was_meant_is_told(tmp_path):
    path = tmp_path / 'my.yaml'
    path.write_text('/anna/inpose: {ros__parameters: {seed: 3}}\n/bne/inpose: {ros__parameters: {seed: 4}}')
    with pytest.raises(ParameterError, match='write /\\*\\*: for all, or /ben/inpose:'):
        params_file.refuse_unheard([path], PEOPLE)


@pytest.mark.parametrize(
    ('sections', 'heard'),
    [
        ('/anna/inpose /ben/inpose', True),  # the trackers of all bodies
        ('/ben/inpose /ben/inpose_play', True),  # which another process is
        ('/anna/inpose_play', True),
        ('/** /anna/inpose_ply', False),
        ('/** /anna/inpos', False),
        ('/** inpose_play', False),
        ('/*', False),
        ('/camera', False),
    ],
)
def test_the_player_refuses_what_nobody_hears_too(tmp_path, sections, heard):
    path = tmp_path / 'my.yaml'
    path.write_text(yaml.safe_dump({name: {'ros__parameters': {'seed': 3}} for name in sections.split()}))
    expected = nullcontext() if heard else pytest.raises(ParameterError, match='no node here has such a name')
    with expected:
        params_file.refuse_unheard([path], ['/anna/inpose_play'], params_file.TRACKER, are_all=False)


def test_a_player_with_a_misspelt_section_ends_with_a_sentence(tmp_path):
    path = tmp_path / 'my.yaml'
    path.write_text('/**: {ros__parameters: {seed: 3}}\n/inpose_ply: {ros__parameters: {seed: 4}}')
    script = Path(__file__).parents[2] / 'scripts' / 'inpose_play'
    words = [sys.executable, str(script), '--ros-args', '--params-file', str(path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and 'not playing: ' in done.stderr and 'Traceback' not in done.stderr
    assert 'is for /inpose_ply, and no node here has such a name' in done.stderr


def test_that_rcl_takes_a_section_for_a_node_as_we_do(stage, tmp_path):
    path = tmp_path / 'my.yaml'
    sections = (
        'inpose',
        '/inpose',
        '/**',
        '/*',
        '/**/inpose',
        '/*/inpose',
        '/a/inpose',
        '/a/**/inpose',
        '/a/*',
        '/*/**',
    )
    for section, namespace in itertools.product((*sections, '/**/*', '/**/b/inpose', '/a/**'), ('', 'a', 'a/b')):
        path.write_text(yaml.safe_dump({section: {'ros__parameters': {'rate': 60.0}}}))
        words = ['--ros-args', '--params-file', str(path)]
        node = Node('inpose', namespace=namespace, cli_args=words, enable_rosout=False, start_parameter_services=False)
        pattern, name = f'/{section.strip("/")}', node.get_fully_qualified_name()
        assert bool(given(node)) == params_file._means(pattern, name), (section, name)
        node.destroy_node()


def test_ros_arguments_that_will_not_do_end_the_process_with_a_sentence():
    script = Path(__file__).parents[2] / 'scripts' / 'inpose'
    for words in (['--params-file', '/nowhere.yaml'], ['-p', 'rate=3'], ['--parms-file', 'x']):
        done = subprocess.run(
            [sys.executable, str(script), '--ros-args', *words], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 1 and 'not started: ' in done.stderr and 'Traceback' not in done.stderr
