"""Chains of /tf with links that come rarely or late: what is measured of a frame, and what is said; no node."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from inpose_ros.errors import MeasurementError
from inpose_ros.node.conversions.sensors import transforms_from_measurement
from inpose_ros.node.tf_input import Frames, tf2_ros
from inpose_ros.sensing.measurement import Measurement

BEGIN = 100.0
# A map's correction wanders by a centimetre within seconds; a vehicle drives.
MAP: Callable[[float], float] = lambda t: 0.01 * np.sin(t)  # noqa: E731
VEHICLE: Callable[[float], float] = lambda t: 2.0 * t  # noqa: E731


class Row(NamedTuple):
    """A link that comes at a rate [Hz], so long [s] after its stamps, and lies at x [m] at a time [s]; 0 Hz: static."""

    parent: str
    child: str
    rate: float
    late: float = 0.005
    x: Callable[[float], float] = lambda t: 0.5 * np.sin(2 * t)
    until: float = 6.0


class Heard(NamedTuple):
    ages: list[float]
    errors: list[float]
    said: list[MeasurementError]
    slowness: list[MeasurementError]


def transform(row: Row, t: float):
    place = np.array([row.x(t), 0.0, 0.0])
    return transforms_from_measurement(
        Measurement('', round((BEGIN + t) * 1e9), np.eye(3), place), row.parent, row.child
    )


def played(*rows: Row, topic: str = '', seconds: float = 6.0) -> Heard:
    """What is measured of `tracker` at each arrival; `topic`: a pose that is given in this frame, at 60 Hz, instead."""
    frames, heard, last_ns = Frames(None, 'world'), Heard([], [], [], []), 0
    frames._buffer = tf2_ros().Buffer()
    arrivals = [(row.late + k / row.rate, k / row.rate, row) for row in rows if row.rate
                for k in range(int(min(seconds, row.until) * row.rate))]  # fmt: skip
    arrivals += [(k / 60 + 0.004, k / 60, None) for k in range(60 * int(seconds) if topic else 0)]
    for row in rows:
        if not row.rate:
            frames._hear(transform(row, 0.0), static=True)
    for now, stamp, row in sorted(arrivals, key=lambda arrival: arrival[0]):
        if row is not None:
            frames._hear(transform(row, stamp))
        try:
            if not topic:
                found = frames.since('tracker', last_ns, 'waist')
            else:
                found = [frames.at(topic, round((BEGIN + stamp) * 1e9), 'waist')] if row is None else []
        except MeasurementError as error:
            if now > 2.0:
                heard.said.append(error)
            continue
        for measured in found:
            last_ns = measured.stamp_ns
            t = last_ns / 1e9 - BEGIN
            if now > 2.0:
                heard.ages.append(now - t)
                heard.errors.append(abs(measured.position[0] - sum(r.x(t if r.rate else 0.0) for r in rows)))
        error = frames.slowness('tracker', 'waist') if found and now > 2.0 and not topic else None
        heard.slowness.extend([] if error is None else [error])
    return heard


@pytest.mark.parametrize(
    'rows',
    [
        [Row('world', 'tracker', 2)],
        [Row('world', 'tracker', 5)],
        [Row('odom', 'tracker', 2), Row('world', 'odom', 2)],
        [Row('hand', 'tracker', 0), Row('world', 'hand', 3)],
        [Row('odom', 'tracker', 5), Row('world', 'odom', 60)],
    ],
)
def test_a_frame_that_is_measured_a_few_times_a_second_is_named_whatever_it_hangs_on(tf2, rows):
    assert {error.cause for error in played(*rows).slowness} == {'slow_link'}


@pytest.mark.parametrize('rate', [10, 20, 30, 60, 120, 400])
@pytest.mark.parametrize('others', [[], [2], [30], [60, 1], [0]])
def test_a_frame_that_comes_ten_times_a_second_or_more_is_not_named(tf2, rate, others):
    names = [*['tracker', 'base', 'odom'][: len(others) + 1], 'world']
    rows = [Row(above, below, r, x=MAP) for below, above, r in zip(names, names[1:], [rate, *others], strict=False)]
    heard = played(*rows, seconds=4.0)
    assert len(heard.ages) > 2 * 0.9 * min(rate, 60) and not heard.said and not heard.slowness


def test_a_tracker_that_begins_with_a_hole_is_not_named(tf2):
    frames = Frames(None, 'world')
    frames._buffer = tf2_ros().Buffer()
    for t in (0.0, 0.8, *(1.0 + k / 60 for k in range(30))):
        frames._hear(transform(Row('world', 'tracker', 60), t))
        assert frames.slowness('tracker', 'waist') is None


@pytest.mark.parametrize(('rate', 'late'), [(30, 0.15), (30, 0.2), (60, 0.2), (30, 0.5), (10, 0.5), (5, 0.9)])
def test_a_correction_of_the_map_that_comes_late_is_carried_on_and_every_reading_is_there_at_once(tf2, rate, late):
    for topic in ('', 'odom'):
        heard = played(Row('odom', 'tracker', 60), Row('world', 'odom', rate, late, MAP), topic=topic)
        assert not heard.said and len(heard.ages) >= 0.95 * 60 * 4
        assert max(heard.ages) < 0.03
        assert topic or max(heard.errors) < 0.012


@pytest.mark.parametrize('late', [0.02, 0.06, 0.09, 0.1, 0.11, 0.12, 0.13])
@pytest.mark.parametrize('x', [MAP, VEHICLE])
def test_a_link_that_is_about_as_late_as_is_waited_for_takes_no_reading_away(tf2, late, x):
    heard = played(Row('odom', 'tracker', 60), Row('world', 'odom', 30, late, x))
    assert not heard.said and len(heard.ages) >= 0.95 * 60 * 4 and max(heard.ages) < late + 0.07
    assert max(heard.errors) < 0.01


@pytest.mark.parametrize(('rate', 'late'), [(30, 0.12), (30, 0.2), (60, 0.12), (60, 0.5), (30, 1.5)])
def test_a_vehicle_whose_place_comes_late_is_waited_for_and_every_reading_is_right(tf2, rate, late):
    heard = played(Row('odom', 'tracker', 60), Row('world', 'odom', rate, late, VEHICLE))
    assert not heard.said and len(heard.ages) >= 0.95 * 60 * (4 - 0.1)
    assert max(heard.errors) < 1e-3 and max(heard.ages) < late + 2 / rate + 0.02


def test_a_pose_in_the_frame_of_a_vehicle_whose_place_comes_late_is_refused_with_what_would_do(tf2):
    heard = played(Row('odom', 'tracker', 60), Row('world', 'odom', 30, 0.3, VEHICLE), topic='odom')
    assert not heard.ages and 'comes 0.28 s after' in str(heard.said[-1]) and 'type tf' in str(heard.said[-1])


@pytest.mark.parametrize(('late', 'x'), [(0.005, MAP), (0.3, MAP), (0.3, VEHICLE)])
def test_a_link_that_has_stopped_is_named_soon_however_late_it_came(tf2, late, x):
    rows = Row('odom', 'tracker', 60), Row('world', 'odom', 30, late, x, until=4.0)
    heard = played(*rows)
    assert {error.cause for error in heard.said} == {'slow_link'}
    assert len(heard.said) == pytest.approx(60 * (6.0 - 4.0 - late - 4 / 30), abs=60 * 0.1 + 60 * late)
