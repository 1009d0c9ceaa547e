"""How the tracking fares: what came when, how long poses took, what was dropped and why."""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import takewhile
from typing import NamedTuple, TypeVar

Row = TypeVar('Row', bound=tuple)

# Rates and latencies are those of the last so many nanoseconds.
SPAN_NS = 5_000_000_000
# What happened within so many nanoseconds is named in the status: the diagnostics come once a second.
RECENT_NS = 3_000_000_000
# What every pose shows anew is said for no longer than it takes to be said at all.
_REMARKED_NS = 1_500_000_000
_KEPT = 4096
# Counted, but no reason to reject anything.
ACCEPTED = ('late', 'time_reset', 'world_moved')
# Who is named for these may well be silent: they do not say why nothing of a sensor can be used.
NOT_HEARD = (
    *ACCEPTED, 'second_publisher', 'delayed', 'jitter', 'burst', 'overrun', 'ahead', 'behind', 'floor_contradicted'
)  # fmt: skip
# A sensor whose readings arrive later [s] than this, or more unevenly, is named: the solver looks back over poses at
# 30 Hz, and output is as late as its newest input.
DELAYED = 0.1
JITTERY = 0.05
# Too few arrivals say nothing about percentiles.
_ENOUGH = 10
# What comes out stands beside what comes in, which has the names of sensors.
_POSES = ''


class ClockPace(NamedTuple):
    """How the clock of the stamps goes: seconds a second, and in what steps [ns]."""

    speed: float = 1.0
    step_ns: int = 0


STEADY = ClockPace()


