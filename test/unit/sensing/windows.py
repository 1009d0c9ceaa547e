"""Adding to a window, and what is in it."""

from inpose_ros.errors import MeasurementError
from inpose_ros.sensing.measurement import Measurement

SECOND = 1_000_000_000
MS = 1_000_000


def add(window, sensor, stamp_ns, now_ns=None):
    """Add a measurement that arrives when it was taken; the cause when it is dropped."""
    try:
        window.add(Measurement(sensor, stamp_ns), stamp_ns if now_ns is None else now_ns)
    except MeasurementError as error:
        return error.cause


def stamps(window, sensor):
    return [m.stamp_ns for m in window.series(sensor)]
