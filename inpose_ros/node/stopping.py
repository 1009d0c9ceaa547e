"""A process that ends when it is told to, from its first line on: by SIGINT (Ctrl-C) or SIGTERM, however many.

Only the standard library is imported here, as this must be at work before anything that takes long to import.
"""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable

SIGNALS = (signal.SIGINT, signal.SIGTERM)
# launch loses patience after 5 s, and kills; who was told to end has this long [s] until it does so by force, which
# takes a while, too, on a busy machine.
PATIENCE = 3.0


class _Stop:
    """Who is to be told; nobody yet: the process ends at once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.told = False
        self.tell: Callable[[], None] | None = None


_stop = _Stop()


def listen() -> None:
    """Take the signals from now on, and those that waited since the process began: scripts/inpose has env block them.

    What Python does when one comes is nothing: an exception or a context that is shut down just anywhere would end in
    a traceback. A thread is told, and what is at work then comes to its own end, when it may.
    """
    if signal.getsignal(signal.SIGINT) is _nothing:
        return
    atexit.register(_end)
    ears, mouth = os.pipe()
    os.set_blocking(mouth, False)
    signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
    for number in SIGNALS:
        signal.signal(number, _nothing)
    threading.Thread(target=_hear, args=(ears,), name='inpose_stop', daemon=True).start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def on_stop(tell: Callable[[], None]) -> None:
    """Have this called, in a thread of its own, when the process is told to end; at once, if it was already.

    It takes the place of what was to be called before, and should only say so to who is at work.
    """
    with _stop.lock:
        _stop.tell = tell
        if _stop.told:
            tell()


def _end() -> None:
    """What is told from here on is told to a process that ends anyway; Python would have it killed."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _nothing(number: int, frame: object) -> None:
    """A handler, without which the thread would not be told."""


def _hear(ears: int) -> None:
    while not set(os.read(ears, 64)) & set(SIGNALS):  # other signals with a handler are told, too
        pass
    threading.Thread(target=_insist, name='inpose_patience', daemon=True).start()
    with _stop.lock:
        _stop.told = True
        if _stop.tell is None:
            os._exit(0)
        _stop.tell()


def _insist() -> None:
    threading.Event().wait(PATIENCE)
    print(f'told to end {PATIENCE:g} s ago, and still at work: ended by force', file=sys.stderr, flush=True)
    os._exit(128 + signal.SIGINT)
