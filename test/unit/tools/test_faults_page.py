"""The page on reliability: its sections are written anew, each alone, and what stands around them stays."""

import re
from pathlib import Path

import pytest

from inpose_ros.errors import PageError
from inpose_ros.tools import faults_page as page

HOW = {'command': 'inpose faults', 'versions': {'torch': '2'}, 'device': 'cpu', 'seed': 0, 'model': 'f' * 64}
GOOD = {
    'row': 'dropout', 'rate': 29.6, 'finite': True, 'stamps_back': 0, 'peak_velocity': 12.34, 'peak_by_angles': 12.3,
    'named': {'silent': 'left_wrist'}, 'recovery': 0.256, 'failed': [],
}  # fmt: skip
INPUT = {
    'sensor': 'head', 'type': 'pose', 'rate': 60.0, 'heard': 59.9, 'off_after': 0.17, 'on_after': float('inf'),
    'failed': ['measured again only after inf s'],
}  # fmt: skip
INPUTS = {
    'inputs': [INPUT], 'peak_velocity': 14.0, 'peak_by_angles': 14.0, 'left_out': ['type tf'], 'failed': ['head: late'],
}  # fmt: skip
SEGMENT = {'faults': 5, 'poses': 100, 'changes': 3, 'peak_velocity': 9.0, 'failed': []}
SOAK = {'minutes': 30, 'segments': [SEGMENT, SEGMENT], 'memory_mb': [(0.0, 500.0)], 'growth_mb': 1.5, 'failed': []}


def section(text: str, name: str) -> str:
    return re.search(f'<!-- {name} -->(.*)<!-- /{name} -->', text, flags=re.S)[1]


def test_a_page_is_made_with_every_section(tmp_path: Path) -> None:
    path = tmp_path / 'page.md'
    page.update(path, {'matrix': [GOOD, {'row': 'nan', 'failed': ['not run']}], 'inputs': INPUTS, 'soak': SOAK}, HOW)
    text = path.read_text()
    assert '1 of 2 rows are as promised' in section(text, 'matrix') and page.line(GOOD) in text
    assert 'Left out: type tf' in section(text, 'inputs') and 'Failed: head: late.' in section(text, 'inputs')
    assert '10 faults, 200 poses, 6 changes' in section(text, 'soak') and 'All as promised' in section(text, 'soak')
    assert text.count('`inpose faults`') == 3


def test_one_section_is_written_and_all_else_is_kept(tmp_path: Path) -> None:
    path = tmp_path / 'page.md'
    page.update(path, {'matrix': [GOOD], 'soak': SOAK}, HOW)
    path.write_text(path.read_text().replace('## For a long time', '## By hand \\1'))
    before = path.read_text()
    page.update(path, {'matrix': []}, HOW)
    after = path.read_text()
    assert '0 of 0 rows' in after and section(after, 'soak') == section(before, 'soak') and '## By hand \\1' in after


def test_a_page_without_marks_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / 'page.md'
    path.write_text('mine')
    with pytest.raises(PageError, match='no <!-- matrix -->'):
        page.update(path, {'matrix': [GOOD]}, HOW)
    assert path.read_text() == 'mine'


def test_a_row_that_cannot_be_played_here_is_not_counted(tmp_path: Path) -> None:
    left_out = {'row': 'none over /tf', 'failed': [], 'left_out': 'tf2_ros is not installed here'}
    text = page.matrix([GOOD, left_out])
    assert '1 of 1 rows are as promised' in text and 'left out: tf2_ros is not installed here |' in text


def test_a_line_has_a_cell_for_each_column_also_where_a_row_never_ran() -> None:
    lines = [page.line(GOOD), page.line({'row': 'nan', 'failed': ['not run']}), page.table([]).splitlines()[0]]
    assert len({text.count('|') for text in lines}) == 1
    assert page.line(GOOD) == '| dropout | 30 | yes | 0 | 12.3 | 12.3 | silent: left_wrist | 0.26 | as promised |'
    assert '| never |' in page.line(GOOD | {'recovery': float('inf')})
