"""Health -> DiagnosticArray, for rqt_robot_monitor and diagnostic_aggregator."""

from collections.abc import Iterable, Sequence

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from inpose_ros.node.conversions.body import header
from inpose_ros.node.health import ACCEPTED, NOT_HEARD, Health

# Counted, but no causes for which measurements were rejected.
TICKS = ('dropped', *ACCEPTED)
# More than this share of the recent poses in fewer steps than wanted is worth a warning.
_HURRIED = 0.1


def level_and_message(
    health: Health | None, silent: Sequence[str], state: str, now_ns: int, rivals: Sequence[str] = ()
) -> tuple[bytes, str]:
    """ERROR when nothing of any sensor can be used, WARN when something is wrong or the node is not active.

    The message names each cause with its sensors: `teleport: left_wrist; silent: head`. `silent` are those of which
    nothing can be used; `rivals` are others who publish this body, and an ERROR whatever else is so.
    """
    if rivals:
        rest = level_and_message(health, silent, state, now_ns)[1]
        return DiagnosticStatus.ERROR, f'second_tracker: {"; ".join(rivals)}; {rest}'
    if health is None or state != 'active':
        return DiagnosticStatus.WARN, f'not tracking: the node is {state}'
    recent = health.recent(now_ns)
    causes = [f'{cause}: {", ".join(names)}' for cause, names in recent.items()]
    heard = {name for cause, names in recent.items() if cause not in NOT_HEARD for name in names}
    quiet = [name for name in silent if name not in heard]  # the others are named with what is wrong with them
    if quiet:
        causes.append(f'silent: {", ".join(quiet)}')
    if len(silent) == len(health.sensors):
        what = 'no sensor is sending' if len(quiet) == len(silent) else 'nothing that the sensors send can be used'
        return DiagnosticStatus.ERROR, '; '.join([f'{what}; nothing is published', *causes])
    if health.hurried(now_ns) > _HURRIED:
        causes.append('no time for all that is wanted: fewer steps, or the past looked at later')
    return (DiagnosticStatus.WARN, '; '.join(causes)) if causes else (DiagnosticStatus.OK, 'tracking')


def diagnostics_from(
    health: Health | None,
    silent: Sequence[str],
    facts: dict[str, str],
    node: str,
    state: str,
    now_ns: int,
    rivals: Sequence[str] = (),
) -> DiagnosticArray:
    """One status with everything; `facts` are what else is known: device, backend, body."""
    level, message = level_and_message(health, silent, state, now_ns, rivals)
    values = {'state': state, **facts, **(dict(_measured(health, now_ns)) if health else {})}
    status = DiagnosticStatus(level=level, name=f'{node}: tracking', message=message, hardware_id=node)
    status.values = [KeyValue(key=key, value=value) for key, value in values.items()]
    return DiagnosticArray(header=header(now_ns, ''), status=[status])


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
