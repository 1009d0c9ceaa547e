"""Whose clock is not the others': a sensor whose stamps run ahead of its fellows', or behind them."""

from collections import deque
from typing import NamedTuple

# A sensor's lead is the most by which a stamp was ahead of its arrival within this time [ns]: what took least long.
_SPAN_NS, _BIN_NS = 1_000_000_000, 250_000_000
# Leads are known of who has spoken so lately [ns], so often, and for so long [ns].
_LIVE_NS, _LEAST, _HEARD_NS = 500_000_000, 4, 250_000_000
# More than this [ns] is no jitter. Who is ahead would draw the end of the window away from all others; who is behind is
# of no use from where values are not carried on any more.
AHEAD_NS, BEHIND_NS = 40_000_000, 60_000_000
# Who was odd is so until the offset is less than this part of that.
_STAYS = 0.6


class _Bin(NamedTuple):
    begin_ns: int
    lead_ns: int
    count: int


class ClockOffsets:
    """Compares by how much each sensor's stamps are ahead of the time of their arrival.

    What the sensors have in common is nobody's fault, such as a clock of another machine; the usual one is the middle
    one of all. Of two camps of one size that is right which is nearer to the clock at hand.
    """

    def __init__(self) -> None:
        self._leads: dict[str, deque[_Bin]] = {}
        self._newest: dict[str, int] = {}
        self._odd: dict[str, int] = {}

    def arrived(self, sensor: str, stamp_ns: int, arrived_ns: int) -> None:
        """Take note of a reading."""
        bins, lead = self._leads.setdefault(sensor, deque(maxlen=_SPAN_NS // _BIN_NS)), stamp_ns - arrived_ns
        before = self._newest.get(sensor, arrived_ns)
        if not 0 <= arrived_ns - before < _SPAN_NS:  # after a silence, or time went back
            bins.clear()
        self._newest[sensor] = arrived_ns
        if bins and arrived_ns - bins[-1].begin_ns < _BIN_NS:
            last = bins[-1]
            bins[-1] = _Bin(last.begin_ns, max(last.lead_ns, lead), last.count + 1)
        else:
            bins.append(_Bin(arrived_ns, lead, 1))

    def forget(self, sensor: str | None = None) -> None:
        """One sensor is another device now; None: time went back."""
        for kept in (self._leads, self._newest, self._odd):
            if sensor is None:
                kept.clear()
            else:
                kept.pop(sensor, None)

    def odd(self, now_ns: int, step_ns: int = 0) -> dict[str, int]:
        """The sensors that are ahead of the others, or (negative) behind them, by how much [ns].

        Args: step_ns: in which the clock of the arrivals goes on; between two steps nobody knows more.
        """
        leads = self._known(now_ns)
        if len(leads) < 2:
            self._odd = {}
            return {}
        usual = _middle(list(leads.values()))
        offsets = {name: lead - usual for name, lead in leads.items()}
        self._odd = {name: offset for name, offset in offsets.items() if self._is_odd(name, offset, step_ns)}
        return self._odd

    def _is_odd(self, sensor: str, offset_ns: int, step_ns: int) -> bool:
        stays = _STAYS if sensor in self._odd else 1.0
        return offset_ns > stays * AHEAD_NS + step_ns or offset_ns < -stays * BEHIND_NS - step_ns

    def _known(self, now_ns: int) -> dict[str, int]:
        found = {}
        for name, bins in self._leads.items():
            newest = self._newest[name]
            enough = sum(own.count for own in bins) >= _LEAST and newest - bins[0].begin_ns >= _HEARD_NS
            if enough and now_ns - newest <= _LIVE_NS:
                found[name] = max(own.lead_ns for own in bins)
        return found


def _middle(leads: list[int]) -> int:
    """The median; of an even number the one of the two in the middle that is nearer to zero."""
    rising = sorted(leads)
    return min(rising[(len(rising) - 1) // 2], rising[len(rising) // 2], key=abs)
