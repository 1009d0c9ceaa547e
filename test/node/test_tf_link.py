"""A link of /tf that the player publishes seldom: its trackers are where they are, seen through it."""

import numpy as np
from scipy.spatial.transform import Rotation
from tf2_msgs.msg import TFMessage

from inpose_ros.node import qos
from inpose_ros.node.conversions.sensors import measurement_from_transform, measurement_in_world
from inpose_ros.node.conversions.stamp import ns_from_stamp
from inpose_ros.node.tf_link import Link, in_link
from inpose_ros.sensing.measurement import Measurement

from .test_player import player


def test_what_is_given_in_the_link_is_where_it_was_in_the_world():
    said = []
    Link(said.append, 'world', 2.0).publish_due(10**9)
    T_world_link = measurement_from_transform(said[0].transforms[0], 'odom')
    was = Measurement('wrist', 5, Rotation.from_rotvec([0.3, -0.2, 1.0]).as_matrix(), np.array([1.0, 2.0, 3.0]))
    again = measurement_in_world(in_link(was), T_world_link)
    assert np.allclose(again.position, was.position) and np.allclose(again.rot_world_sensor, was.rot_world_sensor)
    assert again.stamp_ns == 5


def test_it_is_published_at_its_own_rate():
    said = []
    link = Link(said.append, 'world', 2.0)
    for k in range(200):
        link.publish_due(10**9 + k * 10_000_000)
    stamps = [ns_from_stamp(msg.transforms[0].header.stamp) for msg in said]
    assert np.diff(stamps).tolist() == [500_000_000] * 3


def test_a_player_with_a_slow_link_gives_its_frames_in_it(stage):
    heard = stage.heard(TFMessage, '/tf', qos.TF)
    node = player(stage, sensors=['head'], head__type='tf', head__frame_id='tracker', tf_link=2.0, seconds=1.0)

    def pairs() -> list[tuple[str, str]]:
        return [(row.header.frame_id, row.child_frame_id) for msg in heard for row in msg.transforms]

    stage.until(lambda: node.publish_due() is None)
    stage.until(lambda: ('world', 'odom') in pairs() and pairs().count(('odom', 'tracker')) > 30)
    assert ('world', 'tracker') not in pairs()
