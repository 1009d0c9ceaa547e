"""`inpose faults`: let sensors fail in every way that is known, and check what a consumer is told meanwhile."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from inpose_ros.cli import report_files as reports
from inpose_ros.diffusion import checkpoint
from inpose_ros.diffusion.solver import DEFAULT_MODEL
from inpose_ros.errors import FaultError
from inpose_ros.tools import faults_inputs, faults_page, faults_rows, faults_soak
from inpose_ros.tools.faults_table import ROWS, Row


def faults(
    kinds: str = '',
    soak: float = 0.0,
    inputs: bool = False,
    seed: int = 0,
    device: str = 'auto',
    report: Path | None = None,
    doc: Path | None = None,
) -> int:
    """Play a motion with each fault to the node, and check every promise to a consumer; status 1 where one is broken.

    Args:
        kinds: Kinds of faults or names of rows, separated by commas; where none is given all of them, and the inputs.
        soak: In place of the matrix, play random faults for this many minutes.
        inputs: Play sensors of every type alone, each switched off and on again.
        seed: Seed of the user's body and motion, of noise and faults.
        device: auto, cpu or cuda.
        report: File for all numbers (JSON).
        doc: Page whose sections are written anew (Markdown).
    """
    result, failed = _measured(kinds, soak, inputs, seed, device)
    how = reports.provenance(device, seed, checkpoint.digest(DEFAULT_MODEL))
    if report is not None:
        reports.write(report, result | how)
    if doc is not None:
        faults_page.update(doc, result, how)
    print(f'failed: {", ".join(failed)}' if failed else 'all as promised')
    return 1 if failed else 0


def _measured(kinds: str, soak: float, inputs: bool, seed: int, device: str) -> tuple[dict[str, object], list[str]]:
    """What was asked for, by section of the page; and what is not as promised."""
    if soak > 0:
        result = faults_soak.run(soak, seed, device)
        return {'soak': result}, result['failed']
    found, failed = {}, []
    if not inputs:
        found['matrix'] = _matrix(chosen(kinds), seed, device)
        failed += [row['row'] for row in found['matrix'] if row['failed']]
    if inputs or not kinds:
        found['inputs'] = faults_inputs.run(seed, device)
        print(faults_inputs.table(found['inputs']))
        failed += found['inputs']['failed']
    return found, failed


def chosen(kinds: str) -> list[Row]:
    """The rows of these kinds or names, each setting with its motion without a fault first.

    Raises:
        FaultError: there is no such kind.
    """
    wanted = {kind.strip() for kind in kinds.split(',') if kind.strip()} or {row.name for row in ROWS}
    known = list(dict.fromkeys(kind for row in ROWS for kind in sorted(row.kinds)))
    unknown = sorted(wanted - set(known) - {row.name for row in ROWS})
    if unknown:
        raise FaultError(f'there is no fault {", ".join(unknown)}; choose of {", ".join(known)}, or rows by their name')
    rows = [row for row in ROWS if row.name in wanted or row.kinds & wanted]
    used = {row.setting for row in rows}
    return [row for row in ROWS if row in rows or (row.is_clean and row.setting in used)]


def _matrix(rows: Sequence[Row], seed: int, device: str) -> list[dict[str, object]]:
    """What each row showed; those that cannot be played here are `left_out`, for a reason."""
    done, possible = [], [row for row in rows if row.setting.is_possible]
    begin = time.monotonic()
    for result in faults_rows.run(possible, seed, device):
        done.append(result)
        print(faults_page.line(result), flush=True)
    print(f'{len(done)} rows in {time.monotonic() - begin:.0f} s', file=sys.stderr)
    told = {result['row'] for result in done}
    done += [{'row': row.name, 'failed': ['not run: the node had died']} for row in possible if row.name not in told]
    for row in rows:
        if row not in possible:
            done.append({'row': row.name, 'failed': [], 'left_out': f'{row.setting.library} is not installed here'})
            print(faults_page.line(done[-1]))
    return done
