import math

import numpy as np
import pytest

from inpose_ros.diffusion.correlated_error import lasting_error

RATE = 30.0
ALL = np.ones(40, dtype=bool)


def _process(frames: np.ndarray) -> np.ndarray:
    """Covariance of an error of variance one that lasts 0.15 s, by the textbook's Matern formula."""
    apart = np.abs(frames[:, None] - frames) / RATE
    scaled = math.sqrt(3) * apart / 0.15
    return (1 + scaled) * np.exp(-scaled)


@pytest.mark.parametrize('seed', range(5))
def test_who_reads_the_one_error_believes_what_all_readings_say(seed):
    """Against the conditional mean and covariance of one Gaussian over all frames and readings."""
    generator = np.random.default_rng(seed)
    spread, noise = 0.1**2, 0.1**2 * math.exp(generator.integers(-8, 17) / 8)
    valid = generator.random(40) < 0.7
    frame = int(generator.choice(valid.nonzero()[0]))
    errors = 0.1 * generator.standard_normal((40, 3))
    read, variance = lasting_error(errors, valid, noise, spread, RATE, frame)

    seen = valid.nonzero()[0]
    joint = spread * _process(np.array([frame, *seen])) + noise * np.diag([0.0, *np.ones(len(seen))])
    gain = joint[0, 1:] @ np.linalg.inv(joint[1:, 1:])
    mean, left = gain @ errors[seen], joint[0, 0] - gain @ joint[1:, 0]
    share = spread / (spread + variance)
    assert share * read == pytest.approx(mean, abs=1e-12)
    assert (1 - share) * spread == pytest.approx(left, rel=1e-9)


def test_one_reading_is_taken_as_it_is():
    errors = np.random.default_rng(0).standard_normal((40, 3))
    read, variance = lasting_error(errors, np.arange(40) == 39, 0.02, 0.02, RATE, 39)
    assert read == pytest.approx(errors[39]) and variance == pytest.approx(0.02)


def test_more_readings_leave_less_noise_and_those_of_long_ago_do_not_count():
    errors = np.full((40, 3), 0.05)
    newest = [lasting_error(errors, np.arange(40) > 39 - count, 0.04, 0.01, RATE, 39)[1] for count in (1, 3, 10, 40)]
    assert newest[0] > 2 * newest[1] > 2 * newest[2]
    assert newest[3] == pytest.approx(newest[2], rel=0.01)


def test_what_is_not_valid_is_not_read():
    errors, valid = np.zeros((40, 3)), ALL.copy()
    valid[10:30] = False
    errors[10:30] = 1e6
    assert lasting_error(errors, valid, 0.01, 0.01, RATE, 39)[0] == pytest.approx(np.zeros(3), abs=1e-9)
