"""A humanoid's two arms, moved without physics by differential inverse kinematics (pinocchio and pink)."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from inpose_ros.examples.humanoid import Humanoid, urdf_path
from inpose_ros.examples.retarget import SIDES, ArmTarget, RobotArm, Vector

try:
    import pink
    import pinocchio as pin
    from pink.exceptions import NoSolutionFound
    from pink.limits import ConfigurationLimit, VelocityLimit
    from pink.tasks import FrameTask, PostureTask
except ImportError as error:
    raise ImportError(f'{error}; the arm follower needs pip install -r requirements-examples.txt') from error

# What the solver weighs: a metre of the wrist against a radian of the hand, a metre of the elbow, a radian of posture.
# Posture keeps an arm from drifting into a corner that it finds no way out of; with less of it more wrists are lost.
WRIST, HAND, ELBOW, POSTURE = 1.0, 0.1, 0.1, 0.02

Angles = Float[np.ndarray, 'joint']
Rows = Int[np.ndarray, 'row']


class HumanoidArms:
    """The robot's upper limbs, fixed at their base; everything else of it stands still at zero.

    Gravity, contacts and collisions are not part of it: a hand may pass through the robot's own body.
    """

    def __init__(self, robot: Humanoid, max_joint_speed: float) -> None:
        """Args: max_joint_speed: [rad/s], for joints that could turn faster."""
        self._full = pin.buildModelFromUrdf(str(urdf_path(robot)))
        joints = {side: [name.format(side) for name in robot.arm] for side in SIDES}
        self._model = _reduced(self._full, [*joints['left'], *joints['right'], *robot.neck])
        _narrow(self._model, robot)
        self.max_speeds: Angles = np.minimum(self._model.velocityLimit, max_joint_speed)
        self.lower, self.upper = self._model.lowerPositionLimit, self._model.upperPositionLimit
        self._rows: dict[str, Rows] = {side: self._indices(names) for side, names in joints.items()}
        self._rows['head'] = self._indices(robot.neck)
        self._wrist = {side: robot.wrist.format(side) for side in SIDES}
        self.arms = {side: self._arm(robot, side) for side in SIDES}
        self._configuration = pink.Configuration(self._model, self._model.createData(), self._posture(robot.ready))
        self.velocity: Angles = np.zeros(self._model.nv)
        self.unsolved = 0
        self._set_tasks(robot)

    @property
    def angles(self) -> Angles:
        return self._configuration.q

    @property
    def base(self) -> str:
        """The link in whose frame targets are given."""
        return self._full.frames[1].name

    @property
    def limbs(self) -> tuple[str, ...]:
        return tuple(limb for limb, rows in self._rows.items() if len(rows))

    def wrist(self, side: str) -> Vector:
        """Where the wrist is in the base [m]."""
        return self._configuration.get_transform_frame_to_world(self._wrist[side]).translation.copy()

    def distance(self, side: str, target: ArmTarget) -> float:
        """How far the wrist is from its target [m]."""
        return float(np.linalg.norm(self.wrist(side) - target.wrist))

    def step(
        self, targets: Mapping[str, ArmTarget], gaze: tuple[float, float], shares: Mapping[str, float], dt: float
    ) -> None:
        """Move every limb toward its target for `dt` [s], at most at its share of the speed limits; 0 holds it.

        A whole limb is slowed down, so that it keeps its way. Where the solver finds nothing, all stand still.
        """
        for side, target in targets.items():
            self._hands[side].set_target(pin.SE3(target.rot_base_wrist, target.wrist))
            self._elbows[side].set_target(pin.SE3(np.eye(3), target.elbow))
        velocity = self._solve(dt)
        velocity[self._rows['head']] = (np.array(gaze[: len(self._rows['head'])]) - self._head_angles()) / dt
        for limb in self.limbs:
            rows = self._rows[limb]
            effort = float(np.max(np.abs(velocity[rows]) / self.max_speeds[rows]))
            velocity[rows] *= min(1.0, shares[limb] / effort) if effort > 0 else 0.0
        before = self.angles.copy()
        after = np.clip(before + velocity * dt, self.lower, self.upper)
        self._configuration.update(after)
        self.velocity = (after - before) / dt

    def stop(self) -> None:
        self.velocity = np.zeros(self._model.nv)

    def joint_state(self) -> dict[str, tuple[float, float]]:
        """Angle and velocity of every joint of the robot, also of those that stand still."""
        names = list(self._model.names)[1:]  # the first is pinocchio's universe
        state = dict.fromkeys(list(self._full.names)[1:], (0.0, 0.0))
        return state | {name: (float(q), float(v)) for name, q, v in zip(names, self.angles, self.velocity)}

    def _solve(self, dt: float) -> Angles:
        try:
            velocity = pink.solve_ik(
                self._configuration, self._tasks, dt, solver='quadprog', limits=self._limits, safety_break=False
            )
        except NoSolutionFound:
            velocity = np.full(self._model.nv, np.nan)
        if not np.isfinite(velocity).all():
            self.unsolved += 1
            return np.zeros(self._model.nv)
        return velocity

    def _head_angles(self) -> Angles:
        return self.angles[self._rows['head']]

    def _set_tasks(self, robot: Humanoid) -> None:
        # The damping lets a straight arm bend gently, not at once.
        self._hands = {s: FrameTask(self._wrist[s], WRIST, HAND, lm_damping=0.01) for s in SIDES}
        self._elbows = {s: FrameTask(robot.elbow.format(s), ELBOW, 0.0, lm_damping=0.01) for s in SIDES}
        posture = PostureTask(cost=POSTURE)
        self._tasks = [*self._hands.values(), *self._elbows.values(), posture]
        for task in self._tasks:
            task.set_target_from_configuration(self._configuration)
        self._limits = [ConfigurationLimit(self._model, 0.9), VelocityLimit(self._model, self.max_speeds)]

    def _arm(self, robot: Humanoid, side: str) -> RobotArm:
        """Measured on the model itself: lengths and the hand's frame in the T-pose, the shoulder with arms hanging."""
        places = {}
        for pose, angles in (('t_pose', robot.t_pose), ('zero', {})):
            data = self._model.createData()
            pin.forwardKinematics(self._model, data, self._posture(angles, clip=False))
            for part in ('shoulder', 'elbow', 'wrist'):
                name = getattr(robot, part).format(side)
                places[pose, part] = data.oMi[self._model.getJointId(name)].copy()
        shoulder, elbow, wrist = (places['t_pose', part] for part in ('shoulder', 'elbow', 'wrist'))
        return RobotArm(
            shoulder=places['zero', 'shoulder'].translation,
            upper_arm=float(np.linalg.norm(elbow.translation - shoulder.translation)),
            forearm=float(np.linalg.norm(wrist.translation - elbow.translation)),
            rot_base_wrist=wrist.rotation,
        )

    def _posture(self, angles: Mapping[str, float], clip: bool = True) -> Angles:
        q = pin.neutral(self._model)
        q[self._indices(angles)] = list(angles.values())
        return np.clip(q, self.lower, self.upper) if clip else q

    def _indices(self, names: Mapping[str, float] | tuple[str, ...] | list[str]) -> Rows:
        return np.array([self._model.joints[self._model.getJointId(name)].idx_q for name in names], dtype=int)


def _reduced(full: pin.Model, names: list[str]) -> pin.Model:
    """The model with all other joints locked at zero."""
    if missing := [name for name in names if not full.existJointName(name)]:
        raise ValueError(f'the robot has no joints {missing}; it has {list(full.names)[1:]}')
    locked = [joint for joint in range(1, full.njoints) if full.names[joint] not in names]
    return pin.buildReducedModel(full, locked, pin.neutral(full))


def _narrow(model: pin.Model, robot: Humanoid) -> None:
    for name, (low, high) in robot.narrowed.items():
        row = model.joints[model.getJointId(name)].idx_q
        model.lowerPositionLimit[row] = max(model.lowerPositionLimit[row], low)
        model.upperPositionLimit[row] = min(model.upperPositionLimit[row], high)
