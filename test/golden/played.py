"""Readings through all of the tracker but ROS and time: the same readings give the same poses, to the last bit."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from inpose_ros.body.proportions import BodyGuess
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.bone_estimator import BodyEstimator
from inpose_ros.diffusion.loading import load_solver
from inpose_ros.diffusion.trusted import TrustedEstimator
from inpose_ros.geometry import so3
from inpose_ros.geometry.transform import Transform
from inpose_ros.motion.procedural import procedural_clip, random_skeleton
from inpose_ros.motion.simulate import SimulatedReading, WornSensor, simulate
from inpose_ros.node.bone_updates import BoneUpdates
from inpose_ros.node.tracking import Estimate, Job, Tracker
from inpose_ros.sensing.measurement import Sensor
from inpose_ros.sensing.reception import Reception

START_NS = 10**18
_RATE = 30.0
_STATES = {'state': 1, 'degraded': 2}
# Of each joint and of each sensor: how it is mounted, and how it errs.
_MOUNT = Transform.from_xyz_quat([0.05, 0.03, 0.02, 1.0, 0.0, 0.0, 0.0])
_TRACKER = {'position_noise': 0.002, 'rotation_noise': 0.005, 'delay': 0.004, 'delay_jitter': 0.002}
_NOISY = _TRACKER | {'position_noise': 0.03, 'rotation_noise': 0.03}
_IMU = {'rotation_noise': 0.01, 'gyro_noise': 0.01, 'force_noise': 0.05, 'delay': 0.004}

HANDS = ('head', 'left_wrist', 'right_wrist')
FULL = (*HANDS, 'pelvis', 'left_ankle', 'right_ankle')
IMUS = ('pelvis', 'head', 'left_wrist', 'right_wrist', 'left_knee', 'right_knee')


def worn(joint: str, kind: str, rate: float, noisy: bool = False) -> WornSensor:
    """A sensor of that type on a joint, named for it."""
    errors = _IMU if kind == 'imu' else _NOISY if noisy else _TRACKER
    return WornSensor(Sensor(joint, joint, kind, _MOUNT), rate=rate, **errors)


def of_motion(seed: int, seconds: float, sensors: Sequence[WornSensor]) -> tuple[Skeleton, list[SimulatedReading]]:
    """The body, and what it says that wears these."""
    clip = procedural_clip(seed, seconds, random_skeleton(seed))
    return clip.skeleton, simulate(clip, sensors, np.random.default_rng(seed), START_NS)


def played(
    readings: Iterable[SimulatedReading], sensors: Mapping[str, Sensor], skeleton: Skeleton | None = None
) -> Iterator[Estimate]:
    """A pose for every thirtieth of a second; None: the body is to be found out, and the floor."""
    guess = BodyGuess.unknown() if skeleton is None else None
    solver = load_solver(None, 'cpu', skeleton or guess.skeleton, backend='torch')
    learner = BoneUpdates(TrustedEstimator(BodyEstimator(solver.prior, guess, None))) if guess else None
    tracker = Tracker(solver, 500_000_000, math.nan if guess else 0.0, 15.0, lambda: 0.0, learner)
    reception = Reception(round((solver.frames / solver.rate + 0.5) * 1e9))
    reception.wear(sensors, (), False)
    tick_ns = breaks = 0
    for reading in readings:
        now_ns = reading.arrival_ns
        tick_ns = tick_ns or now_ns + 100_000_000
        while now_ns >= tick_ns:
            reception.odd_clocks(tick_ns)
            job = Job(reception.snapshot(), tuple(sensors.values()), reception.epoch, **_STATES, breaks=breaks)
            estimate = tracker.track(job)
            if estimate is not None:
                yield estimate
                solver.check()
                if learner is not None:
                    learner.learn(*tracker.seen)
            tick_ns += round(1e9 / _RATE)
        received = reception.take(reading.measurement, now_ns, now_ns)
        breaks += any(finding.cause in ('teleport', 'frozen') for finding in received.findings)


def numbers(estimate: Estimate) -> dict[str, np.ndarray]:
    """All that is estimated."""
    body = estimate.body
    return {
        'stamp_ns': np.array(body.stamp_ns),
        'rotation': so3.quaternion(np.asarray(body.rot_world_joint, dtype=np.float64)),
        'position': np.asarray(body.positions, dtype=np.float64),
        'rotation_stddev': np.asarray(body.rotation_stddev, dtype=np.float64),
        'position_covariance': np.asarray(body.position_covariance, dtype=np.float64),
        'measured': np.asarray(body.measured),
        'foot_contact': np.asarray(body.foot_contact, dtype=np.float64),
        'angle': estimate.angles,
        'velocity': estimate.velocities,
        'state': np.array(estimate.state),
    }
