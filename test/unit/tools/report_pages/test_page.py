"""The page holds every target and table, and what was written by hand of those that are missed."""

from pathlib import Path

import pytest

from inpose_ros.tools.report_pages import page, tables
from inpose_ros.tools.report_pages.report_reader import Found
from inpose_ros.tools.report_pages.targets import TARGETS

from . import made_up

MADE = page.Made(
    ('inpose', 'report', '--data', 'FOLDER'), made_up.PLAN,
    {run.name: run.words('test', 'auto', 0) for run in made_up.PLAN}, ['`ik` is left out.'],
)  # fmt: skip
TRIED = '# By hand\n\nHow to.\n\n## 7. Hands\n\nGloves.\n\n## 9\n\nA filter.\n'


def jerky(run: str, method: str, option: str, text: str, metric: str, good: float) -> float:
    return 9.0 if metric == 'jitter_100m_s3' else good


def rows(text: str) -> list[list[str]]:
    """Tables of a page, each as its rows' numbers of cells."""
    blocks = [block.splitlines() for block in text.split('\n\n') if block.startswith('|')]
    return [[line.count('|') for line in block] for block in blocks]


@pytest.mark.parametrize('found', [made_up.found(), made_up.found(jerky), Found({})], ids=['good', 'jerky', 'empty'])
def test_every_table_is_rectangular_and_every_target_is_judged(found: Found) -> None:
    text = page.written(found, MADE, TRIED, {})
    assert len(rows(text)) > 10 and all(len(set(table)) == 1 for table in rows(text))
    assert all(f'| {target.number}. {target.title} |' in text for target in TARGETS)


@pytest.mark.parametrize(
    ('found', 'said'),
    [
        (made_up.found(), '10 of 10 targets are met. Met: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10.'),
        (made_up.found(jerky), '9 of 10 targets are met. Met: 1, 2, 3, 4, 5, 6, 7, 8, 10; missed: 9.'),
        (Found({}), '0 of 10 targets are met. Not measured: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10.'),
        (
            Found({name: made for name, made in made_up.found().reports.items() if name != 'scales_estimated'}),
            '9 of 10 targets are met. Met: 1, 2, 4, 5, 6, 7, 8, 9, 10; met as far as measured: 3.',
        ),
    ],
)
def test_the_page_begins_with_how_many_are_met(found: Found, said: str) -> None:
    assert said in page.written(found, MADE, TRIED, {})


def test_of_a_missed_target_it_says_what_was_tried_and_of_the_others_nothing() -> None:
    text = page.written(made_up.found(jerky), MADE, TRIED, {})
    assert 'A filter.' in text and '**no**' in text
    assert 'Gloves.' not in text and 'How to.' not in text
    assert 'Nobody has written' in page.written(made_up.found(jerky), MADE, '', {})


def test_where_all_is_met_nothing_was_tried() -> None:
    text = page.written(made_up.found(), MADE, TRIED, {})
    assert 'A filter.' not in text and '**no**' not in text and 'tried for those' not in text


def test_what_was_not_measured_is_said_to_be_so() -> None:
    text = page.written(Found({}), MADE, '', {})
    assert 'not measured' in text and '`scales` was not run' in text and '| yes |' not in text


def test_the_page_says_how_it_came_about_and_nothing_of_this_machine() -> None:
    text = page.written(made_up.found(), MADE, '', {'Joints': 'figures/joints.png'})
    assert 'inpose report --data FOLDER' in text and '- `ik` is left out.' in text and 'model m1' in text
    assert '![Joints](figures/joints.png)' in text and '/home/me' not in text
    assert all(f'--frames {run.frames}' in text for run in made_up.PLAN)


def test_a_slow_method_is_shown_among_the_others_where_it_was_measured() -> None:
    lines = tables.swept(made_up.found(), ('scales', 'scales_paper'), 'scale', 'scaled_mpjpe_cm').splitlines()
    assert lines[0] == '| scaled MPJPE [cm] at | 0.6 | 0.7 | 0.8 | 1.0 | 1.2 | 1.3 | 1.4 |'
    assert lines[-1] == '| `paper` | 8.00 | - | 8.00 | 8.00 | 8.00 | - | 8.00 |'
    assert sum('`inpose`' in line for line in lines) == 1


def test_all_figures_are_drawn_of_what_was_found(tmp_path: Path) -> None:
    assert page.draw(tmp_path, made_up.found()) == {}
    assert len(list(tmp_path.iterdir())) == 6
    assert len(page.draw(tmp_path, Found({}))) == 6


def test_methods_of_two_runs_come_in_the_order_of_the_first_and_then_the_slow_ones() -> None:
    joined = made_up.found().joined('noise', 'noise_paper')
    assert list(joined['methods'])[:2] == ['prior', 'inpose'] and list(joined['methods'])[-1] == 'paper'
    assert joined['frames'] == made_up.found().frames('noise')
