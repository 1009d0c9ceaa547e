"""The rows of the matrix of faults: what is worn, what goes wrong, and what has to be said of it."""

from dataclasses import dataclass

from inpose_ros.body import smpl22
from inpose_ros.motion.faults import Fault
from inpose_ros.motion.faults_worlds import MOVES
from inpose_ros.node.simulated_clock import DEAD, PAUSED
from inpose_ros.tools import faults_checks as checks
from inpose_ros.tools import faults_special as special
from inpose_ros.tools.faults_bench import Setting
from inpose_ros.tools.faults_player import ClockStop
from inpose_ros.tools.faults_recorder import Call
from inpose_ros.tools.faults_special import Extra

# A row of the matrix [s]: good, faulty, good again. The diagnostics come once a second, and silence is known after
# half a second: a fault has to last longer than both.
BEGIN, END, SECONDS = 2.0, 3.7, 6.2
# What takes longer to be told from honest motion begins earlier and ends later.
EARLY, LATE = 1.2, 4.7
# What is worn: trackers only, and trackers that say how good they are with an IMU at the waist; at which joints.
_DEMO, _MIXED, _FRAMES = 'sensors/demo.yaml', 'faults/mixed.yaml', 'faults/frames.yaml'
_LOCATED = ('head', 'left_wrist', 'right_wrist')
_JOINTS = {name: name for name in _LOCATED} | {'waist': 'pelvis'}
TRACKERS = Setting(_DEMO, SECONDS)
# An IMU shows what it is worth while its wearer walks and turns, which is from here on.
_WALKS, _TURNS, _ENDS = 11.6, 16.4, 20.0
WITH_IMU = Setting(_MIXED, _ENDS, part=(_WALKS, _ENDS))
_BARE = {'bare_imus': ['waist'], 'sensor_rates': [0.0, 0.0, 0.0, 200.0]}
# An orientation found from gyro and accelerometer is used after a second, and that it was not is told for three.
BARE_IMU = Setting(_MIXED, _ENDS, part=(_WALKS, _TURNS), stand=3.0, player=_BARE, fresh=True, settles=4.5)
STANDING = Setting(_MIXED, SECONDS - 5.0, stand=4.2)
# A clock is known to stand after 2 s of real time, and that is told once a second.
STOPPED = 3.4
SIMULATED = Setting(_MIXED, 11.0, speed=2.0, player={'sensor_rates': [30.0, 30.0, 30.0, 400.0]})
FRAMES = Setting(_FRAMES, SECONDS, library='tf2_ros')
LINKED = Setting(_FRAMES, SECONDS, player={'tf_link': 2.0}, library='tf2_ros')
# After so long [s] a sensor at fault has to be out of use, where a kind makes it useless.
_OUT = {
    'dropout': 0.7, 'restart': 0.7, 'freeze': 1.0, 'lost': 0.7, 'rotation_frozen': 1.2, 'stamp_zero': 0.7,
    'orientation_identity': 5.0, 'gyro_zero': 5.0, 'gyro_reversed': 5.0,
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A motion, what goes wrong in it (nothing: to compare with), and its name.

    `cause` is what the diagnostics have to name; after `out` s the sensors at fault may no longer be in use; `recovers`
    is false where nothing can be as before at the end, and `relearns` is how much longer [s] it may take; `reset`: the
    node first forgets what it knows. `extra` looks at what only this row promises. `calls` are of services, `stop` of a
    simulated clock.
    """

    name: str
    setting: Setting
    faults: tuple[Fault, ...] = ()
    cause: str = ''
    out: float | None = None
    recovers: bool = True
    relearns: float = 0.0
    reset: bool = False
    calls: tuple[Call, ...] = ()
    stop: ClockStop | None = None
    extra: tuple[Extra, ...] = ()

    @property
    def kinds(self) -> set[str]:
        """The kinds of its faults, and what else is tried."""
        others = [call.service for call in self.calls] + ([self.stop.how] if self.stop else [])
        return {fault.kind for fault in self.faults} | set(others)

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.kinds

    @property
    def begin(self) -> float:
        """When something begins to be wrong [s of the motion]."""
        begins = [fault.begin for fault in self.faults] + ([self.stop.begin] if self.stop else [])
        return min(begins, default=max(BEGIN, self.setting.settles))

    @property
    def end(self) -> float:
        """When all is well again [s of the motion]; a paused clock has not moved meanwhile."""
        ends = [fault.end for fault in self.faults]
        if self.stop is not None:
            gone = self.setting.speed * self.stop.seconds if self.stop.how == DEAD else 0.0
            ends.append(self.stop.begin + gone)
        return max(ends, default=max(END, self.begin))

    @property
    def worn(self) -> dict[str, int]:
        """The joint of each sensor."""
        names = _JOINTS if self.setting.sensors == _MIXED else _LOCATED
        return {name: smpl22.INDEX[_JOINTS[name]] for name in names}

    @property
    def harmed(self) -> tuple[str, ...]:
        """The sensors with which something is wrong."""
        if any(not fault.sensors for fault in self.faults):
            return tuple(self.worn)
        return tuple(name for name in self.worn if any(name in fault.sensors for fault in self.faults))

    @property
    def blind(self) -> tuple[str, ...]:
        """The sensors that do not say where they are."""
        return tuple(name for name in self.worn if name not in _LOCATED)

    @property
    def moves(self) -> tuple[Fault, ...]:
        """The faults by which the world of all located sensors moves, and what is true with it."""
        return tuple(fault for fault in self.faults if fault.kind in MOVES and set(_LOCATED) <= set(self.harmed))

    @property
    def joints(self) -> list[int]:
        """The joints on which the sensors are worn."""
        return list(self.worn.values())

    @property
    def unharmed(self) -> list[int]:
        """The joints of the sensors that nothing is wrong with, where something is with others."""
        return [joint for name, joint in self.worn.items() if name not in self.harmed] if self.faults else []


def _row(
    kind: str, *sensors: str, name: str = '', setting: Setting = TRACKERS, span: tuple[float, float] = (BEGIN, END),
    cause: str | None = None, amount: float | None = None, **more: object,
) -> Row:  # fmt: skip
    named = checks.NAMED[kind] if cause is None else cause
    more = {'out': _OUT.get(kind)} | more
    return Row(name or kind, setting, (Fault(kind, *span, sensors, amount),), named, **more)


_SLOW = (EARLY, LATE)
_MOVING = (0.5, 7.0)
_FROM_STANDING = (0.5, BARE_IMU.lasts)
_ALL_THE_TIME = (0.0, SECONDS + 0.1)  # the last reading is at the end

ROWS = (
    Row('none', TRACKERS),
    _row('dropout', 'left_wrist'),
    _row('dropout', name='dropout of all', out=None),
    _row('restart', 'left_wrist'),
    _row('freeze', 'left_wrist'),
    _row('delay', 'left_wrist'),
    _row('jitter', 'left_wrist'),
    _row('duplicates'),
    _row('reordering'),
    _row('nan'),
    _row('bad_quaternion'),
    _row('teleport', 'left_wrist'),
    _row('teleport', 'head', name='teleport of the head'),
    _row('swapped', 'left_wrist', 'right_wrist'),
    _row('second_publisher', 'left_wrist'),
    _row('flood', 'left_wrist'),
    _row('clock_forward'),
    _row('clock_forward', 'left_wrist', name='clock_forward of one'),
    _row('clock_back'),
    _row('clock_back', 'left_wrist', name='clock_back of one', cause='too_old'),
    Row('clock_back and one stays away', TRACKERS,
        (Fault('clock_back', BEGIN, LATE), Fault('dropout', BEGIN, LATE, ('left_wrist',))), 'silent',
        extra=(special.degraded_soon,)),
    _row('ahead', 'left_wrist', span=_SLOW),
    _row('ahead', 'left_wrist', name='ahead by 0.2 s', span=_SLOW, amount=0.2),
    _row('behind', 'left_wrist', span=_SLOW),
    _row('behind', 'head', name='behind by 0.2 s of the head', span=_SLOW, amount=0.2),
    _row('burst', span=_SLOW),
    _row('stamp_zero', out=None),
    _row('rotation_frozen', 'left_wrist', span=_SLOW),
    _row('world_moved', span=_SLOW, extra=(special.taken_together, special.exact_in_it)),
    _row('world_moved', 'left_wrist', name='world_moved of one', span=(EARLY, 4.0), cause='inconsistent', out=2.4,
         relearns=1.0),
    _row('lowered', span=_SLOW, extra=(special.upright, special.degraded_meanwhile)),
    _row('elevator', span=_SLOW, extra=(special.upright,)),
    _row('far', span=_ALL_THE_TIME, reset=True, recovers=False,
         extra=(special.nothing_named, special.in_use, special.exact_in_it)),
    _row('unworn', span=(0.0, 2.5), reset=True, relearns=2.0, extra=(special.bones_of_clean,)),
    Row('none with an IMU', WITH_IMU),
    _row('heading_step', 'waist', setting=WITH_IMU),
    _row('units_g', 'waist', setting=WITH_IMU),
    _row('units_degrees', 'waist', setting=WITH_IMU),
    _row('lost', 'left_wrist', setting=WITH_IMU),
    _row('lost', 'head', name='lost of the head', setting=WITH_IMU, amount=0.0),
    # Worn with its x axis up, the first that shows of an identity is that gravity points aside.
    _row('orientation_identity', 'waist', setting=WITH_IMU, span=_MOVING, cause='orientation_stuck'),
    # The orientation goes on being used, and the gyro alone is not.
    _row('gyro_zero', 'waist', setting=WITH_IMU, span=_MOVING, out=None),
    _row('gyro_reversed', 'waist', setting=WITH_IMU, span=_MOVING, out=None),
    Row('none with a bare IMU', BARE_IMU),
    _row('dropout', 'waist', name='a hole of a bare IMU', setting=BARE_IMU, span=(0.1, 0.16), cause='', out=None),
    _row('halves', 'waist', setting=BARE_IMU, span=(0.0, 1.5)),
    _row('burst', 'waist', name='burst of a bare IMU', setting=BARE_IMU, span=(0.0, 2.5), amount=10.0),
    _row('gyro_bias', 'waist', setting=BARE_IMU, span=_FROM_STANDING, recovers=False, cause='',
         extra=(special.named_or_borne('gyro_bias'),)),
    _row('gyro_zero', 'waist', name='gyro_zero of a bare IMU', setting=BARE_IMU, span=_FROM_STANDING, recovers=False,
         out=None),
    _row('gyro_reversed', 'waist', name='gyro_reversed of a bare IMU', setting=BARE_IMU, span=_FROM_STANDING,
         recovers=False, out=None),
    Row('none standing', STANDING),
    Row('calibrate in another pose', STANDING, calls=(Call(1.0, pose='t_pose'),),
        extra=(special.refused('pose', 't_pose', 'n_pose', *_LOCATED),)),
    _row('freeze', 'left_wrist', name='calibrate with a frozen tracker', setting=STANDING, span=(0.6, 3.0), cause='',
         out=None, calls=(Call(1.0),), extra=(special.refused('left_wrist'),)),
    _row('ned', 'waist', name='calibrate with an IMU of aviation', setting=STANDING, span=(0.2, 3.2), out=None,
         calls=(Call(1.0),), extra=(special.refused('waist'),)),
    Row('calibrate', STANDING, calls=(Call(1.0),), extra=(special.accepted,)),
    Row('none in simulated time', SIMULATED, extra=(special.hears('waist', 400.0),)),
    Row(PAUSED, SIMULATED, cause=PAUSED, stop=ClockStop(PAUSED, BEGIN, STOPPED)),
    Row(DEAD, SIMULATED, cause=DEAD, stop=ClockStop(DEAD, BEGIN, STOPPED)),
    Row('none over /tf', FRAMES, extra=(special.poses_come,)),
    _row('dropout', 'left_wrist', name='dropout on /tf', setting=FRAMES),
    Row('none over /tf with a slow link', LINKED, extra=(special.poses_come,)),
)  # fmt: skip
