"""Two trackers that change places at once have not moved: their names were exchanged."""

import math
from collections.abc import Mapping

from inpose_ros.sensing.plausibility.jumps import Jumps, Reading

# So near [m] to where the other was: a hand moves so far between two readings of a slow tracker.
_NEAR = 0.3
# Both step within this time [ns]; and who has said nothing for so long takes no part in a swap any more.
_TOGETHER_NS = 250_000_000
_SILENT_NS = 500_000_000
# Who has been exchanged for so long [ns] is believed: it may be that what went before was wrong.
LONGEST_NS = 5_000_000_000


class Swaps:
    """Finds pairs among the position jumps of all sensors, and follows them.

    While two are exchanged, each one's reading tells where the other's limb is, so each can be recognised when it comes
    back. Where the two come so near to each other that nobody could tell them apart, and after LONGEST_NS, the pair is
    dissolved: nothing is to be refused for ever.
    """

    def __init__(self, jumps: Mapping[str, Jumps]) -> None:
        """Args: jumps: by sensor; the same objects that judge the readings, and the mapping may change."""
        self._jumps = jumps
        self._partner: dict[str, str] = {}
        self._since_ns: dict[str, int] = {}

    def partner(self, sensor: str) -> str | None:
        """With whom this sensor is exchanged at present."""
        return self._partner.get(sensor)

    def forget(self, sensor: str) -> None:
        partner = self._partner.pop(sensor, None)
        if partner is not None:
            self._partner.pop(partner, None)

    def follow(self, sensor: str, reading: Reading) -> None:
        """Take note of a reading that `jumps` has just judged: a pair begins, goes on, or ends."""
        partner = self._partner.get(sensor)
        if partner is None:
            self._look_for_partner(sensor)
        elif self._is_over(sensor, partner):
            self.forget(sensor)
        else:
            self._jumps[partner].last = reading

    def _is_over(self, sensor: str, partner: str) -> bool:
        own, other = self._jumps[sensor], self._jumps[partner]
        if own.away is None or other.away is None:
            # The first to come back ends it for both: the other is back with its next reading, which `last` foretells.
            return True
        silent = own.away.stamp_ns - other.away.stamp_ns > _SILENT_NS
        lasting = own.away.stamp_ns - self._since_ns[sensor] > LONGEST_NS
        return silent or lasting or math.dist(own.away.value, other.away.value) < _NEAR

    def _look_for_partner(self, sensor: str) -> None:
        own = self._jumps[sensor]
        if own.away is None:
            return
        for name, other in self._jumps.items():
            if name != sensor and name not in self._partner and other.away is not None and _exchanged(own, other):
                self._partner |= {sensor: name, name: sensor}
                self._since_ns[sensor] = self._since_ns[name] = own.away.stamp_ns
                own.last, other.last = other.away, own.away
                return


def _exchanged(one: Jumps, other: Jumps) -> bool:
    if abs(one.since_ns - other.since_ns) > _TOGETHER_NS:
        return False
    return math.dist(one.away.value, other.last.value) < _NEAR and math.dist(other.away.value, one.last.value) < _NEAR
