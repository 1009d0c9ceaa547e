"""The node over real DDS: what goes in, what comes out, and when nothing does."""

import math
import threading
from itertools import pairwise

import numpy as np
import pytest
import torch
import yourdfpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseStamped
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import Imu, JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray

from inpose_ros.body import smpl22, urdf
from inpose_ros.errors import DeviceError
from inpose_ros.msg import BodyPose
from inpose_ros.node import qos
from inpose_ros.node.conversions.stamp import ns_from_stamp
from inpose_ros.node.parameters import NodeParameters

from .conftest import Stage, StandInSolver, Wearer, pose


def stamps(messages: list) -> list[int]:
    return [ns_from_stamp(message.header.stamp) for message in messages]


def rising(values: list[int]) -> bool:
    return all(a < b for a, b in pairwise(values))


def counts(node: object) -> dict[str, int]:
    return dict(node._health.counts)


# --- poses in, a body out


def test_poses_in_give_63_joints_out_at_stamps_that_rise(stage, wearer):
    joints = stage.heard(JointState, 'joint_states')
    stage.active()
    stage.until(lambda: len(joints) > 10)
    assert tuple(joints[-1].name) == urdf.REVOLUTE_NAMES
    assert rising(stamps(joints)) and set(stamps(joints)) <= set(wearer.sent)
    assert np.isfinite(joints[-1].velocity).all() and len(joints[-1].velocity) == 63


def test_velocities_are_differences_of_the_unwrapped_angles(stage, wearer):
    joints = stage.heard(JointState, 'joint_states')
    stage.active()
    stage.until(lambda: len(joints) > 5)
    before, after = joints[-2:]
    step = (stamps([after])[0] - stamps([before])[0]) / 1e9
    assert np.allclose(after.velocity, (np.array(after.position) - before.position) / step, atol=1e-6)


def test_forward_kinematics_of_the_published_urdf_and_joints_equals_tf(stage, wearer, tmp_path):
    """By an independent library, at the bones of somebody who is not average."""
    joints, tf = stage.heard(JointState, 'joint_states'), stage.heard(TFMessage, '/tf', qos.TF)
    model = stage.heard(String, 'human_description', qos.LATCHED)
    stage.active(body__stature=1.9)
    stage.until(lambda: len(joints) > 5 and len(tf) > 5 and model)
    path = tmp_path / 'human.urdf'
    path.write_text(model[-1].data)
    robot = yourdfpy.URDF.load(str(path), load_meshes=False, build_scene_graph=True)
    by_stamp = {ns_from_stamp(message.transforms[0].header.stamp): message for message in tf}
    state = next(state for state in reversed(joints) if stamps([state])[0] in by_stamp)
    robot.update_cfg(dict(zip(state.name, state.position, strict=True)))
    placed = placed_by_tf(by_stamp[stamps([state])[0]])
    assert set(placed) == {*robot.link_map}
    for link in robot.link_map:
        difference = np.linalg.inv(placed['human/pelvis']) @ placed[link] - robot.get_transform(link, 'human/pelvis')
        assert np.abs(difference).max() < 1e-6, link


def placed_by_tf(message: TFMessage) -> dict[str, np.ndarray]:
    """Every link's pose in the world, by following the tree down."""
    placed = {'world': np.eye(4)}
    for transform in message.transforms:
        q, t = transform.transform.rotation, transform.transform.translation
        step = np.eye(4)
        step[:3, :3] = Rotation.from_quat((q.x, q.y, q.z, q.w)).as_matrix()
        step[:3, 3] = t.x, t.y, t.z
        placed[transform.child_frame_id] = placed[transform.header.frame_id] @ step
    del placed['world']
    return placed


def test_tf_is_one_message_a_pose_and_its_stamps_rise(stage, wearer):
    tf = stage.heard(TFMessage, '/tf', qos.TF)
    stage.active()
    stage.until(lambda: len(tf) > 10)
    assert rising([ns_from_stamp(message.transforms[0].header.stamp) for message in tf])
    assert all(len(message.transforms) == 64 for message in tf)
    assert tf[-1].transforms[0].header.frame_id == 'world' and tf[-1].transforms[0].child_frame_id == 'human/pelvis'


