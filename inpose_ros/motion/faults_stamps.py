"""Stamps that are off, absent, or those of receipt."""

from dataclasses import replace

import numpy as np

from inpose_ros.motion.faults_reading import Change, Parts, Rows, changed

# Between messages that are read all at once [ns].
_READ_NS = 100_000
# Before any clip's start, whenever that is: a stamp before 1970 is played as zero.
_NEVER_NS = -(2**63)


def _shifted(sign: int) -> Change:
    def change(parts: Parts, amount: float, rng: np.random.Generator) -> Rows:
        step_ns = sign * round(amount * 1e9)
        return [changed(row, stamp_ns=row.measurement.stamp_ns + step_ns) for row in parts.inside]

    return change


def _burst(parts: Parts, amount: float, rng: np.random.Generator) -> Rows:
    """A driver reads its device's queue now and then, and stamps what it finds with the time at which it does."""
    size, read = round(amount), []
    for start in range(0, len(parts.inside), size):
        block = parts.inside[start : start + size]
        for place, row in enumerate(block):
            read_ns = block[-1].arrival_ns + place * _READ_NS
            read.append(replace(changed(row, stamp_ns=read_ns), arrival_ns=read_ns))
    return read


def _stamp_zero(parts: Parts, amount: float | None, rng: np.random.Generator) -> Rows:
    """The driver does not fill in header.stamp."""
    return [changed(row, stamp_ns=_NEVER_NS) for row in parts.inside]


CHANGES: dict[str, Change] = {
    'clock_forward': _shifted(+1),
    'clock_back': _shifted(-1),
    'ahead': _shifted(+1),
    'behind': _shifted(-1),
    'burst': _burst,
    'stamp_zero': _stamp_zero,
}
