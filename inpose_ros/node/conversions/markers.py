"""Estimates -> what RViz draws: balls and bones, and around each joint how far it may be from there."""

from geometry_msgs.msg import Vector3
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from inpose_ros.body import smpl22
from inpose_ros.body.state import BodyState
from inpose_ros.node.conversions.body import header, points
from inpose_ros.node.tracking import Estimate

# Each can be switched off in RViz.
NAMESPACES = ('joints', 'bones', 'uncertainty')
# What a sensor measures is drawn orange, what the prior inferred blue (a pair that colour-blind people can tell apart).
MEASURED_COLOUR = ColorRGBA(r=0.90, g=0.45, b=0.05, a=1.0)
INFERRED_COLOUR = ColorRGBA(r=0.15, g=0.45, b=0.85, a=1.0)
# How solid a ball of uncertainty looks.
_ALPHA = 0.15
# Diameters [m]: RViz complains of a ball of no size, and one larger than a person hides everything.
_THINNEST, _THICKEST = 1e-3, 2.0


def markers_from(estimate: Estimate, world_frame: str, lifetime_ns: int) -> MarkerArray:
    """What can be drawn of a body; it vanishes `lifetime_ns` after the last pose.

    A marker is a ball for each joint, a line for each bone; then come the balls of uncertainty, one marker each.
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
    """A transparent ball around each joint with a radius of two standard deviations.

    They are balls and no ellipsoids, as a pose says one number for all three axes.
    """
    rows = zip(points(body), body.position_stddev.tolist(), body.measured.tolist(), strict=True)
    markers = []
    for number, (place, stddev, measured) in enumerate(rows):
        diameter = min(max(4 * stddev, _THINNEST), _THICKEST)
        marker = _marker(body, world_frame, lifetime_ns, 'uncertainty', Marker.SPHERE, diameter)
        colour = MEASURED_COLOUR if measured else INFERRED_COLOUR
        marker.id, marker.pose.position = number, place
        marker.color = ColorRGBA(r=colour.r, g=colour.g, b=colour.b, a=_ALPHA)
        markers.append(marker)
    return markers


def _marker(body: BodyState, frame_id: str, lifetime_ns: int, what: str, kind: int, width: float) -> Marker:
    marker = Marker(header=header(body.stamp_ns, frame_id), ns=what, type=kind, action=Marker.ADD)
    marker.scale = Vector3(x=width, y=width, z=width)
    marker.pose.orientation.w = 1.0
    marker.lifetime.sec, marker.lifetime.nanosec = divmod(lifetime_ns, 1_000_000_000)
    return marker
