"""What the node publishes can be recorded and read with libraries that know nothing of ROS's own, bit for bit."""

import io
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import JointState, PointCloud2
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray

from inpose_ros.msg import BodyPose
from inpose_ros.node import qos

from .conftest import Stage, Wearer

rosbags = pytest.importorskip('rosbags', reason='needs pip install rosbags')
pytest.importorskip('mcap_ros2', reason='needs pip install mcap-ros2-support')

from mcap.reader import make_reader  # noqa: E402
from mcap_ros2.decoder import DecoderFactory  # noqa: E402
from mcap_ros2.writer import Writer as McapWriter  # noqa: E402
from rosbags.rosbag2 import Reader, StoragePlugin, Writer  # noqa: E402
from rosbags.typesys import Stores, get_types_from_msg, get_typestore  # noqa: E402
from rosbags.typesys.store import Typestore  # noqa: E402

OUTPUTS = {
    'joint_states': JointState,
    '/tf': TFMessage,
    'body_pose': BodyPose,
    'end_effectors/left_wrist': PoseStamped,
    'skeleton': MarkerArray,
    'joint_cloud': PointCloud2,
    'human_description': String,
    '/diagnostics': DiagnosticArray,
}
TYPES = {topic: f'{kind.__module__.partition(".")[0]}/msg/{kind.__name__}' for topic, kind in OUTPUTS.items()}


@pytest.fixture(scope='module')
def published(ros: None) -> Iterator[dict[str, bytes]]:
    """A message of each topic, as it came over the wire."""
    stage = Stage()
    heard: dict[str, list[bytes]] = {topic: [] for topic in OUTPUTS}
    for topic, kind in OUTPUTS.items():
        profile = qos.LATCHED if kind is String else qos.OUTPUT
        stage.other.create_subscription(kind, topic, heard[topic].append, profile, raw=True)
    stage.active(body_id='somebody with an odd name', frame_prefix='a/')
    wearer = Wearer(stage)
    stage.until(lambda: all(heard.values()))
    wearer.stop()
    yield {topic: messages[-1] for topic, messages in heard.items()}
    stage.close()


@pytest.fixture(scope='module')
def types() -> Typestore:
    """The messages of ROS, and our own."""
    store = get_typestore(Stores.ROS2_KILTED)
    text = (Path(__file__).parents[2] / 'msg' / 'BodyPose.msg').read_text()
    store.register(get_types_from_msg(text, TYPES['body_pose']))
    return store


def assert_same(ours: object, theirs: object, where: str = '') -> None:
    """A message of rclpy, and the same of another library."""
    if hasattr(ours, 'get_fields_and_field_types'):
        for name in ours.get_fields_and_field_types():
            assert_same(getattr(ours, name), getattr(theirs, name), f'{where}.{name}')
    elif isinstance(ours, str | int | float | bool):
        assert ours == theirs or (math.isnan(ours) and math.isnan(theirs)), where
    elif isinstance(ours, bytes):  # one octet
        assert list(ours) == [theirs], where
    elif len(ours) and hasattr(ours[0], 'get_fields_and_field_types'):
        assert len(ours) == len(theirs), where
        for number, (one, other) in enumerate(zip(ours, theirs)):
            assert_same(one, other, f'{where}[{number}]')
    elif len(ours) and isinstance(ours[0], str):
        assert list(ours) == list(theirs), where
    else:
        assert np.array_equal(np.array(list(ours), float), np.array(list(theirs), float), equal_nan=True), where


@pytest.mark.parametrize('topic', OUTPUTS)
def test_another_library_reads_every_output_and_writes_the_very_bytes_of_it(published, types, topic):
    """So no byte of padding says anything, and nothing is left over at the end."""
    message = types.deserialize_cdr(published[topic], TYPES[topic])
    assert_same(deserialize_message(published[topic], OUTPUTS[topic]), message)
    assert bytes(types.serialize_cdr(message, TYPES[topic])) == published[topic]


@pytest.mark.parametrize('storage', StoragePlugin)
def test_a_bag_written_with_rosbags_is_read_back_by_it_and_by_mcap(published, types, tmp_path, storage):
    with Writer(tmp_path / 'bag', version=9, storage_plugin=storage) as bag:
        for number, (topic, data) in enumerate(published.items()):
            bag.write(bag.add_connection(topic, TYPES[topic], typestore=types), number, data)
    with Reader(tmp_path / 'bag') as bag:
        found = {at.topic: types.deserialize_cdr(data, at.msgtype) for at, _, data in bag.messages()}
    assert found.keys() == OUTPUTS.keys()
    readings = [found]
    if storage is StoragePlugin.MCAP:
        (path,) = (tmp_path / 'bag').glob('*.mcap')
        readings.append(read_by_mcap(path.read_bytes()))
    for reading in readings:
        for topic, data in published.items():
            assert_same(deserialize_message(data, OUTPUTS[topic]), reading[topic], topic)


def test_a_file_written_with_mcap_ros2_support_is_read_back_by_it_and_by_rosbags(published, types, tmp_path):
    path = tmp_path / 'outputs.mcap'
    with path.open('wb') as file, McapWriter(file) as writer:
        for topic, data in published.items():
            text, _ = types.generate_msgdef(TYPES[topic], ros_version=2)
            schema = writer.register_msgdef(TYPES[topic], text)
            writer.write_message(topic, schema, DecoderFactory().decoder_for('cdr', schema)(data))
    found = read_by_mcap(path.read_bytes())
    with Reader(path) as bag:
        by_rosbags = {at.topic: types.deserialize_cdr(data, at.msgtype) for at, _, data in bag.messages()}
    for topic, data in published.items():
        for reading in (found, by_rosbags):
            assert_same(deserialize_message(data, OUTPUTS[topic]), reading[topic], topic)


def read_by_mcap(data: bytes) -> dict[str, object]:
    rows = make_reader(io.BytesIO(data), decoder_factories=[DecoderFactory()]).iter_decoded_messages()
    return {channel.topic: message for _, channel, _, message in rows}
