"""A thread with a mailbox for one letter: work that must not hold up the executor."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Letter = TypeVar('Letter')
_REMEMBERED = 16  # letters whose work says how long that takes


class SolveWorker(Generic[Letter]):
    """Runs `work` on one letter after another; a new letter takes the place of one that still waits.

    So the worker always goes on with the newest, at once, and nothing ever queues up.
    """

    def __init__(self, work: Callable[[Letter], None], done: Callable[[], None] = lambda: None) -> None:
        """Args: done: called in the worker's thread after each letter's work, when `busy` says so."""
        self._work, self._done = work, done
        self._working = False
        self._durations: deque[float] = deque([0.0], maxlen=_REMEMBERED)
        self._change = threading.Condition()
        self._letter: Letter | None = None
        self._stopping = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name='inpose_solver', daemon=True)
        self._thread.start()

    def offer(self, letter: Letter) -> bool:
        """Put a letter into the mailbox; False: one is lost for it, the one that waited (once stopped, this one).

        Raises:
            Exception: what an earlier letter's work raised, so that a bug does not die unseen in the thread.
        """
        with self._change:
            if self._failure is not None:
                raise self._failure
            if self._stopping:
                return False
            free, self._letter = self._letter is None, letter
            self._change.notify()
            return free

    @property
    def busy(self) -> bool:
        """Whether a letter is worked on or waits."""
        with self._change:
            return self._working or self._letter is not None

    @property
    def usual(self) -> float:
        """What three quarters of the last few letters' work did not take longer than [s]."""
        durations = sorted(tuple(self._durations))
        return durations[3 * len(durations) // 4]

    def stop(self, timeout: float = 10.0) -> None:
        """Let the work at hand come to its end, and end the thread; waits for that `timeout` [s] at most.

        A letter that waits is not worked on any more.
        """
        with self._change:
            self._stopping = True
            self._change.notify()
        self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._letter is not None or self._stopping)
                letter, self._letter = self._letter, None
                if letter is None or self._stopping:
                    return
                self._working = True
            begin = time.perf_counter()
            try:
                self._work(letter)
            except Exception as error:  # handed to the next offer; see there
                self._failure = error
                return
            finally:
                self._durations.append(time.perf_counter() - begin)
                self._working = False
                self._done()
