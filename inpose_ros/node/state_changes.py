"""What the log says when poses begin to lack a sensor, and when they are whole again."""

from collections.abc import Collection, Mapping

from inpose_ros.node.watchdog import Remark

# A state is told of that has lasted so long [ns]: a message that comes late is nothing to talk about.
_LASTING_NS = 300_000_000


class StateChanges:
    """Looks at every pose; remarks each change once."""

    def __init__(self) -> None:
        self._told = False  # of a pose that lacks something
        self._since_ns: int | None = None

    def look(self, missing: Collection[str], doubts: Mapping[str, str], now_ns: int) -> Remark | None:
        """The change that is worth a line, if any.

        Args:
            missing: the sensors that do not contribute.
            doubts: what contradicts what, by cause.
            now_ns: by a steady clock.
        """
        degraded = bool(missing or doubts)
        if degraded == self._told:
            self._since_ns = None
            return None
        self._since_ns = now_ns if self._since_ns is None else self._since_ns
        if now_ns - self._since_ns < _LASTING_NS:
            return None
        self._told, self._since_ns = degraded, None
        if not degraded:
            return Remark(False, 'every sensor contributes again')
        what = [f'without {", ".join(sorted(missing))}'] if missing else []
        return Remark(True, f'poses are DEGRADED: {"; ".join([*what, *map(": ".join, doubts.items())])}')
