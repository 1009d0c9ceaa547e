"""Inverse kinematics reaches what can be reached, and else rests."""

import sys

import pytest
import torch

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.errors import ParameterError
from inpose_ros.geometry import rotation
from inpose_ros.motion.clip import MotionClip
from inpose_ros.tools.rivals import inverse_kinematics
from inpose_ros.tools.rivals.contenders import RIVALS

from ...training.examples import small_denoiser
from .people import elsewhere, person, places, windows

PRIOR = MotionPrior(small_denoiser())
NEWEST = (20, 21, 22, 40)
TRACKED = [smpl22.HEAD, *smpl22.WRISTS]


def test_a_missing_library_is_said_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'pink', None)
    with pytest.raises(ParameterError, match=r'requirements-examples\.txt'):
        RIVALS['ik'].solver(PRIOR, Skeleton.mean(), 0)


class TestWithItsLibraries:
    """What needs pinocchio, pink and quadprog."""

    @pytest.fixture(autouse=True)
    def installed(self) -> None:
        for name in ('pinocchio', 'pink', 'quadprog'):
            pytest.importorskip(name)

    @staticmethod
    def solved(clip: MotionClip, *newest: int, sensors: str = 'head,left_wrist,right_wrist') -> object:
        solver = RIVALS['ik'].solver(PRIOR, clip.skeleton, 0)
        return solver.solve_batch(windows(clip, *newest, sensors=sensors))

    @pytest.mark.parametrize('factor', [0.6, 1.0, 1.4])
    @pytest.mark.parametrize('seed', [1, 2])
    def test_reachable_targets_are_reached_on_any_body(self, seed: int, factor: float) -> None:
        clip = person(seed).scaled(factor)
        found = self.solved(clip, *NEWEST)
        error = (places(clip.skeleton, found) - clip.positions.float()[list(NEWEST)])[:, TRACKED].norm(dim=-1)
        assert error.max() < 0.015
        turned = rotation.angle_between(found.rot_world_joint, clip.rot_world_joint[list(NEWEST)])[:, TRACKED]
        assert turned.max() < 0.1

    def test_where_one_stands_and_faces_makes_no_difference(self) -> None:
        clip = person()
        here, there = (self.solved(each, *NEWEST) for each in (clip, elsewhere(clip, 2.0)))
        turn = rotation.about_z(torch.tensor(2.0))
        assert torch.allclose(there.rot_world_joint, turn @ here.rot_world_joint, atol=5e-3)
        assert torch.allclose(there.root, here.root @ turn.T + torch.tensor([2.0, -3.0, 0.0]), atol=5e-3)

    def test_who_rests_is_found_at_rest(self) -> None:
        rest = inverse_kinematics.rest_pose().float().expand(40, -1, -1, -1)
        clip = MotionClip('rest', 'anna', 30.0, Skeleton.mean(), rest, torch.tensor([0.3, 0.1, 0.9]).expand(40, 3))
        found = self.solved(clip, 20)
        assert torch.allclose(found.rot_world_joint, rest[:1], atol=1e-3)
        assert torch.allclose(found.root, clip.root[:1], atol=1e-3)

    def test_a_frame_after_another_is_the_same_pose_as_afresh(self) -> None:
        clip = person()
        followed, afresh = self.solved(clip, 19, 20, 21), self.solved(clip, 21)
        angles = rotation.angle_between(followed.rot_world_joint[-1:], afresh.rot_world_joint)
        assert torch.rad2deg(angles).max() < 3.0

    def test_time_that_goes_back_starts_afresh(self) -> None:
        clip = person()
        again, once = self.solved(clip, 40, 20), self.solved(clip, 20)
        assert torch.allclose(again.rot_world_joint[-1:], once.rot_world_joint, atol=1e-6)

    def test_rotations_alone_will_do(self) -> None:
        clip = person()
        found = self.solved(clip, *NEWEST, sensors='head:imu,pelvis:imu,left_elbow:imu')
        assert found.root.isfinite().all() and not found.root[:, :2].any()
        turned = rotation.angle_between(found.rot_world_joint, clip.rot_world_joint[list(NEWEST)])
        assert turned[:, [smpl22.HEAD, smpl22.PELVIS]].max() < 0.05
