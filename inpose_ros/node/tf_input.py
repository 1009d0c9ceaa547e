"""What /tf says, through tf2_ros where it is installed."""

import math
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from rclpy.time import Time
from tf2_msgs.msg import TFMessage

from inpose_ros.errors import MeasurementError, ParameterError
from inpose_ros.node import qos
from inpose_ros.node.conversions.sensors import measurement_from_transform, measurement_in_world
from inpose_ros.node.conversions.stamp import ns_from_stamp
from inpose_ros.node.fetched import Fetched, waiting
from inpose_ros.node.tf_links import Link, Links, moving, overdue, slow, want
from inpose_ros.sensing.measurement import Measurement

# A transform that is newer by this much [ns] still places a reading: what is older than all on /tf comes at the start.
_NEAR_NS = 100_000_000
# A tracker at 20 Hz is one, though what it hangs on comes more often; at less than 9 Hz [ns] it is hardly one.
_RARE_NS = 110_000_000
# A link that comes later than this [ns] is not carried on for so long; nor, where another would be waited for, is one
# that has moved by more than this [m, rad] within the time by which it is late.
_LATE_NS = 1_000_000_000
_HARDLY_MOVED, _HARDLY_TURNED = 0.03, 0.01
# So many readings of a frame are taken at a time, at most.
_AT_ONCE = 8
# Whoever speaks on /tf; tf2 wants a name.
_AUTHORITY = 'default_authority'
# The square of a quaternion's length may be off by this much, or tf2 ignores the transform.
_TF2_TOLERANCE = 0.01


def tf2_ros() -> ModuleType | None:
    """The library, which comes with a ROS 2 distribution and not with the wheels; None where it is not there."""
    try:
        import tf2_ros
    except ImportError:
        return None
    return tf2_ros


def require_tf2(sensor: str) -> None:
    """Raise a ParameterError that says what to do, where a sensor of type tf cannot be had."""
    if tf2_ros() is None:
        raise ParameterError(
            f'{sensor}.type is tf, which needs tf2_ros, and that cannot be imported here: install it '
            '(apt install ros-$ROS_DISTRO-tf2-ros-py), or have the pose published as a topic of type pose'
        )


