"""The node over real DDS: poses in, a body out."""

import math

import numpy as np
import yourdfpy
from geometry_msgs.msg import PoseStamped
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray

from inpose_ros.body import smpl22, urdf
from inpose_ros.msg import BodyPose
from inpose_ros.node import qos
from inpose_ros.node.conversions.stamp import ns_from_stamp

from .conftest import rising, stamps


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
    balls, lines, *_ = markers[-1].markers
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
