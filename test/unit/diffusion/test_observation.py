from dataclasses import replace

import numpy as np
import pytest
import torch

from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.observation import Knows, Seen
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.sampler import InPoseRule
from inpose_ros.diffusion.solver import TRACKED_ACCELERATION, PoseSolver
from inpose_ros.sensing.resample import JointWindow
from inpose_ros.sensing.smoothing import smoothed, smoother

from .examples import HANDS, random_pose, small_denoiser, window_of

SKELETON = Skeleton.mean()
FRAMES = 8
ALL = Knows(height=True, travel=True, acceleration=True, smoothing=True)


def _window(seed: int, zeroed: bool = False) -> JointWindow:
    """Head, hands and a tracker at the pelvis, of which each fails now and then; an IMU at a knee; the head jumps."""
    generator = torch.Generator().manual_seed(seed)
    root = torch.cumsum(0.05 * torch.randn(FRAMES, 3, generator=generator), 0)
    root[: seed % 4] += 5.0
    window = window_of(random_pose(FRAMES, seed=seed), SKELETON, root, [0, 4, *HANDS], [0, *HANDS], stddev=0.02)
    there = torch.rand(FRAMES, 22, generator=generator) < (0.5 if seed % 3 else 0.95)
    return replace(
        window,
        rot_valid=window.rot_valid & there,
        location_valid=window.location_valid & there,
        zeroed=zeroed,
        acceleration=torch.randn(FRAMES, 22, 3, generator=generator),
        acceleration_valid=there & (torch.arange(22) == 4),
    )


def _read(windows: list[JointWindow], knows: Knows, located: list[int]) -> Seen:
    size = SKELETON.standing_head_height
    return Seen.read(windows, located, knows, size, 0.07, 30.0, TRACKED_ACCELERATION * size)


@pytest.mark.parametrize('seed', range(12))
@pytest.mark.parametrize('knows', [ALL, Knows(True, False, False, True), Knows(False, True, True, False)])
def test_the_network_is_told_what_the_solver_of_windows_tells_it(seed: int, knows: Knows) -> None:
    windows = [_window(seed), _window(seed + 100, zeroed=True)]
    solver = PoseSolver(
        MotionPrior(small_denoiser()), SKELETON, InPoseRule(), use_height=knows.height, use_travel=knows.travel,
        use_acceleration=knows.acceleration, use_smoothing=knows.smoothing,
    )  # fmt: skip
    given = solver._given(windows, 0.07)
    located = sorted(solver._located)
    seen = _read(windows, knows, located)
    np.testing.assert_allclose(seen.features, given.condition.features().numpy(), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(seen.turn, given.turn[:, 0, 0].numpy(), atol=1e-6)
    assert (seen.measured == given.condition.rotation_mask.numpy()).all()
    assert (seen.zeroed == given.condition.zeroed[:, 0].numpy()).all()
    mask = given.location_valid[:, :, located].numpy()
    location = given.location[:, :, located].numpy()
    np.testing.assert_allclose(seen.location[mask], location[mask], rtol=1e-6, atol=1e-5)
    # Of hundreds of metres where nothing was seen, so single precision is wrong by more than a tenth of a millimetre.
    np.testing.assert_allclose(seen.location_stddev, given.location_stddev[:, :, located].numpy(), rtol=1e-5)
    rotation = seen.measured_over(np.zeros((2, FRAMES, 22, 6)))
    assert np.abs(rotation - given.condition.measured().numpy()).max() < 1e-5


def test_who_saw_nothing_tells_nothing() -> None:
    window = _window(0)
    nothing = torch.zeros_like(window.rot_valid)
    window = replace(window, rot_valid=nothing, location_valid=nothing, acceleration_valid=nothing)
    seen = _read([window], ALL, [])
    assert not seen.features.any() and np.abs(seen.turn - np.eye(3)).max() == 0
    assert seen.location.shape == (1, FRAMES, 0, 3)


def test_the_weights_of_a_smoother_do_what_smoothing_does() -> None:
    generator = torch.Generator().manual_seed(0)
    place, valid = torch.randn(1, 20, 1, 3, generator=generator), torch.rand(1, 20, 1, generator=generator) < 0.7
    slow, left = smoothed(place, valid, torch.tensor([0.05]), 30.0, 12.0)
    weights, after = smoother(valid[0, :, 0].numpy(), 0.05, 30.0, 12.0)
    seen = valid[0, :, 0].numpy()
    found = weights @ place[0, :, 0].double().numpy()
    np.testing.assert_allclose(found[seen], slow[0, :, 0].numpy()[seen], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(after, left[0, :, 0].numpy(), rtol=1e-5)
