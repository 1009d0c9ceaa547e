"""What the denoiser learns from is what the streaming solver gives it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.levels import GUIDED
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.stream import StreamSolver
from inpose_ros.geometry import rotation
from inpose_ros.sensing.resample import JointWindow
from inpose_ros.training import dropout, refinement, streams
from inpose_ros.training.readings import LOCATED, Known, Readings, standing_height
from inpose_ros.training.streams import Follower, Streams

from .examples import FRAMES, RATE, small_denoiser, source

COUNT, FOLLOWING = 4, 5  # an untrained network soon drives any two apart that differ by a rounding
WORN = torch.isin(torch.arange(22), torch.tensor([0, 15, 20, 21])).expand(COUNT, -1)
EVERYWHERE = torch.ones(COUNT, dtype=torch.bool)


@pytest.fixture(scope='module')
def prior() -> MotionPrior:
    return MotionPrior(small_denoiser())


def read(packed: Path, noise: float) -> Readings:
    """Of anna and ben, one of whom is calibrated in an N-pose; trackers err by so much, over the standing height."""
    motion = source(packed).random(COUNT, torch.Generator().manual_seed(2), FOLLOWING)
    motion = replace(motion, zeroed=torch.arange(COUNT) == 1)
    readings = dropout.read(motion, WORN, Known.constant(COUNT, height=True, travel=True), None)
    error = noise * torch.randn(readings.places.shape, generator=torch.Generator().manual_seed(3))
    return replace(readings, places=readings.places + error, noise=torch.full((COUNT,), noise))


def windows(readings: Readings, row: int) -> list[JointWindow]:
    """One of them as the solver gets it."""
    size = float(standing_height(readings.bones)[row])
    places = torch.zeros(readings.places.shape[1], 22, 3)
    places[:, LOCATED] = size * readings.places[row]
    located = readings.valid[row] & torch.isin(torch.arange(22), torch.tensor(LOCATED))
    stddev = max(size * float(readings.noise[row]), refinement.PRECISE)
    return [
        JointWindow(
            round(1e9 * (FRAMES + k) / RATE),
            *(part[k : k + FRAMES] for part in (readings.rotation[row], readings.valid[row], places, located)),
            torch.full((22,), refinement.ROTATION_STDDEV), torch.full((22,), stddev),
            zeroed=bool(readings.motion.zeroed[row]),
        )
        for k in range(FOLLOWING + 1)
    ]  # fmt: skip


@pytest.mark.parametrize('noise', [0.0, 0.008])
def test_a_stream_is_followed_as_the_streaming_solver_follows_it(packed, prior, noise):
    readings = read(packed, noise)
    follower, poses = Follower(readings, EVERYWHERE), []
    for _ in range(FOLLOWING + 1):
        follower.step(prior)
        poses.append(follower.newest)
    for row in range(COUNT):
        solver = StreamSolver(prior, Skeleton(readings.bones[row]), use_smoothing=noise > 0, check_every=1e9)
        for window, pose in zip(windows(readings, row), poses, strict=True):
            expected = solver.solve(window).rot_world_joint.float()
            assert rotation.angle_between(expected, pose[row]).max() < 1e-3


def test_an_example_is_what_a_past_left_at_the_level_that_the_solver_asks_at(packed, prior):
    readings = read(packed, 0.0)
    follower = Follower(readings, EVERYWHERE)
    follower.step(prior)
    before = follower.newest
    example = follower.step(prior)
    scale = float(prior.schedule.alpha_bar[GUIDED]) ** 0.5
    turn = rotation.about_z(-example.heading)[:, None, None]
    given = turn.transpose(-1, -2) @ rotation.matrix_from_6d(example.noisy / scale)
    inferred = ~readings.valid[:, FRAMES - 1]
    assert rotation.angle_between(given[:, -2], before)[inferred].max() < 1e-4
    assert (example.steps == GUIDED).all()
    truth = readings.motion.rot_world_joint
    assert torch.equal(example.window.rot_world_joint, truth[:, 1 : FRAMES + 1])
    assert torch.allclose(
        example.condition.rotation, rotation.sixd_from_matrix(turn @ truth[:, 1 : FRAMES + 1]), atol=1e-5
    )


def test_streams_go_on_end_and_are_the_same_again(packed, prior, monkeypatch):
    monkeypatch.setattr(streams, '_FOLLOWED', 5)
    monkeypatch.setattr(streams, '_BATCHES', 2)
    runs = []
    for _ in range(2):
        generator, some = torch.Generator().manual_seed(1), Streams(source(packed), COUNT)
        runs.append([some.next(prior, generator).noisy for _ in range(12)])
    assert all(torch.equal(*pair) for pair in zip(*runs, strict=True))
    assert len({float(noisy.sum()) for noisy in runs[0]}) == 12


def test_some_are_solved_with_other_bones_that_are_alike_on_both_sides(packed):
    bones = Skeleton.mean().bones.float().expand(400, -1, -1)
    told = streams._told_bones(bones, torch.Generator().manual_seed(0))
    factor = (told / bones)[:, 1:].nanmean(-1)
    other = ((told - bones).abs() > 1e-6).any(-1).any(-1)
    assert 0.13 < float(other.float().mean()) < 0.28 and torch.equal(told[~other], bones[~other])
    assert float(factor[other].std()) == pytest.approx(0.05, rel=0.2)
    mirrored = [joint - 1 for joint in smpl22.MIRROR[1:]]
    assert torch.allclose(factor, factor[:, mirrored], atol=1e-5)
