"""What is said against a run in which sensors of every type are switched off and on again."""

from itertools import pairwise

import numpy as np
import pytest

from inpose_ros.body import smpl22
from inpose_ros.tools import faults_inputs as inputs
from inpose_ros.tools.faults_checks import Record, Told

S = 1_000_000_000
START = 1000 * S
FAULTS = inputs.silences(list(inputs.WORN))
COUNT = round(30 * (FAULTS[-1].end + inputs.ON))
RECEIVED = np.arange(COUNT) / 30
LATE = 0.6  # how long after the end or the return of its readings a joint's flag follows [s]


def flags() -> np.ndarray:
    """Every joint is measured but while its sensor is silent, and a little later."""
    measured = np.ones((COUNT, 22), dtype=bool)
    for fault in FAULTS:
        joint = inputs.WORN[fault.sensors[0]][0]
        measured[(RECEIVED >= fault.begin + LATE) & (RECEIVED < fault.end + LATE), smpl22.INDEX[joint]] = False
    return measured


def found(alive: bool = True, **changed: object) -> dict[str, object]:
    stamps = START + np.rint(RECEIVED * S).astype(np.int64)
    told = Told(
        START + 2 * S, 0, 'tracking', {f'{name} rate [Hz]': f'{row[2]:.1f}' for name, row in inputs.WORN.items()}
    )
    parts = {
        'joint_stamp_ns': stamps, 'angles': np.zeros((COUNT, 63)), 'velocities': np.zeros((COUNT, 63)),
        'pose_stamp_ns': stamps, 'pose_received_ns': stamps, 'position': np.zeros((COUNT, 22, 3)),
        'measured': flags(), 'degraded': np.zeros(COUNT, dtype=bool),
        'tracking': np.ones(COUNT, dtype=bool), 'position_stddev': np.full((COUNT, 22), 0.01),
        'bone_length': np.full((COUNT, 22), 0.3), 'tf_stamp_ns': stamps, 'finite': True, 'told': (told,),
    }  # fmt: skip
    return inputs.judged(Record(**(parts | changed)), FAULTS, inputs.WORN, START, alive)


def spoilt(when: float, value: bool) -> np.ndarray:
    """The head's flag is wrong from a time on for 0.1 s."""
    measured = flags()
    measured[(RECEIVED >= when) & (RECEIVED < when + 0.1), smpl22.INDEX['head']] = value
    return measured


def test_nothing_is_said_where_each_flag_follows_its_sensor() -> None:
    result = found()
    assert result['failed'] == []
    assert [row['heard'] for row in result['inputs']] == [60, 20, 200, 1000, 100]
    for row in result['inputs']:
        assert row['off_after'] == pytest.approx(LATE, abs=0.04) == row['on_after']
    assert 'as promised' in inputs.table(result)


@pytest.mark.parametrize(
    ('changed', 'why'),
    [
        ({'alive': False}, 'died'),
        ({'finite': False}, 'not finite'),
        ({'velocities': np.full((COUNT, 63), 16.0)}, '16.0 rad/s'),
        ({'joint_stamp_ns': np.full(COUNT, START)}, 'stamps went back'),
        ({'measured': spoilt(2.0, False)}, 'head: not measured all the time before'),
        ({'measured': spoilt(inputs.FIRST + 1.5, True)}, 'head: said to be measured for 1.6'),
        ({'measured': spoilt(inputs.FIRST + inputs.OFF + 1.5, False)}, 'head: measured again only after 1.6'),
        ({'measured': np.ones((COUNT, 22), dtype=bool)}, 'left_wrist: said to be measured for inf'),
        ({'measured': np.zeros((COUNT, 22), dtype=bool)}, 'waist: measured again only after inf'),
    ],
)
def test_whatever_is_not_as_promised_is_told(changed: dict[str, object], why: str) -> None:
    assert any(why in said for said in found(**changed)['failed']), found(**changed)['failed']


def test_each_sensor_is_silent_once_and_never_with_another() -> None:
    assert [fault.sensors for fault in FAULTS] == [(name,) for name in inputs.WORN]
    for one, following in pairwise(FAULTS):
        assert following.begin - one.end >= inputs.ON
