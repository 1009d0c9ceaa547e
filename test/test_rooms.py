"""Imports run one way: a room knows only the rooms before it, and only node, cli and examples know ROS."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / 'inpose_ros'
ROOMS = [
    'geometry', 'body', 'sensing', 'diffusion', 'motion', 'training', 'evaluation', 'node', 'cli', 'tools', 'examples',
]  # fmt: skip
KNOW_ROS = {'node', 'cli', 'tools', 'examples'}
FOREIGN = {'examples'}  # written as users would: they know the messages only
OFFLINE = {'training', 'evaluation'}  # nothing that runs on a robot needs these
ROS_MODULES = {'rclpy', 'tf2_ros', 'tf2_py', 'std_srvs', 'builtin_interfaces', 'sensor_msgs_py', 'launch', 'launch_ros'}
GENERATED = {'inpose_ros.msg', 'inpose_ros.srv'}


def imported_modules(source: str, module: str) -> Iterator[str]:
    """Every module that the source of `module` imports, wherever in the file, as an absolute name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module.split('.')[: -node.level] if node.level else []
            base += node.module.split('.') if node.module else []
            # `from inpose_ros import body` names the room only in the alias
            yield from ('.'.join([*base, alias.name]) for alias in node.names)


def objection(room: str, imported: str) -> str | None:
    """Say why `room` must not import the module `imported`, or None if it may."""
    top, *rest = imported.split('.')
    if top in ROS_MODULES or top.endswith('_msgs') or '.'.join([top, *rest[:1]]) in GENERATED:
        return None if room in KNOW_ROS else f'{room} must not know ROS ({imported})'
    if top != 'inpose_ros' or not rest or rest[0] == room:
        return None
    if room in FOREIGN:
        return f'{room} must know the messages only ({imported})'
    if rest[0] not in ROOMS:
        return None
    if rest[0] in FOREIGN:
        return f'{room} must not import an example ({imported})'
    if ROOMS.index(rest[0]) > ROOMS.index(room):
        return f'{room} must not import a room below it ({imported})'
    if rest[0] in OFFLINE and room not in OFFLINE | {'cli', 'tools'}:
        return f'{room} must not import offline work ({imported})'
    return None


def objections(source: str, module: str) -> list[str]:
    room = module.split('.')[1]
    return [text for imported in imported_modules(source, module) if (text := objection(room, imported))]


def module_name(path: Path) -> str:
    return '.'.join(path.relative_to(PACKAGE.parent).with_suffix('').parts)


@pytest.mark.parametrize('room', ROOMS)
def test_room_imports_only_the_rooms_before_it(room):
    found = [
        f'{path.relative_to(PACKAGE.parent)}: {text}'
        for path in sorted((PACKAGE / room).rglob('*.py'))
        for text in objections(path.read_text(), module_name(path))
    ]
    assert not found, '\n'.join(found)


def test_every_folder_of_code_is_a_known_room():
    folders = {path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob('*/*.py')}
    assert folders <= set(ROOMS), f'{folders - set(ROOMS)} must find a place in the order of rooms'


def test_errors_import_nothing_of_the_package():
    imported = imported_modules((PACKAGE / 'errors.py').read_text(), 'inpose_ros.errors')
    assert not [name for name in imported if name.startswith('inpose_ros')]


@pytest.mark.parametrize(
    ('module', 'source'),
    [
        ('inpose_ros.geometry.rotation', 'from inpose_ros.body.skeleton import Skeleton'),
        ('inpose_ros.geometry.rotation', 'from inpose_ros import body'),
        ('inpose_ros.geometry.rotation', 'from ..body import skeleton'),
        ('inpose_ros.body.state', 'def late():\n    import inpose_ros.diffusion.solver'),
        ('inpose_ros.sensing.window', 'import rclpy.time'),
        ('inpose_ros.sensing.window', 'from geometry_msgs.msg import PoseStamped'),
        ('inpose_ros.evaluation.metrics', 'from inpose_ros.msg import BodyPose'),
        ('inpose_ros.node.tracker_node', 'from inpose_ros.training.loop import train'),
        ('inpose_ros.node.tracker_node', 'from inpose_ros.tools.rivals.contenders import RIVALS'),
        ('inpose_ros.sensing.window', 'from inpose_ros.tools import rivals'),
        ('inpose_ros.diffusion.solver', 'def late():\n    from inpose_ros.tools.rivals import networks'),
        ('inpose_ros.body.urdf', 'import inpose_ros.tools.rivals.inverse_kinematics'),
        ('inpose_ros.training.trainer', 'from inpose_ros.tools.rivals.tasks import TASKS'),
        ('inpose_ros.examples.arm_follower', 'from inpose_ros.errors import InPoseError'),
        ('inpose_ros.examples.arm_follower', 'from inpose_ros.node import qos'),
        ('inpose_ros.cli.demo', 'from inpose_ros.examples import arm_follower'),
    ],
)
def test_an_import_the_wrong_way_is_found(module, source):
    assert len(objections(source, module)) == 1


@pytest.mark.parametrize(
    ('module', 'source'),
    [
        ('inpose_ros.body.skeleton', 'from inpose_ros.geometry import rotation\nfrom .smpl22 import NAMES'),
        ('inpose_ros.body.skeleton', 'from inpose_ros.errors import InPoseError\nimport torch'),
        ('inpose_ros.node.conversions.body', 'from inpose_ros.msg import BodyPose\nfrom .. import qos'),
        ('inpose_ros.tools.train', 'from inpose_ros.training.loop import train'),
        (
            'inpose_ros.examples.arm_follower',
            'import rclpy\nfrom inpose_ros.msg import BodyPose\nfrom inpose_ros.examples import retarget',
        ),
    ],
)
def test_an_import_the_right_way_is_let_through(module, source):
    assert objections(source, module) == []
