"""A recording of inertial sensors is read as it is, and says what it lacks."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from inpose_ros.body import smpl22
from inpose_ros.errors import DataError
from inpose_ros.geometry import rotation
from inpose_ros.motion.recording import HEAD_MOUNT, ImuRecording

SENSORS, JOINTS = ['head', 'left_hand'], ['head', 'left_wrist']
SIX = ('head', 'left_hand', 'right_hand', 'pelvis', 'left_lower_leg', 'right_lower_leg')


def write(folder: Path, frames: int = 180, leaves_at: int = 120, header: dict | None = None, **arrays: object) -> Path:
    """A person who stands still and then turns."""
    text = {'sensors': SENSORS, 'sensor_joint': JOINTS, 'rate': 60, 'reference_rotation_joints': list(smpl22.JOINTS)}
    (folder / 'someone.json').write_text(json.dumps({**text, **(header or {})}))
    gyr = np.zeros((frames, 2, 3), np.float32)
    gyr[leaves_at:, 1, 2] = 3.0
    unit = np.array([1, 0, 0, 0], np.float32)
    content = {
        'sensor_quat': np.tile(unit, (frames, 2, 1)),
        'acc': np.tile(np.array([0, 0, 9.81], np.float32), (frames, 2, 1)),
        'gyr': gyr,
        'ref_quat': np.tile(unit, (frames, 22, 1)),
    }
    np.savez(folder / 'someone.npz', **{k: v for k, v in {**content, **arrays}.items() if v is not None})
    return folder / 'someone'


@pytest.mark.parametrize('suffix', ['', '.npz', '.json'])
def test_a_recording_is_found_by_its_name_with_or_without_a_suffix(tmp_path: Path, suffix: str) -> None:
    recording = ImuRecording.load(f'{write(tmp_path)}{suffix}')
    assert recording.name == 'someone'
    assert recording.sensors == tuple(SENSORS)
    assert recording.joint('left_hand') == 'left_wrist'
    assert len(recording) == 180 and recording.rate == 60.0


def test_measurements_are_those_of_the_wanted_sensors_in_the_order_of_time(tmp_path: Path) -> None:
    rows = ImuRecording.load(write(tmp_path)).measurements(['left_hand'], start_ns=5)
    assert {row.sensor for row in rows} == {'left_hand'}
    assert [row.stamp_ns for row in rows[:3]] == [5, 16_666_672, 33_333_338]
    assert np.allclose(rows[0].specific_force, [0, 0, 9.81]) and rows[0].position is None
    assert np.allclose(rows[150].angular_velocity, [0, 0, 3])


def test_standing_ends_before_the_first_motion(tmp_path: Path) -> None:
    recording = ImuRecording.load(write(tmp_path, leaves_at=90))
    assert recording.standing_frames().tolist() == list(range(90))
    assert len(recording.standing_frames(1.0)) == 60


def test_who_moves_from_the_start_gives_no_standing_frames(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='standing still'):
        ImuRecording.load(write(tmp_path, leaves_at=5)).standing_frames()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.with_suffix('.npz').unlink()
    with pytest.raises(DataError, match=r'someone\.npz is missing'):
        ImuRecording.load(path)


@pytest.mark.parametrize(
    'header',
    [{'rate': 'fast'}, {'sensor_joint': ['nose', 'toe']}, {'sensors': ['head']}, {'reference_rotation_joints': []}],
)
def test_a_malformed_description_is_named(tmp_path: Path, header: dict) -> None:
    with pytest.raises(DataError, match='someone'):
        ImuRecording.load(write(tmp_path, header=header))


@pytest.mark.parametrize(
    'arrays',
    [
        {'acc': None},
        {'gyr': np.zeros((3, 2, 3))},
        {'acc': np.full((180, 2, 3), np.nan)},
        {'ref_quat': np.ones((180, 5, 4))},
    ],
)
def test_malformed_arrays_are_named(tmp_path: Path, arrays: dict) -> None:
    with pytest.raises(DataError, match=r'someone\.npz'):
        ImuRecording.load(write(tmp_path, **arrays))


@pytest.mark.parametrize('kept', [0, 500, 20_000])
def test_a_truncated_file_is_named(tmp_path: Path, kept: int) -> None:
    path = write(tmp_path).with_suffix('.npz')
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r'someone\.npz'):
        ImuRecording.load(path)


def test_an_unknown_sensor_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='head, left_hand'):
        ImuRecording.load(write(tmp_path)).measurements(['nose'])


def test_the_head_mount_is_a_rotation_with_the_sensors_x_axis_up_and_its_z_axis_backward() -> None:
    assert float(HEAD_MOUNT.rotation.det()) == pytest.approx(1.0)
    assert HEAD_MOUNT.rotation[:, 0].tolist() == [0, 0, 1]
    assert HEAD_MOUNT.rotation[:, 2].tolist() == [-1, 0, 0]


def test_the_real_recording_begins_with_seconds_of_standing(data_folder: Path) -> None:
    recording = ImuRecording.load(data_folder / 'real' / 'imu17_walk')
    frames = recording.standing_frames()
    assert 4 * recording.rate < len(frames) and frames[-1] < 6 * recording.rate
    assert set(SIX) <= set(recording.sensors)
    up = recording.rot_world_sensor[frames] @ recording.specific_force[frames][..., None]
    assert np.allclose(up.mean((0, 1))[:, 0], [0, 0, 9.81], atol=0.15)


def test_the_head_mount_tells_which_way_the_person_of_the_real_recording_faces(data_folder: Path) -> None:
    recording = ImuRecording.load(data_folder / 'real' / 'imu17_walk')
    first = recording.standing_frames()[0]
    head = torch.from_numpy(recording.rotations('head')[first]) @ HEAD_MOUNT.rotation.T
    off = rotation.heading(head) - rotation.heading(recording.reference[first, smpl22.HEAD])
    assert abs(float(off)) < 0.15
