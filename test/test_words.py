"""Every word that the diagnostics can say is written down once, and told in docs/diagnostics.md."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from inpose_ros.errors import CAUSES

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ('sensing', 'diffusion', 'node')
SAYING = [path for room in ROOMS for path in sorted((ROOT / 'inpose_ros' / room).rglob('*.py'))]
# Calls whose first argument, or the second, is such a word.
CALLS = {'MeasurementError', 'note', 'mention', 'remark', '_dropped', '_jump', 'Finding', 'Standing', 'Quantity'}
# A window without a reading is nobody's fault, and no message.
NEVER_SAID = {'empty'}


def words_of(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, 'id', '')
    if name in CALLS:
        for argument in call.args[:2]:
            if isinstance(argument, ast.Constant) and re.fullmatch('[a-z_]+', str(argument.value)):
                yield argument.value


@pytest.mark.parametrize('path', SAYING, ids=lambda path: path.name)
def test_no_file_says_a_word_that_is_not_written_down(path):
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    assert {word for call in calls for word in words_of(call)} - NEVER_SAID <= set(CAUSES)


def test_every_word_is_said_somewhere():
    source = ''.join(path.read_text() for path in SAYING)
    assert not [word for word in CAUSES if not re.search(f"'{word}['" + ': ]', source)]


def test_the_table_tells_of_every_word_and_of_no_other():
    lines = (ROOT / 'docs' / 'diagnostics.md').read_text().splitlines()
    told = [word for line in lines if line.startswith('| `') for word in re.findall('`([^`]+)`', line.split('|')[1])]
    assert sorted(told) == sorted(CAUSES)
