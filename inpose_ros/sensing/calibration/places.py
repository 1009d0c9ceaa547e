"""Whether the places of located sensors are those of somebody in the pose that was named.

Gross shape alone is compared, as bones are known to a tenth only, people bend their elbows and hold their arms some 20
degrees off, and a head nods. So each limb's part between two places that are known (that of a shoulder or hip follows
from the nearest sensor of the trunk) has to point about as in the pose, and to be about as long.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from inpose_ros.body import kinematics, smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.errors import CalibrationError
from inpose_ros.sensing.calibration.rest_poses import IN_WORDS, REST_POSES
from inpose_ros.sensing.measurement import Sensor

# A straight limb may point so far [rad] off the pose; one that begins at a bent elbow or knee, so far.
_OFF, _BENT_OFF = math.radians(35), math.radians(45)
# The tracked place of a joint of the trunk is good to this [m], a shoulder's or hip's to so much of its way from there
# as well; straps around a limb slip, and few people measure how far from the joint they sit.
_PLACE, _SHARE = 0.05, 0.1
_STRAP = 0.08
# Places of the trunk that are nearer [m] say nothing of its direction, and shorter parts of a limb nothing of lengths.
_NEAR = 0.3
# Lengths may differ by these shares: bones are a tenth off, and a bent limb is shorter.
_SHORTER, _LONGER = 0.13, 0.15
# Without a trunk, left and right may be so much [m] further from each other, or nearer, than in the pose.
_APART = 0.55
# The user may face so far [rad] off what a sensor says; beyond the last, places say too little of it.
_TURNED, _UNSURE = math.radians(40), math.radians(95)
# By so much [m] one hand may be before the other.
_SWAY = 0.45
_ARM, _LEG = ('shoulder', 'elbow', 'wrist'), ('hip', 'knee', 'ankle', 'foot')
_TRUNK = tuple(name for name in smpl22.JOINTS if not name.endswith(_ARM[1:] + _LEG[1:]))
# Worlds of other conventions, as rotations into ours.
_WORLDS = {
    'z axis down (NED), as in aviation': np.diag([1.0, -1.0, -1.0]),
    'y axis up, as in graphics': np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]),
}


class Located(NamedTuple):
    """A sensor and its place in the world [m]."""

    sensor: Sensor
    place: Float[np.ndarray, '3']


@dataclass(frozen=True)
class KnownBody:
    """The wearer's bones as far as they are known, and the standard deviation of their common scale (0.02: 2 %)."""

    skeleton: Skeleton
    scale_stddev: float = 0.0


@dataclass(frozen=True)
class Facing:
    """Where the user faces [rad] by the configured mount of one sensor."""

    sensor: str
    yaw: float


def check_places(located: Sequence[Located], pose: str, facing: Facing, body: KnownBody) -> None:
    """Compare the sensors' places in the world [m] with a pose; one place alone says nothing.

    Raises:
        CalibrationError: they contradict the pose; it says how, and which pose they look like.
    """
    why = _objection(located, pose, facing, body)
    if why is None:
        return
    names = ', '.join(sensor.name for sensor, _ in located)
    likely = [other for other in REST_POSES if other != pose and _objection(located, other, facing, body) is None]
    if likely:
        raise CalibrationError(
            f'this is no {pose}; by the places of {names} it is the {likely[0]} ({IN_WORDS[likely[0]]}): {why}. '
            f'Hold the {pose} ({IN_WORDS[pose]}), or call with pose {likely[0]}'
        )
    if (world := _other_world(located, body)) is not None:
        raise CalibrationError(
            f'the places of {names} are those of a body in a world with its {world}; publish poses in a world with '
            'z up (REP-103)'
        )
    raise CalibrationError(
        f'this is no {pose} ({IN_WORDS[pose]}), by the places of {names}: {why}. Hold the {pose}, and see that each '
        'sensor is worn on its joint'
    )


def _other_world(located: Sequence[Located], body: KnownBody) -> str | None:
    """The world in which these are best explained as the places of somebody in one of the poses; None: ours."""
    misfits = {}
    for world, turn in {'': np.eye(3), **_WORLDS}.items():
        turned = [Located(sensor, turn @ place) for sensor, place in located]
        for pose in REST_POSES:
            if _objection(turned, pose, None, body) is None:
                misfits[_fitted(turned, pose, None, body).misfit] = world
    return misfits[min(misfits)] or None if misfits else None


@dataclass(frozen=True)
class _Fit:
    """Places of joints in the axes of the user's heading [m]: those measured, and those of the pose.

    `baseline` [m] is how far apart the pose has the sensors, seen from above; `misfit` [m] is the rms distance that
    remains.
    """

    measured: dict[str, Float[np.ndarray, '3']]
    expected: Float[np.ndarray, 'joint 3']
    yaw: float
    baseline: float
    misfit: float

    def way(self, start: str, end: str) -> Float[np.ndarray, '3']:
        """From one joint to another in the pose."""
        return self.expected[smpl22.INDEX[end]] - self.expected[smpl22.INDEX[start]]


def _objection(located: Sequence[Located], pose: str, facing: Facing | None, body: KnownBody) -> str | None:
    """What speaks against a pose."""
    if len({one.sensor.joint for one in located}) < 2:
        return None
    fit = _fitted(located, pose, facing, body)
    return (
        (facing and _turned_away(fit, facing))
        or _trunk(fit)
        or next(filter(None, (_limb(fit, side, chain) for chain in (_ARM, _LEG) for side in ('left', 'right'))), None)
        or _apart(fit)
    )


