"""What gravity says of orientations and mounts, while their wearer stands still.

At rest an accelerometer's reading, brought into the world by the sensor's own orientation, points up with 9.81 m/s2
(REP-145, REP-103). Where it does not, the orientation speaks of another world or of other axes, and no mount makes that
good. And a body that stands upright tells whether the mount that one has to be trusted for is the true one.
"""

import math
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from torch import Tensor

from inpose_ros.errors import CalibrationError
from inpose_ros.sensing.calibration.stillness import Held
from inpose_ros.sensing.measurement import Sensor

# Less than this [m/s2] is what a bias and a tilt leave of a gravity that was taken out, unless it is 1, in g, and up.
_NO_GRAVITY = 2.0
_IN_G = (0.9, 1.1)
# Orientations that have settled are good to a few degrees of tilt, and a bias of 0.5 m/s2 is three more.
_MAX_TILT = math.radians(25)
# A joint of the trunk may lean so far [rad] by its configured mount: a head that nods by 15 degrees, and a strap with
# nominal axes that leans by 30 (measured at the back of a head). Limbs hang less exactly.
_MAX_LEAN, _MAX_LIMB_LEAN = math.radians(55), math.radians(70)
_LIMBS = ('elbow', 'wrist', 'knee', 'ankle', 'foot')
# Nearer to the vertical [rad] than this a forward axis points nowhere.
UPRIGHT_FORWARD = math.radians(20)
# A twist about the vertical is nowhere to be seen in what is turned by 180 degrees, and doubtful from here [rad] on.
_MAX_TWISTED = math.radians(120)

_NED = (
    'the world is north-east-down (NED), as in aviation, with its z axis down; publish orientations in a world with '
    'z up (ENU, REP-103)'
)
_ANTIPODAL = (
    f'its orientation is upside down, or {_NED}; or its driver gives the acceleration the opposite sign, and gravity '
    'itself in place of the specific force (REP-145)'
)
_MIXED = (
    "the axes of orientation and acceleration are not the same: exchanged, or of another handedness. Have the driver's "
    'axes made x forward, y left, z up, right-handed, for both alike (REP-103)'
)


def check_gravity(held: Mapping[str, Held]) -> None:
    """Whether all orientations put gravity down, of those sensors that have an accelerometer.

    Raises:
        CalibrationError: some do not; it names them, the axis that they contradict each other by, and the likely cause.
    """
    forces = {name: one.force for name, one in held.items() if one.force is not None}
    wrong = {name: force for name, force in forces.items() if _angle(force, _axis(2)) > _MAX_TILT}
    without = {
        name: force
        for name, force in forces.items()
        if _length(force) < _NO_GRAVITY and (name in wrong or not _IN_G[0] < _length(force) < _IN_G[1])
    }
    if without:
        raise _left_out(without)
    if not wrong:
        return
    common = np.mean([force / _length(force) for force in wrong.values()], 0)
    if len(wrong) > 1 and all(_angle(force, common) < _MAX_TILT for force in wrong.values()):
        raise CalibrationError(_of_the_world(wrong, common))
    raise CalibrationError('; '.join(_of_the_sensor(name, held[name]) for name in wrong))


def check_upright(rot_world_joint: Float[Tensor, '3 3'], sensor: Sensor, pose: str) -> None:
    """Whether the configured mount of the sensor that tells where the user faces fits somebody who stands in a pose.

    Args:
        rot_world_joint: by this mount, less what the pose turns the joint by.

    Raises:
        CalibrationError: by this mount the joint is not upright.
    """
    lean = _angle(rot_world_joint[:, 2].numpy(), _axis(2))
    limit = _MAX_LIMB_LEAN if sensor.joint.endswith(_LIMBS) else _MAX_LEAN
    if lean <= limit:
        return
    if lean > math.pi - limit:
        cause = 'it is strapped on upside down, the mount is, or the world has its z axis down (NED)'
    else:
        cause = 'the mount has its axes wrong, or the user does not stand upright'
    raise CalibrationError(
        f"{sensor.name} has to tell where the user faces, and by {sensor.name}.mount the up axis (+z) of the user's "
        f'{sensor.joint} is {math.degrees(lean):.0f} degrees off the vertical in the {pose}. Likely cause: {cause}. '
        f'Strap it on as configured, or set {sensor.name}.mount to how it sits'
    )


