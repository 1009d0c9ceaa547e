"""What the sensors send, of every type and at every rate, over real DDS."""

import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Odometry
from rosgraph_msgs.msg import Clock as ClockMessage
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import Imu, JointState

from inpose_ros.body import smpl22
from inpose_ros.msg import BodyPose
from inpose_ros.node import qos
from inpose_ros.node.conversions.sensors import WRITERS
from inpose_ros.node.conversions.stamp import stamp_from_ns
from inpose_ros.sensing.measurement import Measurement

from .conftest import Stage, Wearer, counts, pose, receive, rising, stamps, values_of


@pytest.mark.parametrize('profile', [qos.SENSOR, qos.OUTPUT], ids=['best effort', 'reliable'])
def test_drivers_of_either_reliability_are_heard(stage, profile):
    Wearer(stage, profile)
    joints = stage.heard(JointState, 'joint_states')
    stage.active()
    stage.until(lambda: joints)


def test_an_imu_measures_a_rotation_and_no_place(stage):
    bodies = stage.heard(BodyPose, 'body_pose')
    publisher = stage.other.create_publisher(Imu, 'waist/imu', qos.SENSOR)

    def send() -> None:
        msg = Imu()
        msg.header.stamp = stage.other.get_clock().now().to_msg()
        msg.header.frame_id = 'imu_7'
        publisher.publish(msg)

    stage.other.create_timer(0.01, send)
    stage.active(sensors=['waist'], waist__joint='pelvis', waist__type='imu')
    stage.until(lambda: bodies)
    assert bodies[0].measured[0] and sum(bodies[0].measured) == 1 and not bodies[0].root_observed


def test_a_mount_is_taken_off(stage, wearer):
    """The head's sensor is turned by 90 degrees on the head; the wearer's is level, so the head is turned back."""
    bodies = stage.heard(BodyPose, 'body_pose')
    stage.active(head__mount=[0.0, 0.0, 0.0, math.sqrt(0.5), 0.0, 0.0, math.sqrt(0.5)])
    stage.until(lambda: bodies)
    head = bodies[-1].rotation[smpl22.HEAD]
    assert (abs(head.w), head.z) == pytest.approx((math.sqrt(0.5), -math.sqrt(0.5)), abs=1e-6)


def test_messages_out_of_order_are_put_in_order_and_counted(stage):
    node = stage.active(sensors=['head'])
    now_ns = stage.other.get_clock().now().nanoseconds
    for back_ms in (40, 20, 30, 10):
        receive(node, 'head', pose('head', now_ns - back_ms * 1_000_000))
    held = [m.stamp_ns for m in node._inputs.snapshot().series('head')]
    assert rising(held) and len(held) == 4 and counts(node)['late'] == 1


def test_sensors_that_share_a_topic_are_told_apart_by_their_frame(stage):
    node = stage.active(
        sensors=['head', 'waist'], head__topic='/poses', waist__topic='/poses', waist__joint='pelvis',
        head__frame_id='tracker_1', waist__frame_id='tracker_2',
    )  # fmt: skip
    publisher = stage.other.create_publisher(PoseStamped, '/poses', qos.SENSOR)
    sent = [pose('head', 0), pose('pelvis', 0)]

    def send() -> None:
        for msg, frame_id in zip(sent, ('tracker_1', 'tracker_2'), strict=True):
            msg.header.stamp = stage.other.get_clock().now().to_msg()
            msg.header.frame_id = frame_id
            publisher.publish(msg)

    stage.other.create_timer(0.01, send)
    stage.until(lambda: len(node._inputs.latest()) == 2)
    latest = node._inputs.latest()
    assert latest['head'].position[2] > latest['waist'].position[2]


def test_time_that_goes_back_restarts_the_solver_and_publishing_goes_on(stage):
    joints = stage.heard(JointState, 'joint_states')
    node = stage.active(sensors=['head'])
    start = stage.other.get_clock().now().nanoseconds
    for k in range(5):
        receive(node, 'head', pose('head', start + k * 10_000_000))
    stage.until(lambda: joints)
    solver, resets = node._tracker.solver, node._tracker.solver.resets
    for k in range(5):
        receive(node, 'head', pose('head', start - 60 * 10**9 + k * 10_000_000))
    stage.until(lambda: stamps(joints)[-1] < start)
    assert counts(node)['time_reset'] == 1 and solver.resets == resets + 1
    first = next(msg for msg, stamp in zip(joints, stamps(joints)) if stamp < start)
    assert np.abs(first.velocity).max() < 1e-4, 'a velocity across the reset'


