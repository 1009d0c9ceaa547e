"""A report is kept as long as the same words would give it again."""

from dataclasses import replace

import pytest

from inpose_ros.evaluation.setting import BONES, Setting
from inpose_ros.tools.report_pages.plan import Frames, outdated, planned

from .made_up import MADE_BY, PLAN, report


@pytest.mark.parametrize('run', PLAN, ids=lambda run: run.name)
def test_a_report_by_the_same_words_stands_wherever_it_was_made(run) -> None:
    assert outdated(report(run), run.words('test', 'auto', 0), MADE_BY) == ''


def test_other_options_make_a_run_again() -> None:
    run = PLAN[0]
    made = report(run)
    for other in (replace(run, frames=7), replace(run, methods=('inpose',)), replace(run, options=('--body', 'own'))):
        assert outdated(made, other.words('test', 'auto', 0), MADE_BY) == 'other options'
    assert outdated(made, run.words('val', 'auto', 0), MADE_BY) == 'other options'


@pytest.mark.parametrize('name', ['model', 'data', 'code'])
def test_other_weights_data_or_code_make_a_run_again(name: str) -> None:
    run = PLAN[0]
    assert outdated(report(run), run.words('test', 'auto', 0), MADE_BY | {name: 'new'}) == f'other {name}'


def test_a_rivals_new_weights_matter_to_those_runs_that_it_is_in() -> None:
    now = MADE_BY | {'rivals': MADE_BY['rivals'] | {'regression': 'new'}}
    again = {run.name for run in PLAN if outdated(report(run), run.words('test', 'auto', 0), now)}
    assert again == {run.name for run in PLAN if 'regression' in run.methods} != {run.name for run in PLAN}


def test_code_that_is_not_asked_for_does_not_matter() -> None:
    now = {name: digest for name, digest in MADE_BY.items() if name != 'code'}
    assert outdated(report(PLAN[0]) | {'code': 'old'}, PLAN[0].words('test', 'auto', 0), now) == ''


def test_without_a_way_to_estimate_bones_nothing_asks_for_them() -> None:
    runs = planned(Frames(), [], ('known', 'mean'))
    assert not any('estimated' in word for run in runs for word in run.options)
    assert len(runs) == len(PLAN) - 1


def test_what_is_planned_can_be_set() -> None:
    for run in planned(Frames(), [], BONES):
        for option, values in report(run)['methods'][run.methods[0]].items():
            assert all(Setting(**{option: text}) for text in values)
