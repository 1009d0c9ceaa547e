"""Bringing messages together by their stamps."""

from inpose_ros.examples.synchronizer import Together


def test_a_stamp_is_complete_when_every_topic_has_spoken_of_it_in_any_order():
    complete = []
    together = Together(('a', 'b'), complete.append)
    for topic, stamp in [('a', 1), ('a', 2), ('b', 2), ('b', 1)]:
        together.add(topic, stamp, f'{topic}{stamp}')
    assert complete == [{'a': 'a2', 'b': 'b2'}, {'b': 'b1', 'a': 'a1'}]


def test_what_a_topic_never_speaks_of_is_forgotten_and_counted():
    complete = []
    together = Together(('a', 'b'), complete.append)
    for stamp in range(1000):
        together.add('a', stamp, '')
    assert not complete
    assert together.incomplete == 1000 - 8