def test_body_pose_end_effectors_and_markers_tell_of_the_same_body(stage, wearer):
    bodies = stage.heard(BodyPose, 'body_pose')
    wrists = stage.heard(PoseStamped, 'end_effectors/left_wrist')
    markers = stage.heard(MarkerArray, 'skeleton')
    stage.active(body_id='p7')
    stage.until(lambda: len(bodies) > 3 and len(wrists) > 3 and len(markers) > 3)
    body = bodies[-1]
    wrist = next(w for w in wrists if w.header.stamp == body.header.stamp)
    assert body.body_id == 'p7' and body.state == BodyPose.STATE_TRACKING and body.header.frame_id == 'world'
    assert tuple(body.joint) == smpl22.JOINTS and len(body.rotation) == len(body.position) == len(body.measured) == 22
    measured = {name for name, is_measured in zip(body.joint, body.measured, strict=True) if is_measured}
    assert body.root_observed and measured == {'head', 'left_wrist', 'right_wrist'}
    assert math.isnan(body.foot_contact[0]) and body.solve_time > 0
    assert wrist.header.frame_id == 'human/pelvis'
    assert np.allclose(xyz(wrist.pose.position), in_pelvis(body, 'left_wrist'), atol=1e-6)
    balls, lines = markers[-1].markers
    assert len(balls.points) == len(balls.colors) == 22 and len(lines.points) == len(lines.colors) == 42
    assert balls.colors[smpl22.HEAD] != balls.colors[smpl22.PELVIS]


def xyz(point: object) -> np.ndarray:
    return np.array((point.x, point.y, point.z))


def in_pelvis(body: BodyPose, joint: str) -> np.ndarray:
    q = body.rotation[0]
    offset = xyz(body.position[smpl22.INDEX[joint]]) - xyz(body.position[0])
    return Rotation.from_quat((q.x, q.y, q.z, q.w)).inv().apply(offset)


def test_a_late_joiner_gets_the_urdf(stage):
    stage.active(frame_prefix='kim/')
    model = stage.heard(String, 'human_description', qos.LATCHED)
    stage.until(lambda: model)
    assert 'kim/left_wrist' in model[0].data


def test_topics_follow_the_namespace_but_tf_and_diagnostics_do_not(stage):
    node = stage.active()
    topics = {publisher.topic_name for publisher in node.publishers}
    assert {'/tf', '/diagnostics'} <= topics
    assert {f'/{stage.namespace}/{name}' for name in ('joint_states', 'body_pose', 'end_effectors/head')} <= topics


# --- what comes in


@pytest.mark.parametrize('profile', [qos.SENSOR, qos.OUTPUT], ids=['best effort', 'reliable'])
def test_drivers_of_either_reliability_are_heard(stage, profile):
    Wearer(stage, profile)
    joints = stage.heard(JointState, 'joint_states')
    stage.active()
    stage.until(lambda: joints)


def test_an_imu_measures_a_rotation_and_no_place(stage):
    bodies = stage.heard(BodyPose, 'body_pose')
    publisher = stage.other.create_publisher(Imu, 'waist/imu', qos.SENSOR)

    def send() -> None:
        msg = Imu()
        msg.header.stamp = stage.other.get_clock().now().to_msg()
        msg.header.frame_id = 'imu_7'
        publisher.publish(msg)

    stage.other.create_timer(0.01, send)
    stage.active(sensors=['waist'], waist__joint='pelvis', waist__type='imu')
    stage.until(lambda: bodies)
    assert bodies[0].measured[0] and sum(bodies[0].measured) == 1 and not bodies[0].root_observed


def test_a_mount_is_taken_off(stage, wearer):
    """The head's sensor is turned by 90 degrees on the head; the wearer's is level, so the head is turned back."""
    bodies = stage.heard(BodyPose, 'body_pose')
    stage.active(head__mount=[0.0, 0.0, 0.0, math.sqrt(0.5), 0.0, 0.0, math.sqrt(0.5)])
    stage.until(lambda: bodies)
    head = bodies[-1].rotation[smpl22.HEAD]
    assert (abs(head.w), head.z) == pytest.approx((math.sqrt(0.5), -math.sqrt(0.5)), abs=1e-6)


