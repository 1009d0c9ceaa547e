"""Whose clock is not the others': a sensor whose stamps run ahead of its fellows', or behind them."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

# A sensor's lead is the most by which a stamp was ahead of its arrival within this time [ns]: what took least long.
_SPAN_NS, _BIN_NS = 500_000_000, 125_000_000
# Leads are known of who has spoken so lately [ns], so often, and for so long [ns].
_LIVE_NS, _LEAST, _HEARD_NS = 500_000_000, 3, 250_000_000
# Who speaks so seldom [ns] is late by nature, and known of a few readings with such silences between them at most [ns].
_SELDOM_NS, _SILENCE_NS = 250_000_000, 2_000_000_000
# More than this [ns] is no jitter. Who is ahead would draw the end of the window away from all others; who is behind is
# of no use from where values are not carried on any more.
AHEAD_NS, BEHIND_NS = 40_000_000, 60_000_000
# A stamp so far [ns] in the future is not of the time of its measurement; nor is one from so long ago, however slow the
# link. Between the two it may be that the others' links are slower.
_FUTURE_NS, _LONG_AGO_NS = 20_000_000, -250_000_000
# A clock that was ahead has been set where so many stamps in a row are older than one before them.
_SET = 3
# Who was odd is so until the offset is less than this part of that.
_STAYS = 0.6


class Offset(NamedTuple):
    """By how much [ns] a sensor's stamps are ahead of the others', and whether its clock is to blame for it."""

    offset_ns: int
    wrong: bool


class _Bin(NamedTuple):
    begin_ns: int
    lead_ns: int
    count: int


class ClockOffsets:
    """Compares by how much each sensor's stamps are ahead of the time of their arrival.

    What the sensors have in common is nobody's fault, such as a clock of another machine; the usual one is the middle
    one of all. Of two camps of one size that is right which is nearer to the clock at hand. Stamps from after their own
    arrival are wrong whoever else sends such: where one sensor sends none, even all others are ahead of it. Who speaks
    seldom has no say in what is usual, and may be ahead but not behind.
    """

    def __init__(self) -> None:
        self._leads: dict[str, deque[_Bin]] = {}
        self._newest: dict[str, int] = {}
        self._stamps: dict[str, tuple[int, int]] = {}  # the newest, and how many came in a row that are older
        self._odd: dict[str, Offset] = {}

    def arrived(self, sensor: str, stamp_ns: int, arrived_ns: int) -> bool:
        """Take note of a reading; whether its sensor's clock, which was ahead, has just been set right."""
        newest_ns, older = self._stamps.get(sensor, (stamp_ns, 0))
        older = older + 1 if stamp_ns < newest_ns else 0
        self._stamps[sensor] = max(newest_ns, stamp_ns), older
        self._learn(sensor, stamp_ns, arrived_ns)
        odd = self._odd.get(sensor)
        return older >= _SET and odd is not None and odd.offset_ns > 0

    def _learn(self, sensor: str, stamp_ns: int, arrived_ns: int) -> None:
        bins, lead = self._leads.setdefault(sensor, deque(maxlen=_SPAN_NS // _BIN_NS)), stamp_ns - arrived_ns
        before = self._newest.get(sensor, arrived_ns)
        silence_ns = _SILENCE_NS if all(own.count == 1 for own in bins) else _SPAN_NS
        if not 0 <= arrived_ns - before < silence_ns:  # after a silence, or time went back
            bins.clear()
        self._newest[sensor] = arrived_ns
        if bins and arrived_ns - bins[-1].begin_ns < _BIN_NS:
            last = bins[-1]
            bins[-1] = _Bin(last.begin_ns, max(last.lead_ns, lead), last.count + 1)
        else:
            bins.append(_Bin(arrived_ns, lead, 1))

    def forget(self, sensor: str | None = None) -> None:
        """One sensor is another device now; None: time went back."""
        for kept in (self._leads, self._newest, self._stamps, self._odd):
            if sensor is None:
                kept.clear()
            else:
                kept.pop(sensor, None)

    def odd(self, now_ns: int, step_ns: int = 0) -> dict[str, Offset]:
        """The sensors that are ahead of the others, or behind them.

        Args: step_ns: in which the clock of the arrivals goes on; between two steps nobody knows more.
        """
        leads = self._known(now_ns)
        often = {name: lead for name, lead in leads.items() if not self._is_seldom(name)}
        if len(leads) < 2 or not often:
            self._odd = {}
            return {}
        usual = self._usual(often, step_ns)
        found = {}
        for name, lead in leads.items():
            offset = lead - usual
            if self._is_odd(name, offset, step_ns):
                late = offset < 0 or usual < _LONG_AGO_NS
                found[name] = Offset(offset, late or lead > _FUTURE_NS + step_ns)
        self._odd = found
        return found

    def _usual(self, leads: Mapping[str, int], step_ns: int) -> int:
        possible = [lead for name, lead in leads.items() if lead <= self._stays(name) * AHEAD_NS + step_ns]
        return _middle(possible or list(leads.values()))

    def _is_odd(self, sensor: str, offset_ns: int, step_ns: int) -> bool:
        stays = self._stays(sensor)
        behind = offset_ns < -stays * BEHIND_NS - step_ns and not self._is_seldom(sensor)
        return behind or offset_ns > stays * AHEAD_NS + step_ns

    def _is_seldom(self, sensor: str) -> bool:
        bins = self._leads[sensor]
        return bins[-1].begin_ns - bins[0].begin_ns > (len(bins) - 1) * _SELDOM_NS

    def _stays(self, sensor: str) -> float:
        return _STAYS if sensor in self._odd else 1.0

    def _known(self, now_ns: int) -> dict[str, int]:
        found = {}
        for name, bins in self._leads.items():
            newest = self._newest[name]
            enough = sum(own.count for own in bins) >= _LEAST and newest - bins[0].begin_ns >= _HEARD_NS
            if enough and now_ns - newest <= (_SILENCE_NS if self._is_seldom(name) else _LIVE_NS):
                found[name] = max(own.lead_ns for own in bins)
        return found


def _middle(leads: Sequence[int]) -> int:
    """The median; of an even number the one of the two in the middle that is nearer to zero."""
    rising = sorted(leads)
    return min(rising[(len(rising) - 1) // 2], rising[len(rising) // 2], key=abs)
