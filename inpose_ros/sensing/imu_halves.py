"""IMUs that send gyro and accelerometer in turn on one topic, the other one as zeros or marked as absent."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from inpose_ros.sensing.measurement import Measurement

# So old [ns] the other half may be: cameras send 60 of them a second, and one is lost now and then.
_FRESH_NS = 50_000_000
# Who has sent the gyro's half so lately [ns] sends halves.
_HALVES_NS = 200_000_000

Part = tuple[int, Float[np.ndarray, '3']]


class Halves:
    """Completes each half of one IMU's by the newest other one.

    An accelerometer that says exactly 0 0 0 has not measured: nobody falls so freely. A gyro may say so where a
    simulator has no noise, so its zeros count as none only from a device that sends no accelerometer beside its gyro.
    """

    def __init__(self) -> None:
        self._gyro: Part | None = None
        self._force: Part | None = None
        self._gyro_only_ns: int | None = None

    def completed(self, measurement: Measurement) -> Measurement:
        """The measurement with what there is of both; without what is no reading."""
        gyro, force, stamp_ns = measurement.angular_velocity, measurement.specific_force, measurement.stamp_ns
        gyro, force = self._said(stamp_ns, gyro, force)
        self._keep(stamp_ns, gyro, force)
        if self._sends_halves(stamp_ns):
            gyro = gyro if gyro is not None else _fresh(self._gyro, stamp_ns)
            force = force if force is not None else _fresh(self._force, stamp_ns)
        if gyro is measurement.angular_velocity and force is measurement.specific_force:
            return measurement
        return replace(measurement, angular_velocity=gyro, specific_force=force)

    def _said(
        self, stamp_ns: int, gyro: Float[np.ndarray, '3'] | None, force: Float[np.ndarray, '3'] | None
    ) -> tuple[Float[np.ndarray, '3'] | None, Float[np.ndarray, '3'] | None]:
        """The parts that are readings."""
        if force is not None and not force.any():
            force = None
        if force is None and gyro is not None and gyro.any():
            self._gyro_only_ns = stamp_ns
        if gyro is not None and not gyro.any() and (force is None or self._sends_halves(stamp_ns)):
            gyro = None
        return gyro, force

    def _sends_halves(self, stamp_ns: int) -> bool:
        return self._gyro_only_ns is not None and abs(stamp_ns - self._gyro_only_ns) < _HALVES_NS

    def _keep(self, stamp_ns: int, gyro: Float[np.ndarray, '3'] | None, force: Float[np.ndarray, '3'] | None) -> None:
        if gyro is not None:
            self._gyro = stamp_ns, gyro
        if force is not None:
            self._force = stamp_ns, force


def _fresh(part: Part | None, stamp_ns: int) -> Float[np.ndarray, '3'] | None:
    return part[1] if part is not None and abs(stamp_ns - part[0]) < _FRESH_NS else None
