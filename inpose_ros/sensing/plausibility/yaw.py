"""Turns about the vertical, of which gravity says nothing: what sensors on one trunk say of them, compared."""

import math
from collections import deque
from collections.abc import Sequence
from itertools import pairwise

from inpose_ros.sensing.measurement import Measurement, Sensor

# Where these turn for good, all do: a head by 90 degrees at most against the pelvis, either way.
TRUNK = ('pelvis', 'spine1', 'spine2', 'spine3', 'neck', 'head')
# What was turned is noted so often [ns], and so many notes are kept: eight seconds.
_NOTE_NS = 250_000_000
_NOTES = 33
# Looked at are the last so many notes.
_SPANS = (6, 10, 14, 17, 20, 26, 32)
# Two turn against each other where each goes its own way by this [rad], neither by less than half of the other, and
# they come apart by this [rad]; or by this [rad] at all, as no body can be twisted.
_TURNED = 1.0
_APART = 2.6
_TWISTED = 4.4
# By this [rad] it is enough where one that gives an orientation has turned by this [rad], they differ by this part of
# that, and have come apart all along these spans, not in one look around: by this part of an even pace in each quarter.
_PARTED, _LED = 3.2, 2.0
_DIFFERS = 0.6
_LONG, _EVEN = 14, 0.33
# They agree where they differ by less than this part of the turn.
_AGREES = 0.4
# A direction of the vertical is a mean of the specific force over about this time [s].
_SLOW = 0.5
_GAP_NS = 300_000_000
_SAMPLE_NS = 30_000_000
# Notes older than those of others by this [ns] are of one who has stopped.
_SILENT_NS = 1_000_000_000


class YawTrack:
    """How far one sensor has turned about the vertical, over the last seconds."""

    def __init__(self) -> None:
        self.is_oriented = False
        self._forget()

    def _forget(self) -> None:
        self._stamp_ns: int | None = None
        self._yaw = 0.0
        self._rows: list[list[float]] | None = None
        self._up: list[float] | None = None
        self.notes: deque[tuple[int, float]] = deque(maxlen=_NOTES)

    def hear(self, measurement: Measurement) -> bool:
        """Take note of a reading; whether a new note was made. Readings out of order change nothing."""
        stamp_ns = measurement.stamp_ns
        self.is_oriented = measurement.rot_world_sensor is not None
        if self._stamp_ns is not None and not -_NOTE_NS < stamp_ns - self._stamp_ns <= _GAP_NS:
            self._forget()
        if self._stamp_ns is not None and stamp_ns <= self._stamp_ns:
            return False
        if self.is_oriented:
            if self._stamp_ns is not None and stamp_ns - self._stamp_ns < _SAMPLE_NS:
                return False
            self._follow(measurement.rot_world_sensor.tolist())
        else:
            seconds = 0.0 if self._stamp_ns is None else (stamp_ns - self._stamp_ns) / 1e9
            self._integrate(measurement, seconds)
        self._stamp_ns = stamp_ns
        number = stamp_ns // _NOTE_NS
        if self.notes and self.notes[-1][0] == number:
            return False
        self.notes.append((number, self._yaw))
        return True

    def _follow(self, rows: list[list[float]]) -> None:
        """What two orientations differ by about the vertical, which is little."""
        if self._rows is not None:
            (a, b), (c, d) = rows[:2], self._rows[:2]
            sine = sum(p * q for p, q in zip(b, c)) - sum(p * q for p, q in zip(a, d))
            cosine = sum(p * q for p, q in zip(a, c)) + sum(p * q for p, q in zip(b, d))
            self._yaw += math.atan2(sine, cosine)
        self._rows = rows

    def _integrate(self, measurement: Measurement, seconds: float) -> None:
        """The gyro's part about the vertical, which is where the force points in the mean."""
        force, gyro = measurement.specific_force.tolist(), measurement.angular_velocity.tolist()
        if self._up is None:
            self._up = force
        share, up = min(1.0, seconds / _SLOW), self._up
        for axis in (0, 1, 2):
            up[axis] += share * (force[axis] - up[axis])
        length = math.hypot(*up)
        if length > 1.0:
            self._yaw += sum(p * q for p, q in zip(up, gyro)) / length * seconds

    def rate(self, seconds: float) -> float | None:
        """How fast [rad/s] it turned in the last seconds; None: it was not heard all the time."""
        number, yaw = self.notes[-1]
        count = round(seconds * 1e9) // _NOTE_NS
        before = dict(self.notes).get(number - count)
        return None if before is None or count == 0 else (yaw - before) / (count * _NOTE_NS / 1e9)


