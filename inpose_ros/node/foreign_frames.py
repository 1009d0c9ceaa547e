"""Who else publishes this node's own frames on /tf."""

from collections import deque
from collections.abc import Iterator
from enum import Enum

from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from tf2_msgs.msg import TFMessage

from inpose_ros.body import urdf
from inpose_ros.node.fetched import Fetched

# So many of the newest messages wait to be looked at; of a second tracker some are among them every few seconds at
# the latest, however much else is on /tf.
_KEPT = 16
# Bytes before the data of a serialised message, of which a middleware may write some.
_HEAD = 4


class Heard(Enum):
    """What somebody else says of our frames."""

    NOTHING = 0
    LINKS = 1  # as robot_state_publisher does, which turns our joint states into frames
    ROOT = 2  # where the body is in the world: a tracker, or a recording of one


class ForeignFrames:
    """Looks at a few of the messages on /tf, now and then.

    All of /tf costs a callback and half a millisecond a message, at 60 Hz and more. Here the middleware keeps the last
    few, nobody is woken by them, and of those looked at, mostly once a second, only those are read that hold our prefix
    and are not, byte by byte, what this node sent itself. `rival` is the GID of who was last heard to say where the
    body is, if the middleware tells.
    """

    def __init__(self, node: Node, frame_prefix: str) -> None:
        self._node = node
        self._root = f'{frame_prefix}pelvis'
        self._links = {self._root, *urdf.link_names(frame_prefix)[1]}
        self._needle = (frame_prefix or self._root).encode()
        self.rival: bytes | None = None
        self._sent: deque[bytes] = deque(maxlen=4 * _KEPT)
        profile = QoSProfile(reliability=ReliabilityPolicy.BEST_EFFORT, history=HistoryPolicy.KEEP_LAST, depth=_KEPT)
        self._subscription = node.create_subscription(
            TFMessage, '/tf', lambda message: None, profile, callback_group=Fetched(), raw=True
        )

    def sending(self, message: bytes) -> None:
        """Take note of what this node is about to send."""
        self._sent.append(message)

    def look(self) -> Heard:
        """The worst of what somebody else said of our frames lately."""
        waiting = list(self._take())
        own = {message[_HEAD:] for message in tuple(self._sent)}
        found = Heard.NOTHING
        for message, info in waiting:
            said = message[_HEAD:]
            if self._needle not in said or said in own:
                own.discard(said)  # this node sends each once
                continue
            heard = self._said(message)
            if heard is Heard.ROOT:
                self.rival = info.get('publisher_gid', {}).get('data')
            found = max(found, heard, key=lambda heard: heard.value)
        return found

    def destroy(self) -> None:
        self._node.destroy_subscription(self._subscription)

    def _take(self) -> Iterator[tuple[bytes, dict]]:
        handle = self._subscription.handle
        with handle:
            for _ in range(_KEPT):
                taken = handle.take_message(TFMessage, True)
                if taken is None:
                    return
                yield bytes(taken[0]), taken[1]

    def _said(self, message: bytes) -> Heard:
        children = {row.child_frame_id for row in deserialize_message(message, TFMessage).transforms} & self._links
        if self._root in children:
            return Heard.ROOT
        return Heard.LINKS if children else Heard.NOTHING