def check_heading(rot_world_joint: Float[Tensor, '3 3'], sensor: Sensor) -> None:
    """Whether a joint's rotation (as in the T-pose) has a heading, to be taken from it through a mount.

    Raises:
        CalibrationError: its forward axis is within 20 degrees of the vertical, or it is upside down.
    """
    forward, up = rot_world_joint[:, 0].numpy(), rot_world_joint[:, 2].numpy()
    off = min(_angle(forward, _axis(2)), _angle(-forward, _axis(2)))
    if off >= UPRIGHT_FORWARD and _angle(up, _axis(2)) <= _MAX_TWISTED:
        return
    what = f'points {"up" if forward[2] > 0 else "down"}, {math.degrees(off):.0f} degrees off the vertical'
    if off >= UPRIGHT_FORWARD:
        what = f'belongs to a joint that is {math.degrees(_angle(up, _axis(2))):.0f} degrees from upright'
    raise CalibrationError(
        f'{sensor.name} has no heading that could be taken from it: by {sensor.name}.mount the forward axis (+x) of '
        f'the {sensor.joint} {what}. Stand upright and look ahead, or set {sensor.name}.mount to how it sits'
    )


def _left_out(forces: Mapping[str, Float[np.ndarray, '3']]) -> CalibrationError:
    lengths = ', '.join(f'{name} {_length(force):.2f} m/s2' for name, force in forces.items())
    return CalibrationError(
        f'without gravity in the acceleration nobody can tell whether an orientation is right: at rest it is {lengths} '
        'instead of 9.81. Likely cause: the driver leaves gravity out. Have it publish the specific force, with '
        'gravity, or say that it has none: linear_acceleration_covariance[0] = -1 (REP-145)'
    )


def _of_the_world(forces: Mapping[str, Float[np.ndarray, '3']], common: Float[np.ndarray, '3']) -> str:
    axis = _nearest_axis(common)
    cause = _NED
    if axis != '-z':
        cause = f"the world's {axis} axis is up, as in graphics; publish orientations in a world with z up (REP-103)"
    return (
        f'{", ".join(forces)} contradict gravity: at rest acceleration points up, and by their orientations that is '
        f"along the world's {axis} axis instead of +z. Likely cause: {cause}"
    )


def _of_the_sensor(name: str, held: Held) -> str:
    rot = held.rotation.numpy()
    angle = _angle(held.force, _axis(2))
    return (
        f'{name} contradicts gravity: by its acceleration its {_nearest_axis(rot.T @ held.force)} axis points up, by '
        f'its orientation its {_nearest_axis(rot[2])} axis; these are {math.degrees(angle):.0f} degrees apart. Likely '
        'cause: ' + (_ANTIPODAL if angle > math.pi - 2 * _MAX_TILT else _MIXED)
    )


def _nearest_axis(direction: Float[np.ndarray, '3']) -> str:
    number = int(np.abs(direction).argmax())
    return f'{"+" if direction[number] > 0 else "-"}{"xyz"[number]}'


def _axis(number: int) -> Float[np.ndarray, '3']:
    return np.eye(3)[number]


def _length(vector: Float[np.ndarray, '3']) -> float:
    return float(np.linalg.norm(vector))


def _angle(a: Float[np.ndarray, '3'], b: Float[np.ndarray, '3']) -> float:
    return math.atan2(float(np.linalg.norm(np.cross(a, b))), float(a @ b))
