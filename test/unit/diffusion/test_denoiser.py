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
        zeroed=torch.tensor([[True], [False]]).expand(2, 8),
        acceleration=draw(2, 8, 22, 3),
        acceleration_mask=draw(2, 8, 22) > 0,
    )


ZEROED = 22 * 11 + 2  # the feature that says whose zero it is
NOISY, STEP = torch.randn(2, 8, 22, 6, generator=torch.Generator().manual_seed(1)), torch.tensor([999, 10])


def test_what_is_masked_makes_no_difference():
    denoiser, condition = small_denoiser(), _condition()
    other = replace(
        condition,
        rotation=torch.where(condition.rotation_mask[..., None], condition.rotation, torch.tensor(5.0)),
        location=condition.location + 3,
        height=torch.where(condition.height_mask, condition.height, torch.tensor(-2.0)),
        acceleration=torch.where(condition.acceleration_mask[..., None], condition.acceleration, torch.tensor(9.0)),
    )
    assert torch.equal(denoiser(NOISY, STEP, condition).rotation, denoiser(NOISY, STEP, other).rotation)


def test_what_is_measured_makes_a_difference():
    denoiser, condition = small_denoiser(), _condition()
    plain = denoiser(NOISY, STEP, condition)
    for name in ('height', 'rotation', 'acceleration'):
        other = replace(condition, **{name: getattr(condition, name) + 1})
        assert not torch.allclose(denoiser(NOISY, STEP, other).log_stddev, plain.log_stddev, atol=1e-4)


def test_locations_have_a_place_in_the_input_but_no_weight_yet():
    denoiser, condition = small_denoiser(), _condition()
    located = replace(condition, location_mask=torch.ones_like(condition.location_mask))
    assert torch.equal(denoiser(NOISY, STEP, condition).rotation, denoiser(NOISY, STEP, located).rotation)
    assert condition.features().shape[-1] == 22 * 11 + 3 + 22 * 4


def test_whose_zero_it_is_makes_a_difference_once_it_has_a_weight():
    denoiser, condition = small_denoiser(), _condition()
    other = replace(condition, zeroed=~condition.zeroed)
    with torch.no_grad():
        weight = denoiser.embed_condition.weight.unflatten(-1, (denoiser.config.patch, -1))[..., ZEROED]
        weight.zero_()
        blind = [denoiser(NOISY, STEP, each).rotation for each in (condition, other)]
        weight.copy_(torch.linspace(-0.1, 0.1, len(weight))[:, None])
        seeing = [denoiser(NOISY, STEP, each).rotation for each in (condition, other)]
    assert torch.equal(*blind)
    assert (seeing[0] - seeing[1]).abs().amax((1, 2, 3)).min() > 1e-4


def test_with_and_without_gradients_it_says_the_same():
    denoiser, condition = small_denoiser(), _condition()
    with torch.enable_grad():
        one = denoiser(NOISY, STEP, condition)
    with torch.no_grad():
        other = denoiser(NOISY, STEP, condition)
    for name, value in vars(one).items():
        assert torch.allclose(value, getattr(other, name), atol=1e-5), name


def test_windows_of_a_batch_do_not_touch_each_other():
    denoiser, condition = small_denoiser(), _condition()
    alone = Condition(**{name: value[1:] for name, value in vars(condition).items()})
    both = denoiser(NOISY, STEP, condition).rotation[1:]
    assert torch.allclose(denoiser(NOISY[1:], STEP[1:], alone).rotation, both, atol=1e-5)
