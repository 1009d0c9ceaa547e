"""`ik`: inverse kinematics alone, by pinocchio and pink, on the user's own URDF, with a rest pose to fall back on."""

from dataclasses import dataclass
from types import ModuleType

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import smpl22, urdf
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.errors import ParameterError
from inpose_ros.geometry import rotation
from inpose_ros.sensing.resample import JointWindow
from inpose_ros.tools.rivals.estimate import PlacedPose, placed

# A metre off at a sensor costs as much as a turn of 2 rad there, and this much more than 1 rad away from rest.
LOCATION, ROTATION, POSTURE = 1.0, 0.5, 0.02
UPRIGHT = 0.1  # The rest pose stands: what a tilt of the pelvis by 1 rad costs.
_DAMPING = (
    0.02  # Levenberg and Marquardt's, in proportion to a task's error: far targets are approached in several steps
)
_COLD, _WARM = 60, 8  # iterations in all from the rest pose, and from the frame before
_CONTINUES = 0.2  # a frame goes on from the one before if it is at most so much later [s]


def libraries() -> tuple[ModuleType, ModuleType]:
    """Pinocchio and pink.

    Raises:
        ParameterError: they are not installed.
    """
    try:
        import pink
        import pinocchio
        import quadprog  # noqa: F401 - the solver that pink is told to use
    except ImportError as error:
        raise ParameterError(
            f'the method ik needs a library ({error}): pip install -r requirements-examples.txt, or leave ik out'
        ) from error
    return pinocchio, pink


@dataclass(frozen=True)
class InverseKinematics:
    """The contender: neither weights nor chance."""

    streaming: bool = True

    def solver(self, prior: MotionPrior, skeleton: Skeleton, seed: int) -> 'KinematicSolver':
        return KinematicSolver(skeleton)


def rest_pose() -> Float[Tensor, 'joint 3 3']:
    """Standing upright, facing +x, arms hanging."""
    rot = torch.eye(3, dtype=torch.float64).repeat(len(smpl22.JOINTS), 1, 1)
    for side, sign in (('left', -1.0), ('right', 1.0)):
        down = rotation.exp(torch.tensor([sign * 1.4, 0.0, 0.0], dtype=torch.float64))
        for part in ('shoulder', 'elbow', 'wrist'):
            rot[smpl22.INDEX[f'{side}_{part}']] = down
    return rot


class KinematicSolver:
    """One body; windows that follow each other in time start from where the one before ended."""

    def __init__(self, skeleton: Skeleton) -> None:
        self._pin, self._pink = libraries()
        self._skeleton = skeleton
        xml = urdf.urdf_xml(skeleton, frame_prefix='')
        self._model = self._pin.buildModelFromXML(xml, self._pin.JointModelFreeFlyer())
        self._rows = [self._model.joints[self._model.getJointId(name)].idx_q for name in urdf.REVOLUTE_NAMES]
        self._rest = self._pin.neutral(self._model)
        self._rest[self._rows] = urdf.revolute_angles(rest_pose())
        self._configuration = self._pink.Configuration(self._model, self._model.createData(), self._rest)
        self._posture = self._pink.PostureTask(cost=POSTURE)
        self._posture.set_target(self._rest)
        self._upright = self._pink.FrameTask('pelvis', 0.0, (UPRIGHT, UPRIGHT, 0.0))
        self._last_ns: int | None = None

    def solve_batch(self, windows: list[JointWindow]) -> PlacedPose:
        """The newest frames, one after the other; what came before in the windows is not looked at."""
        rot = torch.stack([self._solve(window) for window in windows])
        location, valid = (
            torch.stack([getattr(window, name)[-1] for window in windows]) for name in ('location', 'location_valid')
        )
        # The windows hold what is known of their last frames alone; it is all that is asked of a streaming method.
        frames = windows[0].rot_world_joint.shape[0]
        return placed(rot[:, None].expand(-1, frames, -1, -1, -1), self._skeleton, location, valid)

    def _solve(self, window: JointWindow) -> Float[Tensor, 'joint 3 3']:
        tasks = self._tasks(window)
        iterations = _WARM
        if self._last_ns is None or not 0 <= window.stamp_ns - self._last_ns <= _CONTINUES * 1e9:
            self._configuration.update(self._start(window))
            iterations = _COLD
        self._last_ns = window.stamp_ns
        for _ in range(iterations):
            velocity = self._pink.solve_ik(
                self._configuration, tasks, 1.0, solver='quadprog', damping=1e-6, limits=[], safety_break=False
            )
            self._configuration.integrate_inplace(velocity, 1.0)
        frames = [self._configuration.get_transform_frame_to_world(name).rotation for name in smpl22.JOINTS]
        return torch.from_numpy(np.stack(frames)).float()

    def _tasks(self, window: JointWindow) -> list[object]:
        """Everything measured at the newest frame, and the posture."""
        tasks = [self._posture]
        if not bool(window.rot_valid[-1, smpl22.PELVIS]):
            self._upright.set_target(self._pin.SE3(self._facing(window).double().numpy(), np.zeros(3)))
            tasks.append(self._upright)
        rot, location = window.rot_world_joint[-1].double().numpy(), window.location[-1].double().numpy()
        for joint in (window.rot_valid[-1] | window.location_valid[-1]).nonzero().flatten().tolist():
            costs = (LOCATION * bool(window.location_valid[-1, joint]), ROTATION * bool(window.rot_valid[-1, joint]))
            task = self._pink.FrameTask(smpl22.JOINTS[joint], *costs, lm_damping=_DAMPING)
            task.set_target(self._pin.SE3(rot[joint], location[joint]))
            tasks.append(task)
        return tasks

    def _facing(self, window: JointWindow) -> Float[Tensor, '3 3']:
        """Upright, facing where the head faces, or whatever else is measured."""
        valid = window.rot_valid[-1]
        if not bool(valid.any()):
            return torch.eye(3)
        joint = smpl22.HEAD if bool(valid[smpl22.HEAD]) else int(valid.int().argmax())
        return rotation.about_z(rotation.heading(window.rot_world_joint[-1, joint]))

    def _start(self, window: JointWindow) -> Float[np.ndarray, 'configuration']:
        """At rest below the head."""
        turn = self._facing(window)
        pose = (turn.double() @ rest_pose()).float()[None, None]
        root = placed(pose, self._skeleton, window.location[-1:], window.location_valid[-1:]).root[0]
        start = self._rest.copy()
        start[:3] = root.numpy()
        wxyz = rotation.quat_from_matrix(turn).numpy()
        start[3:7] = [*wxyz[1:], wxyz[0]]  # pinocchio's order
        return start
