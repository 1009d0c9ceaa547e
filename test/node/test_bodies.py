"""Several bodies in one process: a node for each, with its own sensors, frames and state, and one network."""

import signal
import subprocess
import sys

import pytest
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import JointState
from tf2_msgs.msg import TFMessage

from inpose_ros.body.skeleton import Skeleton
from inpose_ros.errors import ParameterError
from inpose_ros.msg import BodyPose
from inpose_ros.node import parameters, qos
from inpose_ros.node.bodies import Body, body_nodes
from inpose_ros.node.factory import SharedNetworks
from inpose_ros.node.parameters import NodeParameters
from inpose_ros.node.tracker_node import InPoseNode

from .conftest import StandInEstimator, Wearer, rising, stamps, stand_in
from .test_process import RUN

SENSORS = ('head', 'left_wrist', 'right_wrist')


class Pair:
    """Anna and Ben, tracked by nodes on one stage, and what is heard of them."""

    def __init__(self, stage) -> None:
        self.stage = stage
        self.joints = {name: stage.heard(JointState, f'{name}/joint_states') for name in ('anna', 'ben')}
        self.bodies = {name: stage.heard(BodyPose, f'{name}/body_pose') for name in ('anna', 'ben')}
        self.tf = stage.heard(TFMessage, '/tf', qos.TF)

    def start(self, **values: dict[str, object]) -> dict[str, InPoseNode]:
        """Configure and activate both, as far as the values for each let it; `__` in a name stands for a dot."""
        nodes = {}
        for name in ('anna', 'ben'):
            given = {'autostart': False, 'sensor_timeout': 0.3} | values.get(name, {})
            overrides = [Parameter(key.replace('__', '.'), value=value) for key, value in given.items()]
            body = Body(name, f'/{self.stage.namespace}/{name}')
            options = {'estimator_factory': StandInEstimator, 'parameter_overrides': overrides}
            (nodes[name],) = body_nodes(InPoseNode, [body], stand_in, **options)
        for node in nodes.values():
            self.stage.executor.add_node(node)
            self.stage.nodes.append(node)
            node.trigger_configure()
            if node.state == 'inactive':
                node.trigger_activate()
        return nodes

    def wears(self, name: str) -> Wearer:
        return Wearer(self.stage, sensors=tuple(f'{name}/{sensor}' for sensor in SENSORS))


@pytest.fixture
def pair(stage) -> Pair:
    return Pair(stage)


def test_each_has_topics_frames_and_an_identifier_of_its_own(stage, pair):
    pair.start()
    pair.wears('anna'), pair.wears('ben')
    stage.until(lambda: min(len(heard) for heard in pair.joints.values()) > 5)
    for name in ('anna', 'ben'):
        assert rising(stamps(pair.joints[name])) and pair.bodies[name][-1].body_id == name
    roots = {message.transforms[0].child_frame_id for message in pair.tf}
    assert roots == {f'{stage.namespace}/{name}/pelvis' for name in ('anna', 'ben')}


def test_sensors_of_one_that_fall_silent_leave_the_other_tracked(stage, pair):
    pair.start()
    wearer, _ = pair.wears('anna'), pair.wears('ben')
    stage.until(lambda: all(pair.joints.values()))
    wearer.stop()
    stage.spin_for(0.6)
    before = {name: len(heard) for name, heard in pair.joints.items()}
    stage.until(lambda: len(pair.joints['ben']) > before['ben'] + 10)
    assert len(pair.joints['anna']) == before['anna']
    assert {body.state for body in pair.bodies['ben']} == {BodyPose.STATE_TRACKING}


def test_parameters_of_one_that_will_not_do_leave_the_other_running(stage, pair):
    nodes = pair.start(anna={'head__joint': 'skull'}, ben={'body__stature': 1.6})
    pair.wears('anna'), pair.wears('ben')
    stage.until(lambda: len(pair.joints['ben']) > 5)
    assert nodes['anna'].state == 'unconfigured' and not pair.joints['anna']
    assert sum(pair.bodies['ben'][-1].bone_length) < 0.95 * float(Skeleton.mean().bones.norm(dim=-1).sum())


