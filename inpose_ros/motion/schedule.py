"""What an invented person does, and when."""

from dataclasses import dataclass

import numpy as np

KINDS = ('walk', 'turn', 'squat', 'reach', 'wave')
# How long each kind takes [s], least and most; together with the standing they fit into 20 s.
DURATIONS = {'walk': (3.9, 4.1), 'turn': (2.7, 2.9), 'squat': (2.7, 3.1), 'reach': (3.5, 3.8), 'wave': (2.7, 2.9)}
STAND_FIRST, STAND_LAST = 1.5, 0.9


@dataclass(frozen=True)
class Activity:
    """One thing done, from `start` on for `duration` [s]."""

    kind: str
    start: float
    duration: float

    @property
    def end(self) -> float:
        return self.start + self.duration


def schedule(rng: np.random.Generator, seconds: float) -> tuple[Activity, ...]:
    """A random order of activities, all five kinds in every round, with standing before, between and after.

    From 19.2 s on, each kind appears. A shorter clip has those that fit, since nobody walks twice as fast because the
    clip is short.
    """
    budget = seconds - STAND_FIRST - STAND_LAST
    chosen: list[tuple[str, float]] = []
    full = False
    while not full:
        full = True
        for kind in rng.permutation(KINDS):
            duration = float(rng.uniform(*DURATIONS[kind]))
            if duration <= budget:
                chosen.append((str(kind), duration))
                budget -= duration
                full = False
    pauses = rng.dirichlet(np.full(len(chosen) + 1, 4.0)) * max(budget, 0.0)
    starts = STAND_FIRST + np.cumsum([0.0, *(duration for _, duration in chosen)]) + np.cumsum(pauses)
    rows = zip(chosen, starts[:-1], strict=True)
    return tuple(Activity(kind, float(start), duration) for (kind, duration), start in rows)
