"""The set-up: stamps, the wheels' CMake exports, one version everywhere."""

import ast
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import environment
import inpose_ros
import wheel_exports

CHECKOUT = Path(__file__).resolve().parent.parent

EXPORT = """set_target_properties(std_msgs::std_msgs__rosidl_generator_py PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES "/opt/python/cp311-cp311/include/python3.11;/opt/python/cp311-cp311/lib/python3.11/site-packages/numpy/_core/include"
  INTERFACE_LINK_LIBRARIES "/opt/python/other")
"""  # noqa: E501


def test_exports_of_the_wheels_point_at_this_python():
    after = wheel_exports.rewritten(EXPORT, '/here/include', '/here/numpy')
    assert '"/here/include;/here/numpy"' in after
    assert '/opt/python/cp3' not in after


def test_rewriting_exports_twice_changes_nothing_more(tmp_path):
    (tmp_path / 'share' / 'std_msgs').mkdir(parents=True)
    (tmp_path / 'share' / 'std_msgs' / 'export.cmake').write_text(EXPORT)
    assert wheel_exports.rewrite(tmp_path, '/here/include', '/here/numpy') == 1
    assert wheel_exports.rewrite(tmp_path, '/here/include', '/here/numpy') == 0


def test_a_half_written_stamp_counts_as_none(tmp_path):
    (tmp_path / 'stamp').write_text('{"inputs": "12')
    assert environment.read_stamp(tmp_path / 'stamp') == {}
    assert environment.read_stamp(tmp_path / 'missing') == {}


def test_the_digest_tells_names_and_contents_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, 'ROOT', tmp_path)
    seen = set()
    for name, text in [('a', 'x'), ('a', 'y'), ('b', 'x')]:
        path = tmp_path / name
        path.write_text(text)
        seen.add(environment.digest([path]))
    assert len(seen) == 3


def test_every_requirement_has_an_exact_version():
    pinned = {line.split('==')[0].lower().replace('_', '-') for line in lines('constraints.txt')}
    for file in environment.REQUIREMENTS:
        for line in lines(file):
            name = line.split(';')[0].split('<')[0].split('==')[0].strip().lower()
            assert name in pinned, f'{file}: {name} has no version in constraints.txt'


def test_the_version_is_the_same_everywhere():
    manifest = ElementTree.parse(CHECKOUT / 'package.xml').getroot()
    assert manifest.findtext('version') == inpose_ros.__version__


def imported(folder: str) -> set[str]:
    """The packages that the modules of a folder import."""
    nodes = [node for path in (CHECKOUT / folder).rglob('*.py') for node in ast.walk(ast.parse(path.read_text()))]
    names = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    names |= {row.name for node in nodes if isinstance(node, ast.Import) for row in node.names}
    return {name.partition('.')[0] for name in names}


def test_every_package_of_ros_that_is_imported_stands_in_the_manifest():
    index = pytest.importorskip('ament_index_python.packages')
    of_ros = {*index.get_packages_with_prefixes(), 'launch', 'launch_ros', 'sensor_msgs_py', 'tf2_ros'} - {'inpose_ros'}
    manifest = ElementTree.parse(CHECKOUT / 'package.xml').getroot()
    rows = {kind: {row.text for row in manifest.findall(kind)} for kind in ('depend', 'exec_depend', 'test_depend')}
    there = {'tf2_ros' if name == 'tf2_ros_py' else name for name in rows['depend'] | rows['exec_depend']}
    needed = (imported('inpose_ros') | imported('launch')) & of_ros
    assert {'rclpy', 'rcl_interfaces', 'ament_index_python'} <= needed <= there
    assert imported('test') & of_ros <= there | rows['test_depend']


def lines(file: str) -> list[str]:
    return [line for line in (CHECKOUT / file).read_text().splitlines() if line and not line.startswith('#')]
