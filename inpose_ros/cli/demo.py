"""`inpose demo`: track a simulated user, or a recorded one, through real ROS topics and score what arrives.

Three processes: `inpose_play` publishes what the sensors say, `inpose` tracks, and this one receives the poses, which
is where everything in the report is measured.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import rclpy
import torch
import tyro
from jaxtyping import Float
from rclpy.executors import SingleThreadedExecutor

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.cli import processes
from inpose_ros.cli import report_files as reports
from inpose_ros.diffusion import checkpoint
from inpose_ros.diffusion.solver import DEFAULT_MODEL
from inpose_ros.errors import DataError, InPoseError
from inpose_ros.evaluation import figure, metrics, tracking
from inpose_ros.evaluation.tracking import Track
from inpose_ros.geometry import rotation
from inpose_ros.motion.clip import MotionClip
from inpose_ros.motion.procedural import procedural_clip, random_skeleton
from inpose_ros.motion.recording import ImuRecording
from inpose_ros.msg import BodyPose
from inpose_ros.node.conversions.stamp import ns_from_stamp
from inpose_ros.node.receiver import PoseReceiver
from inpose_ros.srv import Calibrate

_LEAD_NS = 6_000_000_000  # for the player to start and to be found
_PATIENCE = 60.0  # for the node to become active, or a service to answer [s]
# The recorded person begins to stand still after a second, and walks after five.
_CALIBRATE_AFTER_NS, _CALIBRATE_SECONDS = 1_300_000_000, 2.5


@dataclass(frozen=True)
class Show:
    """What is played: the true motion, the files and parameters that play it, and what the node is told of the body."""

    title: str
    truth: MotionClip
    sensors: Path
    player: dict[str, object]
    node: dict[str, object]
    calibrate: bool


def demo(
    recording: Annotated[Path | None, tyro.conf.arg(metavar='NAME')] = None,
    seconds: float = 20.0,
    seed: int = 0,
    rate: float = 30.0,
    device: str = 'auto',
    out: Path = Path('demo_output'),
) -> None:
    """Track a simulated user with a headset and two wrist trackers, or the IMUs of a recording; print and draw how it
    went.

    Args:
        recording: A recording to play (NAME.npz beside NAME.json) in place of the simulated user.
        seconds: How long the simulated user moves.
        seed: Seed of the user's body and motion.
        rate: Poses a second.
        device: auto, cpu or cuda.
        out: Folder for report.json and demo.png.
    """
    show = _recorded(recording) if recording is not None else _simulated(seed, seconds)
    track, start_ns = _run(show, {'rate': rate, 'device': device, 'seed': seed} | show.node)
    truth = tracking.truth_at(show.truth, track.stamp_ns, start_ns)
    report = track.timing() | tracking.rotation_scores(track, truth)
    if recording is None:
        report |= tracking.position_scores(track, truth)
    report |= reports.provenance(device, seed, checkpoint.digest(DEFAULT_MODEL))
    reports.write(out / 'report.json', report)
    _draw(out / 'demo.png', show, track, truth, start_ns)
    for name, value in report.items():
        print(f'{name}: {value:.2f}' if isinstance(value, float) else f'{name}: {value}')
    print(f'Written: {out / "report.json"}, {out / "demo.png"}')


def _simulated(seed: int, seconds: float) -> Show:
    """A user drawn from the seed; the node is told the stature only."""
    body = random_skeleton(seed)
    return Show(
        title=f'Simulated user, {body.stature:.2f} m, head and both wrists tracked',
        truth=procedural_clip(seed, seconds, body),
        sensors=processes.config('sensors/demo.yaml'),
        player={'source': 'procedural', 'seed': seed, 'seconds': seconds, 'sensor_rate': 90.0,
                'position_noise': 0.001, 'rotation_noise': 0.005},
        node={'body.stature': body.stature},
        calibrate=False,
    )  # fmt: skip


def _recorded(path: Path) -> Show:
    """Six of the recorded sensors; the reference pose of all of them is taken for true."""
    recording = ImuRecording.load(path)
    reference = recording.reference
    truth = MotionClip(
        recording.name, recording.name, recording.rate, Skeleton.mean(), reference, torch.zeros(len(reference), 3)
    )
    return Show(
        title=f'Recording {recording.name}, six IMUs, against the pose of all its sensors',
        truth=truth,
        sensors=processes.config('sensors/imu17_walk.yaml'),
        player={'source': str(path.with_suffix('.npz').resolve())},
        node={},
        calibrate=True,
    )


def _run(show: Show, node_params: dict[str, object]) -> tuple[Track, int]:
    """Play and track; the poses that arrived, and the stamp of the motion's first frame."""
    rclpy.init()
    receiver, executor = PoseReceiver(), SingleThreadedExecutor()
    executor.add_node(receiver)
    try:
        with processes.started('inpose', show.sensors, node_params) as node:
            _wait_until(executor, lambda: receiver.count_publishers('body_pose') > 0, node, 'the node is active')
            start_ns = receiver.now_ns() + _LEAD_NS
            with processes.started('inpose_play', show.sensors, show.player | {'start_ns': start_ns}) as player:
                first_ns = _calibrated(receiver, executor, start_ns) if show.calibrate else start_ns
                end_ns = start_ns + round(show.truth.seconds * 1e9) + 500_000_000
                while receiver.now_ns() < end_ns and node.poll() is None:
                    executor.spin_once(timeout_sec=0.1)
                if player.poll() not in (None, 0) or node.poll() is not None:
                    raise InPoseError('the node or the player ended before the motion did; its message stands above')
    finally:
        executor.shutdown()
        rclpy.try_shutdown()
    if not receiver.received:
        raise InPoseError('no poses arrived; see the messages of the node above')
    return _track(receiver.received).since(first_ns), start_ns


