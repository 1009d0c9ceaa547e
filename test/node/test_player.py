import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped
from rclpy.parameter import Parameter
from sensor_msgs.msg import Imu

from inpose_ros.body import smpl22
from inpose_ros.errors import DataError, FaultError, ParameterError
from inpose_ros.motion.procedural import procedural_clip, random_skeleton
from inpose_ros.motion.simulate import SimulatedReading
from inpose_ros.node import qos
from inpose_ros.node.conversions.sensors import measurement_from_pose
from inpose_ros.node.conversions.stamp import ns_from_stamp
from inpose_ros.node.parameters import SensorParameters
from inpose_ros.node.player import PlayerNode, PlayerParameters, Schedule, readings
from inpose_ros.sensing.measurement import Measurement

MS = 1_000_000


def reading(sensor: str, stamp_ms: int, arrival_ms: int) -> SimulatedReading:
    return SimulatedReading(Measurement(sensor, stamp_ms * MS, np.eye(3)), arrival_ms * MS)


def taken(schedule: Schedule, now_ms: int) -> list[tuple[str, int]]:
    return [(row.measurement.sensor, row.measurement.stamp_ns) for row in schedule.take(now_ms * MS)]


def test_a_schedule_hands_out_by_arrival_and_each_once():
    schedule = Schedule([reading('late', 0, 30), reading('a', 10, 11), reading('b', 20, 21)], start_ns=1000 * MS)
    assert schedule.take(1000 * MS) == [] and schedule.due_ns == 1011 * MS
    assert taken(schedule, 1021) == [('a', 1010 * MS), ('b', 1020 * MS)]
    assert taken(schedule, 1100) == [('late', 1000 * MS)]
    assert schedule.due_ns is None and schedule.take(9999 * MS) == []


def test_a_looped_schedule_goes_on_with_stamps_that_rise():
    schedule = Schedule([reading('a', 0, 0), reading('a', 10, 10)], start_ns=0, period_ns=20 * MS)
    stamps = [stamp_ns for _, stamp_ns in taken(schedule, 65)]
    assert stamps == [0, 10 * MS, 20 * MS, 30 * MS, 40 * MS, 50 * MS, 60 * MS]


def test_readings_of_the_invented_motion_are_those_of_its_body():
    params = PlayerParameters(sensors=('head',), seed=3, seconds=2.0)
    rows, seconds = readings(params, {'head': SensorParameters()})
    clip = procedural_clip(3, 2.0, random_skeleton(3))
    assert seconds == pytest.approx(2.0 + 1 / 60) and len(rows) == 121
    assert np.allclose(rows[60].measurement.position, clip.positions[60, smpl22.HEAD], atol=1e-3)


def test_a_part_of_a_motion_is_what_all_of_it_has_there():
    sensors = {'head': SensorParameters()}
    params = PlayerParameters(sensors=('head',), seconds=8.0, part=(2.0, 5.0))
    rows, seconds = readings(params, sensors)
    whole, _ = readings(replace(params, part=(0.0, 0.0)), sensors)
    assert seconds == pytest.approx(3.0, abs=0.05) and len(rows) == 180
    assert np.allclose(rows[30].measurement.position, whole[150].measurement.position, atol=1e-4)
    with pytest.raises(DataError, match='shorter'):
        readings(replace(params, part=(9.0, 10.0)), sensors)


@pytest.mark.parametrize('part', [[1.0], [3.0, 2.0], [-1.0, 2.0]])
def test_a_part_that_is_none_is_refused(stage, part):
    with pytest.raises(ParameterError, match='part is'):
        player(stage, part=part)


def test_the_user_stands_first_and_an_imu_may_give_no_orientation():
    sensors = {'head': SensorParameters(), 'waist': SensorParameters(joint='pelvis', type='imu')}
    params = PlayerParameters(sensors=tuple(sensors), seconds=2.0, stand=3.0, bare_imus=('waist',))
    rows, seconds = readings(params, sensors)
    assert seconds == pytest.approx(2.0 + 3.0 + 0.8, abs=0.1)
    heads = np.array([row.measurement.position for row in rows if row.measurement.sensor == 'head'])
    still, moving = heads[:180], heads[180:]
    assert np.ptp(still, axis=0).max() < 0.1 and np.ptp(moving, axis=0).max() > 0.02
    waist = [row.measurement for row in rows if row.measurement.sensor == 'waist']
    assert {row.rot_world_sensor is None for row in waist} == {True} and waist[0].angular_velocity is not None


