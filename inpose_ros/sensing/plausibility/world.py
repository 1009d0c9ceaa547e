"""One rigid move of all located sensors: a headset that is recentred, a loop that is closed under an odometry.

It is no fault of any sensor, and each alone would be doubted by as much as it was moved: a hand for half a second, the
head not at all. So it is looked for whenever one is doubted, and taken by all at once.
"""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from inpose_ros.geometry import so3
from inpose_ros.sensing.measurement import Measurement

# Who has said nothing for so long [ns] takes no part.
_LIVE_NS = 300_000_000
# All have said where they are within so long [ns] of the first to be doubted: by then people have not gone far.
_SOON_NS = 150_000_000
# So many of a sensor's last readings say where it was before.
_KEPT = 64
# How far a sensor is from where the move puts it: so much at most [m], [rad], and so much more for each second since.
_OFF, _SPEED = 0.15, 3.0
_OFF_ANGLE, _TURN_RATE = 0.3, 8.0
_UNTIL = 0.05  # [s]
# How a sensor moved is told over so long [ns], and gone on with for so many times that at most.
_BASELINE_NS, _ONWARD = 15_000_000, 3.0
# A longer way [m] is explained where most of it is gone.
_SHORT, _EXPLAINED = 0.3, 0.5
# Each is somewhere else now [m], or turned [rad]: else it is one alone that has jumped a little.
_MOVED, _TURNED = 0.2, 0.35


class WorldMove(NamedTuple):
    """Places go to Rz(yaw) p + shift [rad], [m]; `sensors` are those that are located in that world."""

    yaw: float
    shift: Float[np.ndarray, '3']
    sensors: tuple[str, ...]

    def seen_from(self, yaw: float) -> 'WorldMove':
        """The same move as it is in a world turned by an angle [rad] about the vertical."""
        return self._replace(shift=so3.about_z(yaw) @ self.shift)

    def applied(self, measurement: Measurement) -> Measurement:
        """A reading of before the move as it would have been after it; of an IMU only the heading changes."""
        rot, turn = measurement.rot_world_sensor, so3.about_z(self.yaw)
        place = measurement.position
        return replace(
            measurement,
            rot_world_sensor=None if rot is None else turn @ rot,
            position=None if place is None else turn @ place + self.shift,
        )


@dataclass
class _Track:
    """One sensor's last believed readings, and its newest, believed or not."""

    believed: deque[Measurement] = field(default_factory=lambda: deque(maxlen=_KEPT))
    newest: Measurement | None = None

    def gone_on(self, since_ns: int) -> Measurement | None:
        """Where the sensor would be at its newest stamp, had it gone on from before a time as it moved then."""
        rows = [own for own in self.believed if own.stamp_ns < since_ns]
        if not rows:
            return None
        last = rows[-1]
        earlier = next((own for own in reversed(rows) if last.stamp_ns - own.stamp_ns >= _BASELINE_NS), None)
        if earlier is None or last.stamp_ns - earlier.stamp_ns > 4 * _BASELINE_NS:
            return last
        return _carried_on(earlier, last, (self.newest.stamp_ns - last.stamp_ns) / (last.stamp_ns - earlier.stamp_ns))


class WorldMoves:
    """Follows all located sensors, and finds the moves that they have in common."""

    def __init__(self) -> None:
        self._tracks: dict[str, _Track] = {}

    def forget(self, sensor: str) -> None:
        self._tracks.pop(sensor, None)

    def note(self, measurement: Measurement, believed: bool) -> None:
        """Take note of a reading with a position, judged already."""
        track = self._tracks.setdefault(measurement.sensor, _Track())
        if track.newest is None or measurement.stamp_ns >= track.newest.stamp_ns:
            track.newest = measurement
            if believed:
                track.believed.append(measurement)

    def found(self, sensor: str, since_ns: int, exchanged: bool) -> WorldMove | None:
        """The move that all located sensors have made, where it explains that one is doubted `since_ns`.

        Args: exchanged: it is where another was. Of two sensors that is no more than half a turn of their world.
        """
        now_ns = self._tracks[sensor].newest.stamp_ns
        if now_ns - since_ns > _SOON_NS:
            return None
        live = {
            name: (track.gone_on(since_ns), track.newest)
            for name, track in self._tracks.items()
            if now_ns - track.newest.stamp_ns <= _LIVE_NS
        }
        steps = [_Step(*pair) for pair in live.values() if pair[0] is not None]
        if len(steps) < max(3 if exchanged else 2, len(live)) or any(step.after.stamp_ns < since_ns for step in steps):
            return None  # one alone, or somebody has not spoken since
        yaw = _common_yaw(steps)
        rot = so3.about_z(yaw)
        shift = sum(step.after.position - rot @ step.before.position for step in steps) / len(steps)
        explained = all(step.has_moved and step.is_explained_by(rot, shift) for step in steps)
        return WorldMove(yaw, shift, tuple(live)) if explained else None


class _Step(NamedTuple):
    """Where a sensor would be, had its world not moved, and where it is."""

    before: Measurement
    after: Measurement

    @property
    def seconds(self) -> float:
        """Since it was known where it is."""
        return (self.after.stamp_ns - self.before.stamp_ns) / 1e9

    @property
    def turn(self) -> Float[np.ndarray, '3 3'] | None:
        before, after = self.before.rot_world_sensor, self.after.rot_world_sensor
        return None if before is None or after is None else after @ before.T

    @property
    def has_moved(self) -> bool:
        """Whether it is clearly somewhere else, or turned."""
        turn = self.turn
        moved = math.dist(self.before.position, self.after.position) > _MOVED
        return moved or (turn is not None and so3.angle_between(turn, np.eye(3)) > _TURNED)

    def is_explained_by(self, rot: Float[np.ndarray, '3 3'], shift: Float[np.ndarray, '3']) -> bool:
        """Whether the sensor is where a move puts it."""
        put = rot @ self.before.position + shift
        seconds = min(self.seconds, _UNTIL)
        off, way = math.dist(put, self.after.position), math.dist(self.before.position, self.after.position)
        if off > _OFF + _SPEED * seconds or (way > _SHORT and off > _EXPLAINED * way):
            return False
        turn = self.turn
        return turn is None or so3.angle_between(rot, turn) <= _OFF_ANGLE + _TURN_RATE * seconds


def _carried_on(earlier: Measurement, last: Measurement, share: float) -> Measurement:
    """The last of two readings, carried on by a share of the way from the first to it."""
    share = min(share, _ONWARD)
    rot, before = last.rot_world_sensor, earlier.rot_world_sensor
    if rot is not None and before is not None:
        rot = rot @ so3.exp(share * so3.log((before.T @ rot)[None]))[0]
    return replace(last, rot_world_sensor=rot, position=last.position + share * (last.position - earlier.position))


def _common_yaw(steps: Iterable[_Step]) -> float:
    """By which all turned about the vertical [rad], on average; zero where nobody says a rotation."""
    turns = [turn for step in steps if (turn := step.turn) is not None]
    return so3.heading(sum(turns)) if turns else 0.0
