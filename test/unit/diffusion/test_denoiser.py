from dataclasses import replace

import torch

from inpose_ros.diffusion.denoiser import Condition

from .examples import small_denoiser


def _condition(seed: int = 0) -> Condition:
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=generator)  # noqa: E731
    return Condition(
        rotation=draw(2, 8, 22, 6),
        rotation_mask=draw(2, 8, 22) > 0,
        location=draw(2, 8, 22, 3),
        location_mask=torch.zeros(2, 8, 22, dtype=torch.bool),
        height=draw(2, 8),
        height_mask=draw(2, 8) > 0,
    )


NOISY, STEP = torch.randn(2, 8, 22, 6, generator=torch.Generator().manual_seed(1)), torch.tensor([999, 10])


def test_what_is_masked_makes_no_difference():
    denoiser, condition = small_denoiser(), _condition()
    other = replace(
        condition,
        rotation=torch.where(condition.rotation_mask[..., None], condition.rotation, torch.tensor(5.0)),
        location=condition.location + 3,
        height=torch.where(condition.height_mask, condition.height, torch.tensor(-2.0)),
    )
    assert torch.equal(denoiser(NOISY, STEP, condition).rotation, denoiser(NOISY, STEP, other).rotation)


def test_what_is_measured_makes_a_difference():
    denoiser, condition = small_denoiser(), _condition()
    plain = denoiser(NOISY, STEP, condition)
    for other in (replace(condition, height=condition.height + 1), replace(condition, rotation=condition.rotation + 1)):
        assert not torch.allclose(denoiser(NOISY, STEP, other).log_stddev, plain.log_stddev, atol=1e-4)


def test_locations_have_a_place_in_the_input_but_no_weight_yet():
    denoiser, condition = small_denoiser(), _condition()
    located = replace(condition, location_mask=torch.ones_like(condition.location_mask))
    assert torch.equal(denoiser(NOISY, STEP, condition).rotation, denoiser(NOISY, STEP, located).rotation)
    assert condition.features().shape[-1] == 22 * 11 + 2


def test_windows_of_a_batch_do_not_touch_each_other():
    denoiser, condition = small_denoiser(), _condition()
    alone = Condition(**{name: value[1:] for name, value in vars(condition).items()})
    both = denoiser(NOISY, STEP, condition).rotation[1:]
    assert torch.allclose(denoiser(NOISY[1:], STEP[1:], alone).rotation, both, atol=1e-5)
