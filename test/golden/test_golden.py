"""What is published stays what it is, to 1e-5 m and 1e-5 rad, while the code changes its shape.

The files are written by `python -m pytest test/golden --write-golden`, which is for changes of the numbers that are
meant: each such commit says what they are better for.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import JointState, PointCloud2
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray

from inpose_ros.motion.simulate import SimulatedReading
from inpose_ros.msg import BodyPose
from inpose_ros.node.conversions.body_messages import BodyMessages
from inpose_ros.node.conversions.cloud import CloudMessages
from inpose_ros.node.conversions.markers import MarkerMessages
from inpose_ros.node.conversions.sensors import READERS, WRITERS

from .played import FULL, HANDS, IMUS, START_NS, numbers, of_motion, played, worn

FOLDER = Path(__file__).parent
EVERY = 6  # of so many poses one is kept
# How far numbers of one kind may be from those in the file; of deviations the part of them.
_ABSOLUTE = {'position': 1e-5, 'rotation': 1e-5, 'angle': 2e-5, 'velocity': 2e-3, 'foot_contact': 1e-4}
_RELATIVE = {'rotation_stddev': 1e-3, 'position_covariance': 2e-3}

CLIPS = {
    'hands': (3, [worn(joint, 'pose', 60.0) for joint in HANDS]),
    'full_noisy': (6, [worn(joint, 'pose', 60.0, noisy=True) for joint in FULL]),
    'imus': (5, [worn(joint, 'imu', 100.0) for joint in IMUS]),
}
# Types of the sensors' messages, in streams that were recorded: a body that has to be found out, from a headset, two
# controllers and an IMU without orientation, and one that is known, of which a tracker is silent for a while.
STREAMS = {
    'unknown_body': {'head': 'pose', 'left_wrist': 'odometry', 'right_wrist': 'pose_cov', 'pelvis': 'imu'},
    'dropout': {'head': 'pose_cov', 'left_wrist': 'pose', 'right_wrist': 'pose', 'pelvis': 'pose'},
}


@pytest.mark.parametrize('name', CLIPS)
def test_the_poses_and_deviations_of_a_clip_are_as_they_were(name: str, write_golden: bool) -> None:
    seed, sensors = CLIPS[name]
    skeleton, readings = of_motion(seed, 4.0, sensors)
    estimates = list(played(readings, {one.sensor.name: one.sensor for one in sensors}, skeleton))
    assert len(estimates) > 100
    _compare(name, _stacked([numbers(estimate) for estimate in estimates[::EVERY]]), write_golden)


@pytest.mark.parametrize('name', STREAMS)
def test_the_messages_made_of_a_recorded_stream_are_as_they_were(name: str, write_golden: bool) -> None:
    if write_golden:
        _record(name)
    sensors = {joint: worn(joint, kind, 60.0).sensor for joint, kind in STREAMS[name].items()}
    skeleton = None if name == 'unknown_body' else of_motion(7, 1.0, [])[0]
    messages, draw, cloud = (
        BodyMessages('world', '', 'somebody'),
        MarkerMessages('world', 10**9),
        CloudMessages('world'),
    )
    rows = []
    for estimate in list(played(_recorded(name), sensors, skeleton))[::EVERY]:
        joints = deserialize_message(messages.joint_state(estimate), JointState)
        pose = deserialize_message(messages.body_pose(estimate), BodyPose)
        tree = deserialize_message(messages.transforms(estimate), TFMessage)
        ends = [deserialize_message(end, PoseStamped) for end in messages.end_effectors(estimate).values()]
        markers = deserialize_message(draw(estimate), MarkerArray).markers
        points = deserialize_message(cloud(estimate), PointCloud2)
        rows.append({
            'stamp_ns': np.array(estimate.body.stamp_ns),
            'state': np.array(pose.state),
            'measured': np.array([*pose.measured, pose.root_observed]),
            'angle': np.array(joints.position),
            'velocity': np.array(joints.velocity),
            'position': np.array([_xyz(place) for place in pose.position]),
            'rotation': np.array([_wxyz(turn) for turn in pose.rotation]),
            'rotation_stddev': np.array(pose.rotation_stddev),
            'bone_position': np.array(pose.bone_length),
            'foot_contact': np.array(pose.foot_contact),
            'tree_position': np.array([_xyz(edge.transform.translation) for edge in tree.transforms]),
            'tree_rotation': np.array([_wxyz(edge.transform.rotation) for edge in tree.transforms]),
            'end_position': np.array([_xyz(end.pose.position) for end in ends]),
            'end_rotation': np.array([_wxyz(end.pose.orientation) for end in ends]),
            'drawn_position': np.array([_xyz(point) for marker in markers[:2] for point in marker.points]),
            'cloud_position': np.frombuffer(bytes(points.data), np.float32).reshape(points.width, -1)[:, :3],
        })  # fmt: skip
    assert len(rows) > 15
    _compare(name, _stacked(rows), write_golden)


def _record(name: str) -> None:
    """Write a stream's messages: when they came, from whom, and their bytes."""
    _, readings = of_motion(7, 4.0, [worn(joint, kind, 60.0) for joint, kind in STREAMS[name].items()])
    if name == 'dropout':
        readings = [row for row in readings if not (row.measurement.sensor == 'left_wrist' and _is_silent(row))]
    rows = []
    for row in readings:
        kind = STREAMS[name][row.measurement.sensor]
        told = row.measurement
        told = replace(told, rot_world_sensor=None) if kind == 'imu' else replace(told, position_stddev=0.002)
        rows.append((row.arrival_ns - START_NS, told.sensor, serialize_message(WRITERS[kind](told, 'world'))))
    arrivals, names, messages = zip(*rows)
    joined = np.frombuffer(b''.join(messages), np.uint8)
    np.savez_compressed(
        FOLDER / f'{name}_stream.npz', arrival_ns=arrivals, sensor=names, size=[len(m) for m in messages], data=joined
    )


