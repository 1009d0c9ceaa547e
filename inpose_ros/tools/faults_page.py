"""docs/reliability.md: what was measured goes between its marks, what was written by hand around them stays."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from inpose_ros.cli import markdown_blocks
from inpose_ros.tools import faults_checks as checks
from inpose_ros.tools import faults_inputs, faults_rows, faults_soak
from inpose_ros.tools import faults_state as state
from inpose_ros.tools.faults_stalls import STALL
from inpose_ros.tools.faults_table import BEGIN, END, SECONDS

_COLUMNS = (
    'fault',
    'poses before [Hz]',
    'numbers finite',
    'stamps back',
    'fastest joint [rad/s]',
    'by its angles [rad/s]',
    'named as',
    'recovered after [s]',
    'verdict',
)
# Where there is no page yet.
_PAGE = """# What happens when sensors fail

What stands between marks is written by `inpose faults --doc docs/reliability.md`: `make faults` measures the first two
sections anew, `make faults SOAK=30` the third. What stands around them is kept.

## Every known fault

<!-- matrix -->
<!-- /matrix -->

## Sensors of every type, switched off and on

<!-- inputs -->
<!-- /inputs -->

## For a long time

<!-- soak -->
<!-- /soak -->
"""


def update(path: Path, result: Mapping[str, object], how: Mapping[str, object]) -> None:
    """Write into the page what `result` holds.

    Raises:
        PageError: the page has lost its marks.
    """
    text = path.read_text() if path.exists() else _PAGE
    for name, write in (('matrix', matrix), ('inputs', inputs), ('soak', soak)):
        if name in result:
            block = f'{write(result[name])}\n\n{markdown_blocks.provenance(how)}'
            text = markdown_blocks.replaced(text, name, block, path)
    path.write_text(text)


def matrix(rows: Sequence[Mapping[str, object]]) -> str:
    """How the node bears each fault."""
    what = markdown_blocks.paragraph(f"""
        Each row plays the same motion over real DDS to one running node, but where an IMU gives no orientation: there
        each has a fresh one. For a while ({BEGIN:g} to {END:g} s of {SECONDS:g} s, longer where
        something can be told from honest motion only with time) something goes wrong with the sensors, and another
        process checks what a consumer is told: the node lives, no number is NaN, stamps rise strictly (but once where
        the clock of all sensors goes back), no joint turns faster than {checks.LIMIT:g} rad/s, neither by the
        velocities told nor by the angles' differences over the stamps', `/diagnostics` names the cause, the state is
        not TRACKING while a sensor does not contribute (but for {state.LAG:g} s), what is useless is not `measured`,
        the sensors that nothing is wrong with stay in use and their joints are where they are, and within
        {checks.RECOVERY:g} s after the end all are, the state is TRACKING, and the mean error of the joints in the
        world is that of the same motion without the fault, or that of before, give or take
        {100 * checks.MARGIN:g} cm. A row that is not as promised is played again, twice at most, where the machine
        disturbed it: a thread that does nothing but sleep was woken more than {1e3 * STALL:.0f} ms late, sensors were
        played so late, nobody had found them at the start, or fewer than {faults_rows.BUSY:g} of 30 poses a second came
        before the fault.
    """)
    named = markdown_blocks.paragraph("""
        "Named as" lists everything that the diagnostics named since the fault began: sensors from the status message,
        and how much a count rose.
    """)
    played = [row for row in rows if 'left_out' not in row]
    good = sum(not row['failed'] for row in played)
    return f'{what}\n\n{good} of {len(played)} rows are as promised.\n\n{table(rows)}\n\n{named}'


def table(rows: Sequence[Mapping[str, object]]) -> str:
    return '\n'.join([f'| {" | ".join(_COLUMNS)} |', '|' + '---|' * len(_COLUMNS), *map(line, rows)])


def line(row: Mapping[str, object]) -> str:
    """A row of the table."""
    verdict = '; '.join(row['failed']) or ('left out: ' + row['left_out'] if 'left_out' in row else 'as promised')
    if 'rate' not in row:
        return f'| {row["row"]} |' + ' |' * (len(_COLUMNS) - 2) + f' {verdict} |'
    named = ', '.join(f'{cause}: {how}' for cause, how in sorted(row['named'].items())) or '-'
    recovery = row['recovery']
    after = '-' if recovery is None else 'never' if math.isinf(recovery) else f'{recovery:.2f}'
    rate = '-' if math.isnan(row['rate']) else f'{row["rate"]:.0f}'
    cells = (row['row'], rate, 'yes' if row['finite'] else 'NO', row['stamps_back'],
             f'{row["peak_velocity"]:.1f}', f'{row["peak_by_angles"]:.1f}', named, after, verdict)  # fmt: skip
    return '| ' + ' | '.join(str(cell).replace('|', '\\|') for cell in cells) + ' |'


def inputs(result: Mapping[str, object]) -> str:
    """How the node bears sensors that come and go."""
    left_out = ', '.join(result['left_out'])
    what = markdown_blocks.paragraph(f"""
        All send at once, each at its own rate; then each is silent for {faults_inputs.OFF:g} s in its turn. No joint
        may turn faster than {checks.LIMIT:g} rad/s, and `body_pose.measured` has to be true of the joint while its
        sensor sends, false {faults_inputs.GONE:g} s after it stopped, and true again {checks.RECOVERY:g} s after it
        returned. {f'Left out: {left_out}, as tf2_ros was not installed.' if left_out else ''}
    """)
    found = markdown_blocks.paragraph(f"""
        Fastest joint: {result['peak_velocity']:.1f} rad/s as told, {result['peak_by_angles']:.1f} rad/s by its angles.
        {_verdict(result)}
    """)
    return f'{what}\n\n{faults_inputs.table(result)}\n\n{found}'


def soak(result: Mapping[str, object]) -> str:
    """How the node bears random faults for a long time."""
    segments, used = result['segments'], result['memory_mb'][-1][1]
    count = {key: sum(segment[key] for segment in segments) for key in ('faults', 'poses', 'changes')}
    peak = max(segment['peak_velocity'] for segment in segments)
    what = markdown_blocks.paragraph(f"""
        Random faults of every kind and length, at times two at once, for {result['minutes']:g} minutes. The node has to
        live, no number may be NaN, no joint faster than {checks.LIMIT:g} rad/s; every spell without poses or with
        degraded ones and every warning in the diagnostics must lie in a fault, in a stall of the machine, or shortly
        after one, and the log must have a line for every change of state. From {faults_soak.LONG / 60:g} minutes on,
        memory may not grow by more than {faults_soak.GROWTH:.0%} after the warm-up.
    """)
    found = markdown_blocks.paragraph(f"""
        {count['faults']} faults, {count['poses']} poses, {count['changes']} changes of state; fastest joint
        {peak:.1f} rad/s; memory {used:.0f} MB, {result['growth_mb']:+.1f} MB since the warm-up.
    """)
    return f'{what}\n\n{found}\n\n{markdown_blocks.paragraph(_verdict(result))}'


def _verdict(result: Mapping[str, object]) -> str:
    return 'Failed: ' + '; '.join(result['failed']) + '.' if result['failed'] else 'All as promised.'
