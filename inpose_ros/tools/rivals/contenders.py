"""The rivals by the names under which `inpose evaluate` offers them."""

from inpose_ros.diffusion.sampler import InPoseRule
from inpose_ros.evaluation.methods import Contender
from inpose_ros.tools.rivals.inverse_kinematics import InverseKinematics
from inpose_ros.tools.rivals.networks import NetworkRival
from inpose_ros.tools.rivals.tasks import TASKS

RIVALS: dict[str, Contender] = {
    'location_conditioned': NetworkRival(TASKS['location_conditioned'], InPoseRule().steps),
    'location_augmented': NetworkRival(TASKS['location_augmented'], InPoseRule().steps),
    'regression': NetworkRival(TASKS['regression']),
    'regression_ik': NetworkRival(TASKS['regression_ik']),
    'ik': InverseKinematics(),
}
