"""The packed data's reader gives what the data's own loader gives, and names what is missing."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.errors import DataError
from inpose_ros.motion.packed import PERMISSIVE_SOURCES, PackedMotion


def write(folder: Path, **changes: object) -> Path:
    """A folder with one clip of 10 frames in T-pose."""
    index = {
        'joints': list(smpl22.JOINTS),
        'subjects': {'me': {'offsets': Skeleton.mean().bones.tolist()}},
        'clips': [
            {'name': 'stand', 'source': 'own', 'subject': 'me', 'label': 'stand', 'split': 'train', 'fps': 60,
             'file': 'train.npz', 'start': 5, 'length': 10},
        ],
    }  # fmt: skip
    (folder / 'index.json').write_text(json.dumps({**index, **changes}))
    quat = np.zeros((20, 22, 4), np.int16)
    quat[..., 0] = 32767
    np.savez(folder / 'train.npz', quat=quat, trans=np.arange(60, dtype=np.float32).reshape(20, 3))
    return folder


def test_a_clip_is_its_frames_of_its_file(tmp_path: Path) -> None:
    clip = PackedMotion(write(tmp_path), 'train').clip(0)
    assert (clip.name, clip.subject, clip.fps, len(clip)) == ('stand', 'me', 60.0, 10)
    assert clip.root[0].tolist() == [15, 16, 17]
    assert torch.allclose(clip.rot_world_joint, torch.eye(3).expand(10, 22, 3, 3), atol=1e-4)


def test_a_missing_folder_is_named_with_what_it_should_hold(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r'index\.json'):
        PackedMotion(tmp_path / 'nowhere', 'train')


def test_an_index_that_is_no_json_is_named(tmp_path: Path) -> None:
    (write(tmp_path) / 'index.json').write_text('{"joints": [')
    with pytest.raises(DataError, match=r'index\.json'):
        PackedMotion(tmp_path, 'train')


def test_an_index_without_clips_is_named(tmp_path: Path) -> None:
    (tmp_path / 'index.json').write_text('{"joints": []}')
    with pytest.raises(DataError, match='clips'):
        PackedMotion(tmp_path, 'train')


def test_another_skeleton_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='nose'):
        PackedMotion(write(tmp_path, joints=['nose']), 'train')


def test_a_subject_without_bones_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='me'):
        PackedMotion(write(tmp_path, subjects={}), 'train')


def test_an_unknown_split_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='train'):
        PackedMotion(write(tmp_path), 'exam')


def test_sources_choose_among_the_clips(tmp_path: Path) -> None:
    assert len(PackedMotion(write(tmp_path), 'train', ('own',))) == 1
    with pytest.raises(DataError, match='theirs'):
        PackedMotion(tmp_path, 'train', ('theirs',))


def test_a_missing_file_of_frames_is_named(tmp_path: Path) -> None:
    (write(tmp_path) / 'train.npz').unlink()
    with pytest.raises(DataError, match=r'train\.npz'):
        PackedMotion(tmp_path, 'train').clip(0)


@pytest.mark.parametrize('kept', [0, 200, 1500])
def test_a_truncated_file_of_frames_is_named(tmp_path: Path, kept: int) -> None:
    path = write(tmp_path) / 'train.npz'
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r'train\.npz'):
        PackedMotion(tmp_path, 'train').clip(0)


def test_a_file_with_too_few_frames_is_named_with_the_clip(tmp_path: Path) -> None:
    path = write(tmp_path) / 'train.npz'
    np.savez(path, quat=np.ones((8, 22, 4), np.int16), trans=np.zeros((8, 3), np.float32))
    with pytest.raises(DataError, match='stand'):
        PackedMotion(tmp_path, 'train').clip(0)


def test_a_place_that_is_no_number_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path) / 'train.npz'
    np.savez(path, quat=np.ones((20, 22, 4), np.int16), trans=np.full((20, 3), np.nan, np.float32))
    with pytest.raises(DataError, match='stand'):
        PackedMotion(tmp_path, 'train').clip(0)


def loader(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location('data_load', folder / 'load.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_rotations_and_positions_are_those_of_the_datas_own_loader(data_folder: Path) -> None:
    load, ours = loader(data_folder), PackedMotion(data_folder, 'val')
    theirs = load.MotionData('val', root=str(data_folder))
    assert len(ours) == len(theirs)
    for number in range(0, len(ours), 40):
        quat, trans, fps, offsets = theirs.clip(number)
        rot, place = load.fk(quat, trans, offsets)
        clip = ours.clip(number)
        assert clip.fps == fps
        assert np.allclose(clip.rot_world_joint, rot, atol=1e-4)
        assert np.allclose(clip.positions, place, atol=1e-4)


def test_the_share_alike_source_is_left_out_of_the_permissive_ones(data_folder: Path) -> None:
    everything, permissive = PackedMotion(data_folder, 'train'), PackedMotion(data_folder, 'train', PERMISSIVE_SOURCES)
    assert {row['source'] for row in everything.rows} - {row['source'] for row in permissive.rows} == {'hdm05'}
