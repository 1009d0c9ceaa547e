"""A small untrained denoiser, poses drawn at random, and windows as perfect sensors give them."""

from dataclasses import replace

import torch

from inpose_ros.body import kinematics
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.denoiser import Denoiser, DenoiserConfig
from inpose_ros.geometry import rotation
from inpose_ros.sensing.resample import JointWindow

HANDS = [15, 20, 21]
FRAMES, TICK_NS = 8, 33_333_333


def small_denoiser(seed: int = 0) -> Denoiser:
    torch.manual_seed(seed)
    denoiser = Denoiser(DenoiserConfig(frames=FRAMES, width=32, layers=1, heads=2)).eval().requires_grad_(False)
    torch.nn.init.normal_(denoiser.head.weight, std=0.1)
    return denoiser


def random_pose(*batch: int, seed: int = 0, spread: float = 0.4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return kinematics.global_rotations(rotation.exp(spread * torch.randn(*batch, 22, 3, generator=generator)))


def window_of(
    rot: torch.Tensor,
    skeleton: Skeleton,
    root: torch.Tensor,
    rotated: list[int],
    located: list[int],
    stddev: float = 0.001,
) -> JointWindow:
    """Perfect sensors on some joints of a motion [frame, joint, 3, 3] with a root [frame, 3]."""
    joint = torch.arange(22)
    frames = len(rot)
    return JointWindow(
        stamp_ns=7,
        rot_world_joint=rot.float(),
        rot_valid=torch.isin(joint, torch.tensor(rotated, dtype=torch.long)).expand(frames, -1),
        location=(root[:, None] + kinematics.joint_positions(skeleton, rot)).float(),
        location_valid=torch.isin(joint, torch.tensor(located, dtype=torch.long)).expand(frames, -1),
        rotation_stddev=torch.full((22,), 0.01),
        position_stddev=torch.full((22,), stddev),
    )


def stream_windows(
    count: int = 6, seed: int = 0, sensors: list[int] = HANDS, tick_ns: int = TICK_NS
) -> list[JointWindow]:
    """Of a body that turns slowly from one pose to another, one after the other."""
    start, end = random_pose(2, seed=seed, spread=0.3)
    part = torch.linspace(0, 1, FRAMES + count)[:, None].expand(-1, 22)
    rot = rotation.slerp(*(pose.expand(FRAMES + count, -1, -1, -1) for pose in (start, end)), part)
    root, skeleton = torch.tensor([0.3, -0.2, 0.9]).expand(FRAMES, 3), Skeleton.mean()
    return [
        replace(window_of(rot[k : k + FRAMES], skeleton, root, sensors, sensors), stamp_ns=10**9 + k * tick_ns)
        for k in range(count)
    ]
