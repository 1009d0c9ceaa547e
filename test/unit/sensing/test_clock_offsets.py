"""Clocks that are not the others'."""

import numpy as np
import pytest

from inpose_ros.sensing.clock_offsets import ClockOffsets, Offset


def told(offsets: dict[str, float], delays: dict[str, float] | None = None, jitter: float = 0.01, seconds: float = 2.0,
         rates: dict[str, float] | None = None) -> dict[str, Offset]:  # fmt: skip
    """Who is odd after some time; `offsets` [s] are those of the sensors' clocks, `delays` [s] those on the way."""
    rng, clocks = np.random.default_rng(0), ClockOffsets()
    rows = []
    for name, offset in offsets.items():
        for taken in np.arange(0, seconds, 1 / (rates or {}).get(name, 60.0)):
            rows.append((taken + (delays or {}).get(name, 0.0) + rng.exponential(jitter), taken + offset, name))
    for arrived, stamp, name in sorted(rows):
        clocks.arrived(name, round(stamp * 1e9), round(arrived * 1e9))
    return clocks.odd(round(seconds * 1e9))


@pytest.mark.parametrize('offset', [0.05, 0.1, 0.3, -0.08, -0.1, -0.3])
@pytest.mark.parametrize('others', [1, 2, 5])
def test_one_clock_that_is_off_is_named_with_its_offset(offset, others):
    found = told({f'other_{k}': 0.0 for k in range(others)} | {'odd': offset})
    assert list(found) == ['odd'] and found['odd'].wrong
    assert found['odd'].offset_ns / 1e9 == pytest.approx(offset, abs=0.01)


@pytest.mark.parametrize('common', [-0.4, 0.0, 0.2])
def test_what_all_have_in_common_is_nobodys_fault(common):
    assert told({'head': common, 'left': common, 'right': common}) == {}


@pytest.mark.parametrize('rates', [{}, {'head': 20.0, 'left': 200.0}, {'head': 200.0, 'right': 30.0}])
@pytest.mark.parametrize('offset', [0.06, 0.1, 0.3])
@pytest.mark.parametrize('delay', [0.0, 0.015])
def test_stamps_from_after_their_own_arrival_are_ahead_however_many_send_them(offset, delay, rates):
    wrong = {'left': offset, 'right': offset, 'waist': offset}
    found = told({'head': 0.0} | wrong, {'head': delay}, rates=rates)
    assert found.keys() == wrong.keys() and all(odd.wrong for odd in found.values())
    assert [odd.offset_ns / 1e9 for odd in found.values()] == pytest.approx([offset + delay] * 3, abs=0.01)


@pytest.mark.parametrize('delay', [0.0, 0.02])
def test_headset_and_controllers_that_foretell_where_they_will_be_are_not_ahead_of_an_imu(delay):
    assert told({'head': 0.03, 'left': 0.03, 'right': 0.03, 'waist': 0.0}, {'waist': delay}, jitter=0.002) == {}


@pytest.mark.parametrize('rate', [0.7, 1.0, 2.0, 3.0])
def test_who_speaks_seldom_may_be_ahead_and_says_nothing_of_the_others(rate):
    rates = {'far': rate, 'further': rate}
    others = {'head': 0.0, 'left': 0.0}
    found = told(others | {'far': 0.1}, rates=rates, seconds=6.0)
    assert found.keys() == {'far'} and found['far'].wrong
    assert found['far'].offset_ns / 1e9 == pytest.approx(0.1, abs=0.02)
    assert told(others | {'far': 0.0, 'further': 0.0}, {'far': 0.2, 'further': 0.3}, rates=rates, seconds=6.0) == {}
    assert told({'far': 0.3, 'further': 0.0}, rates=rates, seconds=6.0) == {}


@pytest.mark.parametrize('silence', [0.6, 1.0, 3.0])
def test_a_clock_that_was_set_right_in_a_silence_is_judged_by_what_it_says_now(silence):
    clocks, period = ClockOffsets(), 16_666_667
    for k in range(240):
        now, begin = k * period, 2 * 10**9 + round(silence * 1e9)
        clocks.arrived('a', now, now)
        if now < 2 * 10**9 or now >= begin:
            clocks.arrived('odd', now + 10**8 * (now < begin), now)
        if begin <= now < begin + 10**9 or now > begin + 10**9:
            assert 'odd' not in clocks.odd(now)


def test_honest_sensors_of_many_rates_with_jitter_and_some_delay_are_not_named():
    rates = {'head': 90.0, 'left': 20.0, 'right': 60.0, 'waist': 400.0}
    assert told(dict.fromkeys(rates, 0.0), {'waist': 0.03}, rates=rates) == {}


def test_where_the_others_links_are_slower_nobodys_clock_is_to_blame():
    found = told(dict.fromkeys(('near', 'far', 'further'), 0.0), {'far': 0.09, 'further': 0.1})
    assert found.keys() == {'near'} and found['near'].offset_ns > 0 and not found['near'].wrong


def test_one_alone_has_nobody_to_differ_from():
    assert told({'head': 0.3}) == {}


def test_it_takes_a_third_of_a_second_to_find_out():
    assert told({'a': 0.0, 'b': 0.0, 'odd': 0.1}, seconds=0.35).keys() == {'odd'}


def test_who_has_fallen_silent_is_no_longer_compared():
    clocks = ClockOffsets()
    for k in range(60):
        for name, offset in (('a', 0), ('b', 0), ('odd', 10**8)):
            clocks.arrived(name, k * 16_666_667 + offset, k * 16_666_667)
    assert clocks.odd(10**9).keys() == {'odd'} and clocks.odd(2 * 10**9) == {}
