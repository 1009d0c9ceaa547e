"""A pose waits for a message only where that makes it fresher by more than it makes it later."""

import numpy as np
import pytest

from inpose_ros.node.trigger import ArrivalForecast

MS = 1_000_000


def arrivals(period_ns: int, count: int = 40, phase_ns: int = 0, transport_ns: int = MS) -> list[tuple[int, int]]:
    stamps = [phase_ns + k * period_ns for k in range(count)]
    return [(stamp + transport_ns, stamp) for stamp in stamps]


def heard(
    rows: list[tuple[int, int]], until_ns: int, sensor: str = 'head', among: ArrivalForecast | None = None
) -> ArrivalForecast:
    forecast = among or ArrivalForecast()
    for arrived, stamp in rows:
        if arrived <= until_ns:
            forecast.arrived(sensor, arrived, stamp)
    return forecast


def test_it_waits_for_what_comes_soon_and_not_for_what_came_just_now():
    rows = arrivals(10 * MS)
    last = rows[-1][0]
    for age, waits in ((1, False), (4, False), (7, True), (9, True)):
        wait = heard(rows, last).wait_ns(last + age * MS, rows[-1][1], 5 * MS)
        assert (wait > 0) == waits
        if waits:
            assert (10 - age) * MS < wait < (11 - age) * MS
    assert heard(rows, last).wait_ns(last + 7 * MS, rows[-1][1], 2 * MS) == 0  # longer than it may


def test_it_waits_for_no_sensor_that_is_late_uneven_or_hardly_known():
    rows = arrivals(10 * MS)
    last = rows[-1][0]
    assert heard(rows, last).wait_ns(last + 11 * MS, rows[-1][1], 5 * MS) == 0
    assert heard(rows[-5:], last).wait_ns(last + 8 * MS, rows[-1][1], 5 * MS) == 0
    uneven = [(arrived + (k % 3) * 4 * MS, stamp) for k, (arrived, stamp) in enumerate(rows)]
    assert heard(uneven, uneven[-1][0]).wait_ns(uneven[-1][0] + 8 * MS, rows[-1][1], 5 * MS) == 0


def test_one_lost_message_does_not_make_a_steady_sensor_uneven():
    rows = arrivals(10 * MS)
    del rows[-4]
    last = rows[-1][0]
    assert heard(rows, last).wait_ns(last + 8 * MS, rows[-1][1], 5 * MS) > 0


def test_a_message_that_would_bring_nothing_newer_is_not_worth_it():
    """Its stamps lag behind another sensor's."""
    fresh, stale = arrivals(10 * MS), arrivals(10 * MS, phase_ns=7 * MS, transport_ns=9 * MS)
    now = fresh[-1][0] + 3 * MS
    both = heard(stale, now, 'knee', heard(fresh, now))
    assert both.wait_ns(now, fresh[-1][1], 5 * MS) == 0
    assert heard(stale, now, 'knee').wait_ns(now, fresh[-1][1] - 20 * MS, 5 * MS) > 0


@pytest.mark.parametrize('sensors', [(100.0,), (90.0, 100.0), (1000.0,)])
def test_at_every_phase_poses_are_fresher_for_it_and_none_is_later_than_it_may(sensors: tuple[float, ...]):
    """Ticks at 60 Hz; the age of the newest measurement when a pose is begun, with and without."""
    most = 5 * MS
    for phase in range(0, 10 * MS, 2 * MS):
        rows = sorted(
            (arrived, stamp, str(rate))
            for rate in sensors
            for arrived, stamp in arrivals(round(1e9 / rate), 2 * round(rate), phase_ns=round(phase * rate / 100))
        )
        forecast, ages, waited, taken = ArrivalForecast(), [], [], 0
        for tick in range(500 * MS, 1500 * MS, 16_666_667):
            while taken < len(rows) and rows[taken][0] <= tick:
                forecast.arrived(rows[taken][2], *rows[taken][:2])
                taken += 1
            newest = max(stamp for arrived, stamp, _ in rows if arrived <= tick)
            wait = forecast.wait_ns(tick, newest, most)
            assert 0 <= wait <= most
            then = max(stamp for arrived, stamp, _ in rows if arrived <= tick + wait)
            ages.append(tick - newest)
            waited.append(tick + wait - then)
        assert np.mean(waited) <= np.mean(ages) and np.max(waited) <= max(np.max(ages), 2 * MS)
        if 1000.0 not in sensors and np.quantile(ages, 0.95) > 6.5 * MS:
            assert np.quantile(waited, 0.95) < np.quantile(ages, 0.95) - MS
