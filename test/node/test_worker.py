import queue
import threading
import time

import pytest

from inpose_ros.node.worker import SolveWorker


def test_a_letter_is_worked_on_in_another_thread():
    done = threading.Event()
    threads = []

    def work(letter: str) -> None:
        threads.append(threading.current_thread())
        done.set()

    worker = SolveWorker(work)
    assert worker.offer('a') and done.wait(5)
    worker.stop()
    assert threads[0] is not threading.main_thread()


def test_a_busy_worker_goes_on_with_the_newest_letter_and_nothing_queues_up():
    begun, go, ended, worked = threading.Event(), threading.Event(), threading.Event(), []

    def work(letter: str) -> None:
        worked.append(letter)
        begun.set()
        go.wait(5)
        if letter == 'c':
            ended.set()

    worker = SolveWorker(work)
    assert worker.offer('a') and begun.wait(5)
    assert worker.offer('b')
    assert not worker.offer('c')  # in the place of b
    go.set()
    assert ended.wait(5)
    worker.stop()
    assert worked == ['a', 'c']


def test_a_bug_in_the_work_comes_out_at_the_next_offer():
    begun = threading.Event()

    def work(letter: str) -> None:
        begun.set()
        raise ZeroDivisionError

    worker = SolveWorker(work)
    worker.offer('a')
    assert begun.wait(5)
    worker.stop()
    with pytest.raises(ZeroDivisionError):
        worker.offer('b')


def test_stopping_waits_for_the_work_at_hand_and_leaves_what_waits():
    begun, ended = threading.Event(), []

    def work(letter: str) -> None:
        begun.set()
        threading.Event().wait(0.05)
        ended.append(letter)

    worker = SolveWorker(work)
    worker.offer('a')
    assert begun.wait(5)
    worker.offer('b')
    worker.stop()
    assert ended == ['a'] and not worker.offer('c')


def test_whoever_wants_to_know_is_told_when_the_worker_is_free_even_after_a_bug():
    free: queue.Queue[bool] = queue.Queue()

    def work(letter: str) -> None:
        if letter == 'b':
            raise ZeroDivisionError

    worker = SolveWorker(work, lambda: free.put(not worker.busy))
    assert not worker.busy
    for letter in 'ab':
        worker.offer(letter)
        assert free.get(timeout=5)
    worker.stop()


def test_it_says_how_long_its_work_usually_takes():
    done, times = queue.Queue(), iter([0.0] * 12 + [0.05] * 8 + [0.5])
    worker = SolveWorker(lambda letter: time.sleep(next(times)), lambda: done.put(None))
    assert worker.usual < 1e-3
    for count in range(21):
        worker.offer('again')
        done.get(timeout=5)
        if count == 11:
            assert worker.usual < 0.02
    worker.stop()
    assert 0.04 < worker.usual < 0.3  # half of the last ones took so long; that one took longer tells nothing
