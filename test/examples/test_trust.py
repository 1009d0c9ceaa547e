"""Trust: lost at once, regained slowly."""

from itertools import pairwise

import pytest

from inpose_ros.examples.trust import Caution, LimbTrust, Mode
from inpose_ros.msg import BodyPose

DT = 1 / 30
TRACKING, DEGRADED = BodyPose.STATE_TRACKING, BodyPose.STATE_DEGRADED


class Limb:
    """A limb that is told the same thing for a while."""

    def __init__(self, **caution: float) -> None:
        self.trust, self.now = LimbTrust(Caution(**caution)), 0.0

    def told(self, seconds=DT, state=TRACKING, measured=True, stddev=0.02, distance=0.0) -> list[float]:
        shares = []
        for _ in range(round(seconds / DT)):
            self.now += DT
            shares.append(self.trust.update(state, measured, stddev, distance, self.now, DT))
        return shares

    @classmethod
    def at_full_speed(cls, **caution: float) -> 'Limb':
        limb = cls(**caution)
        assert limb.told(2.0)[-1] == 1.0
        return limb


def test_a_limb_is_held_until_something_is_said_of_it():
    assert Limb().trust.mode is Mode.HELD


def test_a_limb_approaches_slowly_while_it_is_far_and_follows_when_it_is_near():
    limb = Limb()
    assert limb.told(3.0, distance=0.4)[-1] == Caution().approach_share
    assert limb.trust.mode is Mode.APPROACHING
    assert limb.told(2.0, distance=0.01)[-1] == 1.0
    assert limb.trust.mode is Mode.FOLLOWING
    limb.told(distance=0.4)
    assert limb.trust.mode is Mode.FOLLOWING  # a gesture that is too quick is no reason to give up


def test_speed_grows_no_faster_than_the_ramp():
    shares = [0.0, *Limb().told(2.0)]
    assert max(b - a for a, b in pairwise(shares)) <= DT / Caution().ramp + 1e-12


def test_an_inferred_limb_is_slow_at_once_and_held_after_the_grace():
    limb = Limb.at_full_speed()
    assert max(limb.told(0.15, measured=False)) <= Caution().doubtful_share
    assert limb.trust.mode is Mode.DOUBTFUL
    assert limb.told(0.2, measured=False)[-1] == 0.0
    assert limb.trust.mode is Mode.HELD


def test_a_limb_that_never_was_measured_gets_no_grace():
    assert Limb().told(1.0, measured=False) == [0.0] * 30


def test_a_limb_that_was_held_has_to_approach_again():
    limb = Limb.at_full_speed()
    limb.told(1.0, measured=False)
    assert limb.told(2.0, distance=0.3)[-1] == Caution().approach_share


def test_an_uncertain_limb_counts_as_inferred():
    limb = Limb.at_full_speed()
    assert limb.told(1.0, stddev=0.5)[-1] == 0.0
    assert '0.50 m' in limb.trust.reason


def test_not_a_number_as_uncertainty_is_not_believed():
    assert Limb().told(1.0, stddev=float('nan')) == [0.0] * 30


def test_whoever_wants_it_has_inferred_limbs_followed_slowly():
    limb = Limb.at_full_speed(inferred_share=0.05)
    assert limb.told(1.0, measured=False)[-1] == 0.05
    assert limb.trust.mode is Mode.DOUBTFUL


def test_a_degraded_person_is_followed_more_slowly():
    assert Limb.at_full_speed().told(1.0, state=DEGRADED)[-1] == Caution().degraded_share


@pytest.mark.parametrize('state', [BodyPose.STATE_CALIBRATING, BodyPose.STATE_UNKNOWN, 77])
def test_nothing_moves_while_the_tracker_does_not_track(state):
    limb = Limb.at_full_speed()
    assert limb.told(state=state) == [0.0]
    assert limb.trust.mode is Mode.HELD
