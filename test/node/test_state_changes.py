"""A line in the log for each change of what poses lack."""

from inpose_ros.node.state_changes import StateChanges

MS = 1_000_000


def looked(changes: StateChanges, begin: int, end: int, missing: tuple = (), doubts: dict | None = None) -> list:
    """What is said from one time [ms] to another, 30 times a second."""
    said = [changes.look(missing, doubts or {}, now * MS) for now in range(begin, end, 33)]
    return [remark for remark in said if remark is not None]


def test_what_is_missing_is_said_once_and_its_return_once():
    changes = StateChanges()
    assert not looked(changes, 0, 1000)
    (gone,) = looked(changes, 1000, 3000, ('left', 'head'))
    assert gone.is_warning and 'without head, left' in gone.text
    (back,) = looked(changes, 3000, 5000)
    assert not back.is_warning


def test_what_contradicts_what_is_said():
    (remark,) = looked(StateChanges(), 0, 1000, doubts={'inconsistent': 'head | left'})
    assert 'inconsistent: head | left' in remark.text


def test_what_is_over_in_a_moment_is_nothing_to_talk_about():
    changes = StateChanges()
    for begin in range(0, 3000, 600):
        assert not looked(changes, begin, begin + 250, ('left',))
        assert not looked(changes, begin + 250, begin + 600)
