"""Parameters that are set while the node runs: the sensors worn and all that belongs to one."""

from collections.abc import Callable
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from inpose_ros.errors import ParameterError
from inpose_ros.node import parameters
from inpose_ros.node.sensor_inputs import SensorInputs, check_sensors


class DynamicParameters:
    """Lets the sensors be changed at any time, and refuses with a reason what would leave them at odds.

    Before the node is configured everything may be set, as it is checked all together when the node configures. A
    sensor may be described before it is worn: `waist.joint` can be set while `sensors` does not hold `waist` yet.
    """

    def __init__(self, node: Node, inputs: Callable[[], SensorInputs | None]) -> None:
        """Args: inputs: the one at present; None: the node is not configured."""
        self._node, self._inputs = node, inputs
        node.add_pre_set_parameters_callback(self._declare)
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._apply)

    def _declare(self, changed: list[Parameter[Any]]) -> list[Parameter[Any]]:
        """A sensor that is heard of for the first time gets all its parameters."""
        for row in changed:
            if parameters.is_of_a_sensor(row.name) and not self._node.has_parameter(row.name):
                parameters.declare_sensor(self._node, row.name.partition('.')[0])
            elif row.name == 'sensors' and isinstance(row.value, (list, tuple)):
                for sensor in map(str, row.value):
                    parameters.declare_sensor(self._node, sensor)
        return changed

    def _check(self, changed: list[Parameter[Any]]) -> SetParametersResult:
        if self._inputs() is None:  # not configured: all is checked when it is
            return SetParametersResult(successful=True)
        for row in changed:
            if parameters.is_frozen(row.name):
                reason = f'{row.name} is read when the node configures; deactivate and clean up first'
                return SetParametersResult(successful=False, reason=reason)
        if _concerns_sensors(changed):
            try:
                check_sensors(parameters.worn(self._node, {row.name: row.value for row in changed}))
            except ParameterError as error:
                return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _apply(self, changed: list[Parameter[Any]]) -> None:
        inputs = self._inputs()
        if inputs is not None and _concerns_sensors(changed):
            inputs.wear(parameters.worn(self._node))


def _concerns_sensors(changed: list[Parameter[Any]]) -> bool:
    return any(row.name == 'sensors' or parameters.is_of_a_sensor(row.name) for row in changed)
