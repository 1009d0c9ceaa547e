"""From a person's arm to a robot's: where the robot's wrist and elbow should be, and how its hand should be turned.

Both are seen from the chest (x forward, y left, z up) with the shoulder as origin, so it does not matter where the
person stands, or that the robot does not walk. What the arm does is kept; its size is the robot's.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Vector = Float[np.ndarray, '3']
Matrix = Float[np.ndarray, '3 3']
SIDES = ('left', 'right')


@dataclass(frozen=True)
class PersonArm:
    """A person's arm: elbow and wrist from the shoulder in the chest's axes, and the lengths of its bones [m].

    `rot_chest_hand` is the identity in the T-pose.
    """

    elbow: Vector
    wrist: Vector
    rot_chest_hand: Matrix
    upper_arm: float
    forearm: float

    @property
    def length(self) -> float:
        return self.upper_arm + self.forearm


@dataclass(frozen=True)
class RobotArm:
    """A robot's arm: where its shoulder sits on the base, and how long it is [m].

    `rot_base_wrist` is how its wrist's frame is turned in the robot's T-pose, palms down: the fixed offset between
    the person's hand and the robot's, whatever axes its maker chose.
    """

    shoulder: Vector
    upper_arm: float
    forearm: float
    rot_base_wrist: Matrix

    @property
    def length(self) -> float:
        return self.upper_arm + self.forearm


@dataclass(frozen=True)
class ArmTarget:
    """Where a robot's wrist and elbow should be in its base [m]; `pulled_in`: the person reaches further than it."""

    wrist: Vector
    elbow: Vector
    rot_base_wrist: Matrix
    pulled_in: bool


def retarget(person: PersonArm, robot: RobotArm, reach: float) -> ArmTarget:
    """Scale the way from shoulder to wrist by the ratio of the arms' lengths.

    The elbow keeps its direction from the shoulder; it is a wish only, as the arms' proportions differ.

    Args:
        reach: share of the arm's length beyond which the wrist is pulled in; a straight arm is a singularity.
    """
    wrist = person.wrist * (robot.length / person.length)
    distance = float(np.linalg.norm(wrist))
    furthest = reach * robot.length
    if distance > furthest:
        wrist = wrist * (furthest / distance)
    return ArmTarget(
        wrist=robot.shoulder + wrist,
        elbow=robot.shoulder + person.elbow * (robot.upper_arm / person.upper_arm),
        rot_base_wrist=person.rot_chest_hand @ robot.rot_base_wrist,
        pulled_in=distance > furthest,
    )
