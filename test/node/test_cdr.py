"""Bytes of messages: they say what the message says, and are zero where they say nothing."""

import struct

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from geometry_msgs.msg import PoseWithCovarianceStamped, TransformStamped
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Imu, JointState, PointCloud2, PointField
from std_msgs.msg import ColorRGBA, Header, String
from tf2_msgs.msg import TFMessage
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint
from visualization_msgs.msg import Marker, MarkerArray

from inpose_ros.node.conversions import cdr
from inpose_ros.node.conversions.cdr import serialized

NAMES = ['', 'a', 'ab', 'abc', 'abcd', 'wörld']  # as many bytes of padding as there can be


def some_messages():
    for name in NAMES:
        head = Header(frame_id=name)
        yield String(data=name)
        yield TFMessage(transforms=[TransformStamped(header=head, child_frame_id=other) for other in NAMES])
        yield PoseWithCovarianceStamped(header=head)
        yield Imu(header=head, orientation_covariance=np.arange(9.0))
        yield DiagnosticArray(status=[DiagnosticStatus(level=b'\x02', name=name, values=[KeyValue(key=name)] * 2)] * 2)
        yield PointCloud2(header=head, fields=[PointField(name=name, offset=4)], data=b'12345', is_dense=True)
        marker = Marker(header=head, ns=name, colors=[ColorRGBA(r=0.5)], mesh_use_embedded_materials=True, text=name)
        yield MarkerArray(markers=[marker, Marker()])
        for some in ([], [1.5], [1.5, 2.5]):
            yield JointState(header=head, name=[name] * len(some), position=some, effort=some)
            points = [JointTrajectoryPoint(positions=some), JointTrajectoryPoint(accelerations=some)]
            yield JointTrajectory(header=head, joint_names=NAMES, points=points)


def test_whatever_the_message_its_bytes_say_the_same_and_are_always_the_same():
    for message in some_messages():
        data = serialized(message)
        assert deserialize_message(data, type(message)) == message
        assert len(data) <= len(serialize_message(message))
        assert all(serialized(message) == data for _ in range(3))


def test_another_library_finds_no_byte_in_it_that_says_nothing():
    """It counts them, and writes the same."""
    typesys = pytest.importorskip('rosbags.typesys', reason='needs pip install rosbags')
    types = typesys.get_typestore(typesys.Stores.ROS2_KILTED)
    for message in some_messages():
        kind = f'{type(message).__module__.partition(".")[0]}/msg/{type(message).__name__}'
        data = serialized(message)
        assert bytes(types.serialize_cdr(types.deserialize_cdr(data, kind), kind)) == data


@pytest.mark.parametrize('rest', [b'', b'\x07', b'\x07' * 8])
def test_bytes_that_nothing_is_said_in_become_zero_and_those_after_the_end_are_cut_off(monkeypatch, rest):
    """A joint state by hand, with what may have been in the memory between its parts."""
    parts = [
        (b'', b'\0\1\0\0' + struct.pack('<iII', 5, 6, 1) + b'\0'), (b'\x11' * 3, struct.pack('<II', 1, 3) + b'ab\0'),
        (b'\x22', struct.pack('<I', 1)), (b'', struct.pack('<dI', 1.5, 0)), (b'', struct.pack('<I', 1)),
        (b'', struct.pack('<d', 2.5)),
    ]  # fmt: skip
    message = JointState(name=['ab'], position=[1.5], effort=[2.5])
    message.header.stamp.sec, message.header.stamp.nanosec = 5, 6
    expected = b''.join(bytes(len(gap)) + said for gap, said in parts)
    assert serialized(message) == expected
    given = b''.join(gap + said for gap, said in parts) + rest
    monkeypatch.setattr(cdr, 'serialize_message', lambda message: given)
    assert serialized(message) == expected


def test_bytes_that_end_too_early_are_refused(monkeypatch):
    monkeypatch.setattr(cdr, 'serialize_message', lambda message: bytes(serialize_message(message))[:-4])
    with pytest.raises(ValueError, match='JointState of 72 bytes ends at byte 76'):
        serialized(JointState(name=['ab'], position=[1.5], velocity=[1.5], effort=[2.5]))