def disagree(
    own: Sequence[tuple[int, float]], other: Sequence[tuple[int, float]], other_is_oriented: bool = False
) -> bool | None:
    """Whether two turn against each other, by their notes; None: nobody can tell."""
    first, known = dict(own), dict(other)
    both = sorted(first.keys() & known.keys())
    verdict = None
    for span in _SPANS:
        if len(both) <= span or both[-1] - both[-1 - span] > span + 2:
            break
        mine, others = (kept[both[-1]] - kept[both[-1 - span]] for kept in (first, known))
        apart, less, more = abs(mine - others), *sorted((abs(mine), abs(others)))
        opposed = mine * others < 0 and less > max(_TURNED, more / 2) and apart > _APART
        if opposed or apart > _TWISTED:
            return True
        if other_is_oriented and abs(others) > _LED and apart > max(_PARTED, _DIFFERS * abs(others)):
            if span >= _LONG and _part_evenly([first[n] - known[n] for n in both[-1 - span :]]):
                return True
        if abs(others) > 2 * _TURNED and apart < _AGREES * abs(others):
            verdict = False
    return verdict


def _part_evenly(difference: Sequence[float]) -> bool:
    """Whether what two differ by grows, or falls, in each quarter of the time."""
    last = len(difference) - 1
    at = [difference[round(last * quarter / 4)] for quarter in range(5)]
    whole = at[-1] - at[0]
    return all((after - before) * whole > _EVEN / 4 * whole * whole for before, after in pairwise(at))


class YawFellows:
    """Finds out IMUs on the trunk that turn the other way than all that are worn there with them.

    Only those are judged that give no orientation: with them it is the gyro alone that turns. Of two that differ, one
    with an orientation is believed; where none has one, two that agree are.
    """

    def __init__(self) -> None:
        self._tracks: dict[str, YawTrack] = {}
        self._against: dict[str, dict[str, bool]] = {}

    def forget(self, sensor: str) -> None:
        self._tracks.pop(sensor, None)
        self._against.pop(sensor, None)
        for verdicts in self._against.values():
            verdicts.pop(sensor, None)

    def hear(self, measurement: Measurement, sensor: Sensor) -> None:
        """A reading of any sensor."""
        if sensor.joint not in TRUNK or not _tells(measurement):
            return
        track = self._tracks.setdefault(sensor.name, YawTrack())
        if track.hear(measurement) and not track.is_oriented:
            verdicts = self._against.setdefault(sensor.name, {})
            for name, other in self._tracks.items():
                if name != sensor.name and track.notes[-1][0] - other.notes[-1][0] < _SILENT_NS // _NOTE_NS:
                    found = disagree(track.notes, other.notes, other.is_oriented)
                    if found is not None:
                        verdicts[name] = found

    def turning(self, sensor: str, seconds: float) -> list[float]:
        """How fast [rad/s] all others that are heard turned in the last seconds."""
        newest = max((track.notes[-1][0] for track in self._tracks.values()), default=0)
        heard = [
            track
            for name, track in self._tracks.items()
            if name != sensor and newest - track.notes[-1][0] < _SILENT_NS // _NOTE_NS
        ]
        rates = [track.rate(seconds) for track in heard]
        return [rate for rate in rates if rate is not None]

    def opponents(self, sensor: str) -> tuple[str, ...]:
        """Those against which the sensor turns, if it is taken to be wrong; else none."""
        verdicts = self._against.get(sensor)
        if not verdicts or not all(verdicts.values()):
            return ()
        oriented = any(self._tracks[name].is_oriented for name in verdicts)
        return tuple(verdicts) if oriented or len(verdicts) > 1 else ()


def _tells(measurement: Measurement) -> bool:
    if measurement.rot_world_sensor is not None:
        return True
    return measurement.angular_velocity is not None and measurement.specific_force is not None
