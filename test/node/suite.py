"""A process that publishes what a suite of sensors on somebody in a T-pose says.

Its arguments are sensors as name:type:joint:rate; a line `off NAME` or `on NAME` on its standard input switches one.
A process of its own, as the drivers are: at 1 kHz, sending costs as much as receiving.
"""

import sys
import threading
import time

import numpy as np
import rclpy
from rclpy.node import Node
from scipy.spatial.transform import Rotation
from tf2_msgs.msg import TFMessage

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.node import qos
from inpose_ros.node.conversions.sensors import READERS, WRITERS, transforms_from_measurement
from inpose_ros.node.conversions.stamp import stamp_from_ns
from inpose_ros.node.parameters import SensorParameters
from inpose_ros.sensing.measurement import Measurement

# So many readings are made beforehand; their noise repeats, their stamps do not.
_READINGS = 64


class Device:
    """One sensor; `bare_...` are IMUs without orientation."""

    def __init__(self, node: Node, name: str, kind: str, joint: str, rate: float) -> None:
        self.on, self._period, self._count = True, 1 / rate, 0
        rng = np.random.default_rng(0)
        place = Skeleton.mean().rest_positions[smpl22.INDEX[joint]].numpy() + np.array([0, 0, 0.9])
        self._messages = [_message(_reading(name, kind, place, rng), kind) for _ in range(_READINGS)]
        if kind == 'tf':
            self._publisher = node.create_publisher(TFMessage, '/tf', qos.TF)
        else:
            topic = SensorParameters(type=kind).topic_for(name)
            self._publisher = node.create_publisher(READERS[kind][0], topic, qos.SENSOR)

    def send(self, seconds: float) -> None:
        """Publish what is due by now."""
        while self._count * self._period <= seconds:
            msg = self._messages[self._count % _READINGS]
            header = msg.transforms[0].header if isinstance(msg, TFMessage) else msg.header
            header.stamp = stamp_from_ns(time.time_ns())
            if self.on:
                self._publisher.publish(msg)
            self._count += 1


def _reading(name: str, kind: str, place: np.ndarray, rng: np.random.Generator) -> Measurement:
    rot = Rotation.from_rotvec(rng.normal(0, 1e-3, 3)).as_matrix()
    if kind == 'imu':
        gyro, force = rng.normal(0, 0.01, 3), np.array([0, 0, 9.81]) + rng.normal(0, 0.02, 3)
        bare = name.startswith('bare')
        return Measurement(name, 0, None if bare else rot, angular_velocity=gyro, specific_force=force)
    return Measurement(name, 0, rot, place + rng.normal(0, 1e-3, 3), position_stddev=0.02, rotation_stddev=0.1)


def _message(measurement: Measurement, kind: str) -> object:
    if kind == 'tf':
        return transforms_from_measurement(measurement, 'world', f'{measurement.sensor}_frame')
    return WRITERS[kind](measurement, 'world')


def main() -> None:
    namespace, *sensors = sys.argv[1:]
    rclpy.init()
    node = Node('suite', namespace=namespace)
    devices = {}
    for sensor in sensors:
        name, kind, joint, rate = sensor.split(':')
        devices[name] = Device(node, name, kind, joint, float(rate))

    def obey() -> None:
        for line in sys.stdin:
            word, name = line.split()
            devices[name].on = word == 'on'

    thread = threading.Thread(target=obey)
    thread.start()
    start = time.monotonic()
    while thread.is_alive():  # until the standard input is closed
        for device in devices.values():
            device.send(time.monotonic() - start)
        thread.join(0.001)
    node.destroy_node()
    rclpy.shutdown()


if __name__ == '__main__':
    main()
