"""Whether what is said of the tracking is so: its state, which joints are measured, and how well."""

import numpy as np
from jaxtyping import Bool, Float

from inpose_ros.tools import faults_checks as checks
from inpose_ros.tools.faults_checks import Record

# A state may lag behind by `sensor_timeout` (0.5 s), a look ten times a second and a pose [s].
LAG = 0.7
# A joint this far [m], and so many of its standard deviations, from where it is cannot be measured for longer [s].
_OFF, _DEVIATIONS, _BELIEVED = 0.1, 4.0, 0.5
# The first second is for finding one another [s], ...
_FIRST = 1.0
# ... and a few poses are what a busy machine may spoil.
_FEW = 0.05
# All has to be TRACKING again within the last so many seconds.
_LAST = 0.4


def overclaimed(record: Record, joints: list[int], received: Float[np.ndarray, 'pose']) -> list[str]:
    """TRACKING says that every sensor contributes."""
    wrong = record.tracking & ~checks.mostly(record.measured[:, joints].all(-1)) & (received > _FIRST)
    longest = _longest(wrong, received)
    return [f'TRACKING for {longest:.1f} s while a sensor did not contribute'] if longest > LAG else []


def calm(record: Record, received: Float[np.ndarray, 'pose'], settles: float = 0.0) -> list[str]:
    """Where nothing is wrong the state is TRACKING, once all has settled [s]."""
    share = _share(~record.tracking, received > max(_FIRST, settles))
    return [f'not TRACKING in {share:.0%} of the poses'] if share > _FEW else []


def tracking_again(record: Record, received: Float[np.ndarray, 'pose']) -> list[str]:
    """When all is well again, the state is TRACKING at last."""
    if not len(received):
        return []
    share = _share(~record.tracking, received > received[-1] - _LAST)
    return ['not TRACKING again at the end'] if share > 0.5 else []


def still_used(
    record: Record, joints: list[int], received: Float[np.ndarray, 'pose'], begin: float, end: float
) -> list[str]:
    """What is useless is out of use between two times [s]."""
    share = _share(record.measured[:, joints].any(-1), (received > begin) & (received < end))
    return [f'sensors at fault in use in {share:.0%} of the poses'] if share > _FEW else []


def overstated(
    record: Record, off: Float[np.ndarray, 'pose joint'], joints: list[int], received: Float[np.ndarray, 'pose']
) -> list[str]:
    """A joint whose sensor is right is either where that puts it or not measured; `off`: from its place [m]."""
    limit = np.maximum(_OFF, _DEVIATIONS * record.position_stddev[:, joints])
    wrong = (record.measured[:, joints] & (off[:, joints] > limit)).any(-1) & (received > _FIRST)
    longest = _longest(checks.mostly(wrong), received)
    return [f'a measured joint {100 * off[wrong].max():.0f} cm off'] if longest > _BELIEVED else []


def _share(flags: Bool[np.ndarray, 'pose'], among: Bool[np.ndarray, 'pose']) -> float:
    return float(flags[among].mean()) if among.any() else 0.0


def _longest(flags: Bool[np.ndarray, 'pose'], times: Float[np.ndarray, 'pose']) -> float:
    """The longest time [s] for which a flag is set without a break."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int))).reshape(-1, 2)
    return max((float(times[end - 1] - times[begin]) for begin, end in edges), default=0.0)