class Frames:
    """Poses of frames in the world.

    A link that comes rarely (the 2 Hz of a localisation) would make all that hangs on it as rare: tf2 knows of no
    common time but its own. So its last transform is carried on, for a few of its own intervals. A link that comes as
    often as the others is waited for: what is carried on of a moving one is wrong by how far it has moved. Where such a
    link comes late (a map's correction that takes 0.2 s to be found) it is carried on if it hardly moves in that time.

    It begins to listen when it is first asked: reading all of /tf, this node's own part included, costs time that most
    set-ups need not spend.
    """

    def __init__(self, node: Node, world_frame: str) -> None:
        self._node, self._world_frame = node, world_frame
        self._links = Links()
        self._buffer: Any = None
        self._subscriptions: tuple[Any, ...] = ()
        self._carried: dict[tuple[str, str], Measurement] = {}
        self.forgotten = 0  # rises whenever what was heard no longer counts

    @property
    def heard_of(self) -> int:
        """Rises with everything that is heard."""
        return self._links.heard_of

    def fetch(self) -> None:
        """Take in what has come on /tf until now."""
        if self._buffer is None:
            self._listen()
        for subscription in self._subscriptions:
            for message, _ in waiting(subscription, qos.TF.depth):
                subscription.callback(message)

    def since(self, frame_id: str, stamp_ns: int, sensor: str) -> list[Measurement]:
        """The poses of a frame in the world since a time [ns], at the times of its own link.

        Raises:
            MeasurementError: wrong_frame, tf2 knows no way from one to the other; tf_unstamped, tf_static_only, what
                is known has no time; slow_link, a link of the chain has stopped.
        """
        chain = self._chain(frame_id, sensor)
        own, *others = moving(chain) or [None]
        if own is None:
            text = f'{sensor}: all transforms from {frame_id!r} to {self._world_frame!r} are static, so it measures '
            raise MeasurementError('tf_static_only', text + 'nothing; have what moves published on /tf, with its time')
        want(others, own.newest_ns)
        late = overdue(others, own.newest_ns)
        if late is not None:
            raise _stopped(late, own.newest_ns, sensor)
        rare = slow(chain)
        carried = [link for link in others if (link in rare or link.is_late) and self._may_be_carried(link, rare)]
        last_ns = min(link.newest_ns for link in (own, *others) if link not in carried)
        # At first the newest is enough: those before it would all seem to come late.
        times = [time_ns for time_ns in own.stamps if 0 < stamp_ns < time_ns < last_ns][1 - _AT_ONCE :]
        if last_ns > stamp_ns:
            times.append(last_ns)
        return [self._placed(chain, frame_id, time_ns, sensor) for time_ns in times]

    def slowness(self, frame_id: str, sensor: str) -> MeasurementError | None:
        """What to say where the frame's own link comes rarely: nothing makes up for that."""
        chain = self._chain(frame_id, sensor)
        own = next(iter(moving(chain)), None)
        if own is None or not own.is_rarer(_RARE_NS):
            return None
        text = f'{sensor}: {own} comes only {own.rate}; have it published as often as the sensor measures'
        return MeasurementError('slow_link', text)

    def at(self, frame_id: str, stamp_ns: int, sensor: str) -> Measurement:
        """The pose of a frame in the world when something was measured in it.

        Raises:
            MeasurementError: wrong_frame, not known for that time; tf_unstamped; slow_link, a link has stopped, or
                comes late and moves.
        """
        if tf2_ros() is None:
            raise MeasurementError(
                'wrong_frame',
                f'{sensor} is given in frame {frame_id!r} and not in {self._world_frame!r}; set world_frame to it, or '
                f'{sensor}.frame_id if it is the same, or install tf2_ros and publish the transform between them',
            )
        self.fetch()
        chain = self._chain(frame_id, sensor)
        want(chain, stamp_ns)
        late = overdue(chain, stamp_ns)
        if late is not None:
            raise _stopped(late, stamp_ns, sensor)
        rare = slow(chain)
        for link in moving(chain):
            if stamp_ns > link.newest_ns + link.carried_ns and not self._may_be_carried(link, rare):
                raise _too_late(link, sensor)
        try:
            return self._placed(chain, frame_id, max(1, stamp_ns), sensor)  # 0 would mean the newest
        except MeasurementError:
            newest_ns = min((link.newest_ns for link in moving(chain)), default=0)
            if not 0 <= newest_ns - stamp_ns <= _NEAR_NS:
                raise
            return self._placed(chain, frame_id, newest_ns, sensor)

    def forget(self) -> None:
        """Drop what was heard (but for static transforms): it may be of a time to come, before a clock went back."""
        self._links.forget()
        self._clear()

    def _clear(self) -> None:
        self.forgotten += 1
        self._carried.clear()
        if self._buffer is not None:
            self._buffer.clear()

    def destroy(self) -> None:
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._buffer, self._subscriptions = None, ()

    def _listen(self) -> None:
        self._buffer = tf2_ros().Buffer()
        self._subscriptions = tuple(
            self._node.create_subscription(TFMessage, topic, callback, profile, callback_group=Fetched())
            for topic, callback, profile in (
                ('/tf_static', lambda message: self._hear(message, static=True), qos.TF_STATIC),
                ('/tf', self._hear, qos.TF),
            )
        )

    def _hear(self, message: TFMessage, static: bool = False) -> None:
        for transform in message.transforms:
            parent, child = transform.header.frame_id.strip('/'), transform.child_frame_id.strip('/')
            if not _is_taken(transform, parent, child):
                continue
            if not self._links.hear(parent, child, ns_from_stamp(transform.header.stamp), static):
                self._clear()
            put = self._buffer.set_transform_static if static else self._buffer.set_transform
            put(transform, _AUTHORITY)

    def _chain(self, frame_id: str, sensor: str) -> list[Link]:
        chain = self._links.chain(frame_id, self._world_frame)
        if chain is None:
            tops = self._links.top(frame_id), self._links.top(self._world_frame)
            text = f'{sensor}: tf2 knows no way from frame {frame_id!r} to {self._world_frame!r}: on /tf they hang '
            raise MeasurementError('wrong_frame', text + f'on {tops[0]!r} and {tops[1]!r}')
        for link in chain:
            if link.unstamped:
                text = f'{sensor}: {link} comes on /tf with a stamp of zero, so nobody knows of when it is; have its '
                raise MeasurementError('tf_unstamped', text + 'broadcaster fill in the stamp, or use /tf_static')
        return chain

    def _may_be_carried(self, link: Link, rare: list[Link]) -> bool:
        """Whether a link may be taken to be as it was by its newest stamp, late as that is: rare ones always are."""
        if link.late_ns > _LATE_NS:
            return False
        if link in rare:
            return True
        before_ns = max(link.stamps[0], link.newest_ns - link.late_ns)
        before = self._lookup(link.parent, link.child, before_ns, '')
        now = self._as_it_was(link.parent, link.child, link.newest_ns, '')
        turned = np.linalg.norm(now.rot_world_sensor - before.rot_world_sensor) / math.sqrt(2)  # for small angles
        return bool(math.dist(now.position, before.position) < _HARDLY_MOVED and turned < _HARDLY_TURNED)

    def _placed(self, chain: list[Link], frame_id: str, stamp_ns: int, sensor: str) -> Measurement:
        """The pose of a frame at a time; links that have not come since are as they were."""
        placed: Measurement | None = None
        for above, below, carried in _parts(chain, frame_id, stamp_ns):
            look = self._as_it_was if carried is not None else self._lookup
            found = look(above, below, stamp_ns if carried is None else carried.newest_ns, sensor)
            placed = found if placed is None else measurement_in_world(placed, found)
        assert placed is not None, 'a chain has links'
        return replace(placed, stamp_ns=stamp_ns)

    def _as_it_was(self, above: str, below: str, newest_ns: int, sensor: str) -> Measurement:
        """A link's last transform, which is the same for many readings."""
        kept = self._carried.get((above, below))
        if kept is None or kept.stamp_ns != newest_ns:
            kept = self._carried[above, below] = self._lookup(above, below, newest_ns, sensor)
        return kept

    def _lookup(self, above: str, below: str, stamp_ns: int, sensor: str) -> Measurement:
        try:
            found = self._buffer.lookup_transform(above, below, Time(nanoseconds=stamp_ns))
        except tf2_ros().TransformException as error:
            text = f'{sensor}: tf2 does not know frame {below!r} in {above!r} ({error})'
            raise MeasurementError('wrong_frame', text) from error
        return measurement_from_transform(found, sensor)