def _track(received: list[tuple[int, BodyPose]]) -> Track:
    quat = [[(q.w, q.x, q.y, q.z) for q in message.rotation] for _, message in received]
    place = [[(p.x, p.y, p.z) for p in message.position] for _, message in received]
    return Track(
        stamp_ns=np.array([ns_from_stamp(message.header.stamp) for _, message in received], dtype=np.int64),
        received_ns=np.array([when for when, _ in received], dtype=np.int64),
        rot_world_joint=rotation.matrix_from_quat(torch.tensor(quat, dtype=torch.float64)),
        position=torch.tensor(place, dtype=torch.float64),
    )


def _wait_until(executor: SingleThreadedExecutor, reached: object, child: object, what: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not reached():
        executor.spin_once(timeout_sec=0.05)
        if child.poll() is not None or time.monotonic() > deadline:
            raise InPoseError(f'waited in vain until {what}; its message stands above')


def _calibrated(receiver: PoseReceiver, executor: SingleThreadedExecutor, start_ns: int) -> int:
    """Call ~/calibrate while the recorded person stands still; the stamp from which on poses count."""
    client = receiver.create_client(Calibrate, '/inpose/calibrate')
    while receiver.now_ns() < start_ns + _CALIBRATE_AFTER_NS:
        executor.spin_once(timeout_sec=0.05)
    answer = client.call_async(Calibrate.Request(pose='n_pose', seconds=_CALIBRATE_SECONDS))
    executor.spin_until_future_complete(answer, timeout_sec=_PATIENCE)
    if answer.result() is None or not answer.result().success:
        raise DataError(f'not calibrated: {answer.result().message if answer.result() else "no answer"}')
    residuals = np.degrees(answer.result().residual).round(2).tolist()
    print('calibrated; sensors moved by [deg]', dict(zip(answer.result().sensor, residuals)))
    return receiver.now_ns()


def _draw(path: Path, show: Show, track: Track, truth: MotionClip, start_ns: int) -> None:
    seconds = (track.stamp_ns - start_ns) / 1e9
    true = truth.positions.double()
    estimate = track.position - track.position[:, smpl22.HEAD, None] + true[:, smpl22.HEAD, None]
    if show.calibrate:
        curves, unit = _angle_curves(track, truth), 'deg'
        floor = true[..., 2].amin(-1)[:, None, None] * torch.tensor([0.0, 0.0, 1.0])
        true, estimate = true - floor, estimate - floor
    else:
        error = metrics.joint_errors(track.position, truth.positions.double(), smpl22.HEAD)
        groups = {'all joints': range(22), 'upper body': smpl22.UPPER, 'legs': smpl22.LOWER, 'wrists': smpl22.WRISTS}
        curves, unit = {name: error[:, list(joints)].mean(-1).numpy() for name, joints in groups.items()}, 'cm'
    heading = rotation.heading(truth.rot_world_joint[:, smpl22.PELVIS])
    figure.tracked_motion(path, show.title, seconds, true, estimate, heading, curves, unit)


def _angle_curves(track: Track, truth: MotionClip) -> dict[str, Float[np.ndarray, 'pose']]:
    angles = tracking.rotation_errors(track, truth)
    legs = [joint - 1 for joint in smpl22.LOWER]
    rest = [joint - 1 for joint in smpl22.UPPER]
    return {'upper body': angles[:, rest].mean(-1).numpy(), 'legs': angles[:, legs].mean(-1).numpy()}
