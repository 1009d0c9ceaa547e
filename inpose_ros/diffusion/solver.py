"""PoseSolver: a window of what was measured in, the state of the body at its newest frame out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inpose_ros.body import kinematics, smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.body.state import BodyState
from inpose_ros.diffusion.condition import size_free_condition, travel, window_heading
from inpose_ros.diffusion.denoiser import Condition
from inpose_ros.diffusion.likelihood import Floor, LocationLikelihood
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.sampler import Sample, SamplingRule
from inpose_ros.errors import DeviceError
from inpose_ros.geometry import rotation
from inpose_ros.sensing.resample import JointWindow
from inpose_ros.sensing.smoothing import smoothed

DEFAULT_MODEL = Path(__file__).parents[1] / 'models' / 'default'
# How what trackers are worn on is accelerated, rms, over the standing height of the head [1/s^2]; from validation.
TRACKED_ACCELERATION = 8.0


def select_device(name: str) -> torch.device:
    """The device of that name; `auto` takes a GPU where there is one.

    Raises:
        DeviceError: cuda is wanted and not there, or the name is none.
    """
    if name not in ('auto', 'cpu', 'cuda'):
        raise DeviceError(f'device is {name!r}; it must be auto, cpu or cuda')
    if name == 'cuda' and not torch.cuda.is_available():
        raise DeviceError(
            'device is cuda, but PyTorch finds no usable GPU here; choose auto or cpu, or mend the driver'
        )
    return torch.device('cuda' if name != 'cpu' and torch.cuda.is_available() else 'cpu')


@dataclass(frozen=True)
class Given:
    """What a batch of windows says: `turn` takes the world to the heading-free frame of the condition.

    `location` [m] and its `location_stddev` [m] are in the world, smoothed; `rotation_stddev` [rad].
    """

    turn: Float[Tensor, 'batch 1 1 3 3']
    condition: Condition
    location: Float[Tensor, 'batch frame joint 3']
    location_valid: Bool[Tensor, 'batch frame joint']
    location_stddev: Float[Tensor, 'batch frame joint']
    rotation_stddev: Float[Tensor, 'joint']


@dataclass(frozen=True)
class Posterior:
    """The newest frames of a batch of windows, in the world.

    `root` is the pelvis [m]; where no joint was located it stands at x = y = 0 with the lowest foot on the floor.
    `covariance` is that of the rotations' tangents [rad^2].
    """

    rot_world_joint: Float[Tensor, 'batch joint 3 3']
    root: Float[Tensor, 'batch 3']
    root_observed: Bool[Tensor, 'batch']
    covariance: Float[Tensor, 'batch tangent tangent']
    contact: Float[Tensor, 'batch 2']
    window: Float[Tensor, 'batch frame joint 3 3']


class PoseSolver:
    """Posterior = prior x likelihood, for one person's bones.

    `use_height` lets the prior see the head's height over the person's standing height, `use_travel` how the head moved
    over the same, `use_acceleration` what accelerometers say; `use_locations` turns the likelihood on, `use_floor` the
    floor in it, and `use_smoothing` takes the trackers' noise out over time.
    """

    def __init__(
        self, prior: MotionPrior, skeleton: Skeleton, rule: SamplingRule, *,
        use_height: bool = True, use_travel: bool = True, use_acceleration: bool = True,
        use_locations: bool = True, use_floor: bool = True, use_smoothing: bool = True, seed: int = 0,
    ) -> None:  # fmt: skip
        self.prior, self.rule = prior, rule
        self.use_height, self.use_travel, self.use_acceleration = use_height, use_travel, use_acceleration
        self.use_locations, self.use_floor, self.use_smoothing = use_locations, use_floor, use_smoothing
        self.device = prior.device
        self.skeleton = skeleton
        # One draw for every window: chance in the start must not make the pose tremble from frame to frame.
        self._noise = prior.noise(torch.Generator().manual_seed(seed))
        self._located: set[int] = set()

    @property
    def skeleton(self) -> Skeleton:
        """Whose bones these are; another's may be set between two windows."""
        return self._skeleton

    @skeleton.setter
    def skeleton(self, skeleton: Skeleton) -> None:
        self._skeleton = skeleton
        self._bones = skeleton.bones.float().to(self.device)

    passes, hurried = 0, False  # not counted, never
    bone_covariance: Float[Tensor, 'bone_axis bone_axis'] | None = None
    """How well the skeleton's bones are known [m2]; None: they are certain. Only told of, in `position_covariance`."""

    @property
    def backend(self) -> str:
        """What runs the network."""
        return self.prior.backend.name

    @property
    def frames(self) -> int:
        """Frames of a window."""
        return self.prior.frames

    @property
    def rate(self) -> float:
        """Rate of the window's frames [Hz]."""
        return self.prior.rate

    def reset(self) -> None:
        """Forget what earlier windows said: nothing here, as each window is solved from scratch."""

    def check(self) -> Sequence[object]:
        """For after a pose was handed out; nothing to do here."""
        return ()

    def warm_up(self, located: Sequence[int]) -> None:
        """Solve a made-up window, so that the first real one does not wait for caches, kernels and graphs to be made.

        Three times, as some is made when a network runs again, and one that goes on from a past needs one.

        Args:
            located: the joints that trackers will locate.
        """
        frames, joints = self.frames, len(smpl22.JOINTS)
        rot = torch.eye(3).expand(frames, joints, 3, 3)
        valid = torch.isin(torch.arange(joints), torch.tensor(list(located), dtype=torch.long)).expand(frames, -1)
        location = kinematics.joint_positions(self.skeleton, rot)
        stddev = torch.full((joints,), 0.01)
        window = JointWindow(0, rot, valid, location, valid, stddev, stddev)
        for tick in range(3):
            self.solve(replace(window, stamp_ns=round(tick * 1e9 / self.rate)))

    def solve(self, window: JointWindow, floor_height: float = 0.0) -> BodyState:
        """The body at the window's newest frame."""
        posterior = self.solve_batch([window], floor_height)
        # Orthonormal to double precision, which angles and quaternions downstream agree to.
        rot = rotation.matrix_from_6d(rotation.sixd_from_matrix(posterior.rot_world_joint[0].double().cpu()))
        return BodyState(
            stamp_ns=window.stamp_ns,
            skeleton=self.skeleton,
            root=posterior.root[0].double().cpu(),
            rot_world_joint=rot,
            rotation_stddev=posterior.covariance[0].diagonal().unflatten(0, (-1, 3)).mean(-1).sqrt().double().cpu(),
            position_covariance=self._position_covariance(posterior, window).double().cpu(),
            measured=window.rot_valid[-1].cpu(),
            root_observed=bool(posterior.root_observed[0]),
            foot_contact=posterior.contact[0].double().cpu(),
        )

    def solve_batch(self, windows: list[JointWindow], floor_height: float = 0.0) -> Posterior:
        """As solve, for windows of one person that wear the same sensors; frames and batch on the solver's device.

        A floor of NaN is not known: nothing is taken to be so high above it, or to stand on it.
        """
        known = not math.isnan(floor_height)
        given = self._given(windows, floor_height)
        likelihood = None
        if self.use_locations and self._located:
            joints = sorted(self._located)
            location = (given.turn @ given.location[..., None])[..., joints, :, 0]
            likelihood = LocationLikelihood.of_joints(
                self._bones, joints, location, given.location_valid[..., joints], given.location_stddev[..., joints],
                Floor.under(self.skeleton, self._bones, floor_height) if self.use_floor and known else None,
            )  # fmt: skip
        noise = self._noise.expand(len(windows), -1, -1, -1)
        sample = self.rule(self.prior, noise, given.condition, likelihood, given.rotation_stddev)
        told = self.prior.told(sample.covariance, given.condition.rotation_mask[:, -1])
        sample = replace(sample, covariance=told)
        floor = floor_height if known else 0.0
        return self._posterior(sample, given.turn, given.location[:, -1], given.location_valid[:, -1], floor)

    def _given(self, windows: Sequence[JointWindow], floor_height: float) -> Given:
        """What the windows say, with the trackers' noise taken out, turned to the person's heading."""
        rot, rot_valid, location, location_valid = (
            torch.stack([getattr(window, name) for window in windows]).to(self.device)
            for name in ('rot_world_joint', 'rot_valid', 'location', 'location_valid')
        )
        # All that was ever located, though it may be silent now.
        self._located |= set(location_valid.any(0).any(0).nonzero().flatten().tolist())
        stddev = windows[0].position_stddev.to(self.device)
        location, location_stddev = self._smoothed(location, location_valid, stddev)
        turn = rotation.about_z(-window_heading(rot, rot_valid))[:, None, None]
        zeroed = torch.tensor([window.zeroed for window in windows], device=self.device)
        head, seen = (
            (turn[..., 0, :, :] @ location[..., smpl22.HEAD, :, None])[..., 0],
            location_valid[..., smpl22.HEAD],
        )
        size = self.skeleton.standing_head_height
        height, tells = (head[..., 2] - floor_height) / size, seen & self.use_height
        if math.isnan(floor_height):
            height, tells = torch.zeros_like(height), torch.zeros_like(tells)
        travelled, travel_valid = travel(head / size, seen)
        acceleration, acceleration_valid = self._acceleration(windows, turn)
        condition = size_free_condition(
            turn @ rot, rot_valid, height, tells,
            travelled, travel_valid & self.use_travel, zeroed, acceleration, acceleration_valid,
        )  # fmt: skip
        return Given(
            turn, condition, location, location_valid, location_stddev, windows[0].rotation_stddev.to(self.device)
        )

    def _smoothed(
        self, location: Float[Tensor, 'batch frame joint 3'], valid: Bool[Tensor, 'batch frame joint'],
        stddev: Float[Tensor, 'joint'],
    ) -> tuple[Float[Tensor, 'batch frame joint 3'], Float[Tensor, 'batch frame joint']]:  # fmt: skip
        """What the trackers say with their noise taken out, and how far that may still be off [m]."""
        joints, spread = sorted(self._located), stddev.expand(valid.shape)
        if not (self.use_smoothing and joints):
            return location, spread
        acceleration = TRACKED_ACCELERATION * self.skeleton.standing_head_height
        places, left = smoothed(
            location[:, :, joints], valid[..., joints], stddev[joints], self.prior.rate, acceleration
        )
        index = torch.tensor(joints, device=location.device)
        return location.index_copy(2, index, places), spread.clone().index_copy(2, index, left)

    def _acceleration(
        self, windows: Sequence[JointWindow], turn: Float[Tensor, 'batch 1 1 3 3']
    ) -> tuple[Float[Tensor, 'batch frame joint 3'], Bool[Tensor, 'batch frame joint']]:
        """Heading-free and over the standing height [1/s^2], and where it is known."""
        acceleration, valid = (
            torch.stack([getattr(window, name) for window in windows]).to(self.device)
            for name in ('acceleration', 'acceleration_valid')
        )
        turned = (turn @ acceleration[..., None])[..., 0] / self.skeleton.standing_head_height
        return turned, valid & self.use_acceleration

    def _posterior(
        self, sample: Sample, turn: Float[Tensor, 'batch 1 1 3 3'], location: Float[Tensor, 'batch joint 3'],
        valid: Bool[Tensor, 'batch joint'], floor: float,
    ) -> Posterior:  # fmt: skip
        window = turn.transpose(-1, -2) @ sample.rot_world_joint
        newest = window[:, -1]
        relative = kinematics.positions_from_bones(self._bones, newest)
        root, observed = self._place(relative, location, valid, floor)
        return Posterior(newest, root, observed, sample.covariance, sample.prediction.contact[:, -1].sigmoid(), window)

    def _place(
        self, relative: Float[Tensor, 'batch joint 3'], location: Float[Tensor, 'batch joint 3'],
        valid: Bool[Tensor, 'batch joint'], floor: float,
    ) -> tuple[Float[Tensor, 'batch 3'], Bool[Tensor, 'batch']]:  # fmt: skip
        """The pelvis, so that the head (or else the first located joint) is where it was measured, or on the floor."""
        order = [smpl22.HEAD, *(j for j in range(len(smpl22.JOINTS)) if j != smpl22.HEAD)]
        anchor = torch.tensor(order, device=valid.device)[valid[:, order].int().argmax(-1)]
        rows = torch.arange(len(valid), device=valid.device)
        placed = location[rows, anchor] - relative[rows, anchor]
        standing = torch.zeros_like(placed)
        standing[:, 2] = floor + self.skeleton.sole - relative[:, list(smpl22.TOES), 2].amin(-1)
        observed = valid.any(-1)
        return torch.where(observed[:, None], placed, standing), observed

    def _position_covariance(self, posterior: Posterior, window: JointWindow) -> Float[Tensor, 'joint 3 3']:
        """Covariance [m2] of each joint seen from the one that places the root, with its sensor's; world axes."""
        located = window.location_valid[-1]
        anchor = smpl22.HEAD if bool(located[smpl22.HEAD]) else int(located.int().argmax())
        spread = kinematics.position_covariance(
            self._bones, posterior.rot_world_joint[0], posterior.covariance[0], anchor
        )
        spread = spread + self._bones_part(posterior.rot_world_joint[0], located, anchor)
        if bool(located.any()):
            spread = spread + window.position_stddev[anchor].to(spread).square() * torch.eye(3).to(spread)
        return spread

    def _bones_part(
        self, rot: Float[Tensor, 'joint 3 3'], located: Bool[Tensor, 'joint'], anchor: int
    ) -> Float[Tensor, 'joint 3 3']:
        """Of what the bones may be off by [m2]; a located joint is where it was measured, whatever its bones."""
        if self.bone_covariance is None:
            return torch.zeros_like(rot)
        part = kinematics.bone_position_covariance(rot, self.bone_covariance, anchor)
        return part * ~located.to(rot.device)[:, None, None]