def _parts(chain: list[Link], frame_id: str, stamp_ns: int) -> Iterator[tuple[str, str, Link | None]]:
    """A chain in parts as tf2 can look them up at one time: above, below, and the link if it is carried on."""
    begin = end = frame_id
    for link in chain:
        above = link.parent if end == link.child else link.child
        if not link.static and link.newest_ns < stamp_ns:
            if begin != end:
                yield end, begin, None
            yield above, end, link
            begin = above
        end = above
    if begin != end:
        yield end, begin, None


def _stopped(link: Link, stamp_ns: int, sensor: str) -> MeasurementError:
    age, most = (stamp_ns - link.newest_ns) / 1e9, link.carried_ns / 1e9
    text = (
        f'{sensor}: {link} last came {age:.2f} s before what is measured ({link.rate}); it is carried on for '
        f'{most:.2g} s at most. Have it published more often, or on /tf_static if it does not change'
    )
    return MeasurementError('slow_link', text)


def _too_late(link: Link, sensor: str) -> MeasurementError:
    text = (
        f'{sensor}: {link} comes {link.late_ns / 1e9:.2f} s after what is measured, and moves meanwhile. Have it sent '
        'sooner, or make this a sensor of type tf, which waits for it'
    )
    return MeasurementError('slow_link', text)


def _is_taken(transform: TransformStamped, parent: str, child: str) -> bool:
    """Whether tf2 takes a transform at all."""
    q, p = transform.transform.rotation, transform.transform.translation
    length = q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w
    named = parent and child and parent != child
    return bool(named and abs(length - 1) < _TF2_TOLERANCE and math.isfinite(p.x + p.y + p.z))