@dataclass
class Health:
    """Counts and recent times. The worker thread only ever appends.

    Times are handed in, by a steady clock: whether anything comes, and how much, is about the machine, and a clock that
    is set, played faster or paused changes nothing about it. Delays and latencies are by the clock of the stamps.
    `counts` is by cause, `by_sensor` by cause and sensor; `pace` is how the clock of the stamps goes.
    """

    sensors: tuple[str, ...]
    timeout_ns: int
    counts: Counter = field(default_factory=Counter)
    by_sensor: Counter = field(default_factory=Counter)
    pace: ClockPace = STEADY
    _begun_ns: int | None = None
    _heard: dict[str, int] = field(default_factory=dict)
    _behind: Counter = field(default_factory=Counter)
    _arrivals: dict[str, deque] = field(default_factory=dict)
    _noted: dict[tuple[str, str], int] = field(default_factory=dict)
    _details: dict[tuple[str, str], str] = field(default_factory=dict)
    _remarks: dict[str, tuple[str, int]] = field(default_factory=dict)
    _poses: deque = field(default_factory=lambda: deque(maxlen=_KEPT))

    def wear(self, sensors: tuple[str, ...]) -> None:
        """Others are worn from now on; what is known of those that stay is kept."""
        self.sensors = sensors
        self._arrivals = {name: kept for name, kept in self._arrivals.items() if name in sensors}
        self._heard = {name: when for name, when in self._heard.items() if name in sensors}
        self._noted = {key: when for key, when in self._noted.items() if key[1] in sensors}

    def arrived(self, sensor: str, now_ns: int, delay: float = 0.0) -> None:
        """Note a measurement that is used; `delay` [s] is how long after its stamp it arrived."""
        self._arrivals.setdefault(sensor, deque(maxlen=_KEPT)).append((now_ns, delay))
        self._heard[sensor] = now_ns
        self._behind[sensor] = 0

    def restart(self) -> None:
        """Time has gone back: how often and how late sensors sent before says nothing of those that do now.

        When each was last heard is kept: a sensor that does not come back has been silent since then.
        """
        self._arrivals.clear()

    def begin(self, now_ns: int) -> None:
        """From now on poses are expected."""
        self._begun_ns = now_ns

    def fell_behind(self, by_ns: int) -> None:
        """A simulated clock has fallen behind the steady one: while it stands no sensor has anything to say."""
        for name in (*self.sensors, _POSES):
            self._behind[name] = max(0, self._behind[name] + by_ns)

    def note(self, cause: str, sensor: str, now_ns: int) -> int:
        """Count something that is not as it should be; how often that was so with this sensor."""
        self.counts[cause] += 1
        self.by_sensor[cause, sensor] += 1
        self._noted[cause, sensor] = now_ns
        return self.by_sensor[cause, sensor]

    def mention(self, cause: str, sensor: str, now_ns: int, detail: str = '') -> None:
        """Have something named in the status that is no single event, and so is not counted.

        Args: detail: what to say of it behind the sensor's name.
        """
        self._noted[cause, sensor] = now_ns
        self._details[cause, sensor] = detail

    def detailed(self, cause: str, sensor: str) -> str:
        """The sensor's name with what else is known of this: `left_wrist (+100 ms)`."""
        detail = self._details.get((cause, sensor))
        return f'{sensor} ({detail})' if detail else sensor

    def remark(self, cause: str, text: str, now_ns: int) -> None:
        """Have something said in the status that is not about single sensors: `inconsistent: head | left_wrist`."""
        self._remarks[cause] = (text, now_ns)

    def remarks(self, now_ns: int) -> dict[str, str]:
        """What was remarked lately, by cause."""
        rows = tuple(self._remarks.items())
        return {cause: text for cause, (text, when) in rows if 0 <= now_ns - when <= _REMARKED_NS}

    def recent(self, now_ns: int) -> dict[str, tuple[str, ...]]:
        """What has gone wrong lately, and with which sensors."""
        found = {
            cause: tuple(name for name in self.sensors if self._is_recent(cause, name, now_ns))
            for cause in sorted({cause for cause, _ in self._noted})
        }
        # A simulated clock that runs fast makes the same delay longer, and between two of its steps nobody knows more.
        fast, step = max(1.0, self.pace.speed), self.pace.step_ns / 1e9
        found['delayed'] = self._where(now_ns, self.late_by, fast * DELAYED + step)
        found['jitter'] = self._where(now_ns, self.jitter, fast * JITTERY + step)
        return {cause: names for cause, names in found.items() if names}

    def published(self, now_ns: int, latency: float, solve_time: float, passes: int = 0, hurried: bool = False) -> None:
        """Note a pose.

        Args:
            latency: the time [s] from its stamp to its publication.
            passes: of the network that it took.
            hurried: these were fewer than wanted.
        """
        self._poses.append((now_ns, latency, solve_time, passes, hurried))
        self._behind[_POSES] = 0

    def poseless(self, now_ns: int) -> float:
        """For how long [s] no pose has come out though it might have; infinite where none is expected."""
        last_ns = self._poses[-1][0] if self._poses else self._begun_ns
        if last_ns is None:
            return float('inf')
        return max(0.0, (now_ns - max(last_ns, self._begun_ns or last_ns) - self._behind[_POSES]) / 1e9)

    def age(self, sensor: str, now_ns: int) -> float:
        """Time [s] since the sensor's last measurement; infinite where none came."""
        heard_ns = self._heard.get(sensor)
        return float('inf') if heard_ns is None else max(0.0, (now_ns - heard_ns) / 1e9)

    def rate(self, sensor: str, now_ns: int) -> float:
        """Measurements a second [Hz] within the last SPAN_NS."""
        return _rate([when for when, _ in self._arrived(sensor, now_ns, SPAN_NS)])

    def late_by(self, sensor: str, now_ns: int) -> float:
        """How long after their stamps nearly all (95 %) of the recent measurements have arrived [s]."""
        return self._delays(sensor, now_ns, (95,))[0]

    def jitter(self, sensor: str, now_ns: int) -> float:
        """How much sooner after their stamps some arrive than others [s]: from 5 to 95 % of the recent ones."""
        low, high = self._delays(sensor, now_ns, (5, 95))
        return high - low

    def silent(self, now_ns: int) -> tuple[str, ...]:
        """The sensors of which nothing can be used: they have stopped, never begun, or send nothing that will do.

        By which a simulated clock has fallen behind does not count: of a bag at a quarter of its speed a sensor at 30
        Hz sends eight times a second, one at 5 Hz hardly once, and neither is silent for it.
        """
        return tuple(
            name for name in self.sensors if self.age(name, now_ns) * 1e9 - self._behind[name] > self.timeout_ns
        )

    def pose_rate(self, now_ns: int) -> float:
        return _rate([pose[0] for pose in self._recent_poses(now_ns)])

    def latency(self, now_ns: int, percents: Iterable[float]) -> list[float]:
        """Percentiles [s] of the recent latencies; NaN where nothing was published."""
        return _percentiles([pose[1] for pose in self._recent_poses(now_ns)], percents)

    def solve_time(self, now_ns: int, percents: Iterable[float]) -> list[float]:
        return _percentiles([pose[2] for pose in self._recent_poses(now_ns)], percents)

    def passes(self, now_ns: int) -> float:
        """Mean number of the network's passes for a recent pose; NaN where there is none."""
        recent = self._recent_poses(now_ns)
        return sum(pose[3] for pose in recent) / len(recent) if recent else float('nan')

    def hurried(self, now_ns: int) -> float:
        """Share of the recent poses for which there was time for fewer passes than wanted."""
        recent = self._recent_poses(now_ns)
        return sum(pose[4] for pose in recent) / len(recent) if recent else 0.0

    def _is_recent(self, cause: str, sensor: str, now_ns: int) -> bool:
        when = self._noted.get((cause, sensor))
        return when is not None and 0 <= now_ns - when <= RECENT_NS

    def _where(self, now_ns: int, measure: Callable[[str, int], float], limit: float) -> tuple[str, ...]:
        return tuple(name for name in self.sensors if measure(name, now_ns) > limit)

    def _delays(self, sensor: str, now_ns: int, percents: Iterable[float]) -> list[float]:
        delays = [delay for _, delay in self._arrived(sensor, now_ns, RECENT_NS)]
        return _percentiles(delays if len(delays) >= _ENOUGH else [], percents)

    def _arrived(self, sensor: str, now_ns: int, span_ns: int) -> list[tuple[int, float]]:
        return _since(self._arrivals.get(sensor, ()), now_ns, span_ns)

    def _recent_poses(self, now_ns: int) -> list[tuple[int, float, float, int, bool]]:
        return _since(self._poses, now_ns, SPAN_NS)


def _since(rows: Iterable[Row], now_ns: int, span_ns: int) -> list[Row]:
    """Those of the last so many nanoseconds, which begin with their times. Looks at no older ones: after a minute it
    would take longer than a pose, once a second.
    """
    newest_first = takewhile(lambda row: now_ns - row[0] <= span_ns, reversed(tuple(rows)))
    return [row for row in newest_first if row[0] <= now_ns][::-1]


def _rate(times: list[int]) -> float:
    return (len(times) - 1) * 1e9 / (times[-1] - times[0]) if len(times) > 1 and times[-1] > times[0] else 0.0


def _percentiles(values: list[float], percents: Iterable[float]) -> list[float]:
    """As np.percentile, which takes four times as long for a few hundred."""
    if not values:
        return [float('nan') for _ in percents]
    rising, last, found = sorted(values), len(values) - 1, []
    for percent in percents:
        low = int(percent / 100 * last)
        above = rising[min(low + 1, last)]
        found.append(rising[low] + (percent / 100 * last - low) * (above - rising[low]))
    return found
