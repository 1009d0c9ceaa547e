"""One rigid move of all located sensors: a headset that is recentred, a loop that is closed under an odometry.

It is no fault of any sensor, and each alone would be doubted by as much as it was moved: a hand for half a second, the
head not at all. So it is looked for whenever one is doubted, and taken by all at once.
"""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from inpose_ros.geometry import so3
from inpose_ros.sensing.measurement import Measurement
from inpose_ros.sensing.plausibility.jumps import POSITION

# Who has said nothing for so long [ns] takes no part; nor does a step of before that.
_LIVE_NS = 300_000_000
# By so much [ns] clocks and links may differ: the steps of one move are no further from each other.
_SKEW_NS = 60_000_000
# So many of a sensor's last readings say how it moved, and so many of its steps are looked at.
_KEPT, _STEPS = 64, 512
# How a sensor moved is told over so long [ns], and gone on with for so many times that at most.
_BASELINE_NS, _ONWARD = 15_000_000, 3.0
# A turn counts as much as the way of a point so far [m] from the sensor.
_LEVER = 0.5
# So far [m] each is from where it would have been (else it is one alone that has jumped), ...
_MOVED = POSITION.slack
# ... of which the move leaves so much unexplained, ...
_UNEXPLAINED = 0.5
# ... and in all not more than so much [m], [rad], and so much for each second of the step, up to so many.
_OFF, _SPEED = 0.15, 3.0
_OFF_ANGLE, _TURN_RATE = 0.3, 8.0
_UNTIL = 0.05  # [s]


class WorldMove(NamedTuple):
    """Places go to Rz(yaw) p + shift [rad], [m]; `sensors` are those located in that world, and since when [ns]."""

    yaw: float
    shift: Float[np.ndarray, '3']
    sensors: dict[str, int]

    def seen_from(self, yaw: float) -> 'WorldMove':
        """The same move as it is in a world turned by an angle [rad] about the vertical."""
        return self._replace(shift=so3.about_z(yaw) @ self.shift)

    def applied(self, measurement: Measurement) -> Measurement:
        """A reading of before the move as it would have been after it; of an IMU only the heading changes.

        What a sensor has said since is left as it is: not all were doubted when they had moved.
        """
        since_ns = self.sensors.get(measurement.sensor)
        if since_ns is not None and measurement.stamp_ns >= since_ns:
            return measurement
        rot, turn = measurement.rot_world_sensor, so3.about_z(self.yaw)
        place = measurement.position
        return replace(
            measurement,
            rot_world_sensor=None if rot is None else turn @ rot,
            position=None if place is None else turn @ place + self.shift,
        )


@dataclass(frozen=True)
class _Step:
    """From a reading that was believed to the next, by the way from one to the other; `earlier` tells the motion."""

    earlier: Measurement | None
    last: Measurement
    after: Measurement
    length: float

    @cached_property
    def before(self) -> Measurement:
        """Where the sensor would be, had it gone on as it moved."""
        if self.earlier is None:
            return self.last
        baseline_ns = self.last.stamp_ns - self.earlier.stamp_ns
        return _carried_on(self.earlier, self.last, (self.after.stamp_ns - self.last.stamp_ns) / baseline_ns)

    @cached_property
    def way(self) -> float:
        """How far it is from there [m]."""
        return _way(self.before, self.after)

    @property
    def turn(self) -> Float[np.ndarray, '3 3'] | None:
        return _turn(self.before, self.after)

    def is_near(self, other: '_Step') -> bool:
        """Whether one move may have caused both."""
        apart_ns = max(self.last.stamp_ns, other.last.stamp_ns) - min(self.after.stamp_ns, other.after.stamp_ns)
        return apart_ns <= _SKEW_NS

    def is_explained_by(self, rot: Float[np.ndarray, '3 3'], shift: Float[np.ndarray, '3']) -> bool:
        """Whether the sensor is where a move puts it."""
        turn, seconds = self.turn, min((self.after.stamp_ns - self.last.stamp_ns) / 1e9, _UNTIL)
        off = math.dist(rot @ self.before.position + shift, self.after.position)
        angle = 0.0 if turn is None else so3.angle_between(rot, turn)
        bounded = off <= _OFF + _SPEED * seconds and angle <= _OFF_ANGLE + _TURN_RATE * seconds
        return bounded and math.hypot(off, _LEVER * angle) <= _UNEXPLAINED * self.way


