"""The launch files, the sensors files and RViz's view name what the nodes really have; no launch and no RViz needed."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy

from inpose_ros.node.conversions.markers import NAMESPACES
from inpose_ros.node.parameters import NodeParameters
from inpose_ros.node.player import PlayerParameters
from inpose_ros.node.sensor_inputs import sensor_from

ROOT = Path(__file__).parents[2]
LAUNCH = ROOT / 'launch' / 'inpose.launch.py'
SENSORS = sorted((ROOT / 'config' / 'sensors').glob('*.yaml'))
SHOWN = {
    'RobotModel': 'std_msgs/msg/String',
    'MarkerArray': 'visualization_msgs/msg/MarkerArray',
    'PointCloud2': 'sensor_msgs/msg/PointCloud2',
}


def assigned(path: Path) -> dict[str, object]:
    """The constants at the top of a launch file."""
    tree = ast.parse(path.read_text())
    return {
        row.targets[0].id: ast.literal_eval(row.value)
        for row in tree.body
        if isinstance(row, ast.Assign) and row.targets[0].id.isupper()
    }


def started(path: Path) -> Iterator[dict[str, ast.expr]]:
    """The arguments of each Node in a launch file."""
    for call in ast.walk(ast.parse(path.read_text())):
        if isinstance(call, ast.Call) and getattr(call.func, 'id', '') == 'Node':
            yield {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}


def words(expression: ast.expr) -> list[str]:
    """The texts in an expression."""
    return [part.value for part in ast.walk(expression) if isinstance(getattr(part, 'value', None), str)]


def topics_in(part: object) -> Iterator[tuple[str, dict]]:
    """Every topic of an RViz file, with the class of its display."""
    for display in part['Visualization Manager']['Displays']:
        for key in ('Topic', 'Description Topic'):
            if key in display:
                yield display['Class'].removeprefix('rviz_default_plugins/'), display[key]


@pytest.fixture(scope='module')
def view() -> dict:
    return yaml.safe_load((ROOT / 'config' / 'inpose.rviz').read_text())


def test_the_view_shows_body_skeleton_cloud_and_frames(view):
    displays = {row['Class'].removeprefix('rviz_default_plugins/') for row in view['Visualization Manager']['Displays']}
    assert {*SHOWN, 'TF'} <= displays
    assert view['Visualization Manager']['Global Options']['Fixed Frame'] == NodeParameters().world_frame


def test_every_topic_of_the_view_is_published_with_that_type_and_durability(stage, view):
    node = stage.active()
    names = dict(node.get_publisher_names_and_types_by_node(node.get_name(), node.get_namespace()))
    rows = list(topics_in(view))
    assert {kind for kind, _ in rows} == set(SHOWN)
    for kind, topic in rows:
        assert not topic['Value'].startswith('/')  # so that it follows RViz's own namespace
        full = f'{node.get_namespace()}/{topic["Value"]}'
        assert names[full] == [SHOWN[kind]]
        (info,) = node.get_publishers_info_by_topic(full)
        kept = info.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
        assert kept == (topic['Durability Policy'] == 'Transient Local')


def test_the_view_shows_all_namespaces_of_markers(view):
    (row,) = [r for r in view['Visualization Manager']['Displays'] if r['Class'].endswith('MarkerArray')]
    assert set(row['Namespaces']) == set(NAMESPACES)


def test_launch_arguments_that_are_parameters_are_those_of_the_node():
    constants = assigned(LAUNCH)
    declared = NodeParameters.__dataclass_fields__
    assert set(constants['CHOSEN']) <= set(constants['ARGUMENTS']) & set(declared)
    assert all(declared[name].type is str for name in constants['CHOSEN'])
    assert 'autostart' in declared and 'loop' in PlayerParameters.__dataclass_fields__


def test_launched_executables_are_installed_under_the_names_of_their_nodes():
    rows = [row for row in started(LAUNCH) if ast.literal_eval(row['package']) == 'inpose_ros']
    names = [ast.literal_eval(row['executable']) for row in rows]
    assert names == ['inpose', 'inpose_play'] == [word for row in rows for word in words(row['name'])]
    assert all((ROOT / 'scripts' / name).is_file() for name in names)


def test_files_that_the_launch_files_name_are_there():
    assert {'demo.yaml', 'inpose.rviz'} <= {
        row.value for row in ast.walk(ast.parse(LAUNCH.read_text())) if isinstance(row, ast.Constant)
    }
    assert (ROOT / 'config' / 'inpose.rviz').is_file() and (ROOT / 'config' / 'sensors' / 'demo.yaml').is_file()
    assert (LAUNCH.parent / assigned(LAUNCH.parent / 'demo.launch.py')['INCLUDED']).is_file()


@pytest.mark.parametrize('path', SENSORS, ids=lambda path: path.stem)
def test_a_sensors_file_gives_the_sensors_that_it_names(path):
    node = Node('inpose', cli_args=['--ros-args', '--params-file', str(path)])
    try:
        own, rows = NodeParameters.read(node)
        written = yaml.safe_load(path.read_text())['/**']['ros__parameters']
        assert list(own.sensors) == written['sensors'] == list(rows)
        assert set(written) == {'sensors', *rows}  # no sensor is described that is not worn
        for name, row in rows.items():
            sensor = sensor_from(name, row)
            assert sensor.joint == written[name]['joint'] and sensor.type == written[name]['type']
            assert set(written[name]) <= set(row.__dataclass_fields__)
    finally:
        node.destroy_node()
