"""How the tracking fares: what came when, how long poses took, what was dropped and why."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

# Rates and latencies are those of the last so many nanoseconds.
SPAN_NS = 5_000_000_000
_KEPT = 4096


@dataclass
class Health:
    """Counts and recent times. Times are handed in; the worker thread only ever appends."""

    sensors: tuple[str, ...]
    timeout_ns: int
    counts: Counter = field(default_factory=Counter)
    _arrivals: dict[str, deque] = field(default_factory=dict)
    _poses: deque = field(default_factory=lambda: deque(maxlen=_KEPT))

    def arrived(self, sensor: str, now_ns: int) -> None:
        self._arrivals.setdefault(sensor, deque(maxlen=_KEPT)).append(now_ns)

    def published(self, now_ns: int, stamp_ns: int, solve_time: float) -> None:
        """Note a pose: its latency is the time from its stamp to its publication."""
        self._poses.append((now_ns, (now_ns - stamp_ns) / 1e9, solve_time))

    def age(self, sensor: str, now_ns: int) -> float:
        """Time [s] since the sensor's last message; infinite where none came."""
        arrivals = self._arrivals.get(sensor)
        return max(0.0, (now_ns - arrivals[-1]) / 1e9) if arrivals else float('inf')

    def rate(self, sensor: str, now_ns: int) -> float:
        """Messages a second [Hz] within the last SPAN_NS."""
        return _rate([t for t in tuple(self._arrivals.get(sensor, ())) if 0 <= now_ns - t <= SPAN_NS])

    def silent(self, now_ns: int) -> tuple[str, ...]:
        """The sensors that have stopped, or never begun."""
        return tuple(name for name in self.sensors if self.age(name, now_ns) * 1e9 > self.timeout_ns)

    def pose_rate(self, now_ns: int) -> float:
        return _rate([t for t, _, _ in self._recent(now_ns)])

    def latency(self, now_ns: int, percents: Iterable[float]) -> list[float]:
        """Percentiles [s] of the recent latencies; NaN where nothing was published."""
        return _percentiles([latency for _, latency, _ in self._recent(now_ns)], percents)

    def solve_time(self, now_ns: int, percents: Iterable[float]) -> list[float]:
        return _percentiles([solve for _, _, solve in self._recent(now_ns)], percents)

    def _recent(self, now_ns: int) -> list[tuple[int, float, float]]:
        return [pose for pose in tuple(self._poses) if 0 <= now_ns - pose[0] <= SPAN_NS]


def _rate(times: list[int]) -> float:
    return (len(times) - 1) * 1e9 / (times[-1] - times[0]) if len(times) > 1 and times[-1] > times[0] else 0.0


def _percentiles(values: list[float], percents: Iterable[float]) -> list[float]:
    wanted = list(percents)
    return np.percentile(values, wanted).tolist() if values else [float('nan')] * len(wanted)
