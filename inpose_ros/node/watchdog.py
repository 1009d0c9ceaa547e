"""Which sensors have stopped, and what to say when that changes."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from inpose_ros.node.health import NOT_HEARD


class Remark(NamedTuple):
    """A line for the log."""

    is_warning: bool
    text: str


class Watchdog:
    """Looks at every tick who is silent.

    Two looks in a row must find it so: after a hold-up of the process a look comes before the messages that wait.
    """

    def __init__(self) -> None:
        self.silent: tuple[str, ...] = ()
        self.all_silent = False
        self._before: frozenset[str] = frozenset()

    def look(
        self, silent: Sequence[str], worn: Sequence[str], recent: Callable[[], Mapping[str, Sequence[str]]]
    ) -> tuple[Remark, ...]:
        """Take note of who is silent now, and return what has changed.

        Args:
            recent: says what went wrong lately, by cause, and with which sensors: it tells why one is not used. It is
                asked only if there is something to say.
        """
        was, was_all = self.silent, self.all_silent
        self.silent = tuple(name for name in silent if name in self._before)
        self.all_silent = len(self.silent) == len(worn)
        self._before = frozenset(silent)
        if self.all_silent != was_all:
            return (self._of_all(recent()),)
        lost = [name for name in self.silent if name not in was]
        gone = [_gone(name, why) for why in ([recent()] if lost else []) for name in lost]
        back = [Remark(False, f'{name} is back') for name in was if name not in self.silent and name in worn]
        return (*gone, *back)

    def _of_all(self, recent: Mapping[str, Sequence[str]]) -> Remark:
        if not self.all_silent:
            missing = f', but for {", ".join(self.silent)}' if self.silent else ''
            return Remark(False, f'sensors are sending{missing}; publishing')
        reasons = _reasons(self.silent, recent)
        if reasons:
            what = f'nothing that the sensors send can be used ({", ".join(reasons)})'
        else:
            what = 'no sensor is sending'
        return Remark(True, f'{what}; publishing nothing until one does')


def _reasons(silent: Sequence[str], recent: Mapping[str, Sequence[str]]) -> list[str]:
    """Why nothing of these sensors can be used, where they send at all."""
    return [cause for cause, names in recent.items() if cause not in NOT_HEARD and set(names) & set(silent)]


def _gone(name: str, recent: Mapping[str, Sequence[str]]) -> Remark:
    reasons = _reasons((name,), recent)
    why = f'cannot be used ({", ".join(reasons)})' if reasons else 'has stopped'
    return Remark(True, f'{name} {why}; tracking goes on without it')