def _fitted(located: Sequence[Located], pose: str, facing: Facing | None, body: KnownBody) -> _Fit:
    """The pose turned about the vertical, shifted and, where the body's size is not known, scaled to fit best."""
    rot = REST_POSES[pose].numpy()
    joints = kinematics.joint_positions(body.skeleton, REST_POSES[pose]).numpy()
    levers = [rot[sensor.joint_index] @ sensor.mount[1] for sensor, _ in located]
    want = np.array([joints[one.sensor.joint_index] + lever for one, lever in zip(located, levers, strict=True)])
    got = np.array([place for _, place in located])
    want, got = want - want.mean(0), got - got.mean(0)
    overlap = complex((want[:, 0] - 1j * want[:, 1]) @ (got[:, 0] + 1j * got[:, 1]))
    spread = 2 * body.scale_stddev
    scale = np.clip((abs(overlap) + want[:, 2] @ got[:, 2]) / np.sum(want**2), 1 - spread, 1 + spread)
    # Twice the rms distance from the middle: of two places, their distance.
    baseline = 2 * scale * math.sqrt(float(np.mean(np.sum(want[:, :2] ** 2, 1))))
    yaw = math.atan2(overlap.imag, overlap.real)
    if facing is not None and _may_differ(baseline) > _UNSURE:
        yaw = facing.yaw
    c, s = math.cos(yaw), math.sin(yaw)
    back = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
    measured = {one.sensor.joint: back @ one.place - lever for one, lever in zip(located, levers, strict=True)}
    misfit = math.sqrt(float(np.mean(np.sum((got @ back.T - scale * want) ** 2, 1))))
    return _Fit(measured, scale * joints, yaw, baseline, misfit)


def _may_differ(baseline: float) -> float:
    """By how much a heading [rad] told by places may differ from that of a sensor."""
    return _TURNED + math.atan2(_SWAY, baseline)


def _turned_away(fit: _Fit, facing: Facing) -> str | None:
    """Whether left and right are where the sensor that tells the heading has them."""
    limit, off = _may_differ(fit.baseline), abs(math.remainder(fit.yaw - facing.yaw, math.tau))
    if limit > _UNSURE or off <= limit:
        return None
    return (
        f'in it they would face {math.degrees(off):.0f} degrees away from where {facing.sensor} looks (left and right '
        f'are exchanged, or {facing.sensor}.mount is wrong)'
    )


def _trunk(fit: _Fit) -> str | None:
    """Whether the lowest and the highest place of the trunk are above each other."""
    known = [name for name in _TRUNK if name in fit.measured]
    if len(known) < 2:
        return None
    low, high = (choose(known, key=lambda name: fit.expected[smpl22.INDEX[name], 2]) for choose in (min, max))
    if np.linalg.norm(fit.way(low, high)) < _NEAR:
        return None
    return _part(fit, low, high, fit.measured[low], 2 * _PLACE, _OFF)


def _limb(fit: _Fit, side: str, chain: tuple[str, ...]) -> str | None:
    """Whether the parts of an arm or a leg point and measure about as in the pose."""
    root, *others = (f'{side}_{name}' for name in chain)
    known = [name for name in others if name in fit.measured]
    if chain is _LEG:
        known = known[:2]  # beyond an ankle, a foot is too short to say anything
    start = _root(fit, root, others, may_use_legs=chain is _ARM)
    if start is not None:
        parts = (_part(fit, root, name, *start, _OFF) for name in known)
    else:
        parts = (_part(fit, a, b, fit.measured[a], _STRAP, _BENT_OFF) for a, b in pairwise(known))
    return next(filter(None, parts), None)


def _root(fit: _Fit, root: str, limb: list[str], may_use_legs: bool) -> tuple[Float[np.ndarray, '3'], float] | None:
    """Where a limb begins, seen from the nearest place that is known, and how far off that may be [m]."""
    known = [
        name
        for name in fit.measured
        if name in _TRUNK or (may_use_legs and name.endswith(_LEG[1:]) and name not in limb)
    ]
    if not known:
        return None
    nearest = min(known, key=lambda name: float(np.linalg.norm(fit.way(name, root))))
    way = fit.way(nearest, root)
    return fit.measured[nearest] + way, _PLACE + _SHARE * float(np.linalg.norm(way))


def _part(fit: _Fit, start: str, end: str, place: Float[np.ndarray, '3'], error: float, limit: float) -> str | None:
    """What is wrong with the way from a place to the measured one of a joint, if it may be off by `error` [m]."""
    way, wanted = fit.measured[end] - place, fit.way(start, end)
    length, right = float(np.linalg.norm(way)), float(np.linalg.norm(wanted))
    angle = math.atan2(float(np.linalg.norm(np.cross(way, wanted))), float(way @ wanted))
    slack = error / right
    seen = f'the {end.replace("_", " ")}, seen from the {start.replace("_", " ")}'
    if angle > limit + math.atan(slack):
        return f'{seen}, is {math.degrees(angle):.0f} degrees off where it would be'
    if right > _NEAR and not 1 - _SHORTER - slack <= length / right <= 1 + _LONGER + slack:
        return f'{seen}, is {length:.2f} m away instead of {right:.2f} m'
    return None


def _apart(fit: _Fit) -> str | None:
    """Whether left and right are about as far from each other as in the pose, for want of a trunk."""
    if any(name in _TRUNK or name.endswith(_LEG[1:]) for name in fit.measured):
        return None
    for name in _ARM[1:]:
        left, right = f'left_{name}', f'right_{name}'
        if left in fit.measured and right in fit.measured:
            way, wanted = fit.measured[left] - fit.measured[right], fit.way(right, left)
            if np.linalg.norm(way - wanted) > _APART:
                far, right_far = float(np.linalg.norm(way)), float(np.linalg.norm(wanted))
                return f'the {name}s are {far:.2f} m apart instead of {right_far:.2f} m'
    return None
