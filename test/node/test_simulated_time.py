"""Time as a bag or a simulator says it is: slower, faster, paused, begun again, or never come."""

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseStamped
from rclpy.time import Time
from rosgraph_msgs.msg import Clock as ClockMessage

from inpose_ros.msg import BodyPose
from inpose_ros.node import qos
from inpose_ros.node.clock_watch import ClockWatch
from inpose_ros.node.conversions.sensors import imu_from_measurement
from inpose_ros.node.conversions.stamp import stamp_from_ns
from inpose_ros.sensing.measurement import Measurement

from .conftest import Stage, counts, pose, receive, values_of

SECOND = 10**9
BEGIN = 100 * SECOND


class Simulator:
    """Says what time it is at 50 Hz, and what head and waist measure every so many of its steps."""

    def __init__(self, stage: Stage, speed: float = 1.0, every: dict[str, int] | None = None) -> None:
        self.every = {'head': 1, 'waist': 1} if every is None else every
        self.clock = stage.other.create_publisher(ClockMessage, '/clock', qos.NEWEST)
        self.publishers = {s: stage.other.create_publisher(PoseStamped, f'{s}/pose', qos.SENSOR) for s in self.every}
        self.now_ns, self.step_ns, self.steps = BEGIN, round(speed * 20_000_000), 0
        self.timer = stage.other.create_timer(0.02, self.step)

    def step(self) -> None:
        self.now_ns += self.step_ns
        self.clock.publish(ClockMessage(clock=stamp_from_ns(self.now_ns)))
        self.steps += 1
        for sensor, every in self.every.items():
            if self.step_ns and self.steps % every == 0:
                msg = pose('head' if sensor == 'head' else 'pelvis', self.now_ns)
                self.publishers[sensor].publish(msg)


WORN = {'sensors': ['head', 'waist'], 'waist__joint': 'pelvis', 'use_sim_time': True}


@pytest.fixture
def told(stage: Stage) -> list[DiagnosticArray]:
    return stage.heard(DiagnosticArray, '/diagnostics')


def message(told: list[DiagnosticArray]) -> str:
    return told[-1].status[0].message if told else ''


def test_after_time_went_back_a_sensor_that_does_not_return_is_named_and_the_pose_is_degraded(stage, told):
    bodies = stage.heard(BodyPose, 'body_pose')
    node, simulator = stage.active(**WORN), Simulator(stage)
    stage.until(lambda: len(bodies) > 20 and bodies[-1].state == BodyPose.STATE_TRACKING)
    stage.until(lambda: simulator.now_ns > BEGIN + SECOND)
    simulator.now_ns = BEGIN
    del simulator.every['waist']
    went_back = node.now_ns()
    stage.until(lambda: 'time_reset' in counts(node))
    assert node._health.rate('waist', node.now_ns()) == 0
    stage.until(lambda: bodies[-1].state == BodyPose.STATE_DEGRADED and bodies[-1].header.stamp.sec < 102)
    assert (node.now_ns() - went_back) / 1e9 < 1.0, 'of which 0.3 are sensor_timeout'
    stage.until(lambda: 'silent: waist' in message(told))
    assert float(values_of(told)['waist age [s]']) > 0.3


def test_at_a_quarter_of_the_speed_no_sensor_is_silent(stage, told):
    """The waist's comes every 0.4 s, which are 0.1 s of its own time."""
    node, simulator = stage.active(**WORN), Simulator(stage, 0.25, {'head': 1, 'waist': 20})
    stage.until(lambda: len(node._inputs.latest()) == 2 and not node._silence.silent)
    for _ in range(100):
        stage.spin_for(0.02)
        assert not node._silence.silent
    del simulator.every['waist']
    stage.until(lambda: node._silence.silent == ('waist',))


def test_a_paused_clock_and_a_dead_one_are_told_apart_and_no_sensor_is_blamed(stage, told):
    node, simulator = stage.active(**WORN), Simulator(stage)
    stage.until(lambda: message(told) == 'tracking')
    simulator.step_ns = 0
    stage.until(lambda: message(told).startswith('clock_paused: '))
    assert told[-1].status[0].level == DiagnosticStatus.WARN and 'silent' not in message(told)
    simulator.timer.cancel()
    stage.until(lambda: message(told).startswith('no_clock: '))
    assert told[-1].status[0].level == DiagnosticStatus.ERROR and 'ros2 bag play --clock' in message(told)
    assert not node._silence.silent
    simulator.step_ns = 20_000_000
    simulator.timer.reset()
    stage.until(lambda: message(told) == 'tracking')


def test_where_no_clock_comes_that_is_what_is_said_and_no_stamp_is_judged(stage, told, wearer, capfd):
    node = stage.active(use_sim_time=True)
    stage.until(lambda: message(told).startswith('no_clock: use_sim_time is true and nothing has come on /clock yet'))
    assert not counts(node) and 'no sensor is sending' not in capfd.readouterr().err


