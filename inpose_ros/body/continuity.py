"""Hold and blend, never step: from what a solver says, pose by pose, to a body that may be published.

When a sensor leaves or returns the solved pose jumps, as it now follows from something else. As in game animation
(inertialisation: D. Bollo, GDC 2018) the jump is taken back and let in little by little. Each jump fades by itself, so
that a sensor which comes and goes all the time holds nothing up. Whatever is solved, no published joint turns faster
than a limit.
"""

import functools
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from inpose_ros.body import kinematics, smpl22, urdf
from inpose_ros.body.state import BodyState
from inpose_ros.geometry import rotation, so3

# A jump has been let in after so long [s].
BLEND = 0.3
# Where a body would have gone on to is guessed from its last motion, this far at most [s].
_AHEAD = 0.05
# So that rounding cannot lift a speed over the limit.
_MARGIN = 1 - 1e-9
_HALVINGS = 16
_TOES = list(smpl22.TOES)


@dataclass(frozen=True)
class Evidence:
    """The joints whose rotations and whose locations were measured when the body was solved."""

    rotations: frozenset[int]
    locations: frozenset[int]

    @classmethod
    def of(cls, rot_valid: Bool[Tensor, 'joint'], location_valid: Bool[Tensor, 'joint']) -> 'Evidence':
        return cls(*(_joints(mask.numpy().tobytes()) for mask in (rot_valid, location_valid)))

    @property
    def anchor(self) -> int | None:
        """The joint whose measured location places the body, as in PoseSolver; None: it stands on the floor."""
        return smpl22.HEAD if smpl22.HEAD in self.locations else min(self.locations, default=None)


@functools.lru_cache(maxsize=64)
def _joints(mask: bytes) -> frozenset[int]:
    """Which are true; from one pose to the next mostly the same."""
    return frozenset(np.frombuffer(mask, dtype=bool).nonzero()[0].tolist())


@dataclass(frozen=True)
class Blend:
    """One jump that is taken back, `age` [s] after it: `turns` [rad] after each local rotation, `shift` [m]."""

    age: float
    turns: Float[Tensor, 'joint 3']
    shift: Float[Tensor, '3']

    @property
    def weight(self) -> float:
        """From 1 to 0 with neither a step nor a kink (smootherstep)."""
        x = min(self.age / BLEND, 1.0)
        return 1 - x**3 * (x * (6 * x - 15) + 10)


@dataclass(frozen=True)
class Offset:
    """What is added to the solved pose.

    `blends` fade, the newest first. `held` [m] does not: a body that nothing locates any more stays over the spot where
    it was last.
    """

    blends: tuple[Blend, ...]
    held: Float[Tensor, '3']

    def after(self, step: float) -> 'Offset':
        """What is left of it `step` [s] later."""
        if not self.blends:
            return self
        older = (replace(blend, age=blend.age + step) for blend in self.blends)
        return replace(self, blends=tuple(blend for blend in older if blend.age < BLEND))

    @property
    def shift(self) -> Float[Tensor, '3']:
        """How far the body is moved [m]."""
        return self.held + sum((blend.weight * blend.shift for blend in self.blends), torch.zeros_like(self.held))

    def turned(self, rot_world_joint: Float[Tensor, 'joint 3 3']) -> Float[Tensor, 'joint 3 3']:
        """The rotations with all that is left of the jumps."""
        if not self.blends:
            return rot_world_joint
        turns = rotation.exp(torch.stack([blend.weight * blend.turns for blend in self.blends]))
        local = kinematics.local_rotations(rot_world_joint)
        for turn in turns:
            local = local @ turn
        return kinematics.global_rotations(local)


@dataclass(frozen=True)
class Continued:
    """A body to publish; `angles` [rad] and `velocities` [rad/s] are those of the URDF's revolutes.

    `solved` is what it comes from, and `earlier` the solved body `step` [s] before; None where a jump lies between.
    """

    body: BodyState
    angles: Float[np.ndarray, '63']
    velocities: Float[np.ndarray, '63']
    evidence: Evidence
    offset: Offset
    solved: BodyState
    earlier: BodyState | None
    step: float


def begin(solved: BodyState, evidence: Evidence) -> Continued:
    """The first pose ever; there is nothing to be continuous with."""
    angles = urdf.revolute_angles(solved.rot_world_joint)
    offset = Offset((), torch.zeros(3, dtype=torch.float64))
    return Continued(solved, angles, np.zeros_like(angles), evidence, offset, solved, None, 0.0)


def follow(
    last: Continued, solved: BodyState, evidence: Evidence, step: float, limit: float, afresh: bool = False
) -> Continued:
    """What to publish `step` [s] after `last`, with no revolute, ball joint or pelvis over `limit` [rad/s].

    Where the evidence is as before and nothing fades any more, that is the solved pose itself.

    Args:
        afresh: what went before no longer counts (time went back, a new heading): blend, whatever the evidence.
    """
    jumped = afresh or evidence != last.evidence
    offset = last.offset.after(step)
    if jumped:
        offset = _taken_back(last, offset, solved, evidence, step, afresh)
    wanted_rot = offset.turned(solved.rot_world_joint.double())
    wanted = urdf.unwrapped(urdf.revolute_angles(wanted_rot), last.angles)
    reach = limit * step * _MARGIN
    share = _share(last.angles, wanted, reach).repeat(3)
    angles = np.where(share == 1, wanted, last.angles + share * (wanted - last.angles))
    wanted_pelvis = wanted_rot[0]
    pelvis = _towards(last.body.rot_world_joint[0].double(), wanted_pelvis, reach)
    if not offset.blends and (share == 1).all() and pelvis is wanted_pelvis:
        body = replace(solved, root=solved.root + offset.held.to(solved.root)) if offset.held.numpy().any() else solved
    else:
        rot = torch.from_numpy(urdf.rotations_from_angles(angles, pelvis))
        body = _placed(solved, rot, evidence.anchor, offset)
    earlier = None if jumped else last.solved
    return Continued(body, angles, (angles - last.angles) / step, evidence, offset, solved, earlier, step)


