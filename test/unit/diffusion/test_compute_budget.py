import pytest
from hypothesis import given
from hypothesis import strategies as st

from inpose_ros.diffusion.compute_budget import ComputeBudget

SECONDS = st.floats(1e-4, 1.0)


@given(SECONDS, SECONDS, SECONDS, st.integers(1, 8))
def test_what_is_affordable_fits_or_is_one(deadline: float, network: float, rest: float, wanted: int) -> None:
    pace = ComputeBudget(deadline).after(1, network, rest)
    count = pace.affordable(wanted)
    assert 1 <= count <= wanted
    assert count == 1 or rest + count * network <= deadline * (1 + 1e-9)
    assert count == wanted or rest + (count + 1) * network > deadline * (1 - 1e-9)


def test_without_a_deadline_or_before_the_first_frame_all_is_affordable() -> None:
    assert ComputeBudget(None).after(1, 10.0, 10.0).affordable(8) == 8
    assert ComputeBudget(1e-9).affordable(8) == 8


def test_a_machine_that_becomes_slow_is_noticed_within_ten_frames_and_one_that_recovers_within_a_second() -> None:
    pace = ComputeBudget(0.012).after(2, 0.004, 0.002)
    assert pace.affordable(4) == 4
    for _ in range(10):
        pace = pace.after(2, 0.020, 0.004)
    assert pace.affordable(4) == 1
    for _ in range(60):  # a second
        pace = pace.after(1, 0.002, 0.002)
    assert pace.affordable(4) == 4


def test_what_can_wait_is_done_when_there_is_time_or_when_it_is_long_overdue() -> None:
    pace = ComputeBudget(0.010).after(1, 0.006, 0.002)
    assert not pace.has_time(0.008, overdue=1.0)
    assert pace.has_time(0.008, overdue=5.0)
    assert pace.has_time(0.003, overdue=1.0)
    assert ComputeBudget(None).has_time(1.0, overdue=1.0)


def test_where_the_time_of_frames_varies_some_is_kept_free() -> None:
    """Frames of 2, 2 and 8 ms are as long in the mean as frames of 4."""
    steady = varied = ComputeBudget(0.012)
    for _ in range(30):
        for seconds in (0.002, 0.002, 0.008):
            steady, varied = steady.after(1, 0.004, 0.0), varied.after(1, seconds, 0.0)
    assert varied.per_pass == pytest.approx(steady.per_pass, rel=0.2)
    assert steady.affordable(8) == 3
    assert varied.affordable(8) == 1


def test_what_is_spent_is_not_there_for_passes() -> None:
    pace = ComputeBudget(0.012).after(1, 0.002, 0.001)
    assert [pace.affordable(8, spent) for spent in (0.0, 0.0041, 0.02)] == [5, 3, 1]
