"""How links hang together, how often each comes, and how old it may be; no messages."""

import math

import pytest

from inpose_ros.node.tf_links import Link, Links, overdue, slow

SECOND = 10**9


def heard(*rows: tuple[str, str, float], seconds: float = 2.0) -> Links:
    """Links that come at rates [Hz], each from 100 s on; 0: static."""
    links = Links()
    for parent, child, rate in rows:
        for k in range(max(1, round(seconds * rate))):
            links.hear(parent, child, 100 * SECOND + round(k * SECOND / rate) if rate else 0, static=not rate)
    return links


def names(chain: list[Link] | None) -> list[str]:
    return [str(link) for link in chain]


def test_a_chain_goes_up_to_the_common_frame_and_down_to_the_world():
    links = heard(('map', 'odom', 2), ('odom', 'base', 50), ('base', 'tracker', 90), ('map', 'room', 0))
    assert names(links.chain('tracker', 'map')) == ['base -> tracker', 'odom -> base', 'map -> odom']
    assert names(links.chain('tracker', 'room')) == ['base -> tracker', 'odom -> base', 'map -> odom', 'map -> room']
    assert names(links.chain('map', 'base')) == ['map -> odom', 'odom -> base']
    assert links.chain('map', 'map') == [] and links.chain('tracker', 'world') is None
    assert links.top('tracker') == 'map' and links.top('world') == 'world'


def test_frames_that_hang_on_each_other_in_a_ring_have_no_way_to_the_world():
    assert heard(('a', 'b', 10), ('b', 'a', 10)).chain('a', 'world') is None


@pytest.mark.parametrize(
    ('rates', 'expected'),
    [
        ((60, 2), [2]),
        ((60, 60), []),
        ((60, 40), []),
        ((10,), []),
        ((10, 9), []),
        ((100, 20, 1), [20, 1]),
        ((60, 0), []),
    ],
)
def test_a_link_is_slow_where_another_of_its_chain_comes_much_more_often(rates, expected):
    frames = ['tracker', 'base', 'odom', 'map'][: len(rates) + 1]
    rows = [(parent, child, rate) for child, parent, rate in zip(frames, frames[1:], rates, strict=False)]
    chain = heard(*rows, seconds=4.0).chain(frames[0], frames[-1])
    assert [round(SECOND / link.interval_ns) for link in slow(chain)] == expected


@pytest.mark.parametrize(('rate', 'carried'), [(100, 0.1), (10, 0.4), (2, 2.0), (0.2, 10.0)])
def test_a_link_is_carried_on_for_four_of_its_intervals_within_bounds(rate, carried):
    (link,) = chain = heard(('map', 'odom', rate), seconds=20.0).chain('odom', 'map')
    assert link.carried_ns == pytest.approx(carried * SECOND, rel=1e-6)
    assert overdue(chain, link.newest_ns + link.carried_ns) is None
    assert overdue(chain, link.newest_ns + link.carried_ns + 1) is link


def test_an_uneven_link_is_carried_on_by_its_longest_interval_and_is_as_slow_as_it_usually_is():
    links = Links()
    for seconds in (0.0, 0.2, 0.4, 1.4, 1.6, 1.8, 2.0):
        links.hear('map', 'odom', 100 * SECOND + round(seconds * SECOND))
    (link,) = links.chain('odom', 'map')
    assert link.interval_ns == SECOND // 5 and link.carried_ns == 4 * SECOND


def test_of_a_link_that_came_once_nobody_knows_how_often_it_comes():
    (link,) = heard(('map', 'odom', 1), seconds=1.0).chain('odom', 'map')
    assert math.isinf(link.interval_ns) and link.carried_ns == 2 * SECOND and link.rate == 'once so far'


def test_late_transforms_change_nothing_and_three_of_a_time_long_past_are_a_new_time():
    links = heard(('map', 'odom', 10), ('odom', 'base', 0))
    newest_ns = links.chain('odom', 'map')[0].newest_ns
    assert links.hear('map', 'odom', newest_ns - SECOND // 2) and links.hear('map', 'odom', newest_ns)
    told = [links.hear('map', 'odom', 50 * SECOND + k) for k in range(4)]
    assert told == [True, True, False, True]
    assert names(links.chain('base', 'map')) == ['odom -> base', 'map -> odom'], 'what is static stays'
    assert links.chain('odom', 'map')[0].newest_ns == 50 * SECOND + 3


def test_a_frame_that_hangs_on_another_is_another_link():
    links = heard(('map', 'odom', 2))
    links.hear('world', 'odom', 200 * SECOND)
    assert links.chain('odom', 'map') is None and len(links.chain('odom', 'world')[0].stamps) == 1
