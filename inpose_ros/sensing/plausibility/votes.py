"""Votes: one odd interval proves nothing about a sensor; several of the last few do, until as many speak for it."""

from collections import deque

_KEPT = 8
# Of those kept so many times as many have to be of one kind as of the other.
_TIMES = 3


class Votes:
    """The last few votes on whether something is wrong; `wrong` stays as it is until they clearly say otherwise."""

    def __init__(self, least: int, kept: int = _KEPT) -> None:
        """Args: least: so many at least decide; kept: so many are remembered: with fewer it is found out sooner."""
        self._least = least
        self._votes: deque[bool] = deque(maxlen=kept)
        self.wrong = False

    def cast(self, wrong: bool | None) -> None:
        """One vote; None: abstains."""
        if wrong is None:
            return
        self._votes.append(wrong)
        against = sum(self._votes)
        favour = len(self._votes) - against
        if against >= self._least and against >= _TIMES * favour:
            self.settle(True)
        elif favour >= self._least and favour >= _TIMES * against:
            self.settle(False)

    def settle(self, wrong: bool) -> None:
        """It is known. Where it was not so before, what was said of the time before no longer counts."""
        if wrong != self.wrong:
            self._votes.clear()
        self.wrong = wrong
