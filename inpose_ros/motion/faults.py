"""What goes wrong with worn sensors: faults laid over what simulated ones say, seeded, each in its interval only."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from inpose_ros.errors import FaultError
from inpose_ros.motion.faults_changes import CHANGES
from inpose_ros.motion.faults_kinds import KINDS, NEEDS, Amount
from inpose_ros.motion.faults_reading import FaultyReading, Parts, Rows, changed
from inpose_ros.motion.faults_worlds import MOVES, Move, seen
from inpose_ros.motion.simulate import SimulatedReading
from inpose_ros.sensing.measurement import Measurement


@dataclass(frozen=True)
class Fault:
    """Something wrong with some sensors (none named: all) from `begin` to `end` [s] of the clip."""

    kind: str
    begin: float
    end: float
    sensors: tuple[str, ...] = ()
    amount: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise FaultError(f'there is no fault {self.kind!r}; it must be one of {", ".join(KINDS)}')
        if not 0 <= self.begin < self.end:
            raise FaultError(f'{self.kind} is from {self.begin} to {self.end} s; give 0 <= begin < end')
        self._check_amount(KINDS[self.kind])
        if self.kind == 'swapped' and len(set(self.sensors)) != 2:
            raise FaultError(f'swapped has sensors {list(self.sensors)}; name the two that change places')

    def _check_amount(self, known: Amount | None) -> None:
        if known is None:
            if self.amount is not None:
                raise FaultError(f'{self.kind} takes no number; it is given {self.amount}')
        elif self.amount is None:
            object.__setattr__(self, 'amount', known.default)
        elif not known.ge <= self.amount <= known.le:
            raise FaultError(
                f'{self.kind} has {known.name} {self.amount}; it must be between {known.ge:g} and {known.le:g}: '
                f'{known.meaning}'
            )


def world_at(fault: Fault, when: float) -> Move | None:
    """How the world of the fault's sensors lies in the true one at a time [s]; None: where it always is."""
    return _moved(fault, when) if fault.kind in MOVES and fault.begin <= when < fault.end else None


def _moved(fault: Fault, when: float) -> Move:
    return MOVES[fault.kind](fault.amount, (when - fault.begin) / (fault.end - fault.begin))


def load(path: Path | str) -> tuple[Fault, ...]:
    """The faults of a YAML file: a list of {kind, sensors, begin, end} and what the kind needs.

    Raises:
        FaultError: the file is missing or says something that would not do; the text says what would.
    """
    try:
        rows = yaml.safe_load(Path(path).read_text())
    except OSError as error:
        raise FaultError(f'no file of faults {path}: {error.strerror}') from None
    except yaml.YAMLError as error:
        raise FaultError(f'{path} is not YAML: {error}') from None
    if not isinstance(rows, list):
        raise FaultError(f'{path} holds no list; write it like - {{kind: dropout, sensors: all, begin: 2.0, end: 3.0}}')
    return tuple(_read(row, f'{path}, fault {number}') for number, row in enumerate(rows, 1))


def written(fault: Fault) -> dict[str, object]:
    """The fault as a file has it."""
    known = KINDS[fault.kind]
    row = {'kind': fault.kind, 'sensors': list(fault.sensors) or 'all', 'begin': fault.begin, 'end': fault.end}
    return row if known is None else row | {known.name: fault.amount}


def _read(row: object, where: str) -> Fault:
    if not isinstance(row, Mapping) or not {'kind', 'begin', 'end'} <= row.keys():
        raise FaultError(f'{where} is {row!r}; it needs kind, begin and end')
    known = KINDS.get(str(row['kind']))
    allowed = {'kind', 'sensors', 'begin', 'end'} | ({known.name} if known else set())
    if str(row['kind']) in KINDS and not row.keys() <= allowed:
        raise FaultError(f'{where} has {sorted(row.keys() - allowed)}; {row["kind"]} takes {sorted(allowed)}')
    numbers = {name: row[name] for name in ('begin', 'end', known.name if known else '') if name in row}
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise FaultError(f'{where}: {name} is {value!r}; it must be a number')
    numbers = {name: float(value) for name, value in numbers.items()}
    amount = numbers.get(known.name) if known else None
    try:
        return Fault(str(row['kind']), numbers['begin'], numbers['end'], _named(row.get('sensors', 'all')), amount)
    except FaultError as error:
        raise FaultError(f'{where}: {error}') from None


