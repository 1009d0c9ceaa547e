"""The benchmark through DDS: sensors as it writes them are those that a node reads, and all its numbers are found."""

import math

import pytest
from rclpy.node import Node

from inpose_ros.node.parameters import WornParameters
from inpose_ros.tools import bench_sensors
from inpose_ros.tools.bench_live import live


def test_the_sensors_file_holds_what_is_worn(ros, tmp_path):
    worn = bench_sensors.worn()
    path = bench_sensors.write(tmp_path / 'sensors.yaml', worn)
    node = Node('reader', cli_args=['--ros-args', '--params-file', str(path)])
    params, found = WornParameters.read(node)
    node.destroy_node()
    assert found == worn and params.sensors == tuple(worn)


@pytest.mark.timeout(300)
def test_a_player_a_node_and_a_receiver_give_every_number(ros):
    found = live({'device': 'cpu', 'body.stature': 1.7}, seed=0, rate=5.0, seconds=3.0)
    wanted = {'frames', 'missed', 'latency_p50_ms', 'latency_p95_ms', 'latency_p99_ms', 'cpu_cores', 'rss_mb',
              'seconds_to_first_pose', 'cpu_cores_player', 'cpu_cores_receiver', 'dropped'}  # fmt: skip
    assert wanted <= set(found) and all(math.isfinite(found[name]) for name in wanted)
    assert found['frames'] > 0 and found['frames'] + found['missed'] >= 15
    assert 0 < found['latency_p50_ms'] <= found['latency_p99_ms'] and found['seconds_to_first_pose'] > 0
    assert found['cpu_cores'] > 0 and found['rss_mb'] > 50