class Suite:
    """A process that publishes as a suite of sensors does, any of which can be switched off."""

    def __init__(self, stage: Stage, sensors: dict[str, tuple[str, str, float]]) -> None:
        """Args: sensors: of each its type, its joint and its rate [Hz]."""
        words = [f'{name}:{kind}:{joint}:{rate}' for name, (kind, joint, rate) in sensors.items()]
        command = [sys.executable, str(Path(__file__).with_name('suite.py')), stage.namespace, *words]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)

    def switch(self, word: str, name: str) -> None:
        self._process.stdin.write(f'{word} {name}\n')
        self._process.stdin.flush()

    def close(self) -> None:
        self._process.stdin.close()
        assert self._process.wait(20) == 0


@pytest.fixture
def suite_of(stage: Stage) -> Iterator[Callable[[dict], Suite]]:
    suites = []

    def start(sensors: dict[str, tuple[str, str, float]]) -> Suite:
        suites.append(Suite(stage, sensors))
        return suites[-1]

    yield start
    for suite in suites:
        suite.close()


SUITE = {
    'head': ('pose', 'head', 90.0),
    'left_wrist': ('pose_cov', 'left_wrist', 20.0),
    'right_wrist': ('odometry', 'right_wrist', 30.0),
    'waist': ('tf', 'pelvis', 60.0),
    'left_shin': ('imu', 'left_knee', 200.0),
    'bare_shin': ('imu', 'right_knee', 100.0),
}


def declared(suite: dict[str, tuple[str, str, float]]) -> dict[str, object]:
    """The parameters of such a suite."""
    values: dict[str, object] = {'sensors': list(suite)}
    for name, (kind, joint, _) in suite.items():
        values |= {f'{name}__type': kind, f'{name}__joint': joint}
        if kind == 'tf':
            values[f'{name}__frame_id'] = f'{name}_frame'
    return values


def test_all_types_at_once_are_measured_and_each_may_stop_and_return(stage, tf2, suite_of):
    bodies = stage.heard(BodyPose, 'body_pose')
    node, suite = stage.active(**declared(SUITE)), suite_of(SUITE)
    joint_of = {name: smpl22.INDEX[joint] for name, (_, joint, _) in SUITE.items()}

    def measured() -> set[str]:
        return {name for name, joint in joint_of.items() if bodies and bodies[-1].measured[joint]}

    stage.until(lambda: measured() == set(SUITE), timeout=20)
    node._health.counts.clear()  # the frame was not there at first
    for name in SUITE:
        suite.switch('off', name)
        stage.until(lambda name=name: measured() == set(SUITE) - {name}, timeout=15)
        suite.switch('on', name)
        stage.until(lambda: measured() == set(SUITE), timeout=15)
    rates = {name: node._health.rate(name, node.now_ns()) for name in SUITE}
    assert rates['left_shin'] > 3 * rates['left_wrist'] > 45, rates
    assert set(counts(node)) <= {'late', 'dropped', 'no_orientation'}, counts(node)


def test_the_node_as_it_runs_loses_nothing_from_20_hz_to_1_khz(stage, suite_of):
    """A process of its own, without the checks of shapes that the tests add: they cost more than all the rest."""
    sensors = {name: row for name, row in SUITE.items() if row[0] != 'tf'}
    sensors['left_shin'] = ('imu', 'left_knee', 1000.0)
    command = [sys.executable, '-c', 'from inpose_ros.node.tracker_node import main; main()', '--ros-args']
    command += ['-r', f'__ns:=/{stage.namespace}', '-p', 'rate:=1.0', '-p', 'device:=cpu']
    for name, value in declared(sensors).items():
        given = f'[{", ".join(value)}]' if isinstance(value, list) else value
        command += ['-p', f'{name.replace("__", ".")}:={given}']
    told = stage.heard(DiagnosticArray, '/diagnostics')
    with subprocess.Popen(command) as process:
        suite_of(sensors)
        try:
            stage.until(lambda: told and values_of(told).get('left_shin rate [Hz]', '0.0') != '0.0', timeout=60)
            stage.spin_for(6.0)  # the rates are those of the last five seconds
        finally:
            process.terminate()
    values = values_of(told)
    for name, (_, _, rate) in sensors.items():
        assert float(values[f'{name} rate [Hz]']) > 0.97 * rate, values
    assert {key for key in values if key.startswith('rejected: ')} <= {'rejected: no_orientation'}, values