@pytest.mark.parametrize(
    ('spoil', 'cause'),
    [
        (lambda msg: setattr(msg.pose.position, 'x', math.nan), 'not_finite'),
        (lambda msg: setattr(msg.pose.orientation, 'w', math.nan), 'not_finite'),
        (lambda msg: setattr(msg.pose.orientation, 'w', 0.5), 'quaternion'),
        (lambda msg: setattr(msg.header.stamp, 'sec', msg.header.stamp.sec + 5), 'future'),
    ],
    ids=['nan position', 'nan rotation', 'no rotation', 'future'],
)
def test_a_bad_message_is_counted_by_its_cause_and_not_published(stage, spoil, cause):
    joints = stage.heard(JointState, 'joint_states')
    node = stage.active(sensors=['head'])
    msg = pose('head', stage.other.get_clock().now().nanoseconds)
    spoil(msg)
    receive(node, 'head', msg)
    stage.spin_for(0.15)
    assert counts(node)[cause] == 1 and not joints
    receive(node, 'head', pose('head', stage.other.get_clock().now().nanoseconds))
    stage.until(lambda: joints)


def receive(node: object, sensor: str, msg: object) -> None:
    """Give a message to the callback of a sensor's subscription."""
    (subscription,) = [s for s in node.subscriptions if s.topic_name.endswith(f'/{sensor}/pose')]
    subscription.callback(msg)


def test_messages_out_of_order_are_put_in_order_and_counted(stage):
    node = stage.active(sensors=['head'])
    now_ns = stage.other.get_clock().now().nanoseconds
    for back_ms in (40, 20, 30, 10):
        receive(node, 'head', pose('head', now_ns - back_ms * 1_000_000))
    held = [m.stamp_ns for m in node._intake.snapshot().series('head')]
    assert rising(held) and len(held) == 4 and counts(node)['late'] == 1


def test_sensors_that_share_a_topic_are_told_apart_by_their_frame(stage):
    node = stage.active(
        sensors=['head', 'waist'], head__topic='/poses', waist__topic='/poses', waist__joint='pelvis',
        head__frame_id='tracker_1', waist__frame_id='tracker_2',
    )  # fmt: skip
    publisher = stage.other.create_publisher(PoseStamped, '/poses', qos.SENSOR)
    sent = [pose('head', 0), pose('pelvis', 0)]

    def send() -> None:
        for msg, frame_id in zip(sent, ('tracker_1', 'tracker_2'), strict=True):
            msg.header.stamp = stage.other.get_clock().now().to_msg()
            msg.header.frame_id = frame_id
            publisher.publish(msg)

    stage.other.create_timer(0.01, send)
    stage.until(lambda: len(node._intake.latest()) == 2)
    latest = node._intake.latest()
    assert latest['head'].position[2] > latest['waist'].position[2]


def test_time_that_goes_back_restarts_the_solver_and_publishing_goes_on(stage):
    joints = stage.heard(JointState, 'joint_states')
    node = stage.active(sensors=['head'])
    start = stage.other.get_clock().now().nanoseconds
    for k in range(5):
        receive(node, 'head', pose('head', start + k * 10_000_000))
    stage.until(lambda: joints)
    solver, resets = node._tracker.solver, node._tracker.solver.resets
    for k in range(5):
        receive(node, 'head', pose('head', start - 60 * 10**9 + k * 10_000_000))
    stage.until(lambda: stamps(joints)[-1] < start)
    assert counts(node)['time_reset'] == 1 and solver.resets == resets + 1
    assert np.all(np.array(joints[-1].velocity) == 0)


# --- when sensors stop


