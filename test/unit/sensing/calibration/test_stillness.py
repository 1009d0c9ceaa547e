"""Calibrating believes no reading that only repeats itself."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from inpose_ros.errors import CalibrationError
from inpose_ros.sensing.calibration.stillness import held_still
from inpose_ros.sensing.measurement import Measurement, Sensor

UP, PLACE = np.array([0.0, 0.0, 9.81]), np.array([0.0, 0.0, 1.5])
NAMES = ('head', 'left_wrist', 'waist')
SENSORS = [Sensor('head', 'head'), Sensor('left_wrist', 'left_wrist'), Sensor('waist', 'pelvis', 'imu')]


def standing(noise: float = 1.0, seed: int = 0) -> dict[str, list[Measurement]]:
    """Two seconds of two trackers and an IMU."""
    rng = np.random.default_rng(seed)
    samples = {}
    for name in NAMES:
        rows = []
        for k in range(120):
            rot = Rotation.from_rotvec(noise * 0.005 * rng.normal(size=3)).as_matrix()
            near = noise * 0.002 * rng.normal(size=3)
            row = Measurement(name, round(k * 1e9 / 60), rot, near + PLACE)
            if name == 'waist':
                row = replace(row, position=None, angular_velocity=near, specific_force=UP + near)
            rows.append(row)
        samples[name] = rows
    return samples


def hung(rows: list[Measurement], begin: int = 0, end: int | None = None) -> list[Measurement]:
    """What a driver sends that repeats one reading with new stamps."""
    end = len(rows) if end is None else end
    return [replace(rows[begin], stamp_ns=m.stamp_ns) if begin <= k < end else m for k, m in enumerate(rows)]


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize(('begin', 'end'), [(0, None), (40, None), (0, 80)])
def test_a_sensor_that_repeats_itself_beside_noisy_ones_is_refused_by_name(name, begin, end):
    samples = standing()
    samples[name] = hung(samples[name], begin, end)
    with pytest.raises(CalibrationError, match=f'^{name} repeats one r'):
        held_still(samples, SENSORS)


def test_a_rotation_that_never_changes_is_refused_though_the_place_moves():
    samples = standing()
    samples['left_wrist'] = [replace(m, rot_world_sensor=np.eye(3)) for m in samples['left_wrist']]
    with pytest.raises(CalibrationError, match='left_wrist repeats one rotation'):
        held_still(samples, SENSORS)


def test_sensors_without_noise_on_a_figure_that_stands_still_will_do():
    assert set(held_still(standing(noise=0.0), SENSORS)) == set(NAMES)


def test_what_a_filter_makes_of_a_hung_imu_hides_nothing():
    """Its rotation goes on changing, as the filter settles."""
    samples = standing()
    waist = samples['waist']
    samples['waist'] = [
        replace(h, rot_world_sensor=m.rot_world_sensor) for h, m in zip(hung(waist), waist, strict=True)
    ]
    held_still(samples, SENSORS)
    with pytest.raises(CalibrationError, match='waist repeats one reading'):
        held_still(samples, SENSORS, adrift={'waist'})


def test_a_coarse_sensor_that_repeats_itself_for_moments_will_do():
    """In steps of a fifth of a degree, as from a driver that rounds."""
    samples = standing()
    angles = np.round(np.sin(np.arange(120) / 25) * 0.6 / 0.2) * 0.2
    samples['head'] = [
        replace(m, rot_world_sensor=Rotation.from_euler('x', a, degrees=True).as_matrix())
        for m, a in zip(samples['head'], angles, strict=True)
    ]
    held_still(samples, SENSORS)


def test_a_sensor_whose_readings_were_refused_as_frozen_meanwhile_is_refused():
    with pytest.raises(CalibrationError, match='head repeats one reading'):
        held_still(standing(), SENSORS, refused={('frozen', 'head'): 3})


def test_too_few_readings_are_refused_with_what_became_of_the_others():
    samples = standing() | {'waist': []}
    with pytest.raises(CalibrationError, match=r'waist gave 0 rotations.*\(no_orientation: 80\)'):
        held_still(samples, SENSORS, refused={('no_orientation', 'waist'): 80, ('quaternion', 'head'): 1})


def test_why_readings_were_refused_is_said_where_too_few_are_left():
    samples, refused = standing() | {'waist': []}, {('orientation_stuck', 'waist'): 80, ('late', 'waist'): 2}
    said = {('orientation_stuck', 'waist'): 'it is stuck', ('late', 'waist'): 'it is late'}
    with pytest.raises(CalibrationError, match=r'waist gave 0.*\(orientation_stuck: 80, late: 2\): it is stuck'):
        held_still(samples, SENSORS, refused=refused, said=said)


def test_who_moves_is_told_to_hold_still_rather_than_that_others_do_not_move():
    samples = standing(noise=0.0)
    samples['head'] = [
        replace(m, rot_world_sensor=Rotation.from_euler('z', k, degrees=True).as_matrix())
        for k, m in enumerate(samples['head'])
    ]
    with pytest.raises(CalibrationError, match='head moved by'):
        held_still(samples, SENSORS)


def test_the_mean_place_and_the_force_in_the_world_are_kept():
    held = held_still(standing(), SENSORS)
    np.testing.assert_allclose(held['head'].place, PLACE, atol=1e-3)
    np.testing.assert_allclose(held['waist'].force, UP, atol=0.02)
    assert held['waist'].place is None and held['head'].force is None
