"""What each kind of fault does to one sensor's readings; here: how they come."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from inpose_ros.motion import faults_imu, faults_poses, faults_stamps, faults_worlds
from inpose_ros.motion.faults_reading import Change, FaultyReading, Parts, Rows
from inpose_ros.sensing.calibration.still_pose import turned

_SPACING_NS = 200_000  # between messages that come all at once
_SECOND_YAW = 0.5  # how another's sensor is turned [rad]


def _silence(parts: Parts, amount: float | None, rng: np.random.Generator) -> Rows:
    return []


def _restart(parts: Parts, amount: float | None, rng: np.random.Generator) -> Rows:
    """The driver ends; what follows comes from a new one."""
    return [replace(row, event='closed') for row in parts.inside[:1]]


def _freeze(parts: Parts, amount: float | None, rng: np.random.Generator) -> Rows:
    """The driver repeats its last values and stamps them anew, as one does whose device has lost sight."""
    last = parts.last_good.measurement
    return [replace(row, measurement=replace(last, stamp_ns=row.measurement.stamp_ns)) for row in parts.inside]


def _delay(parts: Parts, amount: float, rng: np.random.Generator) -> Rows:
    return [replace(row, arrival_ns=row.arrival_ns + round(amount * 1e9)) for row in parts.inside]


def _jitter(parts: Parts, amount: float, rng: np.random.Generator) -> Rows:
    """As on a busy network: what waits holds up what comes after it."""
    arrivals = [
        row.arrival_ns + round(late * 1e9) for row, late in zip(parts.inside, rng.uniform(0, amount, len(parts.inside)))
    ]
    return [
        replace(row, arrival_ns=int(arrival))
        for row, arrival in zip(parts.inside, np.maximum.accumulate(arrivals), strict=True)
    ]


def _duplicates(parts: Parts, amount: float, rng: np.random.Generator) -> Rows:
    copies = range(round(amount) + 1)
    return [replace(row, arrival_ns=row.arrival_ns + k * _SPACING_NS) for row in parts.inside for k in copies]


def _reordering(parts: Parts, amount: float, rng: np.random.Generator) -> Rows:
    """Blocks in reverse order; none arrives before it was measured, so a block waits for its last."""
    size = round(amount)
    blocks = [parts.inside[start : start + size] for start in range(0, len(parts.inside), size)]
    return [
        replace(row, arrival_ns=max(other.arrival_ns for other in block) + place * _SPACING_NS)
        for block in blocks
        for place, row in enumerate(reversed(block))
    ]


def _spoilt(how: str) -> Change:
    def change(parts: Parts, amount: float, rng: np.random.Generator) -> Rows:
        hit = rng.uniform(size=len(parts.inside)) < amount
        return [replace(row, event=how) if spoilt else row for row, spoilt in zip(parts.inside, hit, strict=True)]

    return change


def _flood(parts: Parts, amount: float, rng: np.random.Generator) -> Rows:
    """The sensor measures so much more often: what it says between two readings lies between them."""
    count = round(amount)
    nexts = [*parts.inside[1:], *parts.after[:1]]
    between = [
        _between(row, following, k / count)
        for row, following in zip(parts.inside, nexts, strict=False)
        for k in range(count)
    ]
    return [*between, *parts.inside[len(nexts) :]]


def _between(row: FaultyReading, following: FaultyReading, share: float) -> FaultyReading:
    if share == 0:
        return row
    a, b = row.measurement, following.measurement

    def blend(name: str) -> Float[np.ndarray, '3'] | None:
        p, q = getattr(a, name), getattr(b, name)
        return None if p is None or q is None else p + share * (q - p)

    rot = None
    if a.rot_world_sensor is not None and b.rot_world_sensor is not None:
        step = Rotation.from_matrix(a.rot_world_sensor.T @ b.rot_world_sensor).as_rotvec()
        rot = a.rot_world_sensor @ Rotation.from_rotvec(share * step).as_matrix()
    later_ns = round(share * (following.taken_ns - row.taken_ns))
    measurement = replace(
        a, stamp_ns=a.stamp_ns + later_ns, rot_world_sensor=rot, **{name: blend(name) for name in _LINEAR}
    )
    return replace(row, measurement=measurement, taken_ns=row.taken_ns + later_ns, arrival_ns=row.arrival_ns + later_ns)


_LINEAR = ('position', 'angular_velocity', 'specific_force')


def _second_publisher(parts: Parts, amount: float, rng: np.random.Generator) -> Rows:
    """Another sensor of the kind speaks on the same topic, of another place and another heading."""
    others = [
        replace(row, event='second', measurement=turned(row.measurement, _SECOND_YAW), arrival_ns=row.arrival_ns + 1)
        for row in parts.inside
    ]
    return [*parts.inside, *faults_poses.teleport(parts._replace(inside=others), amount, rng)]


CHANGES: dict[str, Change] = {
    'dropout': _silence,
    'restart': _restart,
    'freeze': _freeze,
    'delay': _delay,
    'jitter': _jitter,
    'duplicates': _duplicates,
    'reordering': _reordering,
    'nan': _spoilt('nan'),
    'bad_quaternion': _spoilt('bad_quaternion'),
    'flood': _flood,
    'second_publisher': _second_publisher,
    **faults_stamps.CHANGES,
    **faults_poses.CHANGES,
    **faults_worlds.CHANGES,
    **faults_imu.CHANGES,
}
