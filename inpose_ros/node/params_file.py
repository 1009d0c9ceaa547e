"""Files of parameters, looked at before rcl reads them: what is wrong with one gets a sentence.

Only light modules are imported, as the launch file and the first lines of an executable look here, too.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path

import yaml

from inpose_ros.errors import ParameterError

TRACKER, PLAYER = 'inpose', 'inpose_play'
_KEY = 'ros__parameters'
# The name of a node is like another above this (difflib's ratio).
_ALIKE = 0.81
_SHAPE = (
    'put names and values under ros__parameters, and that under /**: or the name of a node, as in config/inpose.yaml'
)


def named(arguments: Sequence[str]) -> list[Path]:
    """The files that the ROS arguments of a process name."""
    return [Path(path) for flag, path in pairwise(arguments) if flag == '--params-file']


def check(path: Path) -> None:
    """Raise a ParameterError that says what is wrong with a file, if anything is."""
    if not path.is_file():
        raise ParameterError(f'there is no parameter file {path}; {_files_there(path)}')
    sections = dict(_sections(_content(path)))
    if not sections:
        raise ParameterError(f'{path} has no {_KEY}, without which no node reads it: {_SHAPE}')
    for name, rows in sections.items():
        if not isinstance(rows, yaml.MappingNode):
            raise ParameterError(f'{path} has no names with values under {_KEY} of {name}: {_SHAPE}')


def refuse_unheard(paths: Sequence[Path], nodes: Sequence[str], beside: str = PLAYER, are_all: bool = True) -> None:
    """Raise a ParameterError for a section that seems to be meant for a node of this process, and that none hears.

    One file may be shared by many nodes. What clearly has another name is left alone; and so is a namesake in another
    namespace or with another number, where each node here has a section of its own name or is one of several.

    Args:
        nodes: their full names, as /anna/inpose.
        beside: a node of the same launch and the same namespaces, which a section may be for instead.
        are_all: whether the launch has no more nodes of this kind than these.
    """
    here = (*nodes, *(f'{_space(node)}/{beside}' for node in nodes))
    for path in paths:
        names = [name for name, _ in _sections(_content(path))]
        is_shared = not are_all or set(nodes) <= set(names)
        unheard = [name for name in names if not any(_means(name, node) for node in here)]
        others = [name for name in unheard if not _is_like(name, here) or (is_shared and _is_another(name, here))]
        meant = [name for name in unheard if name not in others]
        if meant or all(name in others and not _is_namesake(name, here) for name in names):
            near = get_close_matches((meant or names)[0], here, 1, _ALIKE)
            raise ParameterError(
                f'{path} is for {" and ".join(meant or names)}, and no node here has such a name: write /**: for all, '
                f'or {(near or nodes)[0]}:'
            )


def value(paths: Sequence[Path], node: str, name: str) -> str | None:
    """The text that the files give a node for a parameter without a dot in its name, by the last that does, if any."""
    found = None
    for path in paths:
        for section, rows in _sections(_content(path)):
            if _means(section, node) and isinstance(rows, yaml.MappingNode):
                found = {key.value: row.value for key, row in rows.value}.get(name, found)
    return found


def names(path: Path) -> list[str]:
    """The names of all parameters that a file gives to any node, with dots in them."""
    return [name for _, rows in _sections(_content(path)) for name in _flat(rows)]


def _flat(rows: yaml.MappingNode) -> Iterator[str]:
    for key, row in rows.value:
        if isinstance(row, yaml.MappingNode):
            yield from (f'{key.value}.{name}' for name in _flat(row))
        else:
            yield key.value


def _content(path: Path) -> yaml.MappingNode:
    """As rcl, which looks at no tags (launch writes some of Python's), and reads nodes rather than objects."""
    try:
        content = yaml.compose(path.read_text(), yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParameterError(f'{path} is no YAML: {" ".join(str(error).split())}') from error
    except OSError as error:
        raise ParameterError(f'{path} cannot be read: {error.strerror}') from error
    if content is None:
        raise ParameterError(f'{path} is empty: {_SHAPE}')
    if not isinstance(content, yaml.MappingNode):
        raise ParameterError(f'{path} holds no names with values at its top: {_SHAPE}')
    return content


def _sections(content: yaml.MappingNode, above: str = '') -> Iterator[tuple[str, yaml.Node]]:
    """What is under each ros__parameters, by the name of the node that it is for, which may be a pattern."""
    for key, row in content.value:
        if key.value == _KEY:
            yield above or '/', row
        elif isinstance(row, yaml.MappingNode):
            yield from _sections(row, f'{above}/{str(key.value).strip("/")}')


def _means(pattern: str, node: str) -> bool:
    """Whether a section of this name is for a node, as rcl decides: * is one part of a name, ** any number, or none."""
    wild = {'**': r'(/\w+)*', '*': r'/\w+'}
    parts = (wild.get(part, f'/{re.escape(part)}') for part in pattern.split('/')[1:])
    return re.fullmatch(''.join(parts), node) is not None


def _space(name: str) -> str:
    return name.rpartition('/')[0]


def _base(name: str) -> str:
    """The name without its namespace, and without the number that tells one of several."""
    return name.rpartition('/')[2].rstrip('0123456789')


def _is_like(section: str, nodes: Sequence[str]) -> bool:
    """Whether somebody who writes this may have meant one of the nodes, or all."""
    kinds = {TRACKER, PLAYER, *map(_base, nodes)}
    return _base(section) == '*' or bool(get_close_matches(_base(section), kinds, 1, _ALIKE))


def _is_namesake(section: str, nodes: Sequence[str]) -> bool:
    return _base(section) in {TRACKER, PLAYER, *map(_base, nodes)}


def _is_another(section: str, nodes: Sequence[str]) -> bool:
    """Whether a section is for the likes of these nodes in a namespace without one of them, or with another number."""
    space, name = _space(section), section.rpartition('/')[2]
    is_elsewhere = bool(space) and space not in map(_space, nodes)
    is_like = name == '*' or _is_namesake(section, nodes)
    return '*' not in space and is_like and (is_elsewhere or name[-1].isdigit())


def _files_there(path: Path) -> str:
    """The files that may have been meant, the likeliest first: those beside it, else those of the present folder."""
    folder = path.parent if path.parent.is_dir() else Path()
    names = sorted(row.name for row in folder.glob('*.y*ml'))
    near = get_close_matches(path.name, names, 3)
    where = folder.resolve()
    if not names:
        return f'{where} has no file that ends in .yaml'
    return f'{where} has {", ".join([*near, *(name for name in names[:20] if name not in near)])}'
