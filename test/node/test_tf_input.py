"""Frames on /tf as sensors, and poses in frames that /tf knows."""

import importlib.util
import math
import re
import sys

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped, TransformStamped
from tf2_msgs.msg import TFMessage

from inpose_ros.body import smpl22
from inpose_ros.msg import BodyPose
from inpose_ros.node import qos
from inpose_ros.node.conversions.sensors import transforms_from_measurement
from inpose_ros.node.conversions.stamp import stamp_from_ns
from inpose_ros.sensing.measurement import Measurement

from .conftest import Stage, counts, pose

WAIST = {'sensors': ['waist'], 'waist__type': 'tf', 'waist__frame_id': 'tracker_1', 'waist__joint': 'pelvis'}


class Broadcaster:
    """A tracker that speaks TF, at 60 Hz."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.back_ns = stage, 0
        self.publisher = stage.other.create_publisher(TFMessage, '/tf', qos.TF)
        self.sent: list[int] = []
        self.timer = stage.other.create_timer(1 / 60, self.send)

    def send(self) -> None:
        stamp_ns = self.stage.other.get_clock().now().nanoseconds - self.back_ns
        measured = Measurement('waist', stamp_ns, np.eye(3), np.array([0.1, 0.2, 0.9]))
        self.publisher.publish(transforms_from_measurement(measured, 'world', 'tracker_1'))
        self.sent.append(stamp_ns)


def test_without_tf2_ros_a_sensor_of_type_tf_is_refused_with_what_to_do(stage, capfd):
    if importlib.util.find_spec('tf2_ros') is not None:
        pytest.skip('tf2_ros is installed')
    node = stage.node(**WAIST)
    node.trigger_configure()
    said = capfd.readouterr().err
    assert node.state == 'unconfigured'
    assert 'not configured: waist.type is tf, which needs tf2_ros' in said and 'tf2-ros-py' in said
    assert not [s for s in node.subscriptions if 'waist' in s.topic_name]


def test_a_frame_is_measured_at_each_of_its_stamps(stage, tf2):
    bodies = stage.heard(BodyPose, 'body_pose')
    broadcaster = Broadcaster(stage)
    node = stage.active(**WAIST)
    stage.until(lambda: bodies and bodies[-1].measured[smpl22.PELVIS] and bodies[-1].root_observed)
    stage.until(lambda: len(node._inputs.snapshot().series('waist')) > 20)
    held = node._inputs.snapshot().series('waist')
    assert {m.stamp_ns for m in held} <= set(broadcaster.sent)
    assert held[-1].position.tolist() == [0.1, 0.2, 0.9]
    assert node._health.rate('waist', node.now_ns()) > 25


def test_a_frame_that_nobody_broadcasts_is_named(stage, tf2):
    told = stage.heard(DiagnosticArray, '/diagnostics')
    node = stage.active(**WAIST)
    stage.until(lambda: told and 'wrong_frame: waist' in told[-1].status[0].message)
    assert counts(node)['wrong_frame'] <= 3, 'told once a second, not a hundred times'


def test_a_frame_goes_on_after_its_time_went_back(stage, tf2):
    broadcaster = Broadcaster(stage)
    node = stage.active(**WAIST)
    stage.until(lambda: node._inputs.latest())
    broadcaster.back_ns = 3600 * 10**9
    stage.until(lambda: node._inputs.newest_stamp_ns < broadcaster.sent[0])


def test_a_pose_in_a_frame_that_tf_knows_is_carried_into_the_world(stage, tf2):
    turned = TransformStamped(child_frame_id='lighthouse')
    turned.header.frame_id = 'world'
    turned.transform.translation.x = 1.0
    turned.transform.rotation.z = turned.transform.rotation.w = math.sqrt(0.5)
    stage.other.create_publisher(TFMessage, '/tf_static', qos.LATCHED).publish(TFMessage(transforms=[turned]))
    node = stage.active(sensors=['head'])
    publisher = stage.other.create_publisher(PoseStamped, 'head/pose', qos.SENSOR)
    sent = pose('head', 0)

    def send() -> None:
        sent.header.stamp = stamp_from_ns(stage.other.get_clock().now().nanoseconds)
        sent.header.frame_id = 'lighthouse'
        publisher.publish(sent)

    stage.other.create_timer(0.02, send)
    stage.until(lambda: node._inputs.latest())
    x, y, z = sent.pose.position.x, sent.pose.position.y, sent.pose.position.z
    assert np.allclose(node._inputs.latest()['head'].position, (1 - y, x, z))


def test_a_pose_in_a_frame_that_nobody_knows_is_refused(stage, tf2):
    node = stage.active(sensors=['head'])
    publisher = stage.other.create_publisher(PoseStamped, 'head/pose', qos.SENSOR)

    def send() -> None:
        msg = pose('head', stage.other.get_clock().now().nanoseconds)
        msg.header.frame_id = 'mars'
        publisher.publish(msg)

    stage.other.create_timer(0.02, send)
    stage.until(lambda: counts(node).get('wrong_frame', 0) > 5)
    assert not node._inputs.latest()


def test_tf_is_not_listened_to_where_nobody_needs_it(stage, tf2, wearer):
    node = stage.active()
    stage.until(lambda: len(node._inputs.latest()) == 3)
    # One looks for others' frames there, a few now and then; see foreign_frames.
    assert len([s for s in node.subscriptions if s.topic_name == '/tf']) == 1 and not node._inputs._frames.heard_of
    assert 'tf2_ros' in sys.modules or importlib.util.find_spec('tf2_ros')


class Chain:
    """world -> odom at a slow rate and odom -> tracker_1 at 60 Hz, which a tracker sends; it walks along x."""

    def __init__(self, stage: Stage, slow: float) -> None:
        self.stage = stage
        self.sent: list[int] = []
        self.publisher = stage.other.create_publisher(TFMessage, '/tf', qos.TF)
        self.below, self.above = stage.other.create_timer(1 / 60, self.send), None
        if slow:
            self.above = stage.other.create_timer(1 / slow, self.send_slow)

    def now_ns(self) -> int:
        return self.stage.other.get_clock().now().nanoseconds

    def transform(self, parent: str, child: str, stamp_ns: int, place: tuple[float, float, float]) -> None:
        measured = Measurement('', stamp_ns, np.eye(3), np.array(place))
        self.publisher.publish(transforms_from_measurement(measured, parent, child))

    def send(self) -> None:
        now_ns = self.now_ns()
        self.transform('odom', 'tracker_1', now_ns, self.walked(now_ns))
        self.sent.append(now_ns)

    def send_slow(self) -> None:
        self.transform('world', 'odom', self.now_ns(), (0.0, 0.0, 0.2))

    @staticmethod
    def walked(stamp_ns: int) -> tuple[float, float, float]:
        return (0.3 * math.sin(stamp_ns / 1e9), 0.2, 0.7)


def test_a_slow_link_is_carried_on_and_the_frame_is_measured_as_often_as_its_own_link(stage, tf2):
    chain = Chain(stage, slow=2.0)
    node = stage.active(**WAIST)
    stage.until(lambda: node._inputs.latest())
    stage.spin_for(1.0)
    held = node._inputs.snapshot().series('waist')
    due = [sent for sent in chain.sent if held[0].stamp_ns <= sent < chain.now_ns() - 200_000_000]
    assert len(due) > 10 and set(due) <= {measured.stamp_ns for measured in held} and not node._silence.silent
    for measured in held:
        x, y, z = chain.walked(measured.stamp_ns)
        assert np.allclose(measured.position, (x, y, z + 0.2), atol=1e-6)


def test_a_link_that_has_stopped_is_named_with_its_rate(stage, tf2, capfd):
    told = stage.heard(DiagnosticArray, '/diagnostics')
    chain = Chain(stage, slow=5.0)
    node = stage.active(**WAIST)
    stage.until(lambda: len(node._inputs.snapshot().series('waist')) > 8)
    stage.spin_for(1.0)  # in which the link has shown its rate
    chain.above.cancel()
    stage.until(lambda: told and 'slow_link: waist' in told[-1].status[0].message)
    stage.until(lambda: node._silence.silent == ('waist',))
    said = capfd.readouterr().err
    assert re.search(r'world -> odom last came \d\.\d\d s before what is measured \(at [345]', said)
    chain.above.reset()
    stage.until(lambda: not node._silence.silent)


def test_a_pose_over_a_slow_link_is_used_whole(stage, tf2):
    node = stage.active(sensors=['head'])
    Chain(stage, slow=2.0)
    publisher = stage.other.create_publisher(PoseStamped, 'head/pose', qos.SENSOR)

    def send() -> None:
        msg = pose('head', stage.other.get_clock().now().nanoseconds)
        msg.header.frame_id = 'odom'
        publisher.publish(msg)

    stage.other.create_timer(1 / 60, send)
    stage.until(lambda: node._inputs.latest())
    before = counts(node).get('wrong_frame', 0)  # until the link has been heard
    stage.spin_for(1.5)
    assert counts(node).get('wrong_frame', 0) == before and 'slow_link' not in counts(node)
    assert node._inputs.latest()['head'].position[2] == pytest.approx(pose('head', 0).pose.position.z + 0.2)


def test_a_frame_whose_own_link_is_the_slow_one_is_named(stage, tf2):
    told = stage.heard(DiagnosticArray, '/diagnostics')
    chain = Chain(stage, slow=0.0)
    stage.other.create_timer(0.4, lambda: chain.transform('tracker_1', 'strap', chain.now_ns(), (0.0, 0.0, 0.1)))
    stage.other.create_timer(1 / 60, lambda: chain.transform('world', 'odom', chain.now_ns(), (0.0, 0.0, 0.2)))
    stage.active(**WAIST | {'waist__frame_id': 'strap'})
    stage.until(lambda: told and 'slow_link: waist' in told[-1].status[0].message)


def test_transforms_without_a_time_are_named(stage, tf2, capfd):
    told = stage.heard(DiagnosticArray, '/diagnostics')
    chain = Chain(stage, slow=0.0)
    chain.below.cancel()
    stage.other.create_timer(1 / 60, lambda: chain.transform('world', 'tracker_1', 0, chain.walked(chain.now_ns())))
    stage.active(**WAIST)
    stage.until(lambda: told and 'tf_unstamped: waist' in told[-1].status[0].message)
    assert 'world -> tracker_1 comes on /tf with a stamp of zero' in capfd.readouterr().err


def test_a_frame_that_is_only_static_is_named(stage, tf2, capfd):
    told = stage.heard(DiagnosticArray, '/diagnostics')
    measured = Measurement('', 0, np.eye(3), np.array([0.1, 0.2, 0.9]))
    transform = transforms_from_measurement(measured, 'world', 'tracker_1')
    stage.other.create_publisher(TFMessage, '/tf_static', qos.LATCHED).publish(transform)
    stage.active(**WAIST)
    stage.until(lambda: told and 'tf_static_only: waist' in told[-1].status[0].message)
    assert 'have what moves published on /tf' in capfd.readouterr().err
