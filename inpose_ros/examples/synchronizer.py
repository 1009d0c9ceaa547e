"""Messages of several topics brought together by their stamp (message_filters does this where it is installed)."""

from collections import OrderedDict
from collections.abc import Callable, Mapping

# Messages of one stamp leave the tracker within milliseconds; what is still apart after this many stamps was lost.
_DEPTH = 8


class Together:
    """Hands on what all topics said of one stamp, as soon as the last of them has said it."""

    def __init__(self, topics: tuple[str, ...], on_complete: Callable[[Mapping[str, object]], None]) -> None:
        self._topics, self._on_complete = topics, on_complete
        self._waiting: OrderedDict[int, dict[str, object]] = OrderedDict()
        self.incomplete = 0

    def add(self, topic: str, stamp_ns: int, message: object) -> None:
        row = self._waiting.setdefault(stamp_ns, {})
        row[topic] = message
        if len(row) == len(self._topics):
            del self._waiting[stamp_ns]
            self._on_complete(row)
        while len(self._waiting) > _DEPTH:
            self._waiting.popitem(last=False)
            self.incomplete += 1
