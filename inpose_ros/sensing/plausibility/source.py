"""Who sends: of several publishers on one topic, only the first is heard."""

# After this silence [ns] of the first, another may take its place: a driver was started anew.
_SILENCE_NS = 300_000_000


class Source:
    """Keeps to one publisher, told by the identifier that the middleware gives it."""

    def __init__(self) -> None:
        self._owner: bytes | None = None
        self._heard_ns = 0

    def admits(self, publisher: bytes | None, sent_ns: int) -> bool:
        """Whether a message of this publisher counts; None (the middleware does not tell): all do."""
        if publisher is None:
            return True
        if publisher != self._owner and self._owner is not None and abs(sent_ns - self._heard_ns) < _SILENCE_NS:
            return False
        self._owner, self._heard_ns = publisher, sent_ns
        return True
