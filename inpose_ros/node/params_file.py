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

_KEY = 'ros__parameters'
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


def refuse_unheard(paths: Sequence[Path], nodes: Sequence[str], beside: str = 'inpose_play') -> None:
    """Raise a ParameterError for a file that says nothing to any node of this process.

    Args:
        nodes: their full names, as /anna/inpose.
        beside: a node of the same launch, to which a file may be addressed instead.
    """
    for path in paths:
        names = [name for name, _ in _sections(_content(path))]
        if not any(_means(name, node) for name in names for node in (*nodes, f'/{beside}')) and not any(
            name.endswith(f'/{beside}') for name in names
        ):
            raise ParameterError(
                f'{path} is for {" and ".join(names)}, and no node here has such a name: write /**: for all, or '
                f'{nodes[0]}:'
            )


def value(paths: Sequence[Path], node: str, name: str) -> str | None:
    """The text that the files give a node for a parameter without a dot in its name, by the last that does, if any."""
    found = None
    for path in paths:
        for section, rows in _sections(_content(path)):
            if _means(section, node) and isinstance(rows, yaml.MappingNode):
                found = {key.value: row.value for key, row in rows.value}.get(name, found)
    return found


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
    """Whether a section of this name is for a node, as rcl decides: * is one part of a name, ** any number."""
    parts = ['.*' if part == '**' else '[^/]+' if part == '*' else re.escape(part) for part in pattern.split('/')[1:]]
    return re.fullmatch('/'.join(parts), node.removeprefix('/')) is not None


def _files_there(path: Path) -> str:
    """The files that may have been meant, the likeliest first: those beside it, else those of the present folder."""
    folder = path.parent if path.parent.is_dir() else Path()
    names = sorted(row.name for row in folder.glob('*.y*ml'))
    near = get_close_matches(path.name, names, 3)
    where = folder.resolve()
    if not names:
        return f'{where} has no file that ends in .yaml'
    return f'{where} has {", ".join([*near, *(name for name in names[:20] if name not in near)])}'
