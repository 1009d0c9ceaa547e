"""The weights that come with the package: small, readable, said where from, and as good as before they were rounded."""

import copy
from collections.abc import Iterator

import pytest
import torch

from inpose_ros.diffusion import checkpoint
from inpose_ros.diffusion.denoiser import Condition, Denoiser
from inpose_ros.diffusion.schedule import NoiseSchedule
from inpose_ros.diffusion.solver import DEFAULT_MODEL
from inpose_ros.geometry import rotation
from inpose_ros.motion.packed import PERMISSIVE_SOURCES
from inpose_ros.motion.procedural import procedural_clip, random_skeleton
from inpose_ros.training import dropout
from inpose_ros.training.windows import MotionWindow

HANDS = [15, 20, 21]
COUNT = 4
TOLERANCE_DEG = 0.2
# What stands for each source and its licence in the model card.
SOURCES = {
    'cmu': ('CMU', 'mocap.cs.cmu.edu'),
    'cmu_retarget': ('retarget',),
    'accad': ('ACCAD', 'CC BY 3.0'),
    'mhad': ('MHAD', 'BSD'),
    'uiprmd': ('UI-PRMD', 'PDDL'),
}


@pytest.fixture(scope='module', autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope='module')
def denoiser() -> Denoiser:
    return checkpoint.load(DEFAULT_MODEL)[0]


def seen_windows(denoiser: Denoiser) -> tuple[Condition, torch.Tensor]:
    """COUNT windows of an invented motion with head and wrists worn, and their true rotations as 6D."""
    frames, rate = denoiser.config.frames, denoiser.config.rate
    clip = procedural_clip(0, 20.0, random_skeleton(0), rate)
    index = torch.linspace(frames - 1, len(clip) - 1, COUNT).long()[:, None] + torch.arange(1 - frames, 1)
    bones = clip.skeleton.bones.float().expand(COUNT, -1, -1)
    real = torch.ones(COUNT, frames, dtype=torch.bool)
    window = MotionWindow(
        clip.rot_world_joint[index].float(),
        clip.root[index].float(),
        bones,
        real,
        torch.zeros(COUNT, dtype=torch.bool),
        rate,
    )
    worn = torch.isin(torch.arange(22), torch.tensor(HANDS)).expand(COUNT, -1)
    half = torch.arange(COUNT) % 2 == 0
    condition, heading = dropout.dress(window, worn, dropout.Known(half, half, torch.zeros_like(half)), None)
    turn = rotation.about_z(-heading)[:, None, None]
    return condition, rotation.sixd_from_matrix(turn @ window.rot_world_joint)


def before_rounding(denoiser: Denoiser, seed: int) -> Denoiser:
    """Weights that might have been: each anywhere in the interval that float16 rounds to the stored one."""
    generator = torch.Generator().manual_seed(seed)
    other = copy.deepcopy(denoiser)
    for weight in other.parameters():
        exponent = weight.abs().clamp(min=2.0**-14).log2().floor()
        ulp = torch.exp2(exponent - 10)
        drawn = weight + ulp * (torch.rand(weight.shape, generator=generator) - 0.5)
        # Below a power of two the interval is narrower.
        weight.copy_(torch.where(drawn.half() == weight.half(), drawn, weight))
    return other


def test_the_folder_is_small_enough_for_a_repository() -> None:
    assert sum(path.stat().st_size for path in DEFAULT_MODEL.iterdir()) <= 15e6


def test_the_weights_are_stored_in_float16_and_lie_far_from_its_limits(denoiser: Denoiser) -> None:
    weights = torch.cat([weight.flatten() for weight in denoiser.parameters()])
    assert torch.equal(weights.half().float(), weights)
    assert weights.abs().max() < 1000


@pytest.mark.parametrize('step', [NoiseSchedule().last, 300])
def test_rounding_the_weights_to_float16_turned_no_joint_noticeably(denoiser: Denoiser, step: int) -> None:
    """The float32 weights are not kept, so others are drawn that round to the same float16 ones."""
    condition, clean = seen_windows(denoiser)
    steps = torch.full((COUNT,), step)
    noisy = NoiseSchedule().noised(clean, steps, torch.randn(clean.shape, generator=torch.Generator().manual_seed(0)))
    stored = rotation.matrix_from_6d(denoiser(noisy, steps, condition).rotation)
    for seed in range(2):
        other = before_rounding(denoiser, seed)
        pairs = zip(other.parameters(), denoiser.parameters(), strict=True)
        assert all(torch.equal(drawn.half(), weight.half()) for drawn, weight in pairs)
        rot = rotation.matrix_from_6d(other(noisy, steps, condition).rotation)
        assert torch.rad2deg(rotation.angle_between(rot, stored)).max() < TOLERANCE_DEG


def test_the_model_card_names_every_source_of_motion_with_its_licence() -> None:
    card = (DEFAULT_MODEL / 'MODEL_CARD.md').read_text()
    assert set(SOURCES) == set(PERMISSIVE_SOURCES)
    words = {word for words in SOURCES.values() for word in words}
    assert not {word for word in words if word.lower() not in card.lower()}