def _is_silent(row: SimulatedReading) -> bool:
    return 1.5 < (row.arrival_ns - START_NS) / 1e9 < 2.8


def _recorded(name: str) -> Iterator[SimulatedReading]:
    with np.load(FOLDER / f'{name}_stream.npz') as file:
        held = {part: file[part] for part in file.files}
    ends = np.cumsum(held['size'])
    for arrival_ns, sensor, end, size in zip(held['arrival_ns'], held['sensor'], ends, held['size']):
        message_type, read = READERS[STREAMS[name][str(sensor)]]
        message = deserialize_message(held['data'][end - size : end].tobytes(), message_type)
        yield SimulatedReading(read(message, str(sensor)), START_NS + int(arrival_ns))


def _compare(name: str, said: dict[str, np.ndarray], write: bool) -> None:
    path = FOLDER / f'{name}.npz'
    if write:
        np.savez_compressed(path, **said)
    with np.load(path) as file:
        assert sorted(file.files) == sorted(said)
        for part in file.files:
            assert said[part].shape == file[part].shape, part
            _compare_numbers(part, said[part], file[part])


def _compare_numbers(part: str, said: np.ndarray, before: np.ndarray) -> None:
    kind = next((kind for kind in (*_RELATIVE, *_ABSOLUTE) if part.endswith(kind)), None)
    if kind == 'rotation':  # q and -q are the same; apart by twice the angle's half
        sign = np.sign((said * before).sum(-1, keepdims=True))
        np.testing.assert_allclose(2 * said * sign, 2 * before, rtol=0, atol=_ABSOLUTE[kind], err_msg=part)
    elif kind in _ABSOLUTE:
        np.testing.assert_allclose(said, before, rtol=0, atol=_ABSOLUTE[kind], err_msg=part)
    elif kind in _RELATIVE:
        small = _RELATIVE[kind] * np.abs(before).max()
        np.testing.assert_allclose(said, before, rtol=_RELATIVE[kind], atol=small, err_msg=part)
    else:
        np.testing.assert_array_equal(said, before, err_msg=part)


def _stacked(rows: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    singles = ('rotation_stddev', 'position_covariance', 'foot_contact', 'velocity')
    stacked = {part: np.stack([row[part] for row in rows]) for part in rows[0]}
    return {part: rows.astype(np.float32) if part in singles else rows for part, rows in stacked.items()}


def _xyz(place: object) -> list[float]:
    return [place.x, place.y, place.z]


def _wxyz(turn: object) -> list[float]:
    return [turn.w, turn.x, turn.y, turn.z]
