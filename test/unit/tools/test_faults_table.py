"""What a row is about follows from its faults."""

import math

from inpose_ros.evaluation.tracking import truth_at
from inpose_ros.motion.faults import world_at
from inpose_ros.motion.procedural import procedural_clip, random_skeleton
from inpose_ros.node.player import PlayerParameters, motion
from inpose_ros.tools.faults import _matrix
from inpose_ros.tools.faults_bench import Setting
from inpose_ros.tools.faults_rows import distances, rate_before
from inpose_ros.tools.faults_table import ROWS, Row

from .test_faults_checks import START, played, record


def row(name: str) -> Row:
    return next(row for row in ROWS if row.name == name)


def test_a_row_lasts_long_enough_for_its_faults_and_for_what_comes_after_them() -> None:
    for one in ROWS:
        assert 0 <= one.begin <= one.end <= one.setting.lasts + 0.1, one.name
        assert not one.recovers or one.is_clean or one.end + 1.3 <= one.setting.lasts + 1e-9, one.name


def test_a_setting_lasts_as_long_as_is_said() -> None:
    for setting in {one.setting for one in ROWS}:
        given = {'seconds': setting.seconds, 'part': setting.part, 'stand': setting.stand}
        assert abs(motion(PlayerParameters(**given)).seconds - setting.lasts) < 0.05


def test_its_harmed_sensors_are_those_of_its_faults() -> None:
    assert row('dropout').harmed == ('left_wrist',) and len(row('dropout').unharmed) == 2
    assert row('dropout of all').harmed == ('head', 'left_wrist', 'right_wrist')
    assert row('dropout of all').unharmed == row('none').unharmed == []
    assert row('calibrate').harmed == () and row('heading_step').blind == ('waist',)
    assert row('no_clock').kinds == {'no_clock'} and row('calibrate').kinds == {'calibrate'}


def test_a_dead_clock_goes_on_and_a_paused_one_does_not() -> None:
    assert row('clock_paused').end == row('clock_paused').begin
    assert row('no_clock').end == row('no_clock').begin + 2 * 3.4


def test_the_truth_moves_with_the_world_of_all_sensors_and_with_nothing_less() -> None:
    truth = procedural_clip(0, 6.2, random_skeleton(0))
    stamps = record().pose_stamp_ns
    true = truth_at(truth, stamps, START).positions.double().numpy()
    moved = true.copy()
    for k, stamp_ns in enumerate(stamps):
        move = world_at(row('world_moved').faults[0], (int(stamp_ns) - START) / 1e9)
        if move is not None:
            moved[k] = moved[k] @ move.rot.T + move.shift
    assert distances(record(position=moved), truth, START, row('world_moved')).max() < 1e-9
    assert distances(record(position=moved), truth, START, row('world_moved of one')).max() > 1
    assert distances(record(position=true), truth, START, row('world_moved of one')).max() < 1e-9


def test_the_rate_before_a_fault_is_not_told_where_it_begins_at_once() -> None:
    assert round(rate_before(row('dropout'), played())) == 30
    assert math.isnan(rate_before(row('unworn'), played()))


def test_rows_whose_library_is_missing_are_left_out_for_that_reason() -> None:
    nowhere = Row('over a bus', Setting('faults/frames.yaml', 5.0, library='no_such_library'))
    assert _matrix([nowhere], 0, 'cpu') == [
        {'row': 'over a bus', 'failed': [], 'left_out': 'no_such_library is not installed here'}
    ]
    assert Setting('sensors/demo.yaml', 5.0, library='json').is_possible
