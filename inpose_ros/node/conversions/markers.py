"""Estimates -> what RViz draws: balls and bones, and around each joint an ellipsoid of where it may be."""

import numpy as np
from geometry_msgs.msg import Vector3
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from inpose_ros.body import smpl22
from inpose_ros.body.state import BodyState
from inpose_ros.node.conversions.body import header, points, quaternions
from inpose_ros.node.tracking import Estimate

# Each can be switched off in RViz.
NAMESPACES = ('joints', 'bones', 'uncertainty')
# What a sensor measures is drawn orange, what the prior inferred blue (a pair that colour-blind people can tell apart).
MEASURED_COLOUR = ColorRGBA(r=0.90, g=0.45, b=0.05, a=1.0)
INFERRED_COLOUR = ColorRGBA(r=0.15, g=0.45, b=0.85, a=1.0)
# How solid an ellipsoid looks.
_ALPHA = 0.15
# Diameters [m]: RViz complains of a ball of no size, and one larger than a person hides everything.
_THINNEST, _THICKEST = 1e-3, 2.0


def markers_from(estimate: Estimate, world_frame: str, lifetime_ns: int) -> MarkerArray:
    """What can be drawn of a body; it vanishes `lifetime_ns` after the last pose.

    A marker is a ball for each joint, a line for each bone; then come the ellipsoids, one marker each.
    """
    body = estimate.body
    places = points(body)
    colours = [MEASURED_COLOUR if measured else INFERRED_COLOUR for measured in body.measured.tolist()]
    bones = [(smpl22.PARENTS[joint], joint) for joint in range(1, len(places))]
    balls = _marker(body, world_frame, lifetime_ns, 'joints', Marker.SPHERE_LIST, 0.05)
    balls.points, balls.colors = places, colours
    lines = _marker(body, world_frame, lifetime_ns, 'bones', Marker.LINE_LIST, 0.02)
    lines.points = [places[end] for bone in bones for end in bone]
    lines.colors = [colours[joint] for _, joint in bones for _ in range(2)]
    return MarkerArray(markers=[balls, lines, *_uncertainty(body, world_frame, lifetime_ns)])


def _uncertainty(body: BodyState, world_frame: str, lifetime_ns: int) -> list[Marker]:
    """A transparent ellipsoid around each joint whose half axes are two standard deviations."""
    variances, axes = np.linalg.eigh(np.asarray(body.position_covariance, dtype=np.float64))
    axes[np.linalg.det(axes) < 0, :, 0] *= -1  # a rotation, not a reflection
    diameters = np.clip(4 * np.sqrt(np.maximum(variances, 0)), _THINNEST, _THICKEST)
    turns = quaternions(axes)
    markers = []
    for number, (place, measured) in enumerate(zip(points(body), body.measured.tolist(), strict=True)):
        marker = _marker(body, world_frame, lifetime_ns, 'uncertainty', Marker.SPHERE, 1.0)
        colour = MEASURED_COLOUR if measured else INFERRED_COLOUR
        marker.id, marker.pose.position, marker.pose.orientation = number, place, turns[number]
        marker.scale = Vector3(**dict(zip('xyz', diameters[number].tolist())))
        marker.color = ColorRGBA(r=colour.r, g=colour.g, b=colour.b, a=_ALPHA)
        markers.append(marker)
    return markers


def _marker(body: BodyState, frame_id: str, lifetime_ns: int, what: str, kind: int, width: float) -> Marker:
    marker = Marker(header=header(body.stamp_ns, frame_id), ns=what, type=kind, action=Marker.ADD)
    marker.scale = Vector3(x=width, y=width, z=width)
    marker.pose.orientation.w = 1.0
    marker.lifetime.sec, marker.lifetime.nanosec = divmod(lifetime_ns, 1_000_000_000)
    return marker