def test_a_recording_is_played_as_it_was_recorded(data_folder):
    params = PlayerParameters(sensors=('pelvis', 'left_hand'), source=str(data_folder / 'real' / 'imu17_walk.npz'))
    rows, _ = readings(params, {'pelvis': SensorParameters(type='imu'), 'left_hand': SensorParameters(type='imu')})
    stamps = [row.measurement.stamp_ns for row in rows if row.measurement.sensor == 'pelvis']
    assert {row.measurement.sensor for row in rows} == {'pelvis', 'left_hand'}
    assert all(a < b for a, b in pairwise(stamps)) and stamps[60] == 1_000_000_000


def test_a_clip_of_the_packed_data_is_played(data_folder):
    params = PlayerParameters(sensors=('head',), source=str(data_folder), clip=1)
    rows, seconds = readings(params, {'head': SensorParameters()})
    assert len(rows) == pytest.approx(seconds * 60, abs=2)


@pytest.mark.parametrize('source', ['/nowhere', '/nowhere/walk.npz'])
def test_a_source_that_is_not_there_is_told(source):
    with pytest.raises(DataError, match='missing'):
        readings(PlayerParameters(sensors=('head',), source=source), {'head': SensorParameters()})


def player(stage: object, **values: object) -> PlayerNode:
    given = [Parameter(name.replace('__', '.'), value=value) for name, value in values.items()]
    node = PlayerNode(namespace=stage.namespace, parameter_overrides=given)
    stage.executor.add_node(node)
    stage.nodes.append(node)
    return node


def test_poses_and_imus_come_out_on_their_topics_at_the_agreed_stamps(stage):
    poses, imus = stage.heard(PoseStamped, 'head/pose', qos.SENSOR), stage.heard(Imu, 'waist/imu', qos.SENSOR)
    start_ns = stage.other.get_clock().now().nanoseconds + 2_000_000_000
    node = player(
        stage, sensors=['head', 'waist'], waist__joint='pelvis', waist__type='imu', start_ns=start_ns, seconds=1.0
    )  # fmt: skip
    stage.until(lambda: node.publish_due() is None)
    stage.until(lambda: len(poses) > 30 and len(imus) > 30)
    frames = [(ns_from_stamp(msg.header.stamp) - start_ns) * 60 / 1e9 for msg in poses]
    assert np.allclose(frames, np.rint(frames), atol=1e-3) and 0 <= min(frames) and max(frames) <= 60
    assert poses[0].header.frame_id == 'world' and imus[0].header.frame_id == 'waist'
    assert 5 < imus[0].linear_acceleration.x ** 2 + imus[0].linear_acceleration.z ** 2
    truth = procedural_clip(0, 1.0, random_skeleton(0))
    k = round(frames[-1])
    assert np.allclose(measurement_from_pose(poses[-1], 'head').position, truth.positions[k, smpl22.HEAD], atol=1e-3)


def test_a_player_with_a_parameter_that_will_not_do_says_what_would(stage):
    with pytest.raises(ParameterError, match='one of train, val, test'):
        player(stage, split='all')


def test_a_player_with_faults_sends_what_they_spoil_and_restarts_publishers(stage, tmp_path):
    path = tmp_path / 'faults.yaml'
    path.write_text(
        '- {kind: nan, sensors: [head], begin: 0.0, end: 0.5, share: 1.0}\n'
        '- {kind: bad_quaternion, sensors: [waist], begin: 0.0, end: 0.5, share: 1.0}\n'
        '- {kind: restart, sensors: [waist], begin: 0.5, end: 0.7}\n'
    )
    poses, imus = stage.heard(PoseStamped, 'head/pose', qos.SENSOR), stage.heard(Imu, 'waist/imu', qos.SENSOR)
    start_ns = stage.other.get_clock().now().nanoseconds + 2_000_000_000
    node = player(
        stage, sensors=['head', 'waist'], waist__joint='pelvis', waist__type='imu', start_ns=start_ns, seconds=1.0,
        faults=str(path),
    )  # fmt: skip
    gone = []
    stage.until(lambda: gone.append(stage.other.count_publishers('waist/imu') == 0) or node.publish_due() is None)
    stage.until(lambda: len(poses) > 50 and len(imus) > 30)
    for msg in poses:
        spoilt = ns_from_stamp(msg.header.stamp) < start_ns + 500 * MS - 1
        assert np.isnan(msg.pose.position.x) == spoilt
    for msg in imus:
        when_ms = (ns_from_stamp(msg.header.stamp) - start_ns) / MS
        assert (msg.orientation.w == msg.orientation.x == 0) == (when_ms < 499.9)
        assert not 500.1 < when_ms < 699.9
    assert any(gone) and not gone[-1]


