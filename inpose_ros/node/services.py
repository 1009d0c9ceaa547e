"""What one can ask of the tracking node: calibrate, reset_heading, reset."""

from collections.abc import Callable

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.task import Future
from std_srvs.srv import Trigger

from inpose_ros.errors import CalibrationError
from inpose_ros.node.sensor_inputs import SensorInputs
from inpose_ros.sensing.calibration.places import KnownBody
from inpose_ros.sensing.calibration.rest_poses import REST_POSES
from inpose_ros.sensing.calibration.still_pose import Calibration, calibrate, reset_heading
from inpose_ros.sensing.measurement import Measurement
from inpose_ros.srv import Calibrate

_SECONDS = (0.1, 60.0)


class BodyServices:
    """Services that exist as long as the node does, and refuse with a reason while it is not active."""

    def __init__(self, node: Node, state: Callable[[], str], reset: Callable[[], None]) -> None:
        """Args: state: the node's lifecycle state; reset: forgets all that the estimate carries over time."""
        self._node, self._state, self._reset = node, state, reset
        self._pause: Future | None = None
        self.inputs: SensorInputs | None = None
        self.body: Callable[[], KnownBody] | None = None  # what is known of the wearer's bones
        # A callback group of its own: the others' callbacks are to run while a calibration waits.
        apart = ReentrantCallbackGroup()
        node.create_service(Calibrate, '~/calibrate', self._on_calibrate, callback_group=apart)
        node.create_service(Trigger, '~/reset_heading', self._on_reset_heading)
        node.create_service(Trigger, '~/reset', self._on_reset)

    @property
    def calibrating(self) -> bool:
        return self._pause is not None

    def abort(self) -> None:
        """End a calibration under way; it will be refused."""
        if self._pause is not None:
            self._pause.set_result(None)

    async def _on_calibrate(self, request: Calibrate.Request, response: Calibrate.Response) -> Calibrate.Response:
        try:
            calibration = await self._calibrated(request.pose, request.seconds)
            self._apply(calibration, zeroed=request.pose == 'n_pose')
        except CalibrationError as error:
            response.success, response.message = False, str(error)
            self._node.get_logger().warning(f'not calibrated: {error}')
            return response
        self.inputs.align(calibration.yaws)
        response.success, response.message = True, f'calibrated {len(calibration.mounts)} sensors in {request.pose}'
        response.sensor = list(calibration.residuals)
        response.residual = list(calibration.residuals.values())
        self._node.get_logger().info(response.message)
        return response

    async def _calibrated(self, pose: str, seconds: float) -> Calibration:
        self._check_active()
        if pose not in REST_POSES:
            raise CalibrationError(f'there is no pose {pose!r}; hold one of {", ".join(REST_POSES)}')
        if not _SECONDS[0] <= seconds <= _SECONDS[1]:
            raise CalibrationError(
                f'{seconds:g} s will not do; hold the pose between {_SECONDS[0]} and {_SECONDS[1]} s'
            )
        if self.calibrating:
            raise CalibrationError('a calibration is under way already; wait for its end')
        refused = self.inputs.refused
        samples = await self._samples(seconds)
        self._check_active()
        inputs, body = self.inputs, self.body and self.body()
        return calibrate(samples, inputs.sensors, pose, inputs.adrift, body, inputs.refused - refused, said=inputs.said)

    async def _samples(self, seconds: float) -> dict[str, list[Measurement]]:
        """What the sensors say during the next seconds; other callbacks run meanwhile."""
        samples = {sensor.name: [] for sensor in self.inputs.sensors}

        def listen(measurement: Measurement) -> None:
            samples.setdefault(measurement.sensor, []).append(measurement)

        self.inputs.listener, self._pause = listen, Future()
        timer = self._node.create_timer(seconds, self.abort)
        try:
            await self._pause
        finally:
            self._node.destroy_timer(timer)
            self._pause = None
            if self.inputs is not None:
                self.inputs.listener = None
        return samples

    def _apply(self, calibration: Calibration, zeroed: bool) -> None:
        """Set the parameters `<sensor>.mount` and `.zeroed`, which the node takes up, and which can be dumped."""
        rows = [
            (
                Parameter(f'{name}.mount', Parameter.Type.DOUBLE_ARRAY, mount.to_xyz_quat()),
                Parameter(f'{name}.zeroed', Parameter.Type.BOOL, zeroed),
            )
            for name, mount in calibration.mounts.items()
        ]
        result = self._node.set_parameters_atomically([parameter for pair in rows for parameter in pair])
        if not result.successful:
            raise CalibrationError(f'the mounts that were found would not do: {result.reason}')

    def _on_reset_heading(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            self._check_active()
            rotations = {name: m.rot_world_sensor for name, m in self.inputs.latest().items()}
            yaw = reset_heading(rotations, self.inputs.sensors)
        except CalibrationError as error:
            response.success, response.message = False, str(error)
            return response
        self.inputs.turn(yaw)
        response.success, response.message = True, f'turned the world by {yaw:.4f} rad; the user now faces +x'
        return response

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            self._check_active()
        except CalibrationError as error:
            response.success, response.message = False, str(error)
            return response
        self._reset()
        response.success, response.message = True, 'the tracking starts afresh'
        return response

    def _check_active(self) -> None:
        if self._state() != 'active' or self.inputs is None:
            raise CalibrationError(
                f'the node is {self._state()}; activate it first '
                f'(ros2 lifecycle set {self._node.get_fully_qualified_name()} activate)'
            )