def test_when_all_sensors_stop_nothing_is_published_and_it_is_an_error_until_they_return(stage, wearer):
    joints = stage.heard(JointState, 'joint_states')
    told = stage.heard(DiagnosticArray, '/diagnostics')
    node = stage.active()
    stage.until(lambda: joints and told and told[-1].status[0].level == DiagnosticStatus.OK)
    wearer.stop()
    stage.until(lambda: node._was_silent)
    joints.clear()
    stage.until(lambda: told[-1].status[0].level == DiagnosticStatus.ERROR)
    assert not joints
    wearer.go_on()
    stage.until(lambda: joints and told[-1].status[0].level == DiagnosticStatus.OK)


def test_when_one_sensor_stops_the_pose_is_degraded_and_the_warning_names_it(stage, wearer):
    bodies = stage.heard(BodyPose, 'body_pose')
    told = stage.heard(DiagnosticArray, '/diagnostics')
    stage.active(sensors=['head', 'left_wrist', 'right_wrist', 'left_foot'])
    stage.until(lambda: bodies and told and 'left_foot' in told[-1].status[0].message)
    assert told[-1].status[0].level == DiagnosticStatus.WARN
    assert bodies[-1].state == BodyPose.STATE_DEGRADED


def test_diagnostics_tell_rates_latency_device_and_backend(stage, wearer):
    told = stage.heard(DiagnosticArray, '/diagnostics')
    stage.active()
    stage.until(lambda: told and float(values_of(told).get('pose rate [Hz]', 0)) > 5)
    values = values_of(told)
    assert values['device'] == 'cpu' and values['backend'] == 'stand-in' and values['state'] == 'active'
    assert 10 < float(values['head rate [Hz]']) < 70 and float(values['head age [s]']) < 0.3
    assert 0 < float(values['latency p50 [ms]']) <= float(values['latency p95 [ms]'])


def values_of(told: list[DiagnosticArray]) -> dict[str, str]:
    return {row.key: row.value for row in told[-1].status[0].values}


# --- lifecycle


def change(stage: Stage, transition: int) -> bool:
    request = ChangeState.Request(transition=Transition(id=transition))
    return stage.call(ChangeState, 'inpose/change_state', request).success


def test_it_goes_through_its_life_by_services(stage, wearer):
    joints = stage.heard(JointState, 'joint_states')
    node = stage.node()
    assert change(stage, Transition.TRANSITION_CONFIGURE) and node.state == 'inactive'
    stage.spin_for(0.2)
    assert not joints, 'an inactive node publishes nothing'
    assert change(stage, Transition.TRANSITION_ACTIVATE)
    stage.until(lambda: joints)
    assert change(stage, Transition.TRANSITION_DEACTIVATE)
    stage.spin_for(0.1)
    joints.clear()
    stage.spin_for(0.2)
    assert not joints
    assert change(stage, Transition.TRANSITION_CLEANUP) and node.state == 'unconfigured'
    assert not [s for s in node.subscriptions if s.topic_name.endswith('/pose')]
    assert change(stage, Transition.TRANSITION_CONFIGURE) and change(stage, Transition.TRANSITION_ACTIVATE)
    stage.until(lambda: joints)
    assert change(stage, Transition.TRANSITION_ACTIVE_SHUTDOWN) and node.state == 'finalized'


def test_with_autostart_it_becomes_active_by_itself(stage):
    node = stage.node(autostart=True)
    stage.until(lambda: node.state == 'active')


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({'head__joint': 'skull'}, 'head.joint'),
        ({'head__type': 'odometry'}, 'not supported yet'),
        ({'body__stature': 0.2}, 'stature'),
        ({'body__bones': '/nowhere/bones.yaml'}, 'bones file'),
        ({'rate': 0.0}, 'rate must be'),
    ],
)
def test_what_cannot_be_configured_fails_with_the_reason_and_the_node_stays_up(stage, capfd, values, words):
    node = stage.node(autostart=True, **values)
    stage.spin_for(0.1)
    assert node.state == 'unconfigured'
    said = capfd.readouterr().err
    assert 'not configured: ' in said and words in said


