"""The page on performance: what was measured is written between its marks, each section alone."""

import re
from pathlib import Path

import pytest

from inpose_ros.errors import PageError
from inpose_ros.tools import bench_page as page

HOW = {'command': 'inpose bench', 'versions': {'torch': '2'}, 'device': 'cpu', 'seed': 0, 'model': 'f' * 64,
       'cpu': 'Some CPU', 'cores': 2, 'gpu': None}  # fmt: skip
ROW = {'p50_ms': 1.23, 'p95_ms': 2.34, 'p99_ms': 3.45}
RESULT = {
    'inpose': ROW | {'stages': {'window': ROW, 'network': ROW}, 'passes': 2.0, 'frames': 600}, 'rss_mb': 321.4,
    'backend': 'torch', 'method': 'inpose', 'threads': 1, 'ratio': 307.6, 'ratio_per_frame': 15.38,
    'ratio_closed_form': 250.2, 'cost': {'steps': {'1': 5.0, '2': 9.9}, 'bodies': {'1': 9.0, '8': 30.0}},
    'paper_procedure': {'ms_per_window': 3700.0, 'ms_per_window_closed_form': 3100.0, 'parameters': 22_611_659,
                        'frames': 41, 'threads': 2},
}  # fmt: skip
LIVE = {'frames': 3599, 'missed': 1, 'latency_p50_ms': 8.0, 'latency_p95_ms': 12.0, 'latency_p99_ms': 20.0,
        'cpu_cores': 0.8, 'rss_mb': 420.0, 'rate': 60.0, 'seconds': 60.0, 'steps': 4, 'busy': 0}  # fmt: skip


def section(text: str, name: str) -> str:
    return re.search(f'<!-- {name} -->(.*)<!-- /{name} -->', text, flags=re.S)[1]


def test_all_that_was_measured_is_written_and_drawn(tmp_path: Path) -> None:
    path = tmp_path / 'page.md'
    busy = LIVE | {'busy': 1, 'network_passes': {'mean': 1.5, 'min': 1.0, 'max': 2.0}, 'hurried_percent': 31.5}
    page.update(path, RESULT | {'live': LIVE, 'live_busy': busy}, HOW, 60.0)
    text = path.read_text()
    frames = section(text, 'frames cpu')
    assert '| network | 1.23 | 2.34 | 3.45 |' in frames and '| whole | 1.23 | 2.34 | 3.45 |' in frames
    assert '`ratio`) | 308 |' in frames and '15.4' in frames and '250' in frames and '1: 5.0, 2: 9.9' in frames
    figure = path.parent / re.search(r'!\[.*\]\((.*)\)', frames)[1]
    assert figure.read_bytes().startswith(b'\x89PNG') and figure.stat().st_size < 60_000
    assert '| missed | 1 |' in section(text, 'live cpu') and 'busy' not in section(text, 'live cpu')
    kept_busy = section(text, 'busy cpu').replace('\n', ' ')
    said = ('1.50 (1, 2)', '| 31.50 |', '4 pass(es) of the network wanted', 'kept a core busy')
    assert all(words in kept_busy for words in said)
    assert section(text, 'live cuda').strip() == 'Not measured yet.' and text.count('Some CPU, 2 cores') == 3


@pytest.mark.parametrize('busy', [0, 1])
def test_live_numbers_alone_leave_all_else_as_it_is(tmp_path: Path, busy: int) -> None:
    path = tmp_path / 'page.md'
    path.write_text(page.blank() + 'By hand.\n')
    # As the report holds them: at the top too.
    live = LIVE | {'busy': busy}
    page.update(path, live | {'live': live}, HOW | {'device': 'cuda:0', 'gpu': 'Some GPU'}, 60.0)
    text, name = path.read_text(), 'busy cuda' if busy else 'live cuda'
    assert '3599' in section(text, name) and 'Some GPU' in section(text, name)
    assert text.replace(section(text, name), '\nNot measured yet.\n') == page.blank() + 'By hand.\n'


def test_a_page_without_marks_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / 'page.md'
    path.write_text('mine')
    with pytest.raises(PageError, match='no <!-- live cpu -->'):
        page.update(path, {'live': LIVE}, HOW, 60.0)
    assert path.read_text() == 'mine'
