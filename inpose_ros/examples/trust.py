"""How far a tracked limb may be trusted: the share of its speed limits at which the robot's limb may follow."""

from dataclasses import dataclass
from enum import Enum

from inpose_ros.msg import BodyPose


class Mode(Enum):
    """What a limb of the robot is doing."""

    HELD = 'held'  # stands still: nothing to follow, or nothing to believe
    APPROACHING = 'approaching'  # on its slow way to where the person's limb is
    FOLLOWING = 'following'
    DOUBTFUL = 'doubtful'  # follows slowly: its joint is inferred since a moment, or configured to be


@dataclass(frozen=True)
class Caution:
    """The habits of a careful robot; shares are of the joints' speed limits, times in seconds, lengths in metres."""

    grace: float = 0.2  # an inferred joint is still followed for this long, slowly
    doubtful_share: float = 0.1
    inferred_share: float = 0.0  # after the grace; 0 holds the limb
    degraded_share: float = 0.3  # some sensor of the person is silent
    approach_share: float = 0.1
    near: float = 0.05  # closer than this, an approach is over
    ramp: float = 1.0  # from standing to full speed
    max_stddev: float = 0.1  # a joint that is less certain counts as inferred


class LimbTrust:
    """Follows one limb of the person through what the tracker says of it.

    Trust is lost at once and regained slowly. It never makes the robot faster than the limb's share, so neither the
    first pose nor one after a pause can make it jump.
    """

    def __init__(self, caution: Caution) -> None:
        self._caution = caution
        self.stop('waiting for a pose')

    def stop(self, reason: str) -> None:
        """Hold the limb; it will have to approach again, and an inferred joint gets no grace."""
        self.mode, self.reason = Mode.HELD, reason
        self.share = 0.0
        self._arrived = False
        self._measured_at = float('-inf')

    def update(self, state: int, measured: bool, stddev: float, distance: float, now: float, dt: float) -> float:
        """The share for a step of `dt` [s].

        Args:
            state: of BodyPose.
            measured: whether a sensor measures the limb's joint; `stddev` [m] is how sure its place is.
            distance: from the robot's limb to its target [m].
            now: any clock that does not jump [s].
        """
        caution = self._caution
        if state not in (BodyPose.STATE_TRACKING, BodyPose.STATE_DEGRADED):
            self.stop('the tracker is calibrating' if state == BodyPose.STATE_CALIBRATING else 'not tracked')
            return 0.0
        believed = measured and stddev <= caution.max_stddev
        if believed:
            self._measured_at = now
        in_grace = now - self._measured_at <= caution.grace
        if not in_grace and caution.inferred_share == 0:
            self.stop('inferred' if not measured else f'uncertain by {stddev:.2f} m')
            return 0.0
        self._arrived = self._arrived or distance < caution.near
        self.mode, ceiling = self._ceiling(believed, in_grace, state)
        self.reason = '' if self.mode is Mode.FOLLOWING else self.mode.value
        self.share = min(ceiling, self.share + dt / caution.ramp)
        return self.share

    def _ceiling(self, believed: bool, in_grace: bool, state: int) -> tuple[Mode, float]:
        caution = self._caution
        mode, ceiling = Mode.FOLLOWING, 1.0
        if not self._arrived:
            mode, ceiling = Mode.APPROACHING, caution.approach_share
        if not believed:
            mode, ceiling = Mode.DOUBTFUL, min(ceiling, caution.doubtful_share if in_grace else caution.inferred_share)
        if state == BodyPose.STATE_DEGRADED:
            ceiling = min(ceiling, caution.degraded_share)
        return mode, ceiling