def _taken_back(
    last: Continued, offset: Offset, solved: BodyState, evidence: Evidence, step: float, afresh: bool
) -> Offset:
    """The offset with what lies between the solved pose and the last one, had that gone on for a step."""
    expected = _gone_on(last, 0.0 if afresh else min(step, _AHEAD))
    local, local_expected = (kinematics.local_rotations(body.rot_world_joint.double()) for body in (solved, expected))
    turns = rotation.log(local.transpose(-1, -2) @ local_expected)
    shift, held = torch.zeros_like(offset.held), offset.held
    if afresh or evidence.anchor != last.evidence.anchor:
        published = _placed(expected, offset.turned(expected.rot_world_joint), last.evidence.anchor, offset)
        there = _point(solved.positions.double(), evidence.anchor) + replace(offset, held=torch.zeros_like(held)).shift
        gap = _point(published.positions, evidence.anchor) - there
        # Nothing locates the body any more: it stays over its spot, and only its height goes to that of the floor.
        held = gap * torch.tensor([1.0, 1.0, 0.0]).to(gap) if evidence.anchor is None else torch.zeros_like(gap)
        shift = gap - held
    return Offset((Blend(0.0, turns, shift), *offset.blends), held)


def _gone_on(last: Continued, ahead: float) -> BodyState:
    """The solved body `ahead` [s] later, if it moved on as it last did."""
    rot, root = last.solved.rot_world_joint.double(), last.solved.root.double()
    if last.earlier is None or ahead == 0:
        return replace(last.solved, rot_world_joint=rot, root=root)
    before, local = (kinematics.local_rotations(r) for r in (last.earlier.rot_world_joint.double(), rot))
    share = ahead / last.step
    local = local @ rotation.exp(share * rotation.log(before.transpose(-1, -2) @ local))
    root = root + share * (root - last.earlier.root.double())
    return replace(last.solved, rot_world_joint=kinematics.global_rotations(local), root=root)


def _point(positions: Float[Tensor, 'joint 3'], anchor: int | None) -> Float[Tensor, '3']:
    """What is kept in place: the joint that is located, or the pelvis over the lower foot."""
    if anchor is not None:
        return positions[anchor]
    return torch.cat((positions[smpl22.PELVIS, :2], positions[_TOES, 2].amin()[None]))


def _share(last: Float[np.ndarray, '63'], wanted: Float[np.ndarray, '63'], reach: float) -> Float[np.ndarray, '21']:
    """How much of its way [0..1] each ball joint may go, so that it and its revolutes turn by `reach` [rad] at most.

    Angles go straight to where they are wanted: they arrive also where the middle one is near 90 degrees.
    """
    way = wanted - last
    farthest = np.abs(way).reshape(-1, 3).max(-1)
    high = np.minimum(1.0, reach / np.maximum(farthest, 1e-12))
    if np.abs(way).reshape(-1, 3).sum(-1).max() <= reach:  # a ball turns by no more than its three revolutes together
        return high
    start = _ball_rotations(last)

    def is_within(share: Float[np.ndarray, '21']) -> Bool[np.ndarray, '21']:
        turned = rotation.angle_between(start, _ball_rotations(last + share.repeat(3) * way))
        return turned.numpy() <= reach

    if is_within(high).all():
        return high
    low, high = np.where(is_within(high), high, 0.0), high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        within = is_within(middle)
        low, high = np.where(within, middle, low), np.where(within, high, middle)
    return low


def _ball_rotations(angles: Float[np.ndarray, '63']) -> Float[Tensor, '21 3 3']:
    return torch.from_numpy(urdf.ball_rotations(angles))


def _towards(start: Float[Tensor, '3 3'], end: Float[Tensor, '3 3'], reach: float) -> Float[Tensor, '3 3']:
    """The end, or what lies `reach` [rad] on the way to it."""
    way = so3.angle_between(start.numpy(), end.numpy())
    return end if way <= reach else rotation.slerp(start, end, torch.tensor(reach / way, dtype=end.dtype))


def _placed(solved: BodyState, rot: Float[Tensor, 'joint 3 3'], anchor: int | None, offset: Offset) -> BodyState:
    """The body with these rotations where it belongs; what it lacks of the solved one adds to its spread."""
    relative = kinematics.joint_positions(solved.skeleton, rot)
    solved_there = solved.positions.double()
    root = _point(solved_there, anchor) + offset.shift - _point(relative, anchor)
    turned = rotation.angle_between(rot, solved.rot_world_joint.double())
    moved = root + relative - solved_there - offset.held
    return replace(
        solved,
        root=root,
        rot_world_joint=rot,
        # Per axis, as the solver's.
        rotation_stddev=(solved.rotation_stddev.double().square() + turned.square() / 3).sqrt(),
        position_covariance=solved.position_covariance.double() + moved[..., :, None] * moved[..., None, :],
    )
