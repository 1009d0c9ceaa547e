"""The cloud and the markers, from an estimate alone and from a node."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from rclpy.serialization import deserialize_message
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import PointCloud2
from visualization_msgs.msg import Marker, MarkerArray

from inpose_ros.body import smpl22, urdf
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.body.state import BodyState
from inpose_ros.msg import BodyPose
from inpose_ros.node.conversions import cloud, markers
from inpose_ros.node.conversions.cdr import serialized
from inpose_ros.node.tracking import Estimate

from .conftest import stamps

STDDEV = torch.linspace(0.0, 0.6, 22)


@pytest.fixture
def estimate() -> Estimate:
    pose = torch.eye(3).expand(22, 3, 3)
    body = BodyState(
        stamp_ns=12_000_000_345,
        skeleton=Skeleton.mean(),
        root=torch.tensor([1.0, 2.0, 0.9], dtype=torch.float64),
        rot_world_joint=pose,
        rotation_stddev=torch.full((22,), 0.1),
        position_covariance=(torch.tensor([1.0, 1.0, 1.0]) * STDDEV[:, None] ** 2).diag_embed(),
        measured=torch.arange(22) % 2 == 0,
        root_observed=True,
        foot_contact=torch.tensor([0.0, 1.0]),
    )
    zeros = np.zeros(len(urdf.REVOLUTE_NAMES))
    return Estimate(body=body, angles=zeros, velocities=zeros, state=BodyPose.STATE_TRACKING, solve_time=0.01)


def read(message: PointCloud2) -> np.ndarray:
    """The points by what the message says of its fields, and by nothing else."""
    kinds = {7: '<f4', 6: '<u4'}
    names = [field.name for field in message.fields]
    layout = {
        'names': names,
        'formats': [kinds[field.datatype] for field in message.fields],
        'offsets': [field.offset for field in message.fields],
        'itemsize': message.point_step,
    }
    assert not message.is_bigendian and len(message.data) == message.row_step * message.height
    return np.frombuffer(bytes(message.data), np.dtype(layout))


def test_the_cloud_has_every_joint_where_it_is_with_its_number_and_its_doubt(estimate):
    message = cloud.cloud_from(estimate, 'room')
    rows = read(message)
    assert message.header.frame_id == 'room' and (message.header.stamp.sec, message.header.stamp.nanosec) == (12, 345)
    assert message.width == 22 and message.height == 1 and message.is_dense
    places = np.stack([rows['x'], rows['y'], rows['z']], -1)
    np.testing.assert_allclose(places, np.asarray(estimate.body.positions), atol=1e-6)
    assert rows['joint'].tolist() == list(range(22))
    np.testing.assert_allclose(rows['stddev'], STDDEV, atol=1e-6)


def test_the_cloud_made_without_sensor_msgs_py_is_the_one_made_with_it(estimate, monkeypatch):
    library = pytest.importorskip(
        'sensor_msgs_py.point_cloud2', reason='sensor_msgs_py comes with a ROS 2 distribution'
    )
    with_it = cloud.cloud_from(estimate, 'world')
    monkeypatch.setattr(cloud, 'point_cloud2', lambda: None)
    without = cloud.cloud_from(estimate, 'world')
    assert with_it == without
    assert [row[3] for row in library.read_points(without)] == list(range(22))


def test_an_ellipsoid_is_as_long_along_each_of_its_axes_as_the_joint_is_uncertain_there(estimate):
    generator = torch.Generator().manual_seed(0)
    root = 0.1 * torch.randn(22, 3, 3, generator=generator)
    body = replace(estimate.body, position_covariance=root @ root.mT)
    rows = markers.markers_from(replace(estimate, body=body), 'world', 10**9).markers
    for ball, covariance in zip([m for m in rows if m.ns == 'uncertainty'], body.position_covariance, strict=True):
        q, scale = ball.pose.orientation, ball.scale
        axes = Rotation.from_quat([q.x, q.y, q.z, q.w]).as_matrix()
        drawn = axes @ np.diag(np.square([scale.x, scale.y, scale.z]) / 16) @ axes.T
        np.testing.assert_allclose(drawn, covariance, atol=1e-6)


def test_balls_of_uncertainty_have_a_radius_of_two_standard_deviations_and_the_colour_of_the_joint(estimate):
    balls = [m for m in markers.markers_from(estimate, 'world', 10**9).markers if m.ns == 'uncertainty']
    assert [ball.id for ball in balls] == list(range(22)) and {ball.type for ball in balls} == {Marker.SPHERE}
    for ball, stddev, place, measured in zip(
        balls, STDDEV.tolist(), estimate.body.positions.tolist(), estimate.body.measured.tolist(), strict=True
    ):
        assert ball.scale.x == ball.scale.y == ball.scale.z == pytest.approx(min(max(4 * stddev, 0.001), 2.0))
        assert [ball.pose.position.x, ball.pose.position.y, ball.pose.position.z] == pytest.approx(place)
        red, _, blue, _ = markers.MEASURED_COLOUR if measured else markers.INFERRED_COLOUR
        assert (ball.color.r, ball.color.b) == (red, blue) and 0 < ball.color.a < 0.5


def test_no_two_markers_have_the_same_name(estimate):
    rows = markers.markers_from(estimate, 'world', 10**9).markers
    assert len({(m.ns, m.id) for m in rows}) == len(rows) == 24
    assert {m.ns for m in rows} == set(markers.NAMESPACES)
    assert {m.lifetime.sec for m in rows} == {1}


def test_what_is_sent_as_bytes_is_what_was_made(estimate):
    other = replace(estimate, body=replace(estimate.body, stamp_ns=77, measured=~estimate.body.measured))
    sent, clouds = markers.MarkerMessages('odom', 5 * 10**8), cloud.CloudMessages('odom')
    for each in (estimate, other):
        assert sent(each) == serialized(markers.markers_from(each, 'odom', 5 * 10**8))
        assert clouds(each) == serialized(cloud.cloud_from(each, 'odom'))
        assert deserialize_message(sent(each), MarkerArray) == markers.markers_from(each, 'odom', 5 * 10**8)


def test_the_cloud_is_published_with_the_pose_that_it_shows(stage, wearer):
    clouds, bodies = stage.heard(PointCloud2, 'joint_cloud'), stage.heard(BodyPose, 'body_pose')
    stage.active()
    stage.until(lambda: set(stamps(clouds)) & set(stamps(bodies)))
    (stamp, *_) = set(stamps(clouds)) & set(stamps(bodies))
    body, rows = bodies[stamps(bodies).index(stamp)], read(clouds[stamps(clouds).index(stamp)])
    wrist = smpl22.INDEX['left_wrist']
    assert body.position[wrist].x == pytest.approx(float(rows['x'][wrist]), abs=1e-6)
