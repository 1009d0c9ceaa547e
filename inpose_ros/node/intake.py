"""The way in: subscriptions whose messages become measurements in the window."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from geometry_msgs.msg import PoseStamped
from rclpy.node import Node
from sensor_msgs.msg import Imu

from inpose_ros.errors import MeasurementError
from inpose_ros.geometry.transform import Transform
from inpose_ros.node import qos
from inpose_ros.node.conversions.sensors import measurement_from_imu, measurement_from_pose
from inpose_ros.node.health import Health
from inpose_ros.node.parameters import SensorParameters
from inpose_ros.sensing.calibration import turned
from inpose_ros.sensing.measurement import Measurement, Sensor
from inpose_ros.sensing.window import MeasurementWindow, WindowSnapshot

_READERS = {'pose': (PoseStamped, measurement_from_pose), 'imu': (Imu, measurement_from_imu)}
_WARN_EVERY = 5.0  # [s]
# Counted by the window under names that are no cause of a rejection.
_ACCEPTED = ('late', 'time_reset')


def sensor_from(name: str, params: SensorParameters) -> Sensor:
    """The sensor as configured; a joint that is not given is the one of its name."""
    return Sensor(
        name=name,
        joint=params.joint or name,
        type=params.type,
        T_joint_sensor=Transform.from_xyz_quat(list(params.mount)),
        position_stddev=params.position_stddev,
        rotation_stddev=params.rotation_stddev,
    )


class Intake:
    """Subscribes to every sensor and keeps what they measured. All of it runs in the executor's thread."""

    def __init__(
        self, node: Node, params: Mapping[str, SensorParameters], span_ns: int, health: Health, world_frame: str
    ) -> None:
        self._node, self._health, self._world_frame = node, health, world_frame
        self.sensors = tuple(sensor_from(name, row) for name, row in params.items())
        self._window = MeasurementWindow(span_ns)
        self._turns = 0
        self._yaw = 0.0
        self._foreign: set[tuple[str, str]] = set()
        self.listener: Callable[[Measurement], None] | None = None
        self._subscriptions = [self._subscribe(name, row) for name, row in params.items()]

    @property
    def epoch(self) -> int:
        """Rises when what was measured before no longer goes with what comes."""
        return self._window.counts['time_reset'] + self._turns

    @property
    def newest_stamp_ns(self) -> int | None:
        return self._window.newest_stamp_ns

    def snapshot(self) -> WindowSnapshot:
        return self._window.snapshot()

    def latest(self) -> dict[str, Measurement]:
        """The newest measurement of each sensor that has one."""
        series = {sensor.name: self._window.series(sensor.name) for sensor in self.sensors}
        return {name: rows[-1] for name, rows in series.items() if rows}

    def with_mounts(self, mounts: Mapping[str, Transform]) -> None:
        """Sensors sit as given from now on; what they have measured stays good, as it is kept in their own frames."""
        self.sensors = tuple(replace(s, T_joint_sensor=mounts.get(s.name, s.T_joint_sensor)) for s in self.sensors)
        self._turns += 1

    def turn(self, yaw: float) -> None:
        """Turn the world by an angle [rad] about its vertical, for what was measured as for what will be."""
        held = [m for sensor in self.sensors for m in self._window.series(sensor.name)]
        now_ns = self._node.get_clock().now().nanoseconds
        self._window.clear()
        for measurement in held:
            self._window.add(turned(measurement, yaw), now_ns)
        self._yaw += yaw
        self._turns += 1

    def destroy(self) -> None:
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def _subscribe(self, name: str, row: SensorParameters) -> object:
        kind, read = _READERS[row.type]
        topic = row.topic or f'{name}/{row.type}'
        return self._node.create_subscription(kind, topic, partial(self._receive, name, row, read), qos.SENSOR)

    def _receive(
        self, name: str, row: SensorParameters, read: Callable[[object, str], Measurement], msg: PoseStamped | Imu
    ) -> None:
        frame_id = msg.header.frame_id
        if row.frame_id and frame_id != row.frame_id:
            return
        if row.type == 'pose' and frame_id not in ('', self._world_frame):
            self._warn_of_frame(name, frame_id)
        now_ns = self._node.get_clock().now().nanoseconds
        try:
            measurement = turned(read(msg, name), self._yaw)
            self._window.add(measurement, now_ns)
        except MeasurementError as error:
            self._health.counts[error.cause] += 1
            self._node.get_logger().warning(str(error), throttle_duration_sec=_WARN_EVERY)
            return
        finally:
            for key in _ACCEPTED:
                self._health.counts[key] = self._window.counts[key]
        self._health.arrived(name, now_ns)
        if self.listener is not None:
            self.listener(measurement)

    def _warn_of_frame(self, name: str, frame_id: str) -> None:
        """Once for each frame: without TF a pose in another frame can only be taken as it is."""
        if (name, frame_id) not in self._foreign:
            self._foreign.add((name, frame_id))
            self._node.get_logger().warning(
                f'{name} is given in frame {frame_id!r}, which is taken to be {self._world_frame!r}; '
                "set world_frame to it, or turn the driver's frame"
            )
