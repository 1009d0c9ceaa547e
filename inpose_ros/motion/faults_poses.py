"""Trackers that are somewhere else, lost, hung up in part, or not worn."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from inpose_ros.motion.faults_reading import Change, FaultyReading, Parts, Rows, changed

# What a tracker that knows that it is lost says of its noise [m], [rad]: variances of 1e4.
_LOST = 100.0
# Where devices lie [m] on a table, which is less than a metre wide, and how they jitter there [m], [rad].
_TABLE, _WIDTH = np.array([0.5, 0.0, 0.77]), 0.3
_JITTER, _TREMBLE = 0.0008, 0.002
_PUT_ON = 1.0  # [s] that it takes to put devices on


def teleport(parts: Parts, amount: float, rng: np.random.Generator) -> Rows:
    """All are off by the same way, drawn by chance."""
    return _shifted(parts.inside, amount * _way(rng))


def _way(rng: np.random.Generator) -> Float[np.ndarray, '3']:
    way = rng.normal(size=3)
    return way / np.linalg.norm(way)


def _shifted(rows: Rows, by: Float[np.ndarray, '3']) -> Rows:
    places = [row.measurement.position for row in rows]
    return [row if p is None else changed(row, position=p + by) for row, p in zip(rows, places, strict=True)]


def _lost(parts: Parts, amount: float, rng: np.random.Generator) -> Rows:
    """It coasts away from where it was last seen, and its variances say that it knows nothing."""
    last, way = parts.last_good, _way(rng)

    def coasting(row: FaultyReading) -> FaultyReading:
        if row.measurement.position is None:
            return row
        gone = amount * (row.taken_ns - last.taken_ns) / 1e9
        return changed(
            row, rot_world_sensor=last.measurement.rot_world_sensor, position=last.measurement.position + gone * way,
            position_stddev=_LOST, rotation_stddev=_LOST,
        )  # fmt: skip

    return [coasting(row) for row in parts.inside]


def _rotation_frozen(parts: Parts, amount: float | None, rng: np.random.Generator) -> Rows:
    """The rotation is the last one all the time, while the position goes on."""
    rot = parts.last_good.measurement.rot_world_sensor
    return [row if row.measurement.position is None else changed(row, rot_world_sensor=rot) for row in parts.inside]


def _unworn(parts: Parts, amount: float | None, rng: np.random.Generator) -> Rows:
    """It lies on a table, and is put on within the last second."""
    place = _TABLE + np.array([0.0, rng.uniform(-_WIDTH, _WIDTH), 0.0])
    lying = Rotation.from_rotvec(rng.normal(size=3))
    end_ns = parts.inside[-1].taken_ns

    def on_table(row: FaultyReading) -> FaultyReading:
        if row.measurement.position is None:
            return row
        share = float(np.clip(1 - (end_ns - row.taken_ns) / 1e9 / _PUT_ON, 0, 1))
        worn = share * share * (3 - 2 * share)
        way = (lying.inv() * Rotation.from_matrix(row.measurement.rot_world_sensor)).as_rotvec()
        rot = lying * Rotation.from_rotvec(worn * way) * Rotation.from_rotvec(_TREMBLE * rng.normal(size=3))
        position = place + worn * (row.measurement.position - place) + _JITTER * rng.normal(size=3)
        return changed(row, rot_world_sensor=rot.as_matrix(), position=position)

    return [on_table(row) for row in parts.inside]


CHANGES: dict[str, Change] = {
    'teleport': teleport,
    'lost': _lost,
    'rotation_frozen': _rotation_frozen,
    'unworn': _unworn,
}
