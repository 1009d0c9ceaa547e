import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from inpose_ros.diffusion.pose_history import Blends, PoseHistories, PoseHistory
from inpose_ros.geometry import so3

RATE_NS = 33_333_333
NO_CORRECTION = np.zeros(66)


def _moving(stamps: np.ndarray, velocity: float = 1.0) -> PoseHistory:
    """Columns that grow evenly with time: not rotations, but what lies between and beyond is plain."""
    seconds = stamps / 1e9
    columns = velocity * np.broadcast_to(seconds[:, None, None, None], (len(stamps), 22, 2, 3))
    return PoseHistory(stamps, columns.copy(), NO_CORRECTION)


def test_the_past_is_itself_at_its_own_stamps() -> None:
    stamps = np.arange(10) * RATE_NS
    past = _moving(stamps)
    assert np.allclose(past.at(stamps), past.columns)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 12 * RATE_NS))
def test_what_moves_evenly_goes_on_evenly_between_stamps_and_for_a_while_beyond(shift: int) -> None:
    stamps = np.arange(12) * RATE_NS
    beyond = min(stamps[-1] + shift % (2 * RATE_NS), stamps[-1] + 2 * RATE_NS)
    grid = np.array([shift % stamps[-1], beyond])
    assert np.allclose(_moving(stamps).at(grid)[:, 0, 0, 0], grid / 1e9)


def test_nothing_is_carried_on_far_beyond_the_last_estimate() -> None:
    stamps = np.arange(12) * RATE_NS
    past = _moving(stamps)
    far = past.at(np.array([stamps[-1] + 100 * RATE_NS]))[0, 0, 0, 0]
    assert far <= (stamps[-1] + 2 * RATE_NS) / 1e9 + 1e-9


def test_before_its_first_estimate_the_past_is_as_it_began() -> None:
    past = _moving(np.arange(5, 12) * RATE_NS)
    assert np.allclose(past.at(np.array([0]))[0], past.columns[0])


def test_at_a_high_rate_velocity_is_taken_over_more_than_one_estimate() -> None:
    """One estimate in sixty that is a little off must not be carried on as if the body had jumped."""
    stamps = np.arange(20) * RATE_NS // 2
    past = _moving(stamps, velocity=0.0)
    noisy = past.then(np.array([stamps[-1] + RATE_NS // 2]), past.columns[-1:] + 0.1, NO_CORRECTION, 10**9)
    ahead = noisy.at(np.array([noisy.newest_ns + RATE_NS // 2]))[0, 0, 0, 0]
    assert 0.1 < ahead <= 0.1 + 0.06


def test_a_new_estimate_takes_the_place_of_what_is_too_old() -> None:
    past = _moving(np.arange(50) * RATE_NS)
    for k in range(50, 100):
        past = past.then(np.array([k * RATE_NS]), past.columns[-1:], NO_CORRECTION, 20 * RATE_NS)
    assert past.newest_ns == 99 * RATE_NS
    assert 20 <= len(past.stamps) <= 22


def test_what_is_estimated_anew_takes_the_place_of_what_was_for_these_times() -> None:
    past = _moving(np.arange(10) * RATE_NS)
    later = np.arange(8, 12) * RATE_NS + 5
    again = past.then(later, np.zeros((4, 22, 2, 3)), NO_CORRECTION, 10**9)
    assert (np.diff(again.stamps) > 0).all() and again.newest_ns == later[-1]
    assert (again.at(later) == 0).all() and np.allclose(again.at(past.stamps[:8]), past.columns[:8])


def test_who_has_no_past_has_one_of_zeros_among_the_others() -> None:
    pasts, grid, last = PoseHistories(), np.arange(12) * RATE_NS, 11 * RATE_NS
    assert pasts.says_nothing('anna', last + RATE_NS)
    pasts['anna'] = PoseHistory(grid, np.ones((12, 22, 2, 3)), np.ones(66))
    assert not pasts.says_nothing('anna', last + RATE_NS)
    assert pasts.says_nothing('anna', last) and pasts.says_nothing('anna', last + 10 * RATE_NS)
    both = pasts.at([None, 'anna'], np.array([grid, grid]))
    assert (both[0] == 0).all() and (both[1] == 1).all()
    assert pasts.corrections(['anna', None], 66).mean(1).tolist() == [1, 0]


def test_a_stream_that_begins_anew_comes_from_what_was_handed_out_without_a_jump_and_is_then_forgotten() -> None:
    begin, handed_out = so3.exp(np.full((22, 3), 0.1)), so3.exp(np.full((22, 3), 0.4))
    blends = Blends()
    assert not blends
    blends.leave('anna', handed_out)
    assert blends
    blends.begin(['ben', 'anna'], np.array([10**9, 10**9]), np.array([begin, begin]))
    ages = np.arange(0, 400_000_000, 10_000_000)
    turns = [blends.turns(['anna'], np.array([10**9 + int(age)]))[0] for age in ages]
    assert np.allclose(begin @ so3.exp(turns[0]), handed_out)
    left = [np.abs(turn).max() for turn in turns]
    assert (np.diff(left) <= 0).all() and np.abs(np.diff(left)).max() < 0.02 and left[-1] == 0
    assert not blends
    assert not blends.turns(['ben'], np.array([10**9])).any()


def test_a_blend_that_was_forgotten_does_not_come_back() -> None:
    blends = Blends()
    blends.leave('anna', so3.exp(np.full((22, 3), 0.4)))
    blends.forget('anna')
    blends.begin(['anna'], np.array([10**9]), so3.exp(np.zeros((1, 22, 3))))
    assert not blends.turns(['anna'], np.array([10**9])).any()
