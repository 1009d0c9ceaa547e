"""Health -> DiagnosticArray, for rqt_robot_monitor and diagnostic_aggregator."""

from collections.abc import Iterable

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from inpose_ros.node.conversions.body import header
from inpose_ros.node.health import Health

# Counted by the node itself; what else is counted are the causes for which measurements were rejected.
TICKS = ('late', 'dropped', 'time_reset')


def level_and_message(health: Health | None, state: str, now_ns: int) -> tuple[bytes, str]:
    """ERROR when every sensor has stopped, WARN when one has or the node is not active."""
    if health is None or state != 'active':
        return DiagnosticStatus.WARN, f'not tracking: the node is {state}'
    silent = health.silent(now_ns)
    if not silent:
        return DiagnosticStatus.OK, 'tracking'
    if len(silent) == len(health.sensors):
        return DiagnosticStatus.ERROR, 'no sensor is sending; nothing is published'
    return DiagnosticStatus.WARN, f'silent: {", ".join(silent)}'


def diagnostics_from(
    health: Health | None, facts: dict[str, str], node: str, state: str, now_ns: int
) -> DiagnosticArray:
    """One status with everything; `facts` (device, backend, body) do not change while the node is configured."""
    level, message = level_and_message(health, state, now_ns)
    values = {'state': state, **facts, **(dict(_measured(health, now_ns)) if health else {})}
    status = DiagnosticStatus(level=level, name=f'{node}: tracking', message=message, hardware_id=node)
    status.values = [KeyValue(key=key, value=value) for key, value in values.items()]
    return DiagnosticArray(header=header(now_ns, ''), status=[status])


def _measured(health: Health, now_ns: int) -> Iterable[tuple[str, str]]:
    for sensor in health.sensors:
        yield f'{sensor} rate [Hz]', f'{health.rate(sensor, now_ns):.1f}'
        yield f'{sensor} age [s]', f'{health.age(sensor, now_ns):.3f}'
    yield 'pose rate [Hz]', f'{health.pose_rate(now_ns):.1f}'
    for what, values in (('latency', health.latency), ('solve time', health.solve_time)):
        for percent, value in zip((50, 95), values(now_ns, (50, 95)), strict=True):
            yield f'{what} p{percent} [ms]', f'{value * 1e3:.1f}'
    counts = dict(health.counts)
    for name in TICKS:
        yield name, str(counts.pop(name, 0))
    yield 'rejected', str(sum(counts.values()))
    for cause, count in sorted(counts.items()):
        yield f'rejected: {cause}', str(count)
