"""Estimates -> what RViz draws: balls and bones, and around each joint an ellipsoid of where it may be."""

import functools

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from jaxtyping import Bool, Float32, Float64
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from inpose_ros.body import smpl22
from inpose_ros.geometry import so3
from inpose_ros.node.conversions.body import array
from inpose_ros.node.conversions.message_template import MessageTemplate
from inpose_ros.node.conversions.stamp import stamp_from_ns
from inpose_ros.node.tracking import Estimate

# Each can be switched off in RViz.
NAMESPACES = ('joints', 'bones', 'uncertainty')
# What a sensor measures is drawn orange, what the prior inferred blue (a pair that colour-blind people can tell apart).
MEASURED_COLOUR = np.array([0.90, 0.45, 0.05, 1.0], np.float32)
INFERRED_COLOUR = np.array([0.15, 0.45, 0.85, 1.0], np.float32)
# How solid an ellipsoid looks.
_ALPHA = 0.15
# Diameters [m]: RViz complains of a ball of no size, and one larger than a person hides everything.
_THINNEST, _THICKEST = 1e-3, 2.0

_JOINTS = len(smpl22.JOINTS)
_BONES = np.array([(smpl22.PARENTS[joint], joint) for joint in range(1, _JOINTS)])
Colour = Float32[np.ndarray, '4']


class MarkerMessages:
    """The markers of one body, serialised for the publisher.

    Args:
        world_frame: in which the body is.
        lifetime_ns: how long after the last pose they vanish.
    """

    def __init__(self, world_frame: str, lifetime_ns: int) -> None:
        nothing = _numbers(np.zeros((_JOINTS, 3)), np.zeros(_JOINTS, bool), np.zeros((_JOINTS, 3, 3)))
        self._markers = MessageTemplate(functools.partial(_markers, world_frame, lifetime_ns), nothing)

    def __call__(self, estimate: Estimate) -> bytes:
        return self._markers(estimate.body.stamp_ns, *_numbers_of(estimate))


def markers_from(estimate: Estimate, world_frame: str, lifetime_ns: int) -> MarkerArray:
    """What can be drawn of a body; it vanishes `lifetime_ns` after the last pose.

    A marker is a ball for each joint, a line for each bone; then come the ellipsoids, one marker each.
    """
    return _markers(world_frame, lifetime_ns, stamp_from_ns(estimate.body.stamp_ns), *_numbers_of(estimate))


def _numbers_of(estimate: Estimate) -> list[np.ndarray]:
    body = estimate.body
    return _numbers(array(body.positions), body.measured.numpy(), array(body.position_covariance))


def _numbers(
    places: Float64[np.ndarray, 'joint 3'],
    measured: Bool[np.ndarray, 'joint'],
    covariances: Float64[np.ndarray, 'joint 3 3'],
) -> list[np.ndarray]:
    """Balls, their colours, ends of the lines, their colours; places, turns and sizes of the ellipsoids, one by one;
    their colours."""
    colours = np.where(measured[:, None], MEASURED_COLOUR, INFERRED_COLOUR)
    ends, end_colours = places[_BONES].reshape(-1, 3), colours[_BONES[:, 1]].repeat(2, 0)
    pale = colours.copy()
    pale[:, 3] = _ALPHA
    return [places, colours, ends, end_colours, *_ellipsoids(places, covariances), *pale]


def _ellipsoids(
    places: Float64[np.ndarray, 'joint 3'], covariances: Float64[np.ndarray, 'joint 3 3']
) -> Float64[np.ndarray, 'joint 10']:
    """Centre, quaternion xyzw and diameters of those around the joints whose half axes are two standard deviations."""
    variances, axes = np.linalg.eigh(covariances)
    axes[np.linalg.det(axes) < 0, :, 0] *= -1  # a rotation, not a reflection
    diameters = np.clip(4 * np.sqrt(np.maximum(variances, 0)), _THINNEST, _THICKEST)
    return np.concatenate((places, so3.quaternion(axes)[:, [1, 2, 3, 0]], diameters), 1)


def _markers(
    frame_id: str, lifetime_ns: int, stamp: Time,
    places: Float64[np.ndarray, 'joint 3'], colours: Float32[np.ndarray, 'joint 4'],
    ends: Float64[np.ndarray, 'end 3'], end_colours: Float32[np.ndarray, 'end 4'],
    *ellipsoids: Float64[np.ndarray, '10'] | Colour,
) -> MarkerArray:  # fmt: skip
    """Args: ellipsoids: the numbers of all of them, then the colours."""
    blank = functools.partial(_marker, Header(stamp=stamp, frame_id=frame_id), lifetime_ns)
    balls, lines = blank('joints', Marker.SPHERE_LIST, 0.05), blank('bones', Marker.LINE_LIST, 0.02)
    balls.points, balls.colors = [_point(row) for row in places], [_colour(row) for row in colours]
    lines.points, lines.colors = [_point(row) for row in ends], [_colour(row) for row in end_colours]
    rows = []
    for number, (numbers, colour) in enumerate(zip(ellipsoids[:_JOINTS], ellipsoids[_JOINTS:], strict=True)):
        row = blank('uncertainty', Marker.SPHERE, 1.0)
        turn = Quaternion(**dict(zip('xyzw', numbers[3:7].tolist())))
        row.id, row.pose, row.color = number, Pose(position=_point(numbers[:3]), orientation=turn), _colour(colour)
        row.scale = Vector3(**dict(zip('xyz', numbers[7:].tolist())))
        rows.append(row)
    return MarkerArray(markers=[balls, lines, *rows])


def _marker(head: Header, lifetime_ns: int, what: str, kind: int, width: float) -> Marker:
    marker = Marker(header=head, ns=what, type=kind, action=Marker.ADD)
    marker.scale = Vector3(x=width, y=width, z=width)
    marker.pose.orientation.w = 1.0
    marker.lifetime.sec, marker.lifetime.nanosec = divmod(lifetime_ns, 1_000_000_000)
    return marker


def _point(place: Float64[np.ndarray, '3']) -> Point:
    return Point(**dict(zip('xyz', place.tolist())))


def _colour(colour: Colour) -> ColorRGBA:
    return ColorRGBA(**dict(zip('rgba', colour.tolist())))
