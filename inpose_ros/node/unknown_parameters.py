"""What somebody gave as parameters, and whether there is anybody who reads it."""

from collections.abc import Iterator
from dataclasses import fields
from difflib import get_close_matches

from rclpy.node import Node

from inpose_ros.errors import ParameterError
from inpose_ros.node.parameter_table import ros_name
from inpose_ros.node.parameters import NodeParameters, SensorParameters, WornParameters, is_of_a_sensor
from inpose_ros.node.player_parameters import PlayerParameters

# rclpy declares these itself, as soon as a node is made.
_OF_RCLPY = {'use_sim_time', 'start_type_description_service'}
# A name is like another from here on (difflib's ratio).
_ALIKE = 0.75
# One file may serve both, under /**.
_NODES = {NodeParameters: 'inpose', PlayerParameters: 'inpose_play'}


def given(node: Node) -> tuple[str, ...]:
    """The names of all parameters that somebody gave this node, by a file, on the command line, or where it is made.

    rclpy lists them in a private dictionary only, which is read here and nowhere else. The public way would be
    automatically_declare_parameters_from_overrides, which declares them all: then nothing has bounds or a meaning, and
    a node that is given an empty list (`sensors: []`) cannot even be made.
    """
    return tuple(node._parameter_overrides)


def refuse_unknown(node: Node, table: type[WornParameters]) -> None:
    """Look for what was given and is read by nobody; to be called when all of the table is declared.

    A sensor may be described before it is worn, and a file may serve the tracker and the player.

    Raises:
        ParameterError: there is some; the text names what may have been meant.
    """
    other = next(row for row in _NODES if row is not table)
    unknown = []
    for name in given(node):
        if name in _names(table) or name in _OF_RCLPY or is_of_a_sensor(name):
            continue
        if name in _names(other):
            node.get_logger().info(f'{name} is a parameter of {_NODES[other]}, and nothing to this node')
        else:
            unknown.append(f'{name} is no parameter of {_NODES[table]}{_meant(name, node, table)}')
    if unknown:
        raise ParameterError('; '.join(unknown))
    _say_what_is_not_worn(node)


def _names(table: type) -> set[str]:
    return {ros_name(row, '') for row in fields(table)}


def _meant(name: str, node: Node, table: type) -> str:
    candidates = {*_names(table), *_of_sensors(name, node)}
    near = get_close_matches(name, sorted(candidates), 1, _ALIKE)
    if near:
        return f'; did you mean {near[0]}?'
    group, dot, _ = name.partition('.')
    same = sorted(row for row in candidates if dot and row.startswith(f'{group}.'))
    return f'; there are {", ".join(same)}' if same else '; config/inpose.yaml has all of them with their meaning'


def _of_sensors(name: str, node: Node) -> Iterator[str]:
    """The parameters of each sensor that is worn, and of the one that the name seems to be about."""
    worn = node.get_parameter('sensors').value or ()
    groups = {*worn, *([name.partition('.')[0]] if _is_described(name, node) else [])}
    return (f'{group}.{row.name}' for group in groups for row in fields(SensorParameters))


def _is_described(name: str, node: Node) -> bool:
    """Whether something else was given for the same group, that only a sensor has."""
    group = f'{name.partition(".")[0]}.'
    return any(row.startswith(group) and is_of_a_sensor(row) for row in given(node))


def _say_what_is_not_worn(node: Node) -> None:
    worn = tuple(node.get_parameter('sensors').value or ())
    groups = {name.partition('.')[0] for name in given(node) if is_of_a_sensor(name)}
    others = sorted(groups - set(worn))
    if others:
        node.get_logger().warning(f'described, but not worn: {", ".join(others)}; sensors is [{", ".join(worn)}]')