def test_cuda_without_a_gpu_fails_to_configure_with_the_reason(stage, capfd):
    if torch.cuda.is_available():
        pytest.skip('there is a GPU')

    def on_device(params: NodeParameters, skeleton: object) -> StandInSolver:
        select_device = pytest.importorskip('inpose_ros.diffusion.solver').select_device
        select_device(params.device)
        return StandInSolver(skeleton)

    node = stage.node(on_device, device='cuda')
    assert not change(stage, Transition.TRANSITION_CONFIGURE) and node.state == 'unconfigured'
    assert 'not configured: ' in capfd.readouterr().err


def test_an_error_of_the_solver_fails_to_configure_with_its_text(stage, capfd):
    def refused(params: NodeParameters, skeleton: object) -> StandInSolver:
        raise DeviceError('no GPU here; choose device: cpu')

    node = stage.node(refused)
    node.trigger_configure()
    assert node.state == 'unconfigured' and 'not configured: no GPU here' in capfd.readouterr().err


def test_without_a_stature_it_says_that_it_assumes_an_average_body(stage, capfd):
    stage.active()
    assert 'assuming an average body' in capfd.readouterr().err


def test_with_a_stature_the_body_has_it(stage, capfd):
    node = stage.active(body__stature=1.9)
    assert node._tracker.solver.skeleton.stature == pytest.approx(1.9)
    assert 'average body' not in capfd.readouterr().err


def test_a_bug_in_the_solver_is_not_swallowed(stage, wearer):
    class Broken(StandInSolver):
        def solve(self, *args: object) -> object:
            raise ZeroDivisionError('a bug')

    stage.active(solver=lambda params, skeleton: Broken(skeleton))
    with pytest.raises(ZeroDivisionError):
        stage.spin_for(5)


def test_the_solver_is_warmed_up_before_the_first_pose_is_due(stage):
    node = stage.node()
    node.trigger_configure()
    solver = node._tracker.solver
    assert solver.warm_ups == 1 and not solver.windows


def test_a_hold_up_of_the_process_is_not_taken_for_silent_sensors(stage, wearer, capfd):
    joints = stage.heard(JointState, 'joint_states')
    stage.active()
    stage.until(lambda: joints)
    capfd.readouterr()
    threading.Event().wait(0.5)  # longer than sensor_timeout; the executor does not run meanwhile
    joints.clear()
    stage.until(lambda: len(joints) >= 3)
    assert 'no sensor is sending' not in capfd.readouterr().err


def test_a_slow_solver_drops_ticks_and_never_holds_up_the_callbacks(stage, wearer):
    class Slow(StandInSolver):
        def solve(self, *args: object) -> object:
            threading.Event().wait(0.12)
            return super().solve(*args)

    joints = stage.heard(JointState, 'joint_states')
    node = stage.active(solver=lambda params, skeleton: Slow(skeleton))
    stage.until(lambda: len(joints) >= 4)
    assert counts(node)['dropped'] >= 6
    assert node._health.rate('head', node.now_ns()) > 20


def test_a_solver_a_little_too_slow_for_the_rate_loses_no_whole_tick(stage, wearer):
    """140 ms a pose, asked for every 100 ms: poses come as fast as they are solved, not at half the rate."""

    class Slow(StandInSolver):
        def solve(self, *args: object) -> object:
            threading.Event().wait(0.14)
            return super().solve(*args)

    joints = stage.heard(JointState, 'joint_states')
    node = stage.active(solver=lambda params, skeleton: Slow(skeleton), rate=10.0)
    stage.until(lambda: len(joints) >= 15)
    assert counts(node)['dropped'] > 0 and rising(stamps(joints))
    assert node._health.pose_rate(node.now_ns()) > 5.5  # half the rate: 5


# --- reset


def test_reset_starts_afresh_and_is_refused_while_inactive(stage, wearer):
    node = stage.node()
    refused = stage.call(Trigger, 'inpose/reset', Trigger.Request())
    assert not refused.success and 'unconfigured' in refused.message
    joints = stage.heard(JointState, 'joint_states')
    node.trigger_configure()
    node.trigger_activate()
    stage.until(lambda: joints)
    before = node._tracker.solver.resets
    assert stage.call(Trigger, 'inpose/reset', Trigger.Request()).success
    stage.until(lambda: node._tracker.solver.resets == before + 1)
