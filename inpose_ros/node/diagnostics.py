"""Health -> DiagnosticArray, for rqt_robot_monitor and diagnostic_aggregator."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from inpose_ros.node.clock_watch import Standing
from inpose_ros.node.conversions.body import header
from inpose_ros.node.health import ACCEPTED, NOT_HEARD, Health

# Counted, but no causes for which measurements were rejected.
TICKS = ('dropped', *ACCEPTED)
# More than this share of the recent poses in fewer steps than wanted is worth a warning.
_HURRIED = 0.1
# Without a pose for longer [s] all cannot be well, whatever the sensors do.
_POSELESS = 5.0
# What a clock that stands makes of stamps that go on.
_OF_STAMPS = ('delayed', 'future', 'jitter', 'late', 'time_reset', 'too_old')


class Idle(NamedTuple):
    """Why no poses may come out, though sensors send: the clock stands, or what the solver waits for."""

    standing: Standing | None = None
    why: str = 'for no reason known'


NOT_IDLE = Idle()


def level_and_message(
    health: Health | None,
    silent: Sequence[str],
    state: str,
    now_ns: int,
    idle: Idle = NOT_IDLE,
    rivals: Sequence[str] = (),
) -> tuple[bytes, str]:
    """ERROR when nothing of any sensor can be used, WARN when something is wrong or the node is not active.

    The message names each cause with its sensors: `teleport: left_wrist; silent: head`. `silent` are those of which
    nothing can be used; `rivals` are others who publish this body, and an ERROR whatever else is so.
    """
    if rivals:
        rest = level_and_message(health, silent, state, now_ns, idle)[1]
        return DiagnosticStatus.ERROR, f'second_tracker: {"; ".join(rivals)}; {rest}'
    if health is None or state != 'active':
        return DiagnosticStatus.WARN, f'not tracking: the node is {state}'
    recent = health.recent(now_ns)
    if idle.standing is not None:
        return _without_time(idle.standing, health, recent, now_ns)
    causes = _causes(health, recent, now_ns)
    heard = {name for cause, names in recent.items() if cause not in NOT_HEARD for name in names}
    quiet = [name for name in silent if name not in heard]  # the others are named with what is wrong with them
    if quiet:
        causes.append(f'silent: {", ".join(quiet)}')
    if len(silent) == len(health.sensors):
        what = 'no sensor is sending' if len(quiet) == len(silent) else 'nothing that the sensors send can be used'
        return DiagnosticStatus.ERROR, '; '.join([f'{what}; nothing is published', *causes])
    if health.hurried(now_ns) > _HURRIED:
        causes.append('no time for all that is wanted: fewer steps, or the past looked at later')
    poseless = health.poseless(now_ns)
    if _POSELESS < poseless < math.inf:
        causes.append(f'no_poses: none has come out for {poseless:.0f} s, though sensors send: {idle.why}')
    return (DiagnosticStatus.WARN, '; '.join(causes)) if causes else (DiagnosticStatus.OK, 'tracking')


def _without_time(
    standing: Standing, health: Health, recent: Mapping[str, Sequence[str]], now_ns: int
) -> tuple[bytes, str]:
    """Where the clock stands no sensor is to blame for its stamps, or for being silent."""
    others = {cause: names for cause, names in recent.items() if cause not in _OF_STAMPS}
    causes = _causes(health, others, now_ns)
    level = DiagnosticStatus.WARN if standing.wanted else DiagnosticStatus.ERROR
    return level, '; '.join([f'{standing.word}: {standing.text}', *causes])


def _causes(health: Health, recent: Mapping[str, Sequence[str]], now_ns: int) -> list[str]:
    named = [f'{cause}: {", ".join(health.detailed(cause, name) for name in names)}' for cause, names in recent.items()]
    return named + [f'{cause}: {text}' for cause, text in health.remarks(now_ns).items()]


def diagnostics_from(
    health: Health | None,
    silent: Sequence[str],
    facts: dict[str, str],
    node: str,
    state: str,
    now_ns: int,
    stamp_ns: int | None = None,
    idle: Idle = NOT_IDLE,
    rivals: Sequence[str] = (),
) -> DiagnosticArray:
    """One status with everything.

    Args:
        facts: what else is known: device, backend, body.
        now_ns: by the clock of the health.
        stamp_ns: of the message; None: the same.
    """
    level, message = level_and_message(health, silent, state, now_ns, idle, rivals)
    values = {'state': state, **facts, **(dict(_measured(health, now_ns)) if health else {})}
    status = DiagnosticStatus(level=level, name=f'{node}: tracking', message=message, hardware_id=node)
    status.values = [KeyValue(key=key, value=value) for key, value in values.items()]
    return DiagnosticArray(header=header(now_ns if stamp_ns is None else stamp_ns, ''), status=[status])


def _measured(health: Health, now_ns: int) -> Iterable[tuple[str, str]]:
    for sensor in health.sensors:
        yield f'{sensor} rate [Hz]', f'{health.rate(sensor, now_ns):.1f}'
        yield f'{sensor} age [s]', f'{health.age(sensor, now_ns):.3f}'
        yield f'{sensor} delay p95 [ms]', f'{health.late_by(sensor, now_ns) * 1e3:.1f}'
        yield f'{sensor} jitter [ms]', f'{health.jitter(sensor, now_ns) * 1e3:.1f}'
    yield 'pose rate [Hz]', f'{health.pose_rate(now_ns):.1f}'
    for what, values in (('latency', health.latency), ('solve time', health.solve_time)):
        for percent, value in zip((50, 95), values(now_ns, (50, 95)), strict=True):
            yield f'{what} p{percent} [ms]', f'{value * 1e3:.1f}'
    yield 'network_passes', f'{health.passes(now_ns):.2f}'
    yield 'hurried [%]', f'{100 * health.hurried(now_ns):.0f}'
    counts = dict(health.counts)
    for name in TICKS:
        yield name, str(counts.pop(name, 0))
    yield 'rejected', str(sum(counts.values()))
    for cause, count in sorted(counts.items()):
        yield f'rejected: {cause}', str(count)
    for (cause, sensor), count in sorted(health.by_sensor.items()):
        yield f'{sensor} {"" if cause in ACCEPTED else "rejected: "}{cause}', str(count)
