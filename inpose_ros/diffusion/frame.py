"""What is made of the network's answer for the one frame that is handed out: measured, corrected, and how sure."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float

from inpose_ros.body import kinematics, smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion import single_frame
from inpose_ros.diffusion.correlated_error import lasting_error
from inpose_ros.diffusion.denoiser import JOINTS
from inpose_ros.diffusion.likelihood import LEAST_STANDING, UNKNOWN, Floor
from inpose_ros.diffusion.observation import Seen
from inpose_ros.diffusion.prior import Spread
from inpose_ros.diffusion.single_frame import FrameLikelihood
from inpose_ros.geometry import so3

# Trackers of less noise [m] are taken by their word, smoothed: there is next to nothing to gain.
_NOISY = 0.02

Array = np.ndarray


@dataclass(frozen=True)
class Answer:
    """The network's `rows`, read as Prediction reads them; rotations are the measured ones where there are some."""

    rows: Float[Array, 'batch frame output']
    seen: Seen

    @functools.cached_property
    def rotation(self) -> Float[Array, 'batch frame joint 6']:
        return self.seen.measured_over(_joints(self.rows)[..., :6])

    def rotation_at(self, frame: int) -> Float[Array, 'batch joint 6']:
        """Of one frame alone."""
        part = slice(frame, frame + 1)
        return self.seen.measured_over(_joints(self.rows[:, part])[..., :6], part)[:, 0]

    def log_stddev(self, frame: int) -> Float[Array, 'batch joint 3']:
        return _joints(self.rows[:, frame])[..., 6:] - 2.0

    def contact(self, frame: int) -> Float[Array, 'batch 2']:
        """Probabilities for left and right."""
        return 1 / (1 + np.exp(-self.rows[:, frame, -5:-3].astype(np.float64)))


def _joints(rows: Float[Array, '*batch output']) -> Float[Array, '*batch joint 9']:
    return rows[..., : JOINTS * 9].reshape(*rows.shape[:-1], JOINTS, 9)


@dataclass(frozen=True)
class FramePose:
    """A frame of each window: heading-free rotations, covariance [rad^2] of their tangents, contact.

    `correction` [rad] is how what the network said was turned, to fit locations and the floor.
    """

    rot: Float[Array, 'batch joint 3 3']
    covariance: Float[Array, 'batch tangent tangent']
    contact: Float[Array, 'batch 2']
    correction: Float[Array, 'batch tangent']

    def in_world(self, seen: Seen) -> Float[Array, 'batch joint 3 3']:
        """The rotations, world <- joint."""
        return seen.turn.swapaxes(-1, -2)[:, None] @ self.rot

    def where(self, rows: list[bool], other: 'FramePose') -> 'FramePose':
        """With these rows of another."""
        parts = zip(vars(self).values(), vars(other).values())
        return FramePose(*(np.where(np.reshape(rows, (-1, *[1] * (own.ndim - 1))), new, own) for own, new in parts))


