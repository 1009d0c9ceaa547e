import numpy as np
import pytest

from inpose_ros.diffusion.noise_levels import GUIDED, SCRATCH, every_level, frame_levels, frame_signal, guided_levels
from inpose_ros.diffusion.schedule import NoiseSchedule


@pytest.mark.parametrize('steps', [1, 2, 4, 8])
def test_more_steps_begin_further_up_and_all_end_where_one_does(steps: int) -> None:
    levels = guided_levels(steps)
    assert len(levels) == steps and levels[-1] == GUIDED
    assert sorted(set(levels), reverse=True) == list(levels) and levels[0] <= SCRATCH
    assert set(levels) <= set(every_level(steps))


@pytest.mark.parametrize('level', [GUIDED, SCRATCH, 0])
def test_the_newest_frames_are_the_noisiest_and_the_settled_ones_alike(level: int) -> None:
    levels = frame_levels(level, 40)
    assert (np.diff(levels) >= 0).all() and 0 <= levels[0] < levels[-1] <= SCRATCH
    assert levels[0] <= level <= levels[-1]
    assert len(set(levels[:30])) == 1


def test_what_is_left_of_a_frame_is_what_the_schedule_says_of_its_level() -> None:
    schedule = NoiseSchedule()
    signal = frame_signal(schedule, GUIDED, 40)
    assert signal.shape == (40, 1, 1) and signal.dtype == np.float32
    left = schedule.alpha_bar.sqrt().numpy()[frame_levels(GUIDED, 40)]
    assert np.allclose(signal[:, 0, 0], left) and left[-1] < 0.7 * left[0]