@dataclass
class _Track:
    """One sensor's last believed readings, its newest, believed or not, and its steps from where it was believed."""

    believed: deque[Measurement] = field(default_factory=lambda: deque(maxlen=_KEPT))
    steps: deque[_Step] = field(default_factory=lambda: deque(maxlen=_STEPS))
    newest: Measurement | None = None

    def note(self, measurement: Measurement, believed: bool) -> None:
        if self.newest is not None and measurement.stamp_ns < self.newest.stamp_ns:
            return
        if self.believed and self.newest is self.believed[-1]:
            self.steps.append(_Step(self._earlier(), self.newest, measurement, _way(self.newest, measurement)))
        self.newest = measurement
        if believed:
            self.believed.append(measurement)

    def _earlier(self) -> Measurement | None:
        """The believed reading that tells how the sensor moves at its last; None: it was silent before."""
        last_ns = self.believed[-1].stamp_ns
        earlier = next((own for own in reversed(self.believed) if last_ns - own.stamp_ns >= _BASELINE_NS), None)
        return None if earlier is None or last_ns - earlier.stamp_ns > 4 * _BASELINE_NS else earlier

    def longest_step(self, near: _Step | None = None) -> _Step | None:
        """The longest of its last steps, or of those near another sensor's."""
        since_ns = self.newest.stamp_ns - _LIVE_NS
        lately = [own for own in self.steps if own.after.stamp_ns >= since_ns and (near is None or own.is_near(near))]
        return max(lately, key=lambda own: own.length, default=None)


class WorldMoves:
    """Follows all located sensors, and finds the moves that they have in common.

    Each may have moved without being doubted (who is near the axis of a turn), and before or after the one that is. So
    of each the longest step thereabouts is taken, and asked whether one move explains them all.
    """

    def __init__(self) -> None:
        self._tracks: dict[str, _Track] = {}

    def forget(self, sensor: str) -> None:
        self._tracks.pop(sensor, None)

    def note(self, measurement: Measurement, believed: bool) -> None:
        """Take note of a reading with a position, judged already."""
        self._tracks.setdefault(measurement.sensor, _Track()).note(measurement, believed)

    def found(self, sensor: str, exchanged: bool) -> WorldMove | None:
        """The move that all located sensors have made, where it explains that one is doubted now.

        Args: exchanged: it is where another was. Of two sensors that is no more than half a turn of their world.
        """
        doubted = self._tracks[sensor]
        step = doubted.longest_step()
        live = {
            name: track
            for name, track in self._tracks.items()
            if doubted.newest.stamp_ns - track.newest.stamp_ns <= _LIVE_NS
        }
        if step is None or len(live) < (3 if exchanged else 2):
            return None
        steps = {name: track.longest_step(step) for name, track in live.items()}
        if not all(own is not None and own.way > _MOVED for own in steps.values()):
            return None  # one alone, or somebody has not spoken since
        yaw = _common_yaw(steps.values())
        rot = so3.about_z(yaw)
        shift = sum(own.after.position - rot @ own.before.position for own in steps.values()) / len(steps)
        if not all(own.is_explained_by(rot, shift) for own in steps.values()):
            return None
        return WorldMove(yaw, shift, {name: own.after.stamp_ns for name, own in steps.items()})


def _carried_on(earlier: Measurement, last: Measurement, share: float) -> Measurement:
    """The last of two readings, carried on by a share of the way from the first to it."""
    share = min(share, _ONWARD)
    rot, before = last.rot_world_sensor, earlier.rot_world_sensor
    if rot is not None and before is not None:
        rot = rot @ so3.exp(share * so3.log((before.T @ rot)[None]))[0]
    return replace(last, rot_world_sensor=rot, position=last.position + share * (last.position - earlier.position))


def _turn(one: Measurement, other: Measurement) -> Float[np.ndarray, '3 3'] | None:
    """The rotation in the world from one to the other; None where one has none."""
    if one.rot_world_sensor is None or other.rot_world_sensor is None:
        return None
    return other.rot_world_sensor @ one.rot_world_sensor.T


def _way(one: Measurement, other: Measurement) -> float:
    """From one place and rotation to another [m]."""
    turn = _turn(one, other)
    angle = 0.0 if turn is None else so3.angle_between(turn, np.eye(3))
    return math.hypot(math.dist(one.position, other.position), _LEVER * angle)


def _common_yaw(steps: Iterable[_Step]) -> float:
    """By which all turned about the vertical [rad], on average; zero where nobody says a rotation."""
    turns = [turn for step in steps if (turn := step.turn) is not None]
    return so3.heading(sum(turns)) if turns else 0.0
