"""The measurement of what going on gains, on a made-up clip where the answer is known."""

import numpy as np
import pytest
import torch

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.evaluation.inertial import DELAYS, HELD, RATES, SAID, SHOWN, newest_errors, scores, table
from inpose_ros.geometry import rotation
from inpose_ros.motion.clip import MotionClip
from inpose_ros.motion.simulate import WornSensor
from inpose_ros.sensing.measurement import Sensor

SPEED, WALK = 2.0, 1.5  # [rad/s], [m/s]


def spinning():
    """Two seconds in which somebody walks steadily while the left wrist turns."""
    rot = torch.eye(3).repeat(121, 22, 1, 1)
    axis = torch.tensor([[0.0, SPEED / 60, 0.0]])
    rot[:, smpl22.INDEX['left_wrist']] = rotation.exp(torch.arange(121.0)[:, None] * axis)
    return MotionClip(
        'spin', 'nobody', 60.0, Skeleton.mean(), rot, torch.arange(121.0)[:, None] * torch.tensor([WALK / 60, 0.0, 0.0])
    )


@pytest.mark.parametrize('kind', ['imu', 'pose'])
def test_what_is_held_lags_by_the_delay_and_what_goes_on_does_not(kind):
    worn = WornSensor(Sensor('sensor', 'left_wrist', kind), rate=60.0, delay=0.05)
    turned, moved = newest_errors(spinning(), worn, seed=0)[:-1].swapaxes(0, 1)  # at the last tick the head has stopped
    np.testing.assert_allclose(turned[:, HELD], np.degrees(SPEED * 0.05), atol=0.3)
    assert turned[:, [SHOWN, SAID]].max() < 0.05
    if kind == 'pose':
        np.testing.assert_allclose(moved[:, HELD], 100 * WALK * 0.05, atol=0.3)
        assert moved[:, [SHOWN, SAID]].max() < 0.05


def test_a_tick_without_the_sensor_is_not_counted_as_an_error():
    imu = WornSensor(Sensor('imu', 'left_wrist', 'imu'), rate=60.0, dropouts=((1.2, 1.8),))
    errors = newest_errors(spinning(), imu, seed=0)
    assert np.isnan(errors[:, 0]).any() and np.nanmax(errors[:, 0, SAID]) < 0.05


def test_the_table_has_a_row_for_each_rate_and_delay_and_says_what_the_scores_say():
    rows = scores([spinning()], 'left_wrist', 'pose', seed=0)
    lines = table(rows, 'pose').splitlines()
    assert len(lines) == 2 + len(RATES['pose']) * len(DELAYS)
    assert f'{rows[-1]["held_cm"]:.2f}' in lines[-1] and rows[-1]['held_cm'] > 2 * rows[-1]['shown_cm']
