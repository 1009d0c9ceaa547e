#!/usr/bin/env bash
# rclpy.serialization.serialize_message gives more bytes than the message has.
#
# Versions: ros-rclpy 9.1.2 with ros-rmw-fastrtps-cpp 9.3.3 and ros-fastcdr 2.3.3 (ROS 2 Kilted, wheels of PyPI);
#   rosbags 0.11.9; Python 3.11.
# Expected: the bytes are those that a publisher of the same message sends, so a reader of bags reads them.
# Seen: a JointState without efforts, the commonest there is, has 68 bytes; its fields end after 64 of them. The length is
#   one reckoned before writing, with padding before the first double of a sequence that has none, so an empty
#   sequence of doubles can add up to eight bytes, by where it lies. rosbags counts what it has read and refuses
#   the message ("CDR message size mismatch"); ROS itself and mcap-ros2-support do not count, so nobody notices.
#   Published as a message, and not as bytes, it has 64.
# What to do: publish messages, or cut the bytes off behind the last field; or leave no sequence of doubles empty.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  ros-rclpy==9.1.2 ros-rmw-fastrtps-cpp==9.3.3 ros-rmw-fastrtps-shared-cpp==9.3.3 ros-fastcdr==2.3.3 \
  ros-rosidl-typesupport-fastrtps-c==3.8.1 ros-rosidl-typesupport-fastrtps-cpp==3.8.1 ros-rosidl-generator-py==0.24.2 \
  ros-common-interfaces==5.5.1 ros-sensor-msgs==5.5.1 rosbags==0.11.9
unset PYTHONPATH CMAKE_PREFIX_PATH LD_LIBRARY_PATH
export AMENT_PREFIX_PATH="$folder/venv" RMW_IMPLEMENTATION=rmw_fastrtps_cpp ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST
"$folder/venv/bin/python" - <<'PYTHON'
import time

import rclpy
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.serde import SerdeError
from rosbags.typesys import Stores, get_typestore
from sensor_msgs.msg import JointState

KIND, types = 'sensor_msgs/msg/JointState', get_typestore(Stores.ROS2_KILTED)


def is_read(data):
    try:
        types.deserialize_cdr(data, KIND)
    except SerdeError as error:
        print('  rosbags:', error)
        return False
    return True


def published(message):
    """The bytes of it that a subscriber gets."""
    got = []
    with rclpy.init():
        node = rclpy.create_node('finding')
        node.create_subscription(JointState, 'joint_states', got.append, 10, raw=True)
        publisher = node.create_publisher(JointState, 'joint_states', 10)
        while not publisher.get_subscription_count():
            time.sleep(0.05)
        publisher.publish(message)
        while not got:
            rclpy.spin_once(node, timeout_sec=0.1)
        node.destroy_node()
    return got[0]


message = JointState(name=['ab'], position=[1.5], velocity=[2.5])
data, sent = serialize_message(message), published(message)
print('JointState without efforts: serialize_message', len(data), 'bytes, published', len(sent), 'bytes')
assert (len(data), len(sent)) == (68, 64), 'this has changed'
assert deserialize_message(data, JointState) == deserialize_message(sent, JointState) == message
assert is_read(sent) and not is_read(data) and is_read(data[:64]), 'this has changed'
message.effort = [0.0]
whole = serialize_message(message)
print('JointState with efforts:    serialize_message', len(whole), 'bytes')
assert len(whole) == 76 and is_read(whole), 'this has changed'
print('as it was found')
PYTHON
