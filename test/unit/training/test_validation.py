"""Validation scores are lengths on the person's own body, and come out the same each time."""

import math
from pathlib import Path

import pytest

from inpose_ros.motion.packed import PackedMotion
from inpose_ros.training.validation import validate
from inpose_ros.training.windows import WindowSource

from .examples import FRAMES, RATE, small_denoiser, source


class Scaled:
    """A split's clips on bodies of another size."""

    def __init__(self, motion: PackedMotion, factor: float) -> None:
        self.motion, self.rows, self.factor = motion, motion.rows, factor

    def __iter__(self):
        return (clip.scaled(self.factor) for clip in self.motion)


def test_every_case_has_a_finite_score_and_the_same_one_again(packed: Path) -> None:
    scores = validate(small_denoiser(), source(packed, 'val'), count=16)
    assert set(scores) == {
        'rotations_cm',
        'height_cm',
        'height_upper_cm',
        'travel_cm',
        'located_cm',
        'six_imus_cm',
        'six_zeroed_cm',
        'six_zeroed_deg',
        'six_inertial_cm',
        'six_inertial_deg',
    }
    assert all(math.isfinite(score) and score > 0 for score in scores.values())
    assert scores == validate(small_denoiser(), source(packed, 'val'), count=16)


def test_a_body_of_twice_the_size_has_twice_the_error_in_length_and_the_same_angles(packed: Path) -> None:
    motion = PackedMotion(packed, 'val')
    scores, twice = (
        validate(small_denoiser(), WindowSource(Scaled(motion, factor), FRAMES, RATE), count=16)
        for factor in (1.0, 2.0)
    )
    for name, score in scores.items():
        # Trackers are as precise on a larger body, so they fit it a little better.
        tolerance = 0.05 if name == 'located_cm' else 1e-3
        assert twice[name] == pytest.approx((2 if name.endswith('_cm') else 1) * score, rel=tolerance)