def _named(sensors: object) -> tuple[str, ...]:
    if sensors == 'all':
        return ()
    if not isinstance(sensors, list) or not sensors or not all(isinstance(name, str) for name in sensors):
        raise FaultError(f'sensors is {sensors!r}; write all or a list such as [left_wrist]')
    return tuple(sensors)


def faulted(
    readings: Sequence[SimulatedReading], faults: Sequence[Fault], sensors: Sequence[str], rng: np.random.Generator
) -> Rows:
    """The readings as they come with all faults, one laid over the other, in the order of arrival.

    Raises:
        FaultError: a fault names a sensor that is not there, or one that measures nothing that could go wrong so.
    """
    rows: dict[str, Rows] = defaultdict(list)
    for reading in sorted(readings, key=lambda reading: reading.measurement.stamp_ns):
        row = FaultyReading(reading.measurement, reading.arrival_ns, reading.measurement.stamp_ns)
        rows[reading.measurement.sensor].append(row)
    for fault, own_rng in zip(faults, rng.spawn(len(faults)), strict=True):
        _check_sensors(fault, sensors)
        change = _swapped if fault.kind == 'swapped' else _each
        change(rows, fault, fault.sensors or tuple(sensors), own_rng)
    every = [row for name in sensors for row in rows[name]]
    return sorted(every, key=lambda row: row.arrival_ns)


def _check_sensors(fault: Fault, sensors: Sequence[str]) -> None:
    unknown = [name for name in fault.sensors if name not in sensors]
    if unknown:
        raise FaultError(f'{fault.kind} names the sensors {unknown}; there are {", ".join(sensors)}, or all')


def _each(rows: dict[str, Rows], fault: Fault, names: Sequence[str], rng: np.random.Generator) -> None:
    """Change each sensor's readings inside the interval; the same order of names gives the same chances."""
    parts = {name: _parted(rows[name], fault) for name in names}
    if all(_lacks(fault.kind, row.measurement) for _, inside, _ in parts.values() for row in inside):
        if any(inside for _, inside, _ in parts.values()):
            raise FaultError(f'{fault.kind} of {", ".join(names)}: they do not measure what could go wrong so')
    for name, (before, inside, after) in parts.items():
        if inside:
            rows[name] = [*before, *_changed(fault, Parts(before, inside, after), rng), *after]


def _changed(fault: Fault, parts: Parts, rng: np.random.Generator) -> Rows:
    if fault.kind in MOVES:
        return [seen(row, _moved(fault, row.taken_ns / 1e9)) for row in parts.inside]
    return CHANGES[fault.kind](parts, fault.amount, rng)


def _parted(rows: Rows, fault: Fault) -> Parts:
    """Before, inside and after the interval, by the time at which they were taken."""
    begin_ns, end_ns = fault.begin * 1e9, fault.end * 1e9
    before = [row for row in rows if row.taken_ns < begin_ns]
    inside = [row for row in rows if begin_ns <= row.taken_ns < end_ns]
    return Parts(before, inside, [row for row in rows if row.taken_ns >= end_ns])


def _lacks(kind: str, measurement: Measurement) -> bool:
    return kind in NEEDS and getattr(measurement, NEEDS[kind]) is None


def _swapped(rows: dict[str, Rows], fault: Fault, names: Sequence[str], rng: np.random.Generator) -> None:
    """Each of two sensors speaks with the other's name."""
    one, other = names
    (before, inside, after), (others_before, others_inside, others_after) = (_parted(rows[n], fault) for n in names)
    if inside and others_inside:
        kinds = [row[0].measurement.position is None for row in (inside, others_inside)]
        if kinds[0] != kinds[1]:
            raise FaultError(f'{one} and {other} cannot be swapped: they are not of the same type')
    rows[one] = [*before, *(changed(row, sensor=one) for row in others_inside), *after]
    rows[other] = [*others_before, *(changed(row, sensor=other) for row in inside), *others_after]