def test_a_lost_tracker_says_so_in_its_covariance(stage, tmp_path):
    path = tmp_path / 'faults.yaml'
    path.write_text('- {kind: lost, sensors: [head], begin: 0.5, end: 1.0}\n')
    poses = stage.heard(PoseWithCovarianceStamped, 'head/pose', qos.SENSOR)
    node = player(
        stage, sensors=['head'], head__type='pose_cov', seconds=1.0, position_noise=0.01, rotation_noise=0.02,
        faults=str(path),
    )  # fmt: skip
    stage.until(lambda: node.publish_due() is None)
    stage.until(lambda: len(poses) > 50)
    for msg in poses:
        when_ns = ns_from_stamp(msg.header.stamp) - node.start_ns
        lost = 499 * MS < when_ns < 999 * MS  # the last frame is after the fault
        assert msg.pose.covariance[0] == pytest.approx(1e4 if lost else 1e-4)
        assert msg.pose.covariance[35] == pytest.approx(1e4 if lost else 4e-4)


def test_a_player_says_how_late_it_was_and_who_was_not_heard(stage):
    stage.heard(PoseStamped, 'head/pose', qos.SENSOR)
    node = player(stage, sensors=['head', 'left_wrist'], seconds=1.0)
    assert node.publish_due() > 0.5 and (node.unheard, node.late_ns) == (None, 0)
    stage.until(lambda: node.get_clock().now().nanoseconds > node.start_ns + 300 * MS)
    node.publish_due()
    assert node.unheard == ['left_wrist'] and node.late_ns >= 300 * MS


def test_a_player_with_faults_that_will_not_do_says_what_would(stage, tmp_path):
    with pytest.raises(FaultError, match='no file of faults'):
        player(stage, faults=str(tmp_path / 'none.yaml'))


def test_each_sensor_has_a_rate_of_its_own_where_it_is_given_one():
    params = PlayerParameters(
        sensors=('head', 'left_wrist', 'right_wrist'), seconds=2.0, sensor_rate=30.0, sensor_rates=(0.0, 1000.0)
    )
    rows, _ = readings(params, {name: SensorParameters(joint=name) for name in params.sensors})
    counts = Counter(row.measurement.sensor for row in rows)
    assert counts == {'head': 61, 'left_wrist': 2001, 'right_wrist': 61}


def test_a_rate_that_no_sensor_has_is_refused(stage):
    with pytest.raises(ParameterError, match='sensor_rates'):
        player(stage, sensor_rates=[5000.0])


def test_stamps_are_off_by_what_the_tracker_adds(stage):
    poses = stage.heard(PoseStamped, 'head/pose', qos.SENSOR)
    start_ns = stage.other.get_clock().now().nanoseconds + 1_000_000_000
    node = player(stage, sensors=['head'], head__time_offset=0.25, start_ns=start_ns, seconds=1.0)
    stage.until(lambda: node.publish_due() is None)
    stage.until(lambda: poses)
    frames = [(ns_from_stamp(msg.header.stamp) + 250 * MS - start_ns) * 60 / 1e9 for msg in poses]
    assert np.allclose(frames, np.rint(frames), atol=1e-3) and 0 <= min(frames) and max(frames) <= 60


def test_its_command_line_names_a_file_of_faults(tmp_path):
    command = 'from inpose_ros.node.player import main; main(["inpose_play", "--faults", "/nowhere.yaml"])'
    ended = subprocess.run([sys.executable, '-c', command], stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 1 and 'no file of faults /nowhere.yaml' in ended.stderr


def test_another_publisher_cannot_be_played_on_tf(stage, tmp_path):
    path = tmp_path / 'faults.yaml'
    path.write_text('- {kind: second_publisher, sensors: [head], begin: 0.0, end: 0.5}\n')
    with pytest.raises(FaultError, match='share /tf'):
        player(stage, sensors=['head'], head__type='tf', head__frame_id='tracker', faults=str(path))
