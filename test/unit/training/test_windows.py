"""Windows show the clip's own motion; what varies them keeps them a person's."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inpose_ros.body import kinematics, smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.geometry import rotation
from inpose_ros.motion.clip import MotionClip
from inpose_ros.motion.packed import PackedMotion
from inpose_ros.sensing.calibration.still_pose import REST_POSES
from inpose_ros.training import windows
from inpose_ros.training.windows import MotionWindow, WindowSource

from .examples import FRAMES, RATE, SOURCES, SUBJECTS, source, turned


class ArmsOut:
    """A split in which anna never lets her arms hang."""

    def __init__(self, motion: PackedMotion) -> None:
        self.motion, self.rows = motion, motion.rows

    def __iter__(self):
        for clip in self.motion:
            yield self._raised(clip) if clip.subject == 'anna' else clip

    @staticmethod
    def _raised(clip: MotionClip) -> MotionClip:
        rot = clip.rot_world_joint.clone()
        rot[:, 16:] = rot[:, [smpl22.PELVIS]]
        return replace(clip, rot_world_joint=rot)


def random_windows(packed: Path, count: int = 8, seed: int = 0) -> MotionWindow:
    return source(packed).random(count, torch.Generator().manual_seed(seed))


def lopsided(window: MotionWindow) -> MotionWindow:
    """The window on bones that no mirror leaves as they are."""
    noise = 0.03 * torch.randn(window.bones.shape, generator=torch.Generator().manual_seed(1))
    return replace(window, bones=window.bones + noise)


@pytest.mark.parametrize('number', range(3))
def test_an_unwarped_window_is_the_clip_on_the_grid_up_to_the_frame_that_is_asked_for(
    packed: Path, number: int
) -> None:
    clip = PackedMotion(packed, 'train').clip(number)
    slow, last = clip.at_rate(RATE), 20
    window = source(packed).at(torch.tensor([number]), torch.tensor([last * clip.fps / RATE]))
    shown = slice(last - FRAMES + 1, last + 1)
    assert torch.allclose(window.rot_world_joint[0], slow.rot_world_joint[shown], atol=1e-5)
    assert torch.allclose(window.root[0], slow.root[shown], atol=1e-5)
    assert torch.allclose(window.positions[0], slow.positions[shown].float(), atol=1e-5)
    assert window.real.all()


def test_a_window_at_double_speed_is_every_second_frame(packed: Path) -> None:
    clip = PackedMotion(packed, 'train').clip(0).at_rate(RATE)
    window = source(packed).at(torch.tensor([0]), torch.tensor([60.0]), torch.tensor([2.0]))
    assert torch.allclose(window.root[0], clip.root[30 - 2 * (FRAMES - 1) : 31 : 2], atol=1e-5)


def test_frames_before_the_clip_are_not_real_and_hold_its_first(packed: Path) -> None:
    clip = PackedMotion(packed, 'train').clip(1)
    window = source(packed).at(torch.tensor([1]), torch.tensor([2.0]))
    assert window.real[0].tolist() == [False] * (FRAMES - 3) + [True] * 3
    assert torch.allclose(window.root[0, : FRAMES - 2], clip.root[0].expand(FRAMES - 2, -1), atol=1e-6)
    assert torch.allclose(window.root[0, -1], clip.root[2], atol=1e-6)


def test_a_window_never_reaches_into_the_next_clip(packed: Path) -> None:
    clip = PackedMotion(packed, 'train').clip(0)
    window = source(packed).at(torch.tensor([0]), torch.tensor([len(clip) + 30.0]))
    assert torch.allclose(window.root[0, -1], clip.root[-1], atol=1e-6)


def test_a_mirrored_window_is_the_mirror_image_of_every_joint(packed: Path) -> None:
    window = lopsided(random_windows(packed))
    mirrored = windows._mirrored(window, torch.ones(8, dtype=torch.bool))
    image = (window.positions * torch.tensor([1.0, -1.0, 1.0]))[:, :, list(smpl22.MIRROR)]
    assert torch.allclose(mirrored.positions, image, atol=1e-5)
    assert torch.allclose(mirrored.bones, kinematics.mirrored_bones(window.bones))


def test_mirroring_takes_the_chosen_windows_only_and_undoes_itself(packed: Path) -> None:
    window, chosen = lopsided(random_windows(packed)), torch.arange(8) % 2 == 0
    mirrored = windows._mirrored(window, chosen)
    assert torch.equal(mirrored.positions[1::2], window.positions[1::2])
    assert not torch.allclose(mirrored.positions[::2], window.positions[::2], atol=1e-2)
    assert torch.allclose(windows._mirrored(mirrored, chosen).positions, window.positions, atol=1e-5)


def test_a_turned_window_keeps_heights_and_distances(packed: Path) -> None:
    window = random_windows(packed)
    about = windows._turned(window, rotation.about_z(torch.linspace(-3, 3, 8))[:, None])
    assert torch.allclose(about.positions[..., 2], window.positions[..., 2], atol=1e-5)
    assert torch.allclose(
        about.positions.diff(dim=1).norm(dim=-1), window.positions.diff(dim=1).norm(dim=-1), atol=1e-5
    )
    assert not torch.allclose(about.positions[..., 0], window.positions[..., 0], atol=1e-2)


def test_the_same_seed_draws_the_same_windows_and_another_seed_others(packed: Path) -> None:
    first, again, other = random_windows(packed), random_windows(packed), random_windows(packed, seed=1)
    assert all(
        torch.equal(getattr(first, name), getattr(again, name))
        for name in ('rot_world_joint', 'root', 'bones', 'real', 'zeroed')
    )
    assert not torch.allclose(first.root, other.root)


def test_drawn_windows_show_bodies_of_the_data_on_the_floor_facing_anywhere(packed: Path) -> None:
    window = random_windows(packed, 200)
    identity = window.rot_world_joint.transpose(-1, -2) @ window.rot_world_joint
    assert torch.allclose(identity, torch.eye(3).expand_as(identity), atol=1e-5)
    bodies = torch.stack([body.bones.float() for body in SUBJECTS.values()]).norm(dim=-1)
    assert ((window.bones.norm(dim=-1)[:, None] - bodies).abs().amax(-1).amin(-1) < 1e-5).all()
    assert window.positions[:, -1, :, 2].amin() > -0.02
    heading = rotation.heading(window.rot_world_joint[:, -1, smpl22.PELVIS])
    assert torch.histc(heading, 8, -torch.pi, torch.pi).min() > 5


def test_drawn_windows_are_zeroed_or_have_axes_that_differ_a_little_or_are_as_recorded(packed: Path) -> None:
    window = random_windows(packed, 400)
    bodies = torch.stack([body.bones.float() for body in SUBJECTS.values()])
    off = (window.bones[:, None] - bodies).norm(dim=-1)
    off = (off / bodies.norm(dim=-1).clamp(min=1e-6)).amax(-1).amin(-1)
    assert 0.32 < float(window.zeroed.float().mean()) < 0.48
    assert 0.4 < float((off[~window.zeroed] < 1e-4).float().mean()) < 0.6
    assert off[~window.zeroed].max() < 0.25 < off[window.zeroed].min()


def unshared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bends stay in the joints where they were recorded, so that zeroing moves no joint."""
    monkeypatch.setattr(kinematics, 'shared_out', lambda rot: rot)


