"""Gyro against orientation, of an IMU that gives both: which of them does not move as the other does."""

import math

from inpose_ros.sensing.measurement import Measurement
from inpose_ros.sensing.plausibility.stuck import BIAS, STILL, TURNED, Look, StuckOrientation
from inpose_ros.sensing.plausibility.votes import Votes
from inpose_ros.sensing.quaternions import NO_TURN, Triple, angle, inverse, of_matrix, product, turned_on

# The gyro is integrated over so long [ns], in steps of so long [ns], and compared with how the orientation changed.
# That is looked at so often [ns] on the way: more often, its noise would make a path.
_INTERVAL_NS = 500_000_000
_STEP_NS = 18_000_000
_LOOK_NS = 98_000_000
# After a longer silence [ns] nobody knows what lay between.
_GAP_NS = 150_000_000
_VOTES = 4
# They disagree where they differ by this part of the way that either turned, a path there and back included: a filter
# that lags behind its gyro differs by less. They agree where it is less than that part of the turn.
_DIFFERS = 0.6
_AGREES = 0.4


class GyroAgainstOrientation:
    """Judges one sensor."""

    def __init__(self) -> None:
        self._gyro_votes, self._stuck = Votes(_VOTES), StuckOrientation()
        self._last: Measurement | None = None
        self._begin_ns = 0

    @property
    def is_gyro_wrong(self) -> bool:
        """Whether the gyro is what is wrong: the orientation moves, but not as it says."""
        return self._gyro_votes.wrong

    @property
    def is_stuck(self) -> bool:
        """Whether the orientation stays as it is, though the gyro says that it turned."""
        return self._stuck.wrong

    def hear(self, measurement: Measurement) -> None:
        """A reading with both. Readings out of order change nothing."""
        last, stamp_ns = self._last, measurement.stamp_ns
        if last is None or stamp_ns - last.stamp_ns > _GAP_NS:
            self._begin_anew(measurement)
        elif stamp_ns > last.stamp_ns:
            x, y, z = measurement.angular_velocity.tolist()
            self._integrate(x, y, z, (stamp_ns - last.stamp_ns) / 1e9)
            self._last = measurement
            if stamp_ns - self._stepped_ns >= _STEP_NS:
                self._step(measurement)
            if stamp_ns - self._looked_ns >= _LOOK_NS:
                self._look(measurement)
            if stamp_ns - self._begin_ns >= _INTERVAL_NS:
                self._vote((stamp_ns - self._begin_ns) / 1e9)
                self._begin(measurement)
        elif stamp_ns < self._begin_ns:  # time went back
            self._begin_anew(measurement)

    def _begin_anew(self, measurement: Measurement) -> None:
        self._stuck.interrupt()
        self._begin(measurement)
        self._look(measurement)

    def _begin(self, measurement: Measurement) -> None:
        self._last = measurement
        self._begin_ns = self._stepped_ns = self._looked_ns = measurement.stamp_ns
        self._first = self._newest = of_matrix(measurement.rot_world_sensor.tolist())
        self._turn = self._looked_turn = NO_TURN
        self._sum: Triple = (0.0, 0.0, 0.0)
        self._gyro_path = self._seen_path = 0.0
        self._gyro_furthest = self._seen_furthest = 0.0
        self._slowest, self._fastest = math.inf, 0.0

    def _integrate(self, x: float, y: float, z: float, seconds: float) -> None:
        a, b, c = self._sum
        self._sum = (a + x * seconds, b + y * seconds, c + z * seconds)
        rate = math.sqrt(x * x + y * y + z * z)
        self._gyro_path += rate * seconds
        self._slowest, self._fastest = min(self._slowest, rate), max(self._fastest, rate)

    def _step(self, measurement: Measurement) -> None:
        self._stepped_ns = measurement.stamp_ns
        self._turn, self._sum = turned_on(self._turn, *self._sum), (0.0, 0.0, 0.0)
        self._gyro_furthest = max(self._gyro_furthest, angle(self._turn))

    def _look(self, measurement: Measurement) -> None:
        self._step(measurement)
        self._looked_ns = measurement.stamp_ns
        now = of_matrix(measurement.rot_world_sensor.tolist())
        self._seen_path += angle(product(inverse(self._newest), now))
        self._newest = now
        self._seen_furthest = max(self._seen_furthest, angle(product(inverse(self._first), now)))
        turn, self._looked_turn = product(inverse(self._looked_turn), self._turn), self._turn
        force = measurement.specific_force
        force = None if force is None else tuple(force.tolist())
        was_stuck = self._stuck.wrong
        self._stuck.look(Look(measurement.stamp_ns, now, turn, self._slowest, self._fastest, force))
        if self._stuck.wrong != was_stuck:  # what was said of the gyro was said of another orientation
            self._gyro_votes = Votes(_VOTES)

    def _vote(self, seconds: float) -> None:
        self._look(self._last)
        is_dead = self._fastest == self._slowest  # to the bit
        if self._stuck.wrong or (self._seen_furthest < STILL and self._gyro_furthest > TURNED and not is_dead):
            return  # nobody knows whether the gyro is what is wrong
        self._gyro_votes.cast(self._differ(seconds))

    def _differ(self, seconds: float) -> bool | None:
        seen = product(inverse(self._first), self._newest)
        turned, off = max(angle(seen), angle(self._turn)), angle(product(inverse(self._turn), seen))
        if turned < TURNED:
            return None
        if self._fastest == self._slowest and off > turned / 2:  # to the bit: it is dead
            return True
        if off > _DIFFERS * max(self._gyro_path, self._seen_path) + BIAS * seconds:
            return True
        return False if off < _AGREES * turned + BIAS * seconds else None
