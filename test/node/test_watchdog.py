from inpose_ros.node.watchdog import Remark, Watchdog

WORN = ('head', 'waist')


def looked(watch: Watchdog, *silent: str, times: int = 2, **recent: tuple[str, ...]) -> list[Remark]:
    return [remark for _ in range(times) for remark in watch.look(silent, WORN, lambda: recent)]


def test_one_look_is_no_proof_and_the_second_is_told_once():
    watch = Watchdog()
    assert not looked(watch, 'waist', times=1) and not watch.silent
    (told,) = looked(watch, 'waist', times=5)
    assert watch.silent == ('waist',) and told == (True, 'waist has stopped; tracking goes on without it')


def test_a_return_is_told_at_once():
    watch = Watchdog()
    looked(watch, 'waist')
    assert looked(watch, times=1) == [(False, 'waist is back')] and not watch.silent


def test_a_sensor_that_sends_rubbish_is_told_of_with_what_it_is():
    (told,) = looked(Watchdog(), 'waist', frozen=('waist',), late=('head',))
    assert told.text == 'waist cannot be used (frozen); tracking goes on without it'


def test_of_all_it_is_said_that_nothing_is_published():
    watch = Watchdog()
    (told,) = looked(watch, *WORN)
    assert watch.all_silent and told.text == 'no sensor is sending; publishing nothing until one does'
    (told,) = looked(watch, 'waist')
    assert not watch.all_silent and told == (False, 'sensors are sending, but for waist; publishing')
    (told,) = looked(Watchdog(), *WORN, wrong_frame=WORN)
    assert 'nothing that the sensors send can be used (wrong_frame)' in told.text


def test_a_sensor_that_is_taken_off_is_not_told_to_be_back():
    watch = Watchdog()
    looked(watch, 'waist')
    assert not watch.look((), ('head',), dict) and not watch.silent


def test_what_comes_late_is_no_reason_for_a_silence():
    (told,) = looked(Watchdog(), 'waist', jitter=('waist',), late=('waist',))
    assert told.text == 'waist has stopped; tracking goes on without it'