def test_a_zeroed_window_has_every_joint_where_it_was_and_is_turned_otherwise(
    packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unshared(monkeypatch)
    clips, newest = source(packed).grid(30)
    plain, zeroed = (source(packed).at(clips, newest, zeroed=torch.full((30,), each)) for each in (False, True))
    assert not plain.zeroed.any() and zeroed.zeroed.all()
    assert torch.allclose(zeroed.positions, plain.positions, atol=1e-5)
    assert torch.equal(zeroed.contact, plain.contact)
    assert torch.allclose(zeroed.bones.norm(dim=-1), plain.bones.norm(dim=-1), atol=1e-6)
    assert rotation.angle_between(zeroed.rot_world_joint, plain.rot_world_joint).amax((-1, -2)).min() > 0.05


def test_bends_of_who_is_zeroed_are_shared_out(packed: Path) -> None:
    clips, newest = source(packed).grid(30)
    zeroed = source(packed).at(clips, newest, zeroed=torch.arange(30) % 2 == 0)
    shared = kinematics.shared_out(zeroed.rot_world_joint)
    same = rotation.angle_between(shared, zeroed.rot_world_joint).amax((-1, -2)) < 2e-3
    assert same[zeroed.zeroed].all() and not same[~zeroed.zeroed].all()


def test_mirroring_and_turning_leave_the_joints_of_who_is_zeroed_where_they_leave_all_others(
    packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unshared(monkeypatch)
    clips, newest = source(packed).grid(30)
    chosen, facing = torch.arange(30) % 2 == 0, rotation.about_z(torch.linspace(-3, 3, 30))[:, None]
    plain, zeroed = (
        windows._turned(
            windows._mirrored(source(packed).at(clips, newest, zeroed=torch.full((30,), each)), chosen), facing
        )
        for each in (False, True)
    )
    assert not plain.zeroed.any() and zeroed.zeroed.all()
    assert torch.allclose(zeroed.positions, plain.positions, atol=1e-5)
    assert rotation.angle_between(zeroed.rot_world_joint, plain.rot_world_joint).amax((-1, -2)).min() > 0.05


def test_other_axes_move_no_joint_whatever_they_are(packed: Path) -> None:
    window = random_windows(packed)
    axes = rotation.exp(2 * torch.randn(8, 22, 3, generator=torch.Generator().manual_seed(3)))
    reframed = windows._reframed(window, axes)
    assert torch.allclose(reframed.positions, window.positions, atol=1e-5)
    assert torch.allclose(reframed.rot_world_joint, window.rot_world_joint @ axes[:, None], atol=1e-6)
    back = windows._reframed(reframed, axes.transpose(-1, -2))
    assert torch.allclose(back.bones, window.bones, atol=1e-6)
    assert torch.allclose(back.rot_world_joint, window.rot_world_joint, atol=1e-5)


def test_a_zeroed_person_who_stands_is_at_the_n_pose(packed: Path) -> None:
    """Everybody begins in a relaxed stance, facing forward; they may sway a little."""
    first, rest = torch.zeros(3), REST_POSES['n_pose'].float()
    arms = [smpl22.INDEX[f'{side}_{name}'] for side in ('left', 'right') for name in ('shoulder', 'elbow', 'wrist')]
    plain, zeroed = (
        source(packed).at(torch.arange(3), first, zeroed=torch.full((3,), each)).rot_world_joint[:, -1, arms]
        for each in (False, True)
    )
    assert rotation.angle_between(zeroed, rest[arms].expand_as(zeroed)).max() < 0.12
    assert rotation.angle_between(plain, rest[arms].expand_as(plain)).amax(-1).min() > 0.25


def test_those_are_zeroed_who_are_asked_for_and_were_seen_standing(packed: Path) -> None:
    motion = PackedMotion(packed, 'train')
    windows_of = WindowSource(ArmsOut(motion), FRAMES, RATE)
    clips, newest = windows_of.grid(40)
    ben = torch.tensor([motion.rows[number]['subject'] == 'ben' for number in clips.tolist()])
    asked = torch.arange(40) % 2 == 0
    plain, window = windows_of.at(clips, newest), windows_of.at(clips, newest, zeroed=asked)
    assert torch.equal(window.zeroed, asked & ben) and 0 < window.zeroed.sum() < asked.sum()
    assert not plain.zeroed.any()
    same = (window.rot_world_joint == plain.rot_world_joint).flatten(1).all(-1)
    assert torch.equal(same, ~window.zeroed)


def test_who_was_never_seen_standing_is_never_drawn_zeroed(packed: Path) -> None:
    windows_of = WindowSource(ArmsOut(PackedMotion(packed, 'train')), FRAMES, RATE)
    window = windows_of.random(300, torch.Generator().manual_seed(0))
    lengths = SUBJECTS['ben'].bones.float().norm(dim=-1)
    ben = torch.isclose(window.bones.norm(dim=-1), lengths, atol=1e-5).all(-1)
    assert window.zeroed.any() and not (window.zeroed & ~ben).any()


@pytest.mark.parametrize('row', [{'label': 'fast Walking', 'name': '07_01'}, {'name': 'march_3', 'label': 'x'}])
def test_walking_is_drawn_more_often_than_jumping(row: dict[str, str]) -> None:
    jumping = {'source': 'cmu', 'label': 'jumping', 'name': '13_11'}
    assert windows._weight({'source': 'cmu'} | row) == windows.LOCOMOTION_WEIGHT * windows._weight(jumping)


def test_sources_are_drawn_by_their_time_and_weight(packed: Path) -> None:
    motion = PackedMotion(packed, 'train')
    share = {name: 0.0 for name in SUBJECTS}
    for clip in motion:
        share[clip.subject] += windows.SOURCE_WEIGHTS[SOURCES[clip.subject]] * len(clip) / clip.fps
    window = random_windows(packed, 2000)
    lengths = SUBJECTS['anna'].bones.float().norm(dim=-1)
    anna = torch.isclose(window.bones.norm(dim=-1), lengths, atol=1e-5).all(-1).float().mean()
    assert abs(float(anna) - share['anna'] / sum(share.values())) < 0.05


def test_the_grid_is_the_same_each_time_and_lies_in_every_clip_by_its_length(packed: Path) -> None:
    motion = PackedMotion(packed, 'train')
    clips, newest = source(packed).grid(40)
    assert all(torch.equal(a, b) for a, b in zip((clips, newest), source(packed).grid(40), strict=True))
    lengths = torch.tensor([len(clip) for clip in motion])
    assert (newest < lengths[clips]).all()
    assert torch.allclose(clips.bincount() / 40, lengths / lengths.sum(), atol=0.03)


def test_the_hours_are_those_of_the_clips(packed: Path) -> None:
    seconds = sum(len(clip) / clip.fps for clip in PackedMotion(packed, 'train'))
    assert WindowSource(PackedMotion(packed, 'train'), FRAMES, RATE).hours == pytest.approx(seconds / 3600)


def test_velocity_and_contact_are_those_of_a_body_that_glides_or_stands() -> None:
    seconds = torch.arange(FRAMES) / RATE
    speed = torch.tensor([[0.0, 0.0, 0.0], [0.6, -0.8, 0.0]])
    window = MotionWindow(
        rot_world_joint=torch.eye(3).expand(2, FRAMES, 22, 3, 3),
        root=speed[:, None] * seconds[:, None],
        bones=Skeleton.mean().bones.float().expand(2, -1, -1),
        real=torch.ones(2, FRAMES, dtype=torch.bool),
        zeroed=torch.zeros(2, dtype=torch.bool),
        rate=RATE,
    )
    assert torch.allclose(window.root_velocity, speed[:, None].expand(-1, FRAMES, -1), atol=1e-4)
    assert window.contact[0].all() and not window.contact[1].any()


def test_turning_all_of_a_window_turns_its_velocity(packed: Path) -> None:
    window = random_windows(packed)
    about = turned(window, 0.7)
    assert torch.allclose(about.root_velocity, window.root_velocity @ rotation.about_z(torch.tensor(0.7)).T, atol=1e-4)
    assert torch.equal(about.contact, window.contact)


def test_all_of_a_source_goes_to_a_device(packed: Path) -> None:
    there = source(packed).to(torch.device('meta'))
    tensors = [value for value in vars(there).values() if isinstance(value, torch.Tensor)]
    assert len(tensors) > 5 and all(value.is_meta for value in tensors)
    assert there.subjects == source(packed).subjects
