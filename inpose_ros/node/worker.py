"""A thread with a mailbox for one letter: work that must not hold up the executor."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Letter = TypeVar('Letter')


class SolveWorker(Generic[Letter]):
    """Runs `work` on each accepted letter; a letter offered while it is busy is refused, so nothing ever queues up."""

    def __init__(self, work: Callable[[Letter], None]) -> None:
        self._work = work
        self._change = threading.Condition()
        self._letter: Letter | None = None
        self._busy = False
        self._stopping = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name='inpose_solver', daemon=True)
        self._thread.start()

    def offer(self, letter: Letter) -> bool:
        """Hand over a letter; False: busy with an earlier one.

        Raises:
            Exception: what an earlier letter's work raised, so that a bug does not die unseen in the thread.
        """
        with self._change:
            if self._failure is not None:
                raise self._failure
            if self._busy or self._stopping:
                return False
            self._letter, self._busy = letter, True
            self._change.notify()
            return True

    def stop(self, timeout: float = 10.0) -> None:
        """Let the work at hand come to its end, and end the thread; waits for that `timeout` [s] at most."""
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
            try:
                self._work(letter)
            except Exception as error:  # handed to the next offer; see there
                self._failure = error
                return
            finally:
                with self._change:
                    self._busy = False
