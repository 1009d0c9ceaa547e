"""What a report holds is drawn, and of what it does not hold it is said why."""

from pathlib import Path
from typing import Any

import pytest

from inpose_ros.body import smpl22
from inpose_ros.tools.report_pages import curves


def report(scales: list[str], noises: list[str]) -> dict[str, Any]:
    row = {'scaled_mpjpe_cm': 5.0, 'mpjre_deg': 13.0, 'mpjpe_cm': 5.0}
    values = {'scale': dict.fromkeys(scales, row), 'location_noise': dict.fromkeys(noises, row)}
    joints = {'scale': dict.fromkeys(scales, dict.fromkeys(smpl22.JOINTS, 4.0))}
    claims = {'claimed': [0.5, 0.9], 'all': [0.6, 0.9], 'lower': [0.4, 0.8]}
    return {
        'methods': {'inpose': values, 'ik': values}, 'joint_cm': {'inpose': joints, 'ik': joints},
        'calibration': {'inpose': claims}, 'base': {'scale': scales[0]},
    }  # fmt: skip


def test_all_that_was_varied_is_drawn(tmp_path: Path) -> None:
    assert curves.draw(tmp_path / 'new', report(['1.0', '0.6'], ['0', '0.05'])) == {}
    assert {path.name for path in (tmp_path / 'new').iterdir()} == {figure.file for figure in curves.FIGURES}
    assert sum(path.stat().st_size for path in (tmp_path / 'new').iterdir()) < 400_000


@pytest.mark.parametrize(
    ('scales', 'noises', 'without'),
    [
        (['1.0'], ['0', '0.05'], {'scale_scaled_mpjpe_cm.png', 'scale_mpjre_deg.png'}),
        (['1.0', '1.4'], ['0'], {'location_noise_mpjpe_cm.png'}),
    ],
)
def test_a_curve_of_one_point_is_not_drawn_and_the_option_is_named(
    tmp_path: Path, scales: list[str], noises: list[str], without: set[str]
) -> None:
    left_out = curves.draw(tmp_path, report(scales, noises))
    assert set(left_out) == without and not any((tmp_path / file).exists() for file in without)
    assert all('two values of --' in why for why in left_out.values())


def test_without_claims_there_is_no_calibration_to_draw(tmp_path: Path) -> None:
    left_out = curves.draw(tmp_path, report(['0.6', '1.0'], ['0', '0.1']) | {'calibration': {}})
    assert set(left_out) == {'calibration.png'} and 'how sure' in left_out['calibration.png']
