"""A gyro's bias and an even turn about the vertical look the same at rest; which of them it is, and what if unknown."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inpose_ros.errors import MeasurementError
from inpose_ros.sensing.measurement import Measurement
from inpose_ros.sensing.orientation import OrientationFilter

WORN = Rotation.from_rotvec([0.1, -1.5, 0.2])  # on a belt, x up
UP = WORN.inv().apply([0, 0, 1.0])


class Wearer:
    """Stands, and turns about the vertical as told [deg/s]; leans over now and then. The gyro has a bias."""

    def __init__(
        self,
        turning: Callable[[float], float],
        bias: np.ndarray,
        others: Callable[[float, float], list[float]] | None = None,
        leans: tuple[float, ...] = (),
        rate: float = 100.0,
    ) -> None:
        self.turning, self.bias, self.leans, self.rate = turning, np.radians(bias), leans, rate
        self.rng, self.yaw, self.t = np.random.default_rng(0), 0.0, 0.0
        told = (lambda seconds: np.radians(others(self.t, seconds))) if others else (lambda seconds: ())
        self.filter = OrientationFilter(told)

    def lean(self, t: float) -> float:
        return sum(0.4 * math.sin(math.pi * (t - t0)) ** 2 for t0 in self.leans if t0 <= t < t0 + 1)

    def play(self, seconds: float, bias: Callable[[float], np.ndarray] | None = None) -> np.ndarray:
        """Time, heading error and stated deviation [degrees] of every reading that was used."""
        got, step = [], 1 / self.rate
        for k in range(round(seconds * self.rate)):
            self.t = k * step
            leant, before = (Rotation.from_euler('y', self.lean(t)) * WORN for t in (self.t, self.t - step))
            spin = np.array([0, 0, math.radians(self.turning(self.t))])
            self.yaw += spin[2] * step
            gyro = (
                (before.inv() * leant).as_rotvec() / step
                + leant.inv().apply(spin)
                + (bias(self.t) if bias else self.bias)
            )
            gyro, force = gyro + self.rng.normal(0, 0.01, 3), leant.inv().apply([0, 0, 9.81])
            force = force + self.rng.normal(0, 0.05, 3)
            reading = Measurement('waist', round(self.t * 1e9), None, angular_velocity=gyro, specific_force=force)
            try:
                out = self.filter.feed(reading, 0.02)
            except MeasurementError:
                continue
            off = Rotation.from_matrix(out.rot_world_sensor) * (Rotation.from_euler('z', self.yaw) * leant).inv()
            heading = math.atan2(off.as_matrix()[1, 0], off.as_matrix()[0, 0])
            got.append((self.t, heading, out.rotation_stddev))
        got = np.array(got)
        got[:, 1] = np.unwrap(got[:, 1]) - got[0, 1]
        got[:, 1:] = np.degrees(got[:, 1:])
        return got


def between(begin: float, end: float, rate: float) -> Callable[[float], float]:
    return lambda t: rate if begin <= t < end else 0.0


NONE = np.zeros(3)


@pytest.mark.parametrize(('hz', 'rate'), [(50.0, 3.0), (200.0, 9.0), (50.0, -9.0), (50.0, 45.0)])
def test_a_turn_after_a_rest_is_no_bias_and_is_certain_again_after_the_next_one(rate, hz):
    wearer = Wearer(between(3, 9, rate), NONE, rate=hz)
    got = wearer.play(13)
    assert np.abs(got[:, 1]).max() < 3 and got[-1, 2] < 4 and wearer.filter.finding('waist') is None
    assert got[got[:, 0] < 8.9][-1, 2] > min(30, abs(rate) * 3), 'meanwhile nobody knows'


@pytest.mark.parametrize('rate', [3.0, -9.0, 45.0])
def test_who_has_turned_from_the_start_has_a_heading_that_is_as_unsure_as_it_is_wrong(rate):
    wearer = Wearer(between(0, 9, rate), NONE)
    got = wearer.play(13)
    assert (np.abs(got[:, 1]) < 2 * got[:, 2] + 1).all() and wearer.filter.finding('waist') is None
    drift = got[-1, 1] - got[got[:, 0] > 11][0, 1]
    assert abs(drift) < 0.5, 'the turn has ended, which shows that it was one'


@pytest.mark.parametrize('rate', [2.5, 9.0, 45.0])
def test_who_turns_with_the_others_on_the_trunk_turns(rate):
    turning = between(0, 12, rate)
    wearer = Wearer(turning, NONE, lambda t, seconds: [rate * max(0, min(t, 12) - t + seconds) / seconds, 0.0])
    got = wearer.play(13)
    late = got[got[:, 0] > 7.5]
    assert np.ptp(late[:, 1]) < 4 and wearer.filter.finding('waist') is None and np.ptp(late[:, 2]) < 5


@pytest.mark.parametrize('rate', [3.0, 5.0, -8.0])
def test_a_bias_about_the_vertical_is_corrected_at_once_and_certain_where_the_others_did_not_turn(rate):
    got = Wearer(lambda t: 0.0, rate * UP, lambda t, seconds: [0.1]).play(8)
    assert np.ptp(got[got[:, 0] > 2, 1]) < 1.5 and got[-1, 2] < 4
    assert Wearer(lambda t: 0.0, rate * UP, lambda t, seconds: [0.5 * rate]).play(8)[-1, 2] > 3 * abs(rate), (
        'nobody knows'
    )


def test_a_bias_about_the_vertical_is_certain_where_a_later_rest_shows_it_again():
    got = Wearer(lambda t: 0.0, 5 * UP, leans=(4.0, 10.0, 20.0)).play(24)
    assert np.ptp(got[got[:, 0] > 2, 1]) < 3
    stated = [got[got[:, 0] < t][-1, 2] for t in (3.9, 15.0, 23.9)]
    assert stated[0] > 8 and stated[1] > 60 and stated[2] < 5


def test_a_bias_that_is_not_upright_is_certain_at_once():
    got = Wearer(lambda t: 0.0, np.array([5.0, 3.0, 0.0])).play(5)
    assert got[-1, 2] < 4 and np.ptp(got[got[:, 0] > 2, 1]) < 1


@pytest.mark.parametrize('way', [UP, np.array([0.8, 0.36, 0.48])])
def test_a_bias_that_comes_later_is_owned_and_corrected_once_it_is_certain(way):
    wearer = Wearer(lambda t: 0.0, NONE, lambda t, seconds: [0.0])
    got = wearer.play(9, lambda t: np.radians(5.0 * way) if t > 3 else NONE)
    assert np.ptp(got[got[:, 0] > 6, 1]) < 1 and (np.abs(got[:, 1]) < 3 * got[:, 2] + 8).all()


def test_a_bias_beyond_what_is_corrected_is_named_where_the_others_did_not_turn():
    wearer = Wearer(lambda t: 0.0, 15 * UP, lambda t, seconds: [0.0])
    got = wearer.play(4)
    assert wearer.filter.finding('waist').cause == 'gyro_bias'
    assert (np.abs(got[:, 1]) < 3 * got[:, 2] + 3).all()
