"""Make the CMake exports of the ROS wheels point at this machine's Python.

The wheels were built elsewhere and their exported targets name that machine's include folders, which do not exist
here; CMake refuses to import such a target.
"""

import re
from pathlib import Path

PYTHON_INCLUDE = re.compile(r'/opt/python/cp3[^/;"]*/include/python3[^/;"]*')
NUMPY_INCLUDE = re.compile(r'/opt/python/cp3[^/;"]*/lib/python3[^/;"]*/site-packages/numpy/_core/include')


def rewritten(text: str, python_include: str, numpy_include: str) -> str:
    """Replace the include folders of the machine that built the wheels."""
    text = NUMPY_INCLUDE.sub(lambda _: numpy_include, text)
    return PYTHON_INCLUDE.sub(lambda _: python_include, text)


def rewrite(prefix: Path, python_include: str, numpy_include: str) -> int:
    """Rewrite every CMake file below `prefix`/share; return how many changed."""
    changed = 0
    for path in (prefix / 'share').rglob('*.cmake'):
        before = path.read_text()
        after = rewritten(before, python_include, numpy_include)
        if after != before:
            path.write_text(after)
            changed += 1
    return changed