def test_a_reset_of_one_leaves_what_the_other_remembers(stage, pair):
    nodes = pair.start()
    pair.wears('anna'), pair.wears('ben')
    stage.until(lambda: all(pair.joints.values()))
    resets = nodes['ben']._tracker.solver.resets
    nodes['anna']._reset()
    stage.until(lambda: nodes['anna']._tracker.solver.resets > resets)
    assert nodes['ben']._tracker.solver.resets == resets


def nodes_of(stage, **values: object) -> list[InPoseNode]:
    bodies = [Body(name, f'/{stage.namespace}/{name}') for name in ('anna', 'ben')]
    overrides = [Parameter(key, value=value) for key, value in values.items()]
    nodes = body_nodes(InPoseNode, bodies, stand_in, estimator_factory=StandInEstimator, parameter_overrides=overrides)
    stage.nodes.extend(nodes)
    return nodes


def test_two_bodies_with_the_same_frames_are_refused(stage):
    with pytest.raises(ParameterError, match=r'anna and ben.*leave it out, for anna/ and ben/'):
        nodes_of(stage, frame_prefix='human/')


def test_what_is_said_for_all_holds_for_each(stage):
    nodes = nodes_of(stage, rate=20.0)
    assert [NodeParameters.read(node)[0].rate for node in nodes] == [20.0, 20.0]
    prefixes = [NodeParameters.read(node)[0].frame_prefix for node in nodes]
    assert prefixes == [f'{stage.namespace}/anna/', f'{stage.namespace}/ben/']
    assert Body('anna', '/anna').defaults.frame_prefix == 'anna/'


@pytest.mark.parametrize('names', [['anna', 'anna'], ['my anna'], ['anna', '3'], ['änna']])
def test_names_that_are_none_are_told_with_some_that_are(stage, names):
    node = Node('inpose', parameter_overrides=[Parameter('bodies', value=names)])
    stage.nodes.append(node)
    with pytest.raises(ParameterError, match=r'such as \[anna, ben\]'):
        parameters.bodies(node)


def test_bodies_share_a_network_and_those_who_want_another_have_another():
    networks, skeleton = SharedNetworks(2), Skeleton.mean()
    torch_only = {'backend': 'torch', 'device': 'cpu'}
    anna, ben, carl, dora = (
        networks.build_solver(NodeParameters(**torch_only | more), skeleton)
        for more in ({}, {'stature': 1.6}, {'threads': 3}, {'method': 'paper'})
    )
    assert anna.prior is ben.prior and anna is not ben
    assert len({id(solver.prior.backend) for solver in (anna, carl, dora)}) == 3


def test_the_executable_tracks_each_of_bodies_in_the_namespace_it_is_given(stage):
    """By the real network, with parameters from the command line; an interrupt ends all of it."""
    heard = {name: stage.heard(BodyPose, f'{name}/body_pose') for name in ('anna', 'ben')}
    words = ['-r', f'__ns:=/{stage.namespace}', '-r', '__node:=inpose', '-p', 'bodies:=[anna, ben]', '-p', 'rate:=10.0']
    command = [sys.executable, '-c', RUN.format('tracker_node'), '--ros-args', *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        wearers = [Wearer(stage, sensors=tuple(f'{name}/{sensor}' for sensor in SENSORS)) for name in heard]
        stage.until(lambda: process.poll() is not None or min(map(len, heard.values())) > 3, timeout=60)
        for wearer in wearers:
            wearer.stop()
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 0 and 'Traceback' not in said, said
    assert {name: messages[-1].body_id for name, messages in heard.items()} == {'anna': 'anna', 'ben': 'ben'}


def test_bodies_that_will_not_do_end_the_executable_with_the_reason():
    words = ['-p', 'bodies:=[anna, anna]']
    command = [sys.executable, '-c', RUN.format('tracker_node'), '--ros-args', *words]
    process = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=60)
    assert process.returncode == 1 and 'not started: bodies is' in process.stderr
    assert 'Traceback' not in process.stderr
