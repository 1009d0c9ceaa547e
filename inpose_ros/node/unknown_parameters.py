"""What somebody gave as parameters, and whether there is anybody who reads it."""

import re
from collections.abc import Iterator
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

from rclpy.node import Node

from inpose_ros.body import smpl22
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


def given(node: Node) -> dict[str, Any]:
    """All parameters that somebody gave this node, by file, command line or where it is made, with their values.

    rclpy lists them in a private dictionary only, which is read here and nowhere else. The public way would be
    automatically_declare_parameters_from_overrides, which declares them all: then nothing has bounds or a meaning, and
    a node that is given an empty list (`sensors: []`) cannot even be made.
    """
    return {name: row.value for name, row in node._parameter_overrides.items()}


def refuse_unknown(node: Node, table: type[WornParameters]) -> None:
    """Look for what was given and is read by nobody; to be called when all of the table is declared.

    A sensor may be described before it is worn, unless its name is that of a worn one with a slip. A file may serve the
    tracker and the player.

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
    unknown.extend(_misspelt(node))
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
    groups = {*_worn(node), *([name.partition('.')[0]] if _is_described(name, node) else [])}
    return (f'{group}.{row.name}' for group in groups for row in fields(SensorParameters))


def _is_described(name: str, node: Node) -> bool:
    """Whether something else was given for the same group, that only a sensor has."""
    group = f'{name.partition(".")[0]}.'
    return any(row.startswith(group) and is_of_a_sensor(row) for row in given(node))


def _not_worn(node: Node) -> list[str]:
    """The sensors that are described, but not worn."""
    return sorted(_described(node) - set(_worn(node)))


def _misspelt(node: Node) -> Iterator[str]:
    """A word for each of them whose name is nearly that of one that is worn, for which nothing was given.

    That one then has the name of a joint, or it could not be at its defaults. Who has the name of a joint too (spine1
    beside spine2), says that it is on another, or bears an addition (head_spare) is there to be worn another time.
    """
    told, bare = given(node), sorted(set(_worn(node)) - _described(node))
    for group in _not_worn(node):
        near = get_close_matches(group.lower(), bare, 1, _ALIKE)
        if not near or group in smpl22.INDEX or re.match(rf'{near[0]}[_\d]', group):
            continue
        if told.get(f'{group}.joint') in (None, '', near[0]):
            yield f'{group} is described, but not worn, and of {near[0]} nothing is said; did you mean {near[0]}?'


def _say_what_is_not_worn(node: Node) -> None:
    others = _not_worn(node)
    if others:
        node.get_logger().warning(
            f'described, but not worn: {", ".join(others)}; sensors is [{", ".join(_worn(node))}]'
        )


def _described(node: Node) -> set[str]:
    return {name.partition('.')[0] for name in given(node) if is_of_a_sensor(name)}


def _worn(node: Node) -> tuple[str, ...]:
    return tuple(node.get_parameter('sensors').value or ())
