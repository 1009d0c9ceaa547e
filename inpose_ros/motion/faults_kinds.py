"""Every kind of fault: the number that it takes, and what a sensor has to measure for it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Amount:
    """The one number that a kind of fault takes: its name in a file, default, bounds and meaning."""

    name: str
    default: float
    ge: float
    le: float
    meaning: str


# Every kind, and how much of it where that can be said.
KINDS: dict[str, Amount | None] = {
    # how messages come
    'dropout': None,
    'freeze': None,
    'restart': None,
    'delay': Amount('delay', 0.2, 0.0, 60.0, 'how much later messages arrive [s]'),
    'jitter': Amount('jitter', 0.1, 0.0, 60.0, 'messages arrive up to so much later [s], each keeping its place'),
    'duplicates': Amount('copies', 1.0, 1.0, 100.0, 'how often each message is sent again'),
    'reordering': Amount('count', 4.0, 2.0, 1000.0, 'so many messages at a time arrive in reverse order'),
    'nan': Amount('share', 0.5, 0.0, 1.0, 'share of the messages in which a number is NaN'),
    'bad_quaternion': Amount('share', 0.5, 0.0, 1.0, 'share of the messages whose quaternion is zero or not unit'),
    'flood': Amount('factor', 10.0, 2.0, 1000.0, 'how many times as many messages come'),
    'second_publisher': Amount('distance', 0.5, 0.0, 1e6, "how far away another's sensor is, on the same topic [m]"),
    # how they are stamped
    'clock_forward': Amount('step', 5.0, 0.0, 1e6, 'how far stamps are ahead [s]'),
    'clock_back': Amount('step', 10.0, 0.0, 1e6, 'how far stamps are behind [s]'),
    'ahead': Amount('offset', 0.1, 0.0, 0.5, 'stamps are of so much later [s], as of when a pose will be shown'),
    'behind': Amount('offset', 0.1, 0.0, 0.5, 'stamps are of so much earlier [s], as of a slow clock'),
    'burst': Amount('count', 6.0, 2.0, 1000.0, 'so many messages come at a time, stamped as they are read'),
    'stamp_zero': None,
    # what a tracker says
    'teleport': Amount('distance', 2.0, 0.0, 1e6, 'how far off the position is [m]'),
    'swapped': None,
    'lost': Amount('speed', 0.5, 0.0, 100.0, 'a lost tracker drifts away so fast [m/s], with variances of 1e4'),
    'rotation_frozen': None,
    'unworn': None,
    # in which world
    'heading_step': Amount('angle', 1.0, -6.4, 6.4, 'how far the world is turned about the vertical [rad]'),
    'world_moved': Amount('angle', 2.1, -6.4, 6.4, 'the world is turned so far [rad], and shifted by 2.2 m'),
    'lowered': Amount('height', 1.6, 0.0, 100.0, 'the world is so much lower [m]'),
    'elevator': Amount('depth', 2.0, 0.0, 1000.0, 'the user rides so far down [m] and up again'),
    'far': Amount('distance', 100.0, 0.0, 1e6, "the world's origin is so far away [m]"),
    # what an IMU says
    'units_g': None,
    'units_degrees': None,
    'orientation_identity': None,
    'gyro_zero': None,
    'gyro_reversed': None,
    'gyro_bias': Amount('rate', 0.09, 0.0, 10.0, 'the gyro is off by so much [rad/s]'),
    'halves': None,
    'ned': None,
}
# The part of a measurement without which a kind can do nothing.
NEEDS: dict[str, str] = {
    **dict.fromkeys(('teleport', 'lost', 'rotation_frozen', 'unworn'), 'position'),
    **dict.fromkeys(('world_moved', 'lowered', 'elevator', 'far'), 'position'),
    **dict.fromkeys(('units_g', 'ned', 'halves'), 'specific_force'),
    **dict.fromkeys(('units_degrees', 'gyro_zero', 'gyro_reversed', 'gyro_bias'), 'angular_velocity'),
    'orientation_identity': 'angular_velocity',
}
