"""Two who publish the same body: they are named, and who comes second does not begin."""

import itertools
import time

import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import JointState
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from inpose_ros.msg import BodyPose
from inpose_ros.node import parameters, qos
from inpose_ros.node.conversions.stamp import stamp_from_ns
from inpose_ros.node.foreign_frames import ForeignFrames, Heard
from inpose_ros.node.parameters import NodeParameters
from inpose_ros.node.rivals import Rivals
from inpose_ros.node.tracker_node import InPoseNode

from .conftest import StandInEstimator, stand_in

ERROR = DiagnosticStatus.ERROR


def told(node) -> tuple[bytes, str]:
    """What the diagnostics of a node say now."""
    said = []
    node._diagnostics.publish, publish = said.append, node._diagnostics.publish
    node._publish_diagnostics()
    node._diagnostics.publish = publish
    status = deserialize_message(said[-1], DiagnosticArray).status[0]
    return status.level, status.message


def frames(*children: str, stamp: Time | None = None, parent: str = 'world') -> TFMessage:
    header = Header(stamp=stamp or Time(sec=3), frame_id=parent)
    return TFMessage(transforms=[TransformStamped(header=header, child_frame_id=child) for child in children])


@pytest.fixture
def foreign(stage):
    """A node of somebody else."""
    node = Node('somebody', namespace=stage.namespace)
    stage.nodes.append(node)
    stage.executor.add_node(node)
    return node


@pytest.mark.parametrize(('kind', 'topic'), [(JointState, 'joint_states'), (BodyPose, 'body_pose')])
def test_who_publishes_on_a_topic_of_a_node_at_work_is_named_while_that_goes_on(stage, foreign, kind, topic):
    node = stage.active()
    node._rivals._since -= 60  # it has been at work for a minute
    assert told(node)[0] != ERROR or 'second_tracker' not in told(node)[1]
    publisher = foreign.create_publisher(kind, topic, qos.OUTPUT)
    stage.until(lambda: told(node) is not None and node._rivals.found)
    level, message = told(node)
    assert level == ERROR and f'second_tracker: {topic} is published by /{stage.namespace}/somebody' in message
    assert node.state == 'active'
    foreign.destroy_publisher(publisher)
    stage.until(lambda: 'second_tracker' not in told(node)[1])


def test_a_newcomer_refuses_to_activate_and_says_beside_whom(stage, capfd):
    first = stage.active()
    second = stage.node()
    second.trigger_configure()
    second.trigger_activate()
    assert second.state == 'inactive' and first.state == 'active'
    said = capfd.readouterr().err
    assert 'not activated: second_tracker: joint_states is published by another ' in said and 'namespace' in said
    assert told(second) == (ERROR, told(second)[1]) and 'the node is inactive' in told(second)[1]
    assert 'second_tracker' not in told(first)[1]
    first.trigger_deactivate()
    second.trigger_activate()
    assert second.state == 'active'


def test_one_that_waits_to_take_over_is_no_rival(stage):
    standby = stage.node()
    standby.trigger_configure()
    node = stage.active()
    node._publish_diagnostics()
    assert not node._rivals.found and node.state == 'active'


def test_who_finds_another_only_after_its_beginning_leaves_and_the_other_stays(stage, foreign, capfd):
    """DDS may take seconds to find one."""
    node = stage.active()
    foreign.create_publisher(JointState, 'joint_states', qos.OUTPUT)
    stage.until(lambda: told(node) is not None and node.state == 'inactive')
    assert 'second_tracker: joint_states is published by' in capfd.readouterr().err
    assert told(node)[0] == ERROR


@pytest.fixture
def at_once(stage, monkeypatch):
    """Activate nodes that do not see each other until all have begun."""

    def at_once(*nodes) -> None:
        for node in nodes:
            node.trigger_configure()
        with monkeypatch.context() as patch:
            patch.setattr(Rivals, 'objection', lambda rivals: None)
            for node in nodes:
                node.trigger_activate()
        assert {node.state for node in nodes} == {'active'}

    return at_once


