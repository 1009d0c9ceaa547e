"""A simulated user wears any set of sensors; what is measured knows neither heading nor place nor size."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.denoiser import Condition
from inpose_ros.geometry import rotation
from inpose_ros.motion.procedural import random_skeleton
from inpose_ros.training import dropout
from inpose_ros.training.windows import MotionWindow

from .examples import FRAMES, RATE, source, turned

COUNT = 16
ZEROED = 22 * 11 + 2  # the feature that says whose zero it is


@pytest.fixture(scope='module')
def window(packed: Path) -> MotionWindow:
    drawn = source(packed).random(COUNT, torch.Generator().manual_seed(2))
    return replace(drawn, real=torch.arange(FRAMES) >= (torch.arange(COUNT) % 4)[:, None])


def some_worn(seed: int = 0) -> torch.Tensor:
    """Random subsets; the first window wears nothing."""
    worn = torch.rand(COUNT, 22, generator=torch.Generator().manual_seed(seed)) < 0.4
    return worn & (torch.arange(COUNT) > 0)[:, None]


def perfect(window: MotionWindow, worn: torch.Tensor) -> tuple[Condition, torch.Tensor]:
    return dropout.dress(window, worn, dropout.Known.constant(len(worn), True, True, True), None)


def masked(condition: Condition) -> torch.Tensor:
    """What the network is shown of a condition."""
    return condition.features()


def alike(first: Condition, second: Condition, rows: slice = slice(None)) -> bool:
    """Whether two conditions look alike to the network; second differences are of places in single precision."""
    views = masked(first)[rows], masked(second)[rows]
    plain, accelerations = (
        [view[..., part] for view in views] for part in (slice(ZEROED + 1), slice(ZEROED + 1, None))
    )
    return torch.allclose(*plain, atol=1e-5) and torch.allclose(*accelerations, atol=5e-3)


def test_common_sets_are_worn_as_often_as_they_say() -> None:
    worn = dropout.worn_joints(torch.zeros(20000, dtype=torch.bool), torch.Generator().manual_seed(0))
    for share, names in dropout.COMMON_SETS:
        row = torch.zeros(22, dtype=torch.bool)
        row[[smpl22.INDEX[name] for name in names]] = True
        found = float((worn == row).all(-1).float().mean())
        # Random subsets that happen to be empty come on top.
        assert share - 0.015 < found < share + (0.015 if names else 0.06)


@pytest.mark.parametrize(('zeroed', 'sets'), [(False, dropout.COMMON_SETS), (True, dropout.ZEROED_SETS)])
def test_who_is_zeroed_wears_other_sets_in_the_same_batch(zeroed: bool, sets: tuple) -> None:
    which = torch.arange(40000) % 2 == 0
    worn = dropout.worn_joints(which, torch.Generator().manual_seed(0))[which == zeroed]
    shares = {names: 0.0 for _, names in (*dropout.COMMON_SETS, *dropout.ZEROED_SETS) if names}
    for share, names in sets:
        shares[names] = share
    for names, share in shares.items():
        if names:
            row = torch.isin(torch.arange(22), torch.tensor([smpl22.INDEX[name] for name in names]))
            assert float((worn == row).all(-1).float().mean()) == pytest.approx(share, abs=0.015)


def test_the_height_of_who_is_zeroed_is_known_less_often_and_who_knows_it_mostly_knows_the_travel(packed: Path) -> None:
    drawn = source(packed).random(3000, torch.Generator().manual_seed(6))
    condition, _ = dropout.draw_condition(drawn, torch.Generator().manual_seed(7))
    head, known = condition.rotation_mask[:, -1, smpl22.HEAD], condition.height_mask[:, -1]
    travels = condition.location_mask[:, -1, smpl22.HEAD]
    for zeroed, share in ((False, 0.7), (True, 0.2)):
        assert float(known[head & (drawn.zeroed == zeroed)].float().mean()) == pytest.approx(share, abs=0.05)
    for told, share in ((True, 0.8), (False, 0.3)):
        assert float(travels[head & (known == told)].float().mean()) == pytest.approx(share, abs=0.05)


def test_the_condition_tells_who_is_zeroed(window: MotionWindow) -> None:
    assert 0 < window.zeroed.sum() < COUNT
    condition, _ = perfect(window, some_worn())
    assert torch.equal(condition.zeroed, window.zeroed[:, None].expand(COUNT, FRAMES))
    assert torch.equal(masked(condition)[..., ZEROED], condition.zeroed.float())


def test_the_rest_wears_random_subsets_of_any_joint_and_size() -> None:
    worn = dropout.worn_joints(torch.zeros(20000, dtype=torch.bool), torch.Generator().manual_seed(0))
    assert worn.any(0).all() and not worn.all(0).any()
    assert {0, 1, 2, 5, 10} <= set(worn.sum(-1).tolist())


def test_some_windows_of_a_batch_wear_nothing() -> None:
    worn = dropout.worn_joints(torch.arange(2000) % 2 == 0, torch.Generator().manual_seed(0))
    assert 0.01 < float((~worn.any(-1)).float().mean()) < 0.2


@pytest.mark.parametrize('angle', [0.4, 2.0, -3.0])
def test_where_the_person_faces_makes_no_difference(window: MotionWindow, angle: float) -> None:
    condition, heading = perfect(window, some_worn())
    about, further = perfect(turned(window, angle), some_worn())
    assert alike(about, condition)
    turn = rotation.about_z(further - heading)
    assert torch.allclose(turn, rotation.about_z(torch.tensor(angle)).expand_as(turn), atol=1e-5)


def test_where_the_person_stands_makes_no_difference(window: MotionWindow) -> None:
    moved = replace(window, root=window.root + torch.tensor([3.0, -5.0, 0.0]))
    assert alike(perfect(moved, some_worn())[0], perfect(window, some_worn())[0])


@pytest.mark.parametrize('factor', [0.6, 1.4])
def test_the_size_of_the_person_makes_no_difference(window: MotionWindow, factor: float) -> None:
    larger = replace(window, root=window.root * factor, bones=window.bones * factor)
    assert alike(perfect(larger, some_worn())[0], perfect(window, some_worn())[0])


def test_a_head_at_its_standing_height_measures_one() -> None:
    body = random_skeleton(1)
    legs = -body.rest_positions[list(smpl22.TOES), 2].mean().float()
    window = MotionWindow(
        rot_world_joint=torch.eye(3).expand(1, FRAMES, 22, 3, 3),
        root=torch.stack((legs * 0, legs * 0, legs)).expand(1, FRAMES, 3),
        bones=body.bones.float()[None],
        real=torch.ones(1, FRAMES, dtype=torch.bool),
        zeroed=torch.zeros(1, dtype=torch.bool),
        rate=RATE,
    )
    condition, _ = perfect(window, torch.ones(1, 22, dtype=torch.bool))
    assert torch.allclose(condition.height, torch.ones(1, FRAMES), atol=1e-5)


def test_perfect_sensors_measure_the_turned_truth_wherever_they_are_worn(window: MotionWindow) -> None:
    worn = some_worn()
    condition, heading = perfect(window, worn)
    assert torch.equal(condition.rotation_mask, worn[:, None] & window.real[..., None])
    truth = rotation.sixd_from_matrix(rotation.about_z(-heading)[:, None, None] @ window.rot_world_joint)
    assert torch.allclose(condition.rotation[condition.rotation_mask], truth[condition.rotation_mask], atol=1e-6)
    others = torch.arange(22) != smpl22.HEAD
    assert not condition.location_mask[..., others].any() and not condition.location[..., others, :].any()


def test_the_head_travels_from_where_it_was_to_zero_at_the_newest_frame(window: MotionWindow) -> None:
    way = 0.03 * torch.arange(float(FRAMES))[:, None] * torch.tensor([0.8, -0.6, 0.0])
    window = replace(window, root=window.root + way)
    condition, heading = perfect(window, torch.ones(COUNT, 22, dtype=torch.bool))
    place = (rotation.about_z(-heading)[:, None] @ window.positions[:, :, smpl22.HEAD, :, None])[..., 0]
    expected = (place - place[:, -1:]) / dropout.standing_height(window.bones)[:, None, None]
    found = condition.location[:, :, smpl22.HEAD]
    assert torch.equal(condition.location_mask[..., smpl22.HEAD], window.real)
    assert torch.allclose(found[window.real], expected[window.real], atol=1e-5) and found.abs().max() > 0.05


def test_a_noisy_tracker_trembles_in_height_and_travel_alike(window: MotionWindow) -> None:
    clean = perfect(window, torch.ones(COUNT, 22, dtype=torch.bool))[0].height
    worn, known = torch.ones(COUNT, 22, dtype=torch.bool), dropout.Known.constant(COUNT, True, True)
    seen = [dropout.dress(window, worn, known, torch.Generator().manual_seed(seed))[0] for seed in range(40)]
    tremble = torch.stack([(each.height - clean).diff(dim=1).std(-1) for each in seen])
    noisy = tremble > 1e-4
    assert 0.22 < float(noisy.float().mean()) < 0.38
    assert 0.001 < float(tremble[noisy].min()) and 0.05 < float(tremble.max()) < 0.35
    for each in seen:
        whole = each.location_mask[..., smpl22.HEAD].all(-1)
        apart = (each.height - each.location[:, :, smpl22.HEAD, 2])[whole]
        assert torch.allclose(apart, apart[:, :1].expand_as(apart), atol=1e-5)


def test_height_and_travel_are_known_only_where_the_head_is_worn_and_they_are_given(window: MotionWindow) -> None:
    worn, given = some_worn(), torch.arange(COUNT) % 2 == 0
    condition, _ = dropout.dress(window, worn, dropout.Known(given, ~given, given), None)
    assert torch.equal(
        condition.location_mask[..., smpl22.HEAD], (worn[:, smpl22.HEAD] & ~given)[:, None] & window.real
    )
    assert torch.equal(condition.height_mask, (worn[:, smpl22.HEAD] & given)[:, None] & window.real)


def test_what_is_not_worn_is_not_seen(window: MotionWindow) -> None:
    worn = some_worn()
    hidden = torch.where(worn[:, None, :, None, None], window.rot_world_joint, torch.eye(3))
    nobody = dropout.Known.constant(COUNT)
    unheard = dropout.dress(window, worn, nobody, None)[0]
    blind = dropout.dress(replace(window, rot_world_joint=hidden), worn, nobody, None)[0]
    assert torch.allclose(masked(unheard)[1:], masked(blind)[1:], atol=1e-6)
    # Of who wears nothing, the prior knows only whether they are zeroed.
    seen = masked(unheard)[0].any(0)
    assert not seen[:ZEROED].any() and not seen[ZEROED + 1 :].any()


def test_gaps_and_errors_come_with_a_generator_only(window: MotionWindow) -> None:
    all_worn, known = torch.ones(COUNT, 22, dtype=torch.bool), dropout.Known.constant(COUNT, True, True, True)
    always = window.real[..., None].expand(-1, -1, 22)
    exact, _ = dropout.dress(window, all_worn, known, None)
    assert torch.equal(exact.rotation_mask, always)
    seen = [dropout.dress(window, all_worn, known, torch.Generator().manual_seed(seed))[0] for seed in range(10)]
    assert any((condition.rotation_mask != always).any() for condition in seen)
    assert all((condition.rotation_mask <= always).all() for condition in seen)
    assert all(not torch.allclose(condition.rotation, exact.rotation, atol=1e-3) for condition in seen)


def test_a_gap_takes_consecutive_frames_from_few_windows(window: MotionWindow) -> None:
    whole = replace(window, real=torch.ones(COUNT, FRAMES, dtype=torch.bool))
    all_worn, known = torch.ones(COUNT, 22, dtype=torch.bool), dropout.Known.constant(COUNT, True, True, True)
    masks = torch.cat([
        dropout.dress(whole, all_worn, known, torch.Generator().manual_seed(seed))[0].rotation_mask
        for seed in range(30)
    ])  # fmt: skip
    lost = ~masks
    starts = lost[:, :1].sum(1) + (lost[:, 1:] & ~lost[:, :-1]).sum(1)
    assert starts.max() == 1
    assert 0.05 < float(lost.flatten(1).any(-1).float().mean()) < 0.16


def test_accelerations_are_second_differences_of_the_places_of_what_is_worn_over_three_frames(
    window: MotionWindow,
) -> None:
    worn = some_worn()
    condition, heading = perfect(window, worn)
    real = window.real & torch.cat((torch.zeros(COUNT, 2, dtype=torch.bool), window.real[:, :-2]), 1)
    assert torch.equal(condition.acceleration_mask, worn[:, None] & real[..., None])
    places = (rotation.about_z(-heading)[:, None, None] @ window.positions[..., None])[..., 0]
    places = places / dropout.standing_height(window.bones)[:, None, None, None]
    expected = (places[:, 2:] - 2 * places[:, 1:-1] + places[:, :-2]) * RATE**2
    assert torch.allclose(condition.acceleration[:, 2:], expected, atol=0.03)


def test_an_imu_worn_along_the_segment_feels_its_turning_too(window: MotionWindow) -> None:
    exact = dropout.accelerations(window, None)
    worn = [dropout.accelerations(window, torch.Generator().manual_seed(seed)) for seed in range(5)]
    assert not any(torch.allclose(exact, one, atol=0.1) for one in worn)
    assert not torch.allclose(*worn[:2], atol=0.1)
    still = replace(window, rot_world_joint=window.rot_world_joint[:, :1].expand_as(window.rot_world_joint))
    error = dropout.accelerations(still, torch.Generator().manual_seed(0)) - dropout.accelerations(still, None)
    assert float(error[:, 2:].std()) == pytest.approx(0.4 * 2**0.5, rel=0.15)  # nothing turns: only noise is left


def test_the_same_generator_draws_the_same_condition(window: MotionWindow) -> None:
    first, again, other = (dropout.draw_condition(window, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))
    assert torch.equal(masked(first[0]), masked(again[0])) and torch.equal(first[1], again[1])
    assert not torch.equal(masked(first[0]), masked(other[0]))


def test_the_standing_height_of_a_batch_is_that_of_each_skeleton() -> None:
    bodies = [Skeleton.mean(), *(random_skeleton(seed) for seed in range(4))]
    heights = dropout.standing_height(torch.stack([body.bones for body in bodies]))
    assert torch.allclose(heights, torch.tensor([body.standing_head_height for body in bodies], dtype=torch.float64))
