"""A stand-in for tf2_ros, which does not come with the wheels: the part of its interface that the node uses.

Where the real one is installed, test_tf_input.py runs with that instead.
"""

import types
from bisect import bisect_left

import numpy as np
from geometry_msgs.msg import TransformStamped
from rclpy.time import Time
from scipy.spatial.transform import Rotation, Slerp

from inpose_ros.node.conversions.sensors import transforms_from_measurement
from inpose_ros.node.conversions.stamp import ns_from_stamp
from inpose_ros.sensing.measurement import Measurement


class TransformException(Exception):
    pass


Placed = tuple[Rotation, np.ndarray]


class Buffer:
    """The transforms to each frame from its parent, by stamp."""

    def __init__(self) -> None:
        self._moving: dict[str, dict[int, TransformStamped]] = {}
        self._static: dict[str, TransformStamped] = {}

    def set_transform(self, transform: TransformStamped, authority: str) -> None:
        rows, stamp_ns = self._moving.setdefault(transform.child_frame_id, {}), ns_from_stamp(transform.header.stamp)
        if stamp_ns > max(rows, default=stamp_ns) - 10 * 10**9:  # as the real one: what is too old is dropped
            rows[stamp_ns] = transform

    def set_transform_static(self, transform: TransformStamped, authority: str) -> None:
        self._static[transform.child_frame_id] = transform

    def clear(self) -> None:
        self._moving.clear()

    def lookup_transform(self, target_frame: str, source_frame: str, time: Time) -> TransformStamped:
        up, down = self._to_root(source_frame), self._to_root(target_frame)
        while up and down and up[-1] == down[-1]:
            del up[-1], down[-1]
        if (self._parent(up[-1]) if up else source_frame) != (self._parent(down[-1]) if down else target_frame):
            raise TransformException(f'{source_frame} and {target_frame} are not in one tree')
        stamp_ns = time.nanoseconds or min((max(self._moving[f]) for f in (*up, *down) if f in self._moving), default=0)
        placed = _chained([self._at(frame, stamp_ns) for frame in up])
        rot, position = _chained([placed, _inverse(_chained([self._at(frame, stamp_ns) for frame in down]))])
        found = Measurement('', stamp_ns, rot.as_matrix(), position)
        return transforms_from_measurement(found, target_frame, source_frame).transforms[0]

    def _parent(self, frame: str) -> str:
        rows = self._moving.get(frame)
        return (rows[max(rows)] if rows else self._static[frame]).header.frame_id

    def _to_root(self, frame: str) -> list[str]:
        frames = []
        while frame in self._static or self._moving.get(frame):
            frames.append(frame)
            frame = self._parent(frame)
        return frames

    def _at(self, frame: str, stamp_ns: int) -> Placed:
        rows = self._moving.get(frame)
        if not rows:
            return _placed(self._static[frame])
        stamps = sorted(rows)
        if not stamps[0] <= stamp_ns <= stamps[-1]:
            raise TransformException(f'{frame} at {stamp_ns} would require extrapolation from {stamps[-1]}')
        k = bisect_left(stamps, stamp_ns)
        if stamps[k] == stamp_ns:
            return _placed(rows[stamp_ns])
        (rot, position), (later, place) = (_placed(rows[stamps[j]]) for j in (k - 1, k))
        part = (stamp_ns - stamps[k - 1]) / (stamps[k] - stamps[k - 1])
        return Slerp([0, 1], Rotation.concatenate([rot, later]))(part), position + part * (place - position)


def _placed(transform: TransformStamped) -> Placed:
    q, p = transform.transform.rotation, transform.transform.translation
    return Rotation.from_quat((q.x, q.y, q.z, q.w)), np.array((p.x, p.y, p.z))


def _chained(poses: list[Placed]) -> Placed:
    """One after another, the innermost first."""
    rot, position = Rotation.identity(), np.zeros(3)
    for outer, place in poses:
        rot, position = outer * rot, outer.apply(position) + place
    return rot, position


def _inverse(pose: Placed) -> Placed:
    return pose[0].inv(), -pose[0].inv().apply(pose[1])


def module() -> types.ModuleType:
    """What `import tf2_ros` is to give."""
    made = types.ModuleType('tf2_ros')
    made.Buffer, made.TransformException = Buffer, TransformException
    return made
