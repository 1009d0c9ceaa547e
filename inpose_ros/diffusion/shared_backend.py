"""SharedBackend: one network for several threads, whose calls go through it together where they meet.

Each tracked body has a solver thread of its own, and a network is not to be run by two at once. So those who find it
busy wait, and the next pass takes all who wait at the same step. Nobody waits for somebody who may not come: a call
that finds the network idle runs at once, alone.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.diffusion.backend import Backend, Rows
from inpose_ros.diffusion.denoiser import Condition, Prediction


@dataclass(eq=False)
class _Call:
    """What a thread asks the network, and in the end what it is told: one of the two."""

    noisy: Rows
    step: int
    features: Rows
    answer: Rows | None = None
    error: BaseException | None = None

    @property
    def done(self) -> bool:
        return self.answer is not None or self.error is not None

    def result(self) -> Rows:
        if self.error is not None:
            raise self.error
        return self.answer


class SharedBackend:
    """Runs a backend for many threads, one pass at a time, in the order in which they came; without a gradient.

    The one that came first leads: it runs the pass for itself and for all who wait at its step, in a batch of at most
    `most` windows (more only where it brings more itself). What the backend raises, it raises in all of them.
    """

    def __init__(self, backend: Backend, most: int) -> None:
        self.name = backend.name
        self._backend, self._most = backend, most
        self._change = threading.Condition()
        self._waiting: list[_Call] = []
        self._running = False

    @torch.no_grad()
    def __call__(self, noisy: Float[Tensor, 'batch frame joint 6'], step: int, condition: Condition) -> Prediction:
        rows = self.rows(noisy.flatten(-2).cpu().numpy(), step, condition.features().cpu().numpy())
        return Prediction.read(torch.from_numpy(rows).to(noisy.device), condition)

    def rows(self, noisy: Rows, step: int, features: Rows) -> Rows:
        call = _Call(noisy, step, features)
        with self._change:
            self._waiting.append(call)
            self._change.wait_for(lambda: call.done or self._is_next(call))
            together = [] if call.done else self._taken()
        if together:
            self._run(together)
        return call.result()

    @property
    def waiting(self) -> int:
        """How many calls wait for the pass at hand to end."""
        with self._change:
            return len(self._waiting)

    def _is_next(self, call: _Call) -> bool:
        return not self._running and self._waiting[0] is call

    def _taken(self) -> list[_Call]:
        """The call that came first and those that go with it, which wait no longer; the network is theirs."""
        taken: list[_Call] = []
        for call in self._waiting:
            size = sum(len(other.noisy) for other in taken) + len(call.noisy)
            if not taken or (call.step == taken[0].step and size <= self._most):
                taken.append(call)
        self._waiting = [call for call in self._waiting if call not in taken]
        self._running = True
        return taken

    def _run(self, together: Sequence[_Call]) -> None:
        """Answer them all, and make way for those who have come meanwhile."""
        error, answers = None, [None] * len(together)
        try:
            answers = self._answers(together)
        except BaseException as raised:  # whatever it is: the others would wait for ever
            error = raised
        with self._change:
            for call, answer in zip(together, answers):
                call.answer, call.error = answer, error
            self._running = False
            self._change.notify_all()

    def _answers(self, together: Sequence[_Call]) -> list[Rows]:
        """In their order, each with its own rows."""
        first = together[0]
        if len(together) == 1:
            return [self._backend.rows(first.noisy, first.step, first.features)]
        noisy, features = (
            np.concatenate(part) for part in zip(*((call.noisy, call.features) for call in together), strict=True)
        )
        ends = np.cumsum([len(call.noisy) for call in together])
        return np.split(self._backend.rows(noisy, first.step, features), ends[:-1])
