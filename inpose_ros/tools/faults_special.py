"""What only some rows of the matrix promise. Each check says what is not as it should be."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from inpose_ros.body import smpl22
from inpose_ros.tools import faults_checks as checks
from inpose_ros.tools.faults_checks import Record

# A world that moves is taken up within so long [s], all sensors together.
_TOGETHER = 0.5
# After this time [s] of silence the state has to say so: `sensor_timeout`, a look at it and a pose.
_SOON = 0.5 + 0.2
# A floor that the sensors contradict is told within so long [s].
_FOUND_OUT = 1.5
# What was learnt while nobody wore the sensors may make a bone wrong by this share, or so much [m].
_BONE, _LEAST = 0.15, 0.02
# A sensor that is heard loses no more than this share.
_HEARD = 0.9
# What is borne shows in the last so many seconds.
_LAST = 2.0
# Of 30 poses a second [Hz] so many come at least.
_POSES = 20.0
_FEET = [smpl22.INDEX['left_ankle'], smpl22.INDEX['right_ankle']]


@dataclass(frozen=True)
class Seen:
    """A row's record, its start [ns], the record of the same motion without a fault, and from when to when [s] it was
    wrong. `joints` are those on which sensors are worn; `excess` is by how much the mean error of each pose that came
    at `when` [s] is larger than without the fault [m], and `bones` how long the user's are [m].
    """

    record: Record
    start_ns: int
    clean: Record
    begin: float
    end: float
    joints: tuple[int, ...]
    when: np.ndarray
    excess: np.ndarray
    bones: np.ndarray

    @property
    def received(self) -> np.ndarray:
        """When poses came [s of the motion]."""
        return (self.record.pose_received_ns - self.start_ns) / 1e9


Extra = Callable[[Seen], list[str]]


def degraded_soon(seen: Seen) -> list[str]:
    """A sensor that does not come back is known to be silent within `sensor_timeout`, whatever its stamps were."""
    inside = (seen.received > seen.begin + _SOON) & (seen.received < seen.end)
    share = float(np.mean(~seen.record.degraded[inside])) if inside.any() else 1.0
    return [f'not DEGRADED in {share:.0%} of the poses'] if share > 0.05 else []


def degraded_meanwhile(seen: Seen) -> list[str]:
    """What contradicts itself is not TRACKING once there was time to find out."""
    inside = (seen.received > seen.begin + _FOUND_OUT) & (seen.received < seen.end)
    share = float(np.mean(seen.record.tracking[inside])) if inside.any() else 1.0
    return [f'TRACKING in {share:.0%} of the poses all the same'] if share > 0.1 else []


def taken_together(seen: Seen) -> list[str]:
    """All sensors are in use again soon after the world moved."""
    here = seen.received < seen.end
    used = checks.mostly(seen.record.measured[here][:, list(seen.joints)].all(-1))
    after = checks.recovery_time(seen.received[here], used, seen.begin)
    return [f'sensors in the moved world in use after {after:.2f} s only'] if after > _TOGETHER else []


def exact_in_it(seen: Seen) -> list[str]:
    """A second after the world moved the poses are as exact in it as they were."""
    inside = (seen.when > max(seen.begin, 0.5) + checks.RECOVERY) & (seen.when < seen.end)
    worst = float(seen.excess[inside].max(initial=0.0)) if inside.any() else np.inf
    return [f'{100 * worst:.0f} cm less exact in the moved world'] if worst > checks.MARGIN else []


def in_use(seen: Seen) -> list[str]:
    """All sensors are in use all the time, and the state says so."""
    here = seen.received > 1.0
    good = seen.record.measured[here][:, list(seen.joints)].all(-1) & seen.record.tracking[here]
    share = 1 - float(good.mean()) if here.any() else 1.0
    return [f'a sensor out of use in {share:.0%} of the poses'] if share > 0.05 else []


def upright(seen: Seen) -> list[str]:
    """Feet are never above the head because of a floor."""
    head = seen.record.position[:, smpl22.HEAD, 2]
    wrong = (seen.record.position[:, _FEET, 2].min(-1) > head).mean() if len(head) else 1.0
    return [f'feet above the head in {wrong:.0%} of the poses'] if wrong > 0 else []


def nothing_named(seen: Seen) -> list[str]:
    """What is no fault is not named."""
    found = checks.causes_named(seen.record.told, seen.start_ns)
    return [f'{cause} named, and nothing is wrong' for cause in found if cause not in checks.OF_THE_MACHINE]


def named_or_borne(cause: str) -> Extra:
    """What is wrong is either named or set right: in the last seconds poses are as exact as without it."""

    def check(seen: Seen) -> list[str]:
        if cause in checks.causes_named(seen.record.told, seen.start_ns):
            return []
        last = seen.when > seen.when.max(initial=0.0) - _LAST
        worst = float(seen.excess[last].max(initial=0.0))
        return [f'neither named nor borne: {100 * worst:.0f} cm less exact'] if worst > checks.MARGIN else []

    return check


def poses_come(seen: Seen) -> list[str]:
    """Poses come as often as anywhere, whatever the slowest link of a chain does."""
    times = seen.received[seen.received > 1.0]
    rate = (len(times) - 1) / float(times[-1] - times[0]) if len(times) > 1 else 0.0
    return [f'{rate:.0f} poses a second only'] if rate < _POSES else []


def bones_of_clean(seen: Seen) -> list[str]:
    """Bones are at the end as right as where the sensors were worn from the start, or nearly."""
    if not len(seen.record.bone_length) or not len(seen.clean.bone_length):
        return ['no poses to tell bones from']
    mine, clean = (np.abs(record.bone_length[-1] - seen.bones)[1:] for record in (seen.record, seen.clean))
    excess = (mine - clean) / np.maximum(_BONE * seen.bones[1:], _LEAST)
    bone = int(excess.argmax())
    name, length = smpl22.JOINTS[bone + 1], seen.record.bone_length[-1][bone + 1]
    text = f'{name} is {100 * length:.1f} cm from its parent, in truth {100 * seen.bones[bone + 1]:.1f}'
    return [text] if excess.max() > 1 else []


def refused(*words: str) -> Extra:
    """The call is refused, for a reason that has one of the words."""

    def check(seen: Seen) -> list[str]:
        answers = [answer for answer in seen.record.answers if answer.service == 'calibrate']
        if not answers:
            return ['no answer of ~/calibrate']
        if answers[0].success:
            return ['calibrated all the same']
        named = any(re.search(rf'\b{re.escape(word)}\b', answers[0].message) for word in words)
        return [] if named else [f'refused, but for another reason: {answers[0].message}']

    return check


def accepted(seen: Seen) -> list[str]:
    """The call is accepted."""
    answers = [answer for answer in seen.record.answers if answer.service == 'calibrate']
    if not answers:
        return ['no answer of ~/calibrate']
    return [] if answers[0].success else [f'refused: {answers[0].message}']


def hears(sensor: str, rate: float) -> Extra:
    """The diagnostics tell about the rate [Hz] at which the sensor sends."""

    def check(seen: Seen) -> list[str]:
        heard = float(seen.record.told[-1].values.get(f'{sensor} rate [Hz]', 0.0)) if seen.record.told else 0.0
        return [] if heard > _HEARD * rate else [f'{sensor} is heard at {heard:.0f} of {rate:.0f} Hz']

    return check
