"""The mistakes that a person can mend; everything else is a bug and may crash."""


class InPoseError(Exception):
    """Base of all errors whose text tells a user what to change."""


class DataError(InPoseError):
    """Motion data or a recording is missing or malformed."""


class ModelError(InPoseError):
    """A model folder is missing, malformed, or was trained for another body."""


class BodyError(InPoseError):
    """A body description (bones, stature) makes no sense."""


class SensorError(InPoseError):
    """A sensor's configuration makes no sense."""


class FaultError(InPoseError):
    """A fault that is to be played makes no sense, or its file is missing."""


class PageError(InPoseError):
    """A page that is written by a command has lost the marks between which that happens."""


# Every word that the diagnostics can say; docs/diagnostics.md tells what each means, and a test holds the two together.
CAUSES = (
    # what does not come, or not when it should
    'silent', 'delayed', 'jitter', 'late', 'duplicate', 'too_old', 'future', 'stamp_zero', 'ahead', 'behind', 'burst',
    'flood', 'overrun', 'time_reset', 'clock_paused', 'no_clock', 'two_clocks', 'no_poses', 'no time',
    # who speaks, and of what frame
    'second_publisher', 'second_tracker', 'wrong_frame', 'slow_link', 'tf_unstamped', 'tf_static_only',
    # a reading that is none, or that one of before contradicts
    'not_finite', 'quaternion', 'absurd_position', 'lost', 'teleport', 'heading_step', 'swapped', 'frozen',
    # a sensor that contradicts itself, the others or the body
    'no_orientation', 'units_g', 'units_degrees', 'gravity', 'gyro_bias', 'gyro_disagrees', 'orientation_stuck',
    'inconsistent', 'world_moved', 'floor_contradicted',
    # what nobody expected
    'internal_error', 'dropped',
)  # fmt: skip


class MeasurementError(InPoseError):
    """A message holds no usable measurement; `cause` is the word under which it is counted, one of CAUSES."""

    def __init__(self, cause: str, text: str) -> None:
        super().__init__(text)
        self.cause = cause


class CalibrationError(InPoseError):
    """A calibration was refused; the text tells the user why."""


class DeviceError(InPoseError):
    """The wanted device is not there."""


class ParameterError(InPoseError):
    """A parameter has a value that would not do; the text names one that would."""
