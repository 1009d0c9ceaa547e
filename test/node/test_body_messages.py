"""What is sent as bytes says what the estimate says, in the messages that others receive."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from geometry_msgs.msg import PoseStamped
from rclpy.serialization import deserialize_message
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import JointState
from std_msgs.msg import Float32MultiArray, Float64MultiArray, Header, String
from tf2_msgs.msg import TFMessage

from inpose_ros.body import kinematics, smpl22, urdf
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.body.state import BodyState
from inpose_ros.msg import BodyPose
from inpose_ros.node.conversions.body_messages import END_EFFECTORS, BodyMessages
from inpose_ros.node.conversions.cdr import serialized
from inpose_ros.node.conversions.message_template import MessageTemplate
from inpose_ros.node.tracking import Estimate

STAMP_NS = 1_764_000_000_123_456_789


@pytest.fixture
def estimate() -> Estimate:
    rot = torch.from_numpy(Rotation.random(22, rng=np.random.default_rng(3)).as_matrix())
    body = BodyState(
        STAMP_NS,
        Skeleton.mean(),
        root=torch.tensor([0.3, -1.2, 0.9], dtype=torch.float64),
        rot_world_joint=rot,
        rotation_stddev=torch.linspace(0.1, 0.4, 22),
        position_covariance=0.01 * torch.arange(66).reshape(22, 3).diag_embed(),
        measured=torch.arange(22) % 3 == 0,
        root_observed=True,
        foot_contact=torch.tensor([0.3, torch.nan]),
    )
    angles = urdf.revolute_angles(rot)
    return Estimate(body, angles, np.linspace(-1, 1, 63), 0.01, BodyPose.STATE_TRACKING)


def _is_stamped(header: Header, frame: str) -> bool:
    return header.stamp.sec * 1_000_000_000 + header.stamp.nanosec == STAMP_NS and header.frame_id == frame


def test_joint_states_are_the_angles_and_velocities_of_the_urdfs_joints(estimate: Estimate) -> None:
    said = deserialize_message(BodyMessages('world', 'human/', 'someone').joint_state(estimate), JointState)
    assert _is_stamped(said.header, '')
    assert list(said.name) == list(urdf.REVOLUTE_NAMES)
    assert np.array_equal(said.position, estimate.angles) and np.array_equal(said.velocity, estimate.velocities)
    assert list(said.effort) == [0.0] * 63


@pytest.mark.parametrize('prefix', ['human/', '', 'a_long_name_of_someone/'])
def test_the_tree_leads_from_the_world_to_where_every_joint_is(estimate: Estimate, prefix: str) -> None:
    said = deserialize_message(BodyMessages('odom', prefix, 'someone').transforms(estimate), TFMessage)
    found = {'odom': np.eye(4)}
    for edge in said.transforms:
        assert _is_stamped(edge.header, edge.header.frame_id)
        turn, way = edge.transform.rotation, edge.transform.translation
        step = np.eye(4)
        step[:3, :3] = Rotation.from_quat([turn.x, turn.y, turn.z, turn.w]).as_matrix()
        step[:3, 3] = way.x, way.y, way.z
        found[edge.child_frame_id] = found[edge.header.frame_id] @ step
    body = estimate.body
    places = body.root + kinematics.joint_positions(body.skeleton, body.rot_world_joint)
    for joint, name in enumerate(smpl22.JOINTS):
        assert np.allclose(found[prefix + name][:3, :3], body.rot_world_joint[joint], atol=1e-9)
        assert np.allclose(found[prefix + name][:3, 3], places[joint], atol=1e-6)


def test_end_effectors_are_seen_from_the_pelvis(estimate: Estimate) -> None:
    body, said = estimate.body, BodyMessages('world', 'human/', 'someone').end_effectors(estimate)
    pelvis = body.rot_world_joint[0].numpy().T
    assert tuple(said) == END_EFFECTORS
    for name, data in said.items():
        pose, joint = deserialize_message(data, PoseStamped), smpl22.INDEX[name]
        turn, place = pose.pose.orientation, pose.pose.position
        assert _is_stamped(pose.header, 'human/pelvis')
        expected = pelvis @ body.rot_world_joint[joint].numpy()
        assert np.allclose(Rotation.from_quat([turn.x, turn.y, turn.z, turn.w]).as_matrix(), expected, atol=1e-9)
        expected = pelvis @ (body.positions[joint] - body.root).numpy()
        assert np.allclose([place.x, place.y, place.z], expected, atol=1e-9)


@pytest.mark.parametrize('state', [BodyPose.STATE_TRACKING, BodyPose.STATE_DEGRADED])
def test_a_body_pose_says_all_of_the_estimate(estimate: Estimate, state: int) -> None:
    messages, body = BodyMessages('odom', 'human/', 'someone'), estimate.body
    messages.body_pose(estimate)  # of another state, or the same
    said = deserialize_message(messages.body_pose(replace(estimate, state=state)), BodyPose)
    assert _is_stamped(said.header, 'odom') and said.body_id == 'someone' and said.state == state
    assert list(said.joint) == list(smpl22.JOINTS)
    turns = Rotation.from_quat([[q.x, q.y, q.z, q.w] for q in said.rotation]).as_matrix()
    assert np.allclose(turns, body.rot_world_joint, atol=1e-9)
    assert np.allclose([[p.x, p.y, p.z] for p in said.position], body.positions, atol=1e-9)
    for name in ('rotation_stddev', 'position_stddev', 'foot_contact'):
        assert np.allclose(getattr(said, name), getattr(body, name), equal_nan=True)
    assert np.allclose(said.bone_length, body.skeleton.lengths)
    assert list(said.measured) == body.measured.tolist() and said.root_observed is body.root_observed
    assert said.solve_time == pytest.approx(estimate.solve_time)


def test_equal_estimates_have_equal_bytes(estimate: Estimate) -> None:
    """What lay in memory when a message was made does not go over the wire."""
    bytes_of = []
    for _ in range(5):
        messages = BodyMessages('world', 'human/', 'someone')
        ends = messages.end_effectors(estimate).values()
        said = (messages.joint_state(estimate), messages.body_pose(estimate), messages.transforms(estimate), *ends)
        bytes_of.append(said)
    for kind, data in zip((JointState, BodyPose, TFMessage, *[PoseStamped] * 5), bytes_of[0], strict=True):
        assert data == serialized(deserialize_message(data, kind))
    assert all(said == bytes_of[0] for said in bytes_of)


@pytest.mark.parametrize(
    'make',
    [
        lambda stamp, numbers: Float32MultiArray(data=numbers.tolist()),  # not as they are
        lambda stamp, numbers: Float64MultiArray(data=[1.0, *numbers, 0.0, *numbers]),  # twice
        lambda stamp, numbers: Header(stamp=stamp, frame_id='x'),  # not at all
        lambda stamp, numbers: String(data=' '.join(map(str, numbers))),
    ],
)
def test_of_a_message_that_is_more_than_its_numbers_no_stencil_is_cut(make) -> None:
    with pytest.raises(ValueError, match='more than numbers'):
        MessageTemplate(make, [np.zeros(3)])