@pytest.mark.parametrize('order', itertools.permutations(range(3)), ids=str)
@pytest.mark.parametrize('count', [2, 3])
def test_of_trackers_that_begin_at_once_one_stays_whoever_looks_first(stage, at_once, capfd, count, order):
    nodes = [stage.node() for _ in range(count)]
    at_once(*nodes)
    for _ in range(2):
        for k in order:
            if k < count:
                told(nodes[k])
    (left,) = [node for node in nodes if node.state == 'active']
    assert 'second_tracker: joint_states is published by another ' in capfd.readouterr().err
    assert 'second_tracker' not in told(left)[1]
    for node in nodes:
        assert node is left or 'second_tracker' in told(node)[1]


def test_who_stays_of_two_newcomers_leaves_after_all_if_the_other_does_not(stage, at_once):
    """As the other then has been at work for longer, and was found late."""
    nodes = [stage.node() for _ in range(2)]
    at_once(*nodes)
    newer, older = sorted(nodes, key=lambda node: node._rivals._own[f'/{stage.namespace}/joint_states'])
    older._rivals._since -= 60
    assert told(newer)[0] == told(older)[0] == ERROR and newer.state == older.state == 'active'
    newer._rivals._clock = lambda: time.monotonic() + 11
    assert told(newer)[0] == ERROR and newer.state == 'inactive'
    assert 'second_tracker' not in told(older)[1] and older.state == 'active'


def test_who_has_stayed_once_is_no_newcomer_to_the_next(stage, at_once, foreign):
    nodes = [stage.node() for _ in range(2)]
    at_once(*nodes)
    first, _ = sorted(nodes, key=lambda node: node._rivals._own[f'/{stage.namespace}/joint_states'])
    for node in (*nodes, first):
        told(node)
    first._rivals._clock = lambda: time.monotonic() + 60
    foreign.create_publisher(JointState, 'joint_states', qos.OUTPUT)
    stage.until(lambda: 'second_tracker' in told(first)[1])
    assert first.state == 'active'


def test_of_two_that_share_nothing_but_frames_and_begin_at_once_one_stays(stage, at_once, wearer):
    heard = stage.heard(TFMessage, '/tf', qos.TF)
    topics = {f'{name}.topic': f'/{stage.namespace}/{name}/pose' for name in wearer.publishers}
    rows = {'autostart': False, 'frame_prefix': 'some/', **topics}
    given = [Parameter(name, value=value) for name, value in rows.items()]
    other = InPoseNode(stand_in, StandInEstimator, namespace=f'{stage.namespace}/b', parameter_overrides=given)
    stage.nodes.append(other)
    stage.executor.add_node(other)
    nodes = [stage.node(frame_prefix='some/'), other]
    at_once(*nodes)
    stage.until(lambda: len(heard) > 3 and 'inactive' in {node.state for node in nodes})
    stage.until(lambda: not any('second_tracker' in told(node)[1] for node in nodes if node.state == 'active'))
    assert {node.state for node in nodes} == {'active', 'inactive'}


def test_namespaces_are_apart_and_each_has_its_own_frames(stage):
    nodes = [Node('inpose', namespace=name) for name in ('', 'a', 'a/b')]
    stage.nodes.extend(nodes)
    assert [NodeParameters.read(node)[0].frame_prefix for node in nodes] == ['human/', 'a/human/', 'a/b/human/']
    given = Node('inpose', namespace='a', cli_args=['--ros-args', '-p', 'frame_prefix:=mine/'])
    stage.nodes.append(given)
    assert NodeParameters.read(given)[0].frame_prefix == 'mine/'
    assert parameters.own_defaults(nodes[0]) == NodeParameters()


