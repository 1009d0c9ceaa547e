"""Estimated bones: each clip has those that were known before it began."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inpose_ros.diffusion.bone_estimator import BodyEstimate
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.errors import ParameterError
from inpose_ros.evaluation.bone_protocol import with_estimated_bones
from inpose_ros.evaluation.evaluate import Scenario, build_scenario, evaluate
from inpose_ros.evaluation.methods import METHODS
from inpose_ros.evaluation.setting import Setting
from inpose_ros.motion.packed import PackedMotion

from ..training.examples import FRAMES, RATE, small_denoiser

ESTIMATED = Setting(bones='estimated')


@pytest.fixture(scope='module')
def prior() -> MotionPrior:
    return MotionPrior(small_denoiser())


def scene(packed: Path, setting: Setting = ESTIMATED) -> Scenario:
    clips = list(PackedMotion(packed, 'val'))
    return build_scenario(clips, setting, first=FRAMES - 1, stride=5, frames=6, rate=RATE, shuffle=False, seed=0)


def test_every_clip_has_bones(packed, prior):
    found = with_estimated_bones(scene(packed), prior)
    assert all(isinstance(body, BodyEstimate) for body in found.estimated)
    assert len(found.estimated) == len(found.clips)


def test_a_person_of_another_size_gets_other_bones(packed, prior):
    small, large = (
        with_estimated_bones(scene(packed, replace(ESTIMATED, scale=scale)), prior).estimated[0].skeleton.stature
        for scale in ('0.7', '1.3')
    )
    assert large / small == pytest.approx(1.3 / 0.7, rel=0.1)


def test_scores_are_of_the_estimated_bones(packed, prior):
    found = with_estimated_bones(scene(packed), prior)
    true = [replace(body, skeleton=clip.skeleton) for body, clip in zip(found.estimated, found.clips)]
    own = evaluate(replace(found, estimated=true), METHODS['inpose'], prior, seed=0)
    known = evaluate(scene(packed, Setting()), METHODS['inpose'], prior, seed=0)
    estimated = evaluate(found, METHODS['inpose'], prior, seed=0)
    assert own['mpjpe_cm'] == pytest.approx(known['mpjpe_cm'], rel=1e-4)
    assert known['bone_error_pct'] == 0
    assert estimated['bone_error_pct'] > 0
    assert estimated['mpjpe_cm'] != known['mpjpe_cm']


def test_claims_contain_what_the_bones_may_be_off_by(packed, prior):
    found = with_estimated_bones(scene(packed), prior)
    unsure, certain = (
        replace(found, estimated=[replace(body, bone_covariance=own * torch.eye(66)) for body in found.estimated])
        for own in (0.2**2, 0.0)
    )
    coverage, less = (evaluate(own, METHODS['inpose'], prior, seed=0)['coverage90'] for own in (unsure, certain))
    assert coverage > less + 0.5


def test_bones_that_nobody_estimated_are_asked_for(packed, prior):
    with pytest.raises(ParameterError, match='with_estimated_bones'):
        evaluate(scene(packed), METHODS['inpose'], prior, seed=0)


def test_noise_that_is_told_spoils_no_estimate(packed, prior):
    torch.manual_seed(0)
    clean, noisy = (
        with_estimated_bones(scene(packed, replace(ESTIMATED, location_noise=noise)), prior)
        .estimated[0]
        .skeleton.stature
        for noise in ('0', '0.02')
    )
    assert noisy == pytest.approx(clean, rel=0.03)