def test_four_times_the_speed_is_no_flood_and_ten_times_as_much_is(stage):
    node = stage.active(sensors=['waist'], waist__type='imu', waist__joint='pelvis', use_sim_time=True)

    def send(seconds: float, speed: int, copies: int) -> None:
        """400 readings a second of simulated time, or as many times more, through the subscription's callback."""
        for k in range(round(400 * seconds)):
            simulated_ns = start[0] + k * 2_500_000
            node.get_clock().set_ros_time_override(Time(nanoseconds=simulated_ns))
            for copy in range(copies):
                stamp_ns = simulated_ns + copy * 2_500_000 // copies
                force = np.array([0.0, 0.1 * np.sin(stamp_ns / 1e8), 9.81])
                measured = Measurement('waist', stamp_ns, np.eye(3), angular_velocity=np.zeros(3), specific_force=force)
                sent_ns = SECOND + (stamp_ns - BEGIN) // speed
                receive(node, 'waist', imu_from_measurement(measured, 'imu'), source_timestamp=sent_ns)
        start[0] += round(seconds * SECOND)

    start = [BEGIN]
    send(1.2, speed=4, copies=1)
    assert 'flood' not in counts(node)
    send(0.25, speed=4, copies=10)
    assert counts(node)['flood'] > 300


class Bench:
    """A ClockWatch over a node's simulated clock, and a steady one that a test turns."""

    def __init__(self, stage: Stage) -> None:
        self.node = stage.node(use_sim_time=True)
        self.steady_ns, self.clock_ns, self.resets = 5 * SECOND, BEGIN, 0
        self.watch = ClockWatch(self.node, self.went_back, lambda: self.steady_ns)
        self.show(BEGIN)

    def went_back(self) -> None:
        self.resets += 1

    def show(self, clock_ns: int) -> None:
        self.clock_ns = clock_ns
        self.node.get_clock().set_ros_time_override(Time(nanoseconds=clock_ns))

    def run(self, seconds: float, speed: float, step: float = 0.01) -> int:
        """Steps of the simulated clock [s], and ten looks a second; by how much it fell behind."""
        behind, left = 0, round(seconds / 0.1)
        for _ in range(left):
            for _ in range(round(0.1 * speed / step)):
                self.show(self.clock_ns + round(step * SECOND))
            self.steady_ns += SECOND // 10
            behind += self.watch.look()
        return behind


@pytest.fixture
def bench(stage: Stage) -> Bench:
    bench = Bench(stage)
    yield bench
    bench.watch.destroy()


@pytest.mark.parametrize('speed', [0.1, 1.0, 4.0])
def test_speed_and_steps_are_those_of_the_clock_and_what_it_falls_behind_is_told(bench, speed):
    bench.run(0.1, speed)
    behind = bench.run(4, speed)
    assert bench.watch.pace.speed == pytest.approx(speed, rel=0.1)
    assert behind / SECOND == pytest.approx(4 * (1 - speed), abs=0.05)
    bench.run(3, 4.0, step=0.1)
    assert bench.watch.pace.step_ns == SECOND // 10


def test_a_clock_that_leaps_is_no_fast_one_and_one_that_goes_back_is_told_at_once(bench):
    bench.run(1, 1.0)
    bench.show(bench.clock_ns + 3600 * SECOND)
    assert abs(bench.run(0.5, 1.0)) < 0.2 * SECOND and bench.watch.pace.speed < 1.2 and not bench.resets
    bench.show(BEGIN)
    assert bench.resets == 1
    assert bench.run(0.5, 1.0) < 0.2 * SECOND and bench.watch.pace.speed == pytest.approx(1, rel=0.2)


def test_two_that_publish_on_clock_are_named_and_one_that_begins_again_is_no_two(bench, monkeypatch):
    monkeypatch.setattr(bench.node, 'count_publishers', lambda topic: 2)
    bench.run(0.5, 1.0)
    bench.show(BEGIN)
    bench.run(0.1, 1.0)
    assert bench.watch.standing() is None
    for _ in range(3):
        bench.show(bench.clock_ns + 50 * SECOND)
        bench.show(bench.clock_ns - 50 * SECOND)
    assert bench.watch.standing().word == 'two_clocks'
    bench.run(3, 1.0)
    assert bench.watch.standing() is None


def test_a_clock_that_is_not_simulated_neither_stands_nor_falls_behind(stage):
    watch = ClockWatch(stage.node(), lambda: None, iter(range(0, 10**12, SECOND)).__next__)
    assert [watch.look() for _ in range(10)] == [0] * 10 and watch.standing() is None and watch.has_begun
