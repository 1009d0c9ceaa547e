"""A link between the world and the frames of trackers, as a map's correction is: published seldom."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation
from tf2_msgs.msg import TFMessage

from inpose_ros.node.conversions.sensors import transforms_from_measurement
from inpose_ros.sensing.measurement import Measurement

FRAME = 'odom'
# Where it lies in the world: turned [rad] and shifted [m], so that who leaves it out is wrong.
_ROT = Rotation.from_rotvec([0.0, 0.0, 0.6]).as_matrix()
_SHIFT = np.array([0.4, -0.3, 0.1])


class Link:
    """Publishes world -> odom at its own rate."""

    def __init__(self, publish: Callable[[TFMessage], None], world_frame: str, rate: float) -> None:
        """Args: rate: how often [Hz]."""
        self._publish, self._world_frame = publish, world_frame
        self._period_ns, self._next_ns = round(1e9 / rate), 0

    def publish_due(self, now_ns: int) -> None:
        """Publish it where it is time to, with the stamp of now."""
        if now_ns >= self._next_ns:
            self._next_ns = now_ns + self._period_ns
            link = Measurement(FRAME, now_ns, _ROT, _SHIFT)
            self._publish(transforms_from_measurement(link, self._world_frame, FRAME))


def in_link(measurement: Measurement) -> Measurement:
    """A pose in the world as it is in the link's frame."""
    rot = _ROT.T @ measurement.rot_world_sensor
    return replace(measurement, rot_world_sensor=rot, position=_ROT.T @ (measurement.position - _SHIFT))