def test_own_frames_from_elsewhere_are_named_and_others_are_not(stage, foreign, wearer):
    own = stage.heard(TFMessage, '/tf', qos.TF)
    node = stage.active(frame_prefix='some/')
    node._rivals._since -= 60
    publisher = foreign.create_publisher(TFMessage, '/tf', qos.TF)
    stage.until(lambda: own and publisher.get_subscription_count() >= 2)
    for _ in range(3):  # nobody's frames but the robot's, and one that is fastened to the body
        publisher.publish(frames('base_link', 'some/backpack', parent='some/pelvis'))
        stage.spin_for(0.1)
        assert 'second_tracker' not in told(node)[1]
    publisher.publish(frames('some/left_wrist', parent='some/left_elbow'))
    stage.until(lambda: 'frames some/... on /tf are published by' in told(node)[1])
    assert told(node)[0] == ERROR and f'/{stage.namespace}/somebody' in told(node)[1] and node.state == 'active'


def test_who_hears_its_own_root_frame_before_it_begins_does_not_begin(stage, foreign, capfd):
    publisher = foreign.create_publisher(TFMessage, '/tf', qos.TF)
    node = stage.node(frame_prefix='some/')
    node.trigger_configure()
    stage.until(publisher.get_subscription_count)
    stage.spin_for(0.1)
    publisher.publish(frames('some/pelvis'))
    stage.spin_for(0.1)
    node.trigger_activate()
    assert node.state == 'inactive' and 'frames some/... on /tf' in capfd.readouterr().err


def test_without_publish_tf_frames_are_left_to_others(stage, foreign, wearer):
    joints, own = stage.heard(JointState, 'joint_states'), stage.heard(TFMessage, '/tf', qos.TF)
    node = stage.active(publish_tf=False, frame_prefix='some/')
    publisher = foreign.create_publisher(TFMessage, '/tf', qos.TF)
    stage.until(lambda: len(joints) > 3 and publisher.get_subscription_count())
    publisher.publish(frames('some/left_wrist', parent='some/left_elbow'))
    stage.spin_for(0.2)
    assert 'second_tracker' not in told(node)[1] and not [m for m in own if 'some/pelvis' in str(m)]


class TestForeignFrames:
    """By its own ears, without a tracker."""

    @pytest.fixture
    def ears(self, foreign):
        ears = ForeignFrames(foreign, 'some/')
        yield ears
        ears.destroy()

    @pytest.fixture
    def say(self, stage, ears):
        publisher = stage.other.create_publisher(TFMessage, '/tf', qos.TF)
        stage.until(publisher.get_subscription_count)

        def say(message: TFMessage | bytes, own: bool = False) -> None:
            if own:
                ears.sending(message)
            publisher.publish(message)
            stage.spin_for(0.05)

        return say

    def test_what_it_sends_itself_is_its_own_once(self, ears, say):
        message = serialize_message(frames('some/pelvis', stamp=stamp_from_ns(7)))
        say(message, own=True)
        assert ears.look() is Heard.NOTHING
        say(message, own=True)
        say(message)
        assert ears.look() is Heard.ROOT  # another one with the very same sensors

    def test_the_same_stamps_with_other_frames_are_somebody_elses(self, ears, say):
        say(serialize_message(frames('some/pelvis', 'some/left_hip', stamp=stamp_from_ns(7))), own=True)
        say(frames('some/left_hip', stamp=stamp_from_ns(7)))
        assert ears.look() is Heard.LINKS

    def test_nobody_is_woken_by_what_is_on_tf(self, stage, ears, say):
        (subscription,) = [row for row in ears._node.subscriptions if row.topic_name == '/tf']
        called = []
        subscription.callback = called.append
        for _ in range(40):
            say(frames('base_link'))
        assert not called and len(list(ears._take())) == 16


def test_the_diagnostics_name_it_on_the_topic_too(stage, foreign):
    heard = stage.heard(DiagnosticArray, '/diagnostics')
    node = stage.active()
    node._rivals._since -= 60
    foreign.create_publisher(JointState, 'joint_states', qos.OUTPUT)
    stage.until(lambda: any('second_tracker' in row.message for said in heard for row in said.status))