@pytest.mark.parametrize('kind', ['pose_cov', 'odometry'])
def test_a_covariance_is_that_readings_own_noise(stage, suite_of, kind):
    rates = {'head': (kind, 'head', 50.0)}
    node, _ = stage.active(**declared(rates)), suite_of(rates)
    stage.until(lambda: node._inputs.latest())
    newest = node._inputs.latest()['head']
    assert (newest.position_stddev, newest.rotation_stddev) == (pytest.approx(0.02), pytest.approx(0.1))


def test_an_odometry_is_told_apart_by_the_device_too(stage):
    node = stage.active(sensors=['head'], head__type='odometry', head__frame_id='camera_2', head__topic='/odometry')
    publisher = stage.other.create_publisher(Odometry, '/odometry', qos.SENSOR)

    def send() -> None:
        for k, child in enumerate(('camera_1', 'camera_2')):
            now_ns = stage.other.get_clock().now().nanoseconds
            msg = WRITERS['odometry'](Measurement(child, now_ns, np.eye(3), np.full(3, float(k))), 'world')
            publisher.publish(msg)

    stage.other.create_timer(0.02, send)
    stage.until(lambda: len(node._inputs.snapshot().series('head')) > 5)
    assert {m.position[0] for m in node._inputs.snapshot().series('head')} == {1.0}


def test_imus_that_share_a_topic_are_told_apart_by_their_frame(stage):
    """As libsurvive publishes them."""
    names = {'waist': 'pelvis', 'chest': 'spine3'}
    node = stage.active(
        sensors=list(names),
        **{f'{name}__{what}': value for name, joint in names.items()
           for what, value in {'type': 'imu', 'joint': joint, 'topic': '/imu', 'frame_id': f'LHR-{name}'}.items()},
    )  # fmt: skip
    publisher = stage.other.create_publisher(Imu, '/imu', qos.SENSOR)

    def send() -> None:
        for k, name in enumerate(names):
            rot = Rotation.from_rotvec([0, 0, float(k)]).as_matrix()
            stamp_ns = stage.other.get_clock().now().nanoseconds
            publisher.publish(WRITERS['imu'](Measurement(name, stamp_ns, rot), f'LHR-{name}'))

    stage.other.create_timer(0.02, send)
    stage.until(lambda: len(node._inputs.latest()) == 2)
    latest = node._inputs.latest()
    assert latest['waist'].rot_world_sensor[1, 0] == pytest.approx(0, abs=1e-9)
    assert latest['chest'].rot_world_sensor[1, 0] == pytest.approx(math.sin(1))


def test_a_time_offset_is_added_to_the_stamps(stage):
    node = stage.active(sensors=['head'], head__time_offset=-0.25)
    now_ns = stage.other.get_clock().now().nanoseconds
    receive(node, 'head', pose('head', now_ns))
    assert node._inputs.newest_stamp_ns == now_ns - 250_000_000


def test_simulated_time_is_the_time_of_stamps_ages_and_ticks(stage):
    """A clock that begins at 100 s and runs at a third of the speed; then it starts again."""
    joints, told = stage.heard(JointState, 'joint_states'), stage.heard(DiagnosticArray, '/diagnostics')
    node = stage.active(sensors=['head'], use_sim_time=True)
    clock = stage.other.create_publisher(ClockMessage, '/clock', qos.SENSOR)
    publisher = stage.other.create_publisher(PoseStamped, 'head/pose', qos.SENSOR)
    now = [100 * 10**9]

    def step() -> None:
        now[0] += 5_000_000
        clock.publish(ClockMessage(clock=stamp_from_ns(now[0])))
        publisher.publish(pose('head', now[0]))

    stage.other.create_timer(0.015, step)
    stage.until(lambda: len(joints) > 5)
    assert 100 * 10**9 < stamps(joints)[0] < stamps(joints)[-1] <= now[0] and 'future' not in counts(node)
    assert node._health.age('head', node.now_ns()) < 0.3
    now[0] = 50 * 10**9
    stage.until(lambda: 50 * 10**9 < stamps(joints)[-1] < 60 * 10**9, timeout=20)
    stage.until(lambda: told and 'time_reset: head' in told[-1].status[0].message)
