"""Each target is missed where its own number is beyond its limit, and only there."""

import pytest

from inpose_ros.tools.report_pages import targets
from inpose_ros.tools.report_pages.plan import SENSOR_SETS
from inpose_ros.tools.report_pages.report_reader import Found
from inpose_ros.tools.report_pages.targets import TARGETS, Finding

from . import made_up


def numbers(found: Found) -> list[int]:
    return [target.number for target in targets.missed(found)]


def test_numbers_that_are_good_enough_meet_every_target() -> None:
    assert numbers(made_up.found()) == []
    assert all(finding.met for target in TARGETS for finding in target.judged(made_up.found()))


@pytest.mark.parametrize(
    ('run', 'value', 'metric', 'score', 'number'),
    [
        ('main_mean', 'mean', 'mpjpe_cm', 5.41, 1),
        ('paper_mean', 'mean', 'mpjpe_cm', 6.01, 1),
        ('main_own', 'own', 'mpjpe_cm', 4.21, 2),
        ('paper_own', 'own', 'mpjpe_cm', 8.0, 2),
        ('scales', '1.4', 'scaled_mpjpe_cm', 4.21, 3),
        ('scales', '0.6', 'mpjpe_cm', 6.0, 3),
        ('scales_estimated', '0.6', 'scaled_mpjpe_cm', 4.61, 3),
        ('bodies', 'upper=0.85', 'mpjpe_cm', 4.41, 4),
        ('noise', '0.05', 'mpjpe_cm', 4.61, 5),
        ('noise', '0.2', 'mpjpe_cm', 5.21, 5),
        ('noise', '0.15', 'mpjpe_cm', 6.0, 5),
        ('bones', 'estimated', 'mpjpe_cm', 4.41, 6),
        ('main_mean', 'mean', 'hand_cm', 0.51, 7),
        ('main_own', 'own', 'coverage90', 0.951, 8),
        ('main_own', 'own', 'coverage90_lower', 0.849, 8),
        ('main_own', 'own', 'coverage90_third3', 0.79, 8),
        ('main_own', 'own', 'interval_score_cm', 18.1, 8),
        ('main_own', 'own', 'jitter_100m_s3', 2.26, 9),
        ('sensors', SENSOR_SETS['+ ankles'], 'mpjpe_cm', 4.0, 10),
    ],
)
def test_one_number_that_is_too_bad_misses_its_target(
    run: str, value: str, metric: str, score: float, number: int
) -> None:
    base = value in ('mean', 'own') and run != 'bones'  # then under every option

    def worse(made: str, method: str, option: str, text: str, name: str, good: float) -> float:
        here = (made, method, name) == (run, 'inpose', metric) and (base or text == value)
        return score if here else good

    assert numbers(made_up.found(worse)) == [number]


def test_a_rival_that_is_too_bad_is_a_missed_target_too() -> None:
    def worse(run: str, method: str, option: str, text: str, metric: str, good: float) -> float:
        return 6.71 if (run, method, metric) == ('main_mean', 'regression', 'mpjpe_cm') else good

    assert numbers(made_up.found(worse)) == [1]


@pytest.mark.parametrize(('run', 'where'), [('scales', '1.0'), ('noise', '0')])
def test_a_rival_may_be_better_where_it_is_at_home(run: str, where: str) -> None:
    def better(made: str, method: str, option: str, text: str, metric: str, good: float) -> float:
        return 2.0 if made == run and method != 'inpose' and text == where and metric == 'mpjpe_cm' else good

    def never_worse_than_the_prior(*about: object) -> float:
        return about[-1] if about[1] == 'prior' else better(*about)

    assert numbers(made_up.found(never_worse_than_the_prior)) == []


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    reports = made_up.found().reports
    without = Found({name: report for name, report in reports.items() if name not in ('scales_estimated', 'main_own')})
    assert numbers(without) == [] and numbers(Found({})) == []
    unknown = [finding for target in TARGETS for finding in target.judged(Found({}))]
    assert len(unknown) == sum(len(list(target.judged(made_up.found()))) for target in TARGETS)
    assert {finding.met for finding in unknown} == {None}


def test_limits_are_included_but_where_it_has_to_be_below() -> None:
    assert Finding('', 1.0, 1.0).met and not Finding('', 1.0, 1.0, below=True).met
    assert Finding('', 0.85, 0.95, 0.85).met and not Finding('', 0.84, 0.95, 0.85).met
    assert Finding('', 0.85, 0.95, 0.85).limit == '0.85 to 0.95'
