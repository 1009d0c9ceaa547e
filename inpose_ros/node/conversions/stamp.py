"""Time stamps: builtin_interfaces/Time <-> integer nanoseconds."""

from builtin_interfaces.msg import Time

_SECOND = 1_000_000_000


def ns_from_stamp(stamp: Time) -> int:
    return stamp.sec * _SECOND + stamp.nanosec


def stamp_from_ns(stamp_ns: int) -> Time:
    sec, nanosec = divmod(stamp_ns, _SECOND)
    return Time(sec=sec, nanosec=nanosec)
