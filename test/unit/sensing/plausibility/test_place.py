"""Whose place is absurd: the minority's, whoever spoke first."""

from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from inpose_ros.sensing.measurement import Measurement
from inpose_ros.sensing.plausibility.checks import Plausibility

from .test_checks import SENSORS, Person

NAMES = ('head', 'left', 'right')
FAR = np.array([0.0, 500.0, 0.0])


def refused(
    order: tuple[str, ...], change: Callable[[Measurement, float], Measurement], seconds: float = 1.0
) -> dict[str, list[float]]:
    """When each is called absurd, of sensors that speak in an order and whose readings are changed."""
    person, plausibility = Person(), Plausibility()
    found: dict[str, list[float]] = {name: [] for name in order}
    for t in person.times(0, seconds):
        for name in order:
            verdict = plausibility.judge(change(person.reading(name, t), t), SENSORS[name])
            if verdict.measurement is None:
                assert [finding.cause for finding in verdict.findings] == ['absurd_position']
                found[name].append(t)
    return found


@pytest.mark.parametrize('lost', NAMES)
@pytest.mark.parametrize('order', [*permutations(NAMES)])
def test_one_that_is_far_from_two_others_is_absurd_even_if_it_speaks_first(lost, order):
    def change(reading: Measurement, t: float) -> Measurement:
        return replace(reading, position=reading.position + FAR) if reading.sensor == lost else reading

    found = refused(order, change)
    assert len(found[lost]) >= 59
    assert all(len(times) <= 1 for name, times in found.items() if name != lost), 'until it is known who is right'


@pytest.mark.parametrize('order', [('head', 'left'), ('left', 'head'), *permutations(NAMES)])
def test_millimetres_stop_nobody_else_whoever_speaks_first(order):
    def change(reading: Measurement, t: float) -> Measurement:
        return replace(reading, position=1e3 * reading.position) if reading.sensor != 'head' else reading

    found = refused(order, change)
    assert {name: len(times) for name, times in found.items()} == {name: 60 * (name != 'head') for name in order}


@pytest.mark.parametrize('order', [('head', 'left'), ('left', 'head')])
def test_of_two_the_one_that_was_there_before_is_right(order):
    def change(reading: Measurement, t: float) -> Measurement:
        return replace(reading, position=reading.position + FAR) if reading.sensor == 'left' and t > 0.5 else reading

    found = refused(order, change)
    assert not found['head'] and len(found['left']) == 29


def test_who_walks_away_from_a_sensor_that_lies_somewhere_is_believed():
    def change(reading: Measurement, t: float) -> Measurement:
        way = np.array([9.0 * t, 0.0, 0.0]) if reading.sensor == 'head' else np.zeros(3)
        return replace(reading, position=reading.position + way)

    assert refused(('head', 'left'), change, seconds=13.0) == {'head': [], 'left': []}
