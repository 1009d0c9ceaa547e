"""Faults that only messages and publishers can show: numbers that are none, and publishers that come and go."""

import math
from collections.abc import Callable

from geometry_msgs.msg import Quaternion
from rclpy.publisher import Publisher
from tf2_msgs.msg import TFMessage

from inpose_ros.node.conversions.sensors import SensorMessage

# Drivers send a quaternion of zeros before they know better, or forget to divide by its length.
_NO_QUATERNION = Quaternion(x=0.0, y=0.0, z=0.0, w=0.0)
# Another's publisher that says nothing while the sensor's says so much has ended.
_ENDED = 30


def spoil(message: SensorMessage | TFMessage, how: str) -> None:
    """Put into a message what no measurement holds; `how` is nan or bad_quaternion."""
    part = _part(message)
    if how == 'nan':
        _vector(part).x = math.nan
    elif hasattr(part, 'orientation'):
        part.orientation = _NO_QUATERNION
    else:
        part.rotation = _NO_QUATERNION


def _part(message: SensorMessage | TFMessage) -> object:
    """Where the numbers are: a pose, a transform or the IMU itself."""
    if isinstance(message, TFMessage):
        return message.transforms[0].transform
    pose = getattr(message, 'pose', message)
    return getattr(pose, 'pose', pose)


def _vector(part: object) -> object:
    """A place, or what an IMU's accelerometer says."""
    for name in ('position', 'translation', 'linear_acceleration'):
        if hasattr(part, name):
            return getattr(part, name)
    raise TypeError(f'{type(part).__name__} holds no vector')


class Outlet:
    """One sensor's publisher, which may go away and come back, and another's on the same topic."""

    def __init__(self, create: Callable[[], Publisher], destroy: Callable[[Publisher], object]) -> None:
        self._create, self._destroy = create, destroy
        self._publisher: Publisher | None = create()
        self._other: Publisher | None = None
        self._since_other = 0

    @property
    def heard(self) -> bool:
        """Whether somebody has subscribed to what is published."""
        return self._publisher is not None and self._publisher.get_subscription_count() > 0

    def publish(self, message: SensorMessage | TFMessage, event: str = '') -> None:
        """Publish as the event says (see FaultyReading); a publisher that was closed is made anew."""
        if event == 'closed':
            self._close()
            return
        if event == 'second':
            self._other = self._other or self._create()
            self._other.publish(message)
            self._since_other = 0
            return
        self._since_other += 1
        if self._other is not None and self._since_other > _ENDED:
            self._destroy(self._other)
            self._other = None
        if event:
            spoil(message, event)
        self._publisher = self._publisher or self._create()
        self._publisher.publish(message)

    def _close(self) -> None:
        if self._publisher is not None:
            self._destroy(self._publisher)
            self._publisher = None
