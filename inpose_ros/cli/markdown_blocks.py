"""Pages of docs/ that commands write: what was measured goes between marks, what stands around them is kept."""

import textwrap
from collections.abc import Mapping
from pathlib import Path

from inpose_ros.errors import PageError


def replaced(text: str, name: str, section: str, path: Path) -> str:
    """The text of the page at `path` with another section between the marks of that name.

    Raises:
        PageError: it has no such marks.
    """
    begin, end = f'<!-- {name} -->', f'<!-- /{name} -->'
    before, found, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found or not found_end:
        raise PageError(f'{path} has no {begin} and {end}; put both where that section belongs')
    return f'{before}{begin}\n{section}\n{end}{after}'


def provenance(how: Mapping[str, object]) -> str:
    """With what it was measured."""
    versions = ', '.join(f'{name} {version}' for name, version in how['versions'].items())
    return paragraph(
        f'Measured by `{how["command"]}` with {versions}; device {how["device"]}, seed {how["seed"]}, '
        f'model {str(how["model"])[:12]}.'
    )


def paragraph(text: str) -> str:
    """In lines of the width of the pages."""
    return textwrap.fill(' '.join(text.split()), 118, break_long_words=False, break_on_hyphens=False)
