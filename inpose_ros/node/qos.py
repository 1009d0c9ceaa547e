"""Quality of service of each kind of topic (REP-2003)."""

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

# Drivers publish best effort, and a reliable subscriber would get nothing from them; best effort gets both.
# The depth holds half a second of a 100 Hz sensor. A deeper one would let more in than there is time to judge: a bag at
# ten times its speed, with IMUs of 400 Hz, sends 4000 a second each. Who overruns it is named.
SENSOR = QoSProfile(reliability=ReliabilityPolicy.BEST_EFFORT, history=HistoryPolicy.KEEP_LAST, depth=50)
# Of what is no more than looked at, now and then.
NEWEST = QoSProfile(reliability=ReliabilityPolicy.BEST_EFFORT, history=HistoryPolicy.KEEP_LAST, depth=1)
# Reliable, so that subscribers of both kinds match.
OUTPUT = QoSProfile(reliability=ReliabilityPolicy.RELIABLE, history=HistoryPolicy.KEEP_LAST, depth=10)
# As tf2_ros.TransformBroadcaster.
TF = QoSProfile(reliability=ReliabilityPolicy.RELIABLE, history=HistoryPolicy.KEEP_LAST, depth=100)
# As tf2_ros.TransformListener: what several broadcasters have said, each its last, is there at once.
TF_STATIC = QoSProfile(
    reliability=ReliabilityPolicy.RELIABLE,
    history=HistoryPolicy.KEEP_LAST,
    depth=100,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
# A late joiner gets the last message.
LATCHED = QoSProfile(
    reliability=ReliabilityPolicy.RELIABLE,
    history=HistoryPolicy.KEEP_LAST,
    depth=1,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
