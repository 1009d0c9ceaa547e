import threading

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


def test_a_busy_worker_refuses_and_nothing_queues_up():
    begun, go, worked = threading.Event(), threading.Event(), []

    def work(letter: str) -> None:
        worked.append(letter)
        begun.set()
        go.wait(5)

    worker = SolveWorker(work)
    assert worker.offer('a') and begun.wait(5)
    assert not worker.offer('b')
    go.set()
    worker.stop()
    assert worked == ['a']


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


def test_stopping_waits_for_the_work_at_hand():
    begun, ended = threading.Event(), []

    def work(letter: str) -> None:
        begun.set()
        threading.Event().wait(0.05)
        ended.append(letter)

    worker = SolveWorker(work)
    worker.offer('a')
    assert begun.wait(5)
    worker.stop()
    assert ended == ['a'] and not worker.offer('b')
