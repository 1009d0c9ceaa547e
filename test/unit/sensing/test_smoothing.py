"""Noise that is known is taken out of places; exact ones stay, and no frame or user is special."""

import pytest
import torch

from inpose_ros.sensing.smoothing import smoothed

RATE, ACCELERATION, FRAMES = 30.0, 6.0, 40


def walks(count: int, seed: int = 0) -> torch.Tensor:
    """Paths of random accelerations [m]."""
    generator = torch.Generator().manual_seed(seed)
    second = ACCELERATION / RATE**2 * torch.randn(count, FRAMES, 2, 3, generator=generator)
    return second.cumsum(1).cumsum(1)


def noisy(place: torch.Tensor, stddev: float, seed: int = 1) -> torch.Tensor:
    return place + stddev * torch.randn(place.shape, generator=torch.Generator().manual_seed(seed))


def solve(place: torch.Tensor, stddev: float, valid: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    valid = torch.ones(place.shape[:3], dtype=torch.bool) if valid is None else valid
    return smoothed(place, valid, torch.full((2,), stddev), RATE, ACCELERATION)


def test_exact_trackers_keep_what_they_measured() -> None:
    place = walks(8)
    found, spread = solve(place, 1e-5)
    assert torch.allclose(found, place, atol=1e-6) and torch.allclose(spread, torch.tensor(1e-5), rtol=0.01)


@pytest.mark.parametrize('stddev', [0.01, 0.05, 0.2])
def test_what_is_left_of_noise_is_as_large_as_told_and_smaller_than_before(stddev: float) -> None:
    place = walks(400)
    found, spread = solve(noisy(place, stddev), stddev)
    for frame in (-1, -2, 20):
        left = (found - place)[:, frame].std()
        assert float(left) == pytest.approx(float(spread[0, frame, 0]), rel=0.1)
        assert float(left) < 0.95 * stddev
    assert (spread[:, 20] < spread[:, -1]).all()  # what came after counts too


def test_it_is_what_a_kalman_filter_of_constant_velocity_says_at_the_newest_frame() -> None:
    stddev, place = 0.03, walks(1)
    seen = noisy(place, stddev)[0, :, 0, 0].double()
    step = torch.tensor([[1.0, 1.0], [0.0, 1.0]]).double()
    # A second difference is the acceleration over the step: the velocity changes at its beginning, and so the place.
    noise = (ACCELERATION / RATE**2) ** 2 * torch.ones(2, 2).double()
    mean, covariance = torch.zeros(2).double(), 1e6 * torch.eye(2).double()
    for number, reading in enumerate(seen):
        if number:
            mean, covariance = step @ mean, step @ covariance @ step.T + noise * (number > 1)
        gain = covariance[:, 0] / (covariance[0, 0] + stddev**2)
        mean, covariance = mean + gain * (reading - mean[0]), covariance - torch.outer(gain, covariance[0])
    found, spread = solve(noisy(place, stddev), stddev)
    assert float(found[0, -1, 0, 0]) == pytest.approx(float(mean[0]), abs=1e-4)
    assert float(spread[0, -1, 0]) == pytest.approx(float(covariance[0, 0].sqrt()), rel=1e-3)


def test_a_gap_widens_the_spread_and_what_was_not_measured_stays_as_it_was() -> None:
    place = noisy(walks(4), 0.02)
    valid = torch.ones(4, FRAMES, 2, dtype=torch.bool)
    valid[1, 30:, 0] = valid[2, :, 1] = False
    found, spread = solve(place, 0.02, valid)
    assert torch.equal(found[~valid], place[~valid])
    whole = solve(place, 0.02)
    assert torch.equal(found[[0, 3]], whole[0][[0, 3]])
    assert (spread[1, 32:, 0] > 1.5 * whole[1][1, 32:, 0]).all() and spread[2, :, 1].min() > 10


def test_the_way_is_smoothed_alike_wherever_it_goes() -> None:
    place = noisy(walks(4), 0.02)
    shift = torch.tensor([3.0, -2.0, 1.0])
    assert torch.allclose(solve(place + shift, 0.02)[0], solve(place, 0.02)[0] + shift, atol=1e-5)
