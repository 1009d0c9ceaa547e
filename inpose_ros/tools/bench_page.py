"""docs/performance.md: what `inpose bench` measured goes between its marks, what was written around them stays."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from inpose_ros.cli import markdown_blocks
from inpose_ros.evaluation.figure_cost import cost_curves

_LIVE = {
    'frames': 'poses received', 'missed': 'missed', 'latency_p50_ms': 'latency p50 [ms]',
    'latency_p95_ms': 'latency p95 [ms]', 'latency_p99_ms': 'latency p99 [ms]', 'cpu_cores': 'cores, the node',
    'cpu_cores_player': 'cores, the player', 'cpu_cores_receiver': 'cores, the receiver', 'rss_mb': 'memory [MB]',
    'rss_growth_mb': 'growth of the memory [MB]', 'seconds_to_first_pose': 'to the first pose [s]',
    'dropped': 'ticks dropped', 'hurried_percent': 'poses in a hurry [%]',
}  # fmt: skip
_SECTIONS = {
    'frames': 'Where the time of a frame goes',
    'live': 'Live, end to end',
    'busy': 'Live, with a core kept busy',
}
_DEVICES = {'cpu': 'On the CPU', 'cuda': 'On a GPU'}


def update(path: Path, result: Mapping[str, object], how: Mapping[str, object], rate: float) -> None:
    """Write into the page what `result` holds, and draw its figures beside it.

    Raises:
        PageError: the page has lost its marks.
    """
    text = path.read_text() if path.exists() else blank()
    device = str(how['device']).partition(':')[0]
    sections = {}
    if 'inpose' in result:
        figure = f'figures/cost_{device}.png'
        cost_curves(path.parent / figure, result['cost'], 1e3 / rate)
        sections['frames'] = frames(result, figure, rate)
    for live in (result[name] for name in ('live', 'live_busy') if name in result):
        sections['busy' if live['busy'] else 'live'] = alive(live)
    for name, section in sections.items():
        text = markdown_blocks.replaced(text, f'{name} {device}', f'{section}\n\n{_provenance(how)}', path)
    path.write_text(text)


def blank() -> str:
    """A page of which nothing has been measured yet."""
    lines = [
        '# How fast it is',
        '',
        markdown_blocks.paragraph("""What stands between marks is written by `inpose bench --doc docs/performance.md`
            (`make bench`), with nothing else running; with `--live` only that section is measured anew. What stands
            around them is kept. Every number is explained in [evaluation.md](evaluation.md#the-benchmark)."""),
    ]
    for device, title in _DEVICES.items():
        lines += ['', f'## {title}']
        for name, heading in _SECTIONS.items():
            mark = f'{name} {device}'
            lines += ['', f'### {heading}', '', f'<!-- {mark} -->', 'Not measured yet.', f'<!-- /{mark} -->']
    return '\n'.join(lines) + '\n'


def frames(result: Mapping[str, object], figure: str, rate: float) -> str:
    """Stages, the paper's procedure beside them, and the cost of what can be varied."""
    ours, paper = result['inpose'], result['paper_procedure']
    rows = [(name, *_percentiles(row)) for name, row in [*ours['stages'].items(), ('whole', ours)]]
    stages = _table(('stage', 'p50 [ms]', 'p95 [ms]', 'p99 [ms]'), rows)
    what = markdown_blocks.paragraph(f"""
        {ours['frames']} frames at {rate:g} Hz, three trackers and three IMUs, method {result['method']} by
        {result['backend']}, {result['threads']} thread(s) of PyTorch; {ours['passes']:g} passes of the network a frame
        (median); memory {result['rss_mb']:.0f} MB.
    """)
    beside = markdown_blocks.paragraph(f"""
        The paper's procedure on the same machine in the same run ({paper['threads']} thread(s), {paper['frames']}
        frames, {paper['parameters'] / 1e6:.1f} M random weights) takes {paper['ms_per_window']:.0f} ms a window, and
        {paper['ms_per_window_closed_form']:.0f} ms with its likelihood in closed form. Over our median frame:
    """)
    ratios = _table(
        ('', 'times longer'),
        [('to the newest frame of a window (`ratio`)', f'{result["ratio"]:.0f}'),
         ('per new frame, 20 a window (`ratio_per_frame`)', f'{result["ratio_per_frame"]:.1f}'),
         ('likelihood in closed form (`ratio_closed_form`)', f'{result["ratio_closed_form"]:.0f}')],
    )  # fmt: skip
    curves = markdown_blocks.paragraph(f"""
        Medians of a solve as the node solves, windows of other lengths with random weights; several bodies are streams
        in one batch. The dashed line is one frame at {rate:g} Hz.
    """)
    costs = _table(('varied', 'milliseconds'), [(name.replace('_', ' '), _listed(row))
                                                for name, row in result['cost'].items()])  # fmt: skip
    return '\n\n'.join((what, stages, beside, ratios, curves, f'![cost of a solve]({figure})', costs))


def alive(live: Mapping[str, object]) -> str:
    """What came through DDS."""
    busy = f' {live["busy"]} other process(es) each kept a core busy.' if live['busy'] else ''
    what = markdown_blocks.paragraph(f"""
        Three trackers at 90 Hz and three IMUs at 100 Hz, played by a process of its own; {live['rate']:g} poses a
        second for {live['seconds']:g} s, {live['steps']} pass(es) of the network wanted for each.{busy}
    """)
    rows = [(label, _number(live[name])) for name, label in _LIVE.items() if name in live]
    if 'network_passes' in live:
        passes = live['network_passes']
        rows.append(
            ('passes of the network, mean (least, most)',
             f'{passes["mean"]:.2f} ({passes["min"]:g}, {passes["max"]:g})')
        )  # fmt: skip
    return f'{what}\n\n{_table(("", ""), rows)}'


def _provenance(how: Mapping[str, object]) -> str:
    gpu = f', {how["gpu"]}' if how['gpu'] else ''
    machine = markdown_blocks.paragraph(f'Machine: {how["cpu"]}, {how["cores"]} cores{gpu}.')
    return f'{markdown_blocks.provenance(how)}\n{machine}'


def _percentiles(row: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(f'{row[name]:.2f}' for name in ('p50_ms', 'p95_ms', 'p99_ms'))


def _listed(row: Mapping[str, float]) -> str:
    return ', '.join(f'{value}: {ms:.1f}' for value, ms in row.items())


def _number(value: float) -> str:
    return f'{value:.2f}' if isinstance(value, float) else str(value)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ['---'] * len(head), *rows]
    return '\n'.join(f'| {" | ".join(cells)} |' for cells in lines)
