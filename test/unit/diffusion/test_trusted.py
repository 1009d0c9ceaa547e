"""TrustedEstimator: what it believes of looks that come, go bad, and contradict each other; they are made up."""

from dataclasses import replace

import pytest
import torch

from inpose_ros.body import kinematics
from inpose_ros.body.proportions import BodyGuess
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion import trusted
from inpose_ros.diffusion.bone_estimator import BodyEstimator
from inpose_ros.diffusion.bone_evidence import Evidence, Seen, information
from inpose_ros.diffusion.trusted import TrustedEstimator
from inpose_ros.sensing.worn import Wear

from .examples import HANDS, random_pose, window_of

MEAN = Skeleton.mean()
SOMEBODY, OTHER = MEAN.with_groups({'arms': 1.1}), MEAN.with_groups({'arms': 0.75})
HALF_NS = 500_000_000


class MadeUp(BodyEstimator):
    """Whose looks see whatever body is worn, and see it well."""

    body = SOMEBODY

    def looking(self, window):
        yield
        rot = random_pose(20, seed=window.stamp_ns % 1000).double()
        seen = Seen(
            rot, 1e-4 * torch.eye(66).double().expand(20, -1, -1), kinematics.joint_positions(self.body, rot),
            torch.isin(torch.arange(22), torch.tensor(HANDS)).expand(20, -1), torch.full((22,), 0.01).double(),
        )  # fmt: skip
        found = information(seen, self._columns, self._bones)
        return Evidence(replace(found, count=1), (1.6,))


@pytest.fixture
def wear(monkeypatch):
    """What the trackers seem to be."""
    said = [Wear.WORN]
    monkeypatch.setattr(trusted, 'worn_part', lambda window, wearer: (said[0], window))
    return said


@pytest.fixture
def estimator(prior, wear):
    return TrustedEstimator(MadeUp(prior, BodyGuess.of_stature(MEAN.stature)))


def looks(estimator, begin, count, floor=0.0):
    """So many, the first at `begin` half seconds."""
    still = window_of(torch.eye(3).expand(8, 22, 3, 3), MEAN, torch.zeros(8, 3), HANDS, HANDS)
    for number in range(begin, begin + count):
        for _ in estimator.observing(replace(still, stamp_ns=number * HALF_NS + number), floor):
            pass


def arm(estimator):
    """Length of both parts of an arm over that of the mean body, before any caution."""
    lengths = estimator._estimator.skeleton.lengths
    return float(lengths[[18, 20]].sum() / MEAN.lengths[[18, 20]].sum())


def test_a_look_counts_once_its_spell_went_on_for_a_second(estimator):
    looks(estimator, 0, 2)
    assert estimator.observations == 0
    looks(estimator, 2, 5)
    assert estimator.observations == 5
    assert arm(estimator) > 1.05


def test_nothing_is_learnt_while_nobody_wears_the_trackers(estimator, wear):
    for wear[0] in (Wear.NOT_WORN, Wear.STILL):
        looks(estimator, 0, 20)
    assert estimator.observations == 0


def test_the_last_looks_before_trackers_are_taken_off_do_not_count(estimator, wear):
    looks(estimator, 0, 10)
    before = estimator.observations
    wear[0] = Wear.NOT_WORN
    looks(estimator, 10, 1)
    wear[0] = Wear.WORN
    looks(estimator, 11, 2)
    assert estimator.observations == before == 8


def test_who_pauses_goes_on_where_they_were(estimator, wear):
    looks(estimator, 0, 10)
    wear[0] = Wear.STILL
    looks(estimator, 10, 6)
    wear[0] = Wear.WORN
    looks(estimator, 16, 1)
    assert estimator.observations == 10


def test_what_was_seen_until_a_sensor_jumped_is_taken_back(estimator):
    looks(estimator, 0, 10)
    estimator.interrupted(10 * HALF_NS)
    assert estimator.observations == 0 and arm(estimator) == pytest.approx(1.0)


def test_what_was_taken_back_returns_if_what_comes_next_agrees(estimator):
    looks(estimator, 0, 10)
    estimator.interrupted(10 * HALF_NS)
    looks(estimator, 14, 5)
    assert estimator.observations == 8 + 3


def test_what_was_taken_back_is_dropped_if_what_comes_next_is_of_another_body(estimator):
    estimator._estimator.body = OTHER
    looks(estimator, 0, 10)
    estimator.interrupted(10 * HALF_NS)
    estimator._estimator.body = SOMEBODY
    looks(estimator, 14, 5)
    assert estimator.observations == 3 and arm(estimator) > 1.0


def test_what_has_settled_stays_when_a_sensor_jumps(estimator):
    looks(estimator, 0, 60)
    estimator.interrupted(60 * HALF_NS)
    assert 30 < estimator.observations < 45


def test_the_body_of_somebody_else_is_forgotten_sooner_than_it_was_learnt(estimator):
    estimator._estimator.body = OTHER
    looks(estimator, 0, 60)
    assert arm(estimator) < 0.85
    estimator._estimator.body = SOMEBODY
    looks(estimator, 60, 10)
    assert arm(estimator) > 1.05 and estimator.observations < 12


def test_of_one_and_the_same_body_nothing_is_ever_forgotten(estimator):
    looks(estimator, 0, 100)
    assert estimator.observations == 98


def test_little_is_believed_with_caution(estimator):
    looks(estimator, 0, 7)
    few = (estimator.estimate.skeleton.bones - MEAN.bones).norm() / (
        estimator._estimator.skeleton.bones - MEAN.bones
    ).norm()
    looks(estimator, 7, 50)
    many = (estimator.estimate.skeleton.bones - MEAN.bones).norm() / (
        estimator._estimator.skeleton.bones - MEAN.bones
    ).norm()
    assert few == pytest.approx(0.5) and many > 0.9


def test_heights_over_a_floor_that_is_not_the_given_one_say_nothing(estimator):
    looks(estimator, 0, 5, floor=-1.6)
    looks(estimator, 5, 5, floor=float('nan'))
    assert estimator._estimator.evidence.heights == ()
    looks(estimator, 10, 5)
    assert len(estimator._estimator.evidence.heights) == 3


def test_a_floor_that_is_estimated_goes_where_somebody_stands(prior, wear):
    estimator = TrustedEstimator(MadeUp(prior, BodyGuess.of_stature(MEAN.stature), floor_height=None))
    looks(estimator, 0, 3, floor=-1.6)
    assert estimator.estimate.floor_height == pytest.approx(-1.6, abs=0.1)


def test_after_time_went_back_looks_go_on(estimator):
    looks(estimator, 100, 10)
    looks(estimator, 0, 5)
    assert estimator.observations == 8 + 3