@dataclass(frozen=True)
class FrameCorrector:
    """One frame of every window, with the measured rotations, corrected by locations and by the floor.

    Args:
        frame: which frame of the window.
        use_floor: whether feet stand on it.
    """

    spread: Spread
    skeleton: Skeleton
    frame: int
    use_floor: bool

    @functools.cached_property
    def chain(self) -> Float[Array, 'joint joint 3']:
        """See kinematics.location_map."""
        return kinematics.location_map(self.skeleton.bones.double()).numpy()

    # What depends on who is located, or on the floor, changes seldom: it is worked out once.

    @functools.cached_property
    def chain_of(self) -> Callable[[tuple[int, ...]], Float[Array, 'located joint 3']]:
        """Of some joints."""
        return functools.cache(lambda joints: self.chain[list(joints)])

    @functools.cached_property
    def levers_from(self) -> Callable[[int], Float[Array, 'joint joint 3']]:
        """Less that of an origin."""
        return functools.cache(lambda origin: self.chain - self.chain[origin])

    @functools.cached_property
    def _floor_at(self) -> Callable[[float], Floor]:
        return functools.lru_cache(maxsize=8)(lambda height: Floor.under(self.skeleton, self.skeleton.bones, height))

    def __call__(
        self, seen: Seen, answer: Answer, level: int, located: list[int], floor: float | None,
        start: Float[Array, 'batch tangent'] | None = None,
    ) -> FramePose:  # fmt: skip
        """The frame by an answer at a noise level, on a floor of that height [m]; None: it is not known.

        Args:
            located: joints that trackers may have located; the floor counts only where there are some.
            start: about how it will be corrected [rad].
        """
        start = np.zeros((len(answer.rows), 3 * JOINTS)) if start is None else start
        return self._corrected(seen, answer, level, located, self._rotations(seen, answer), floor, start)

    def turned(
        self, seen: Seen, answer: Answer, level: int, located: list[int], pose: FramePose,
        turn: Float[Array, 'batch joint 3'],
    ) -> FramePose:  # fmt: skip
        """A pose whose inferred joints are turned [rad], and which then fits what trackers say again; not the floor."""
        rot = pose.rot @ so3.exp(turn * ~seen.measured[:, self.frame, :, None])
        return self._corrected(seen, answer, level, located, rot, None, np.zeros_like(pose.correction))

    def _corrected(
        self, seen: Seen, answer: Answer, level: int, located: list[int], rot: Float[Array, 'batch joint 3 3'],
        floor: float | None, start: Float[Array, 'batch tangent'],
    ) -> FramePose:  # fmt: skip
        contact, covariance, turned = answer.contact(self.frame), self.covariance(seen, answer, level), start
        if located:
            measured = *self._measured(seen, located, answer, rot, covariance), seen.location_valid[:, self.frame]
            likelihood = self._likelihood(located, rot, *measured, contact, floor)
            rot, covariance, turned = likelihood.correct(rot, covariance, start)
        return FramePose(rot, covariance, contact, turned)

    def _rotations(self, seen: Seen, answer: Answer) -> Float[Array, 'batch joint 3 3']:
        """As MotionPrior.rotations, of one frame."""
        rot = so3.from_sixd(answer.rotation_at(self.frame).astype(np.float64))
        if seen.zeroed.any():
            free = seen.zeroed[:, None] & ~seen.measured[:, self.frame]
            rot = np.where(free[..., None, None], kinematics.shared_out(torch.from_numpy(rot)).numpy(), rot)
        return rot

    def covariance(self, seen: Seen, answer: Answer, level: int) -> Float[Array, 'batch tangent tangent']:
        """As MotionPrior.covariance, of one frame."""
        correlation, scale = _level(self.spread, level)
        measured = seen.measured[:, self.frame].repeat(3, -1)
        log_stddev = np.minimum(np.maximum(answer.log_stddev(self.frame), -5), 1)
        stddev = np.exp(log_stddev.astype(np.float64)).reshape(measured.shape)
        stddev = stddev * scale * ~measured
        covariance = stddev[..., :, None] * correlation
        covariance *= stddev[..., None, :]
        diagonal = covariance.reshape(len(covariance), -1)[:, :: covariance.shape[-1] + 1]  # a view of it
        diagonal += np.square(seen.rotation_stddev).repeat(3) * measured
        return covariance

    def _measured(
        self, seen: Seen, joints: list[int], answer: Answer, rot: Float[Array, 'batch joint 3 3'],
        covariance: Float[Array, 'batch tangent tangent'],
    ) -> tuple[Float[Array, 'batch sensor 3'], Float[Array, 'batch sensor']]:  # fmt: skip
        """Where trackers have their joints [m], and their deviations [m]: smoothed, and where they are noisy and seen
        from the head, by what the network was off by in the whole window."""
        frame = self.frame
        location = so3.turned(seen.turn, seen.location[:, frame])
        stddev = seen.location_stddev[:, frame]
        if seen.noise.max() < _NOISY or smpl22.HEAD not in joints:
            return location, stddev
        head, levers = joints.index(smpl22.HEAD), self.levers_from(smpl22.HEAD)[joints]
        spread = single_frame.position_covariance(levers, rot, covariance).trace(axis1=-2, axis2=-1) / 3
        every = so3.from_sixd(answer.rotation.astype(np.float64))
        every[:, frame] = rot
        expected = np.einsum('bfjxy,sjy->bfsx', every, levers)
        reading = so3.turned(seen.turn, seen.reading)
        errors = reading - reading[:, :, head, None] - expected
        both = seen.location_valid & seen.location_valid[:, :, head, None]
        noise = np.square(seen.noise) + seen.noise[head] ** 2
        location, variance = location.copy(), np.square(stddev)
        from_head = both[:, frame] & (np.arange(len(joints)) != head)
        for row, column in np.argwhere(from_head):
            error, variance[row, column] = lasting_error(
                errors[row, :, column], both[row, :, column], noise[column], spread[row, column], seen.rate, frame
            )
            location[row, column] = location[row, head] + expected[row, frame, column] + error
        # The head's part of the variance is in all of them.
        common = np.where(from_head, variance / 2, variance[:, head, None]).min(-1)
        variance[:, head] = common
        variance -= from_head * common[:, None]
        return location, np.sqrt(variance)

    def _likelihood(
        self, joints: list[int], rot: Float[Array, 'batch joint 3 3'], location: Float[Array, 'batch sensor 3'],
        stddev: Float[Array, 'batch sensor'], valid: Bool[Array, 'batch sensor'], contact: Float[Array, 'batch 2'],
        floor: float | None,
    ) -> FrameLikelihood:  # fmt: skip
        """Of the located joints, and of the toes of feet that stand: their height is known, their place is not."""
        stddev = stddev[:, :, None].repeat(3, -1)
        if self.use_floor and floor is not None:
            under, batch = self._floor_at(floor), len(rot)
            heights = single_frame.heights(self.chain_of(smpl22.TOES), rot)
            standing = single_frame.standing_feet(heights, contact, under.lower_by)
            spread, place = np.full((batch, 2, 3), UNKNOWN), np.zeros((batch, 2, 3))
            spread[..., 2] = under.stddev / np.sqrt(np.maximum(standing, LEAST_STANDING))
            place[..., 2] = under.height
            location, stddev = np.concatenate((location, place), 1), np.concatenate((stddev, spread), 1)
            valid = np.concatenate((valid, (standing > LEAST_STANDING) & valid.any(-1, keepdims=True)), 1)
            joints = [*joints, *smpl22.TOES]
        return FrameLikelihood.of(self.chain_of(tuple(joints)), location, valid, stddev)


def standard_deviations(
    rot: Float[Array, 'batch joint 3 3'], other: Float[Array, 'batch joint 3 3'],
    covariance: Float[Array, 'batch tangent tangent'], joints: Bool[Array, 'batch joint'],
) -> Float[Array, 'batch']:  # fmt: skip
    """By how many of them one pose is off another, root mean square over these joints."""
    apart = so3.log(rot.swapaxes(-1, -2) @ other)
    variance = np.maximum(covariance.diagonal(0, 1, 2).reshape(apart.shape), 1e-8)
    square = (np.square(apart) / variance).mean(-1)
    return np.sqrt((square * joints).sum(-1) / np.maximum(joints.sum(-1), 1))


@functools.lru_cache(maxsize=64)
def _level(spread: Spread, step: int) -> tuple[Float[Array, 'tangent tangent'], Float[Array, 'tangent']]:
    """Of the nearest measured noise level, in double precision."""
    return tuple(part.double().cpu().numpy() for part in spread.level(step))
