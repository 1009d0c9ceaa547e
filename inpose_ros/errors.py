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


class MeasurementError(InPoseError):
    """A message holds no usable measurement; `cause` is the word under which it is counted."""

    def __init__(self, cause: str, text: str) -> None:
        super().__init__(text)
        self.cause = cause


class CalibrationError(InPoseError):
    """A calibration was refused; the text tells the user why."""


class DeviceError(InPoseError):
    """The wanted device is not there."""


class ParameterError(InPoseError):
    """A parameter has a value that would not do; the text names one that would."""
