"""Tables of parameters: dataclasses whose fields are declared, described to ROS tools, read and checked."""

from collections.abc import Iterator, Mapping
from dataclasses import Field, field, fields
from types import MappingProxyType
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node

from inpose_ros.errors import ParameterError

NOTHING: Mapping[str, Any] = MappingProxyType({})


def parameter(
    default: Any,
    meaning: str,
    *,
    ge: float | None = None,
    le: float | None = None,
    one_of: tuple[str, ...] = (),
    name: str = '',
    live: bool = False,
) -> Any:
    """A field of a dataclass of parameters.

    Args:
        name: the ROS name where it differs from the field's (`body.stature`).
        live: may be set while the node is configured; all others are read when it configures.
    """
    bounds = {'meaning': meaning, 'ge': ge, 'le': le, 'one_of': one_of, 'name': name, 'live': live}
    return field(default=default, metadata=bounds)


def ros_name(row: Field, prefix: str) -> str:
    return prefix + (row.metadata['name'] or row.name)


def _descriptor(row: Field) -> ParameterDescriptor:
    """Meaning and bounds as ROS tools show them; the range makes `ros2 param set` refuse what is outside."""
    meta = row.metadata
    text = ParameterDescriptor(description=meta['meaning'], additional_constraints=' | '.join(meta['one_of']))
    if meta['ge'] is None:
        return text
    if row.type is int:
        text.integer_range = [IntegerRange(from_value=meta['ge'], to_value=meta['le'], step=0)]
    else:
        text.floating_point_range = [FloatingPointRange(from_value=meta['ge'], to_value=meta['le'], step=0.0)]
    return text


def declared(node: Node, row: Field, prefix: str, default: Any = None) -> ParameterError | None:
    """Declare one parameter unless it is; what is wrong with its override, if anything.

    Args:
        default: None: the one that is written down.
    """
    name = ros_name(row, prefix)
    if node.has_parameter(name):
        return None
    default = row.default if default is None else default
    default = list(default) if isinstance(default, tuple) else default
    try:
        node.declare_parameter(name, default, _descriptor(row))
    except InvalidParameterTypeException as error:
        return ParameterError(f'{name} has the wrong type; write it like {_example(row)} ({error})')
    except InvalidParameterValueException as error:
        return ParameterError(f'{name} {_wanted(row)} ({error})')
    return None


def _example(row: Field) -> str:
    """The default as one would write it in YAML."""
    return str(list(row.default)) if isinstance(row.default, tuple) else repr(row.default).lower()


def _wanted(row: Field) -> str:
    meta = row.metadata
    if meta['one_of']:
        return f'must be one of {", ".join(meta["one_of"])}'
    bounds = f'must be between {meta["ge"]:g} and {meta["le"]:g}. ' if meta['ge'] is not None else 'will not do. '
    return bounds + meta['meaning']


def values(node: Node, table: type, prefix: str, changes: Mapping[str, Any] = NOTHING) -> Iterator[tuple[str, Any]]:
    for row in fields(table):
        name = ros_name(row, prefix)
        problem = declared(node, row, prefix)
        if problem:
            raise problem
        value = changes[name] if name in changes else node.get_parameter(name).value
        if row.metadata['one_of'] and value not in row.metadata['one_of']:
            raise ParameterError(f'{name} is {value!r}; it {_wanted(row)}')
        yield row.name, tuple(value or ()) if isinstance(row.default, tuple) else value
