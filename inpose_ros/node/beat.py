"""Beat: when a pose is to be made."""

from collections.abc import Callable

from rclpy.callback_groups import CallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

# Of the time between two poses, so much is waited for something new; less than all of it, or a beat would be lost.
_PATIENCE = 0.9
# What comes from one driver or device comes together, within this time [s].
_TOGETHER = 1.5e-3


class Ear(CallbackGroup):
    """Of subscriptions that the executor leaves alone unless it is open: whoever wants their messages fetches them."""

    def __init__(self) -> None:
        super().__init__()
        self.open = False

    def can_execute(self, entity: object) -> bool:
        return self.open

    def beginning_execution(self, entity: object) -> bool:
        return self.open

    def ending_execution(self, entity: object) -> None:
        pass


class Beat:
    """Calls `go` at a rate, each time just after something new has come, and only while the solver is free.

    A timer alone finds what came up to a sensor's whole interval ago, and the pose is late by that. So at each of its
    ticks the next message is waited for, and a moment for those that come with it; where none comes until the next
    tick is near, what there is has to do. What is then found while the solver is busy would be old when its turn came:
    it is taken when the solver is free. All but `wanted` belongs to the executor's thread.
    """

    def __init__(
        self, node: Node, rate: float, ear: Ear, go: Callable[[], None], free: Callable[[], bool],
        lose: Callable[[], None],
    ) -> None:  # fmt: skip
        """Args:
        rate: [Hz], by the node's clock; waiting is by one that goes on where a simulated one is paused.
        free: whether the solver is.
        lose: called for each tick at which the pose of the tick before is not yet begun.
        """
        self._node, self._ear = node, ear
        self._go, self._free, self._lose = go, free, lose
        self._due = False
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._tick = node.create_timer(1 / rate, self._on_tick)
        self._together = node.create_timer(_TOGETHER, self._on_due, clock=steady, autostart=False)
        self._patience = node.create_timer(_PATIENCE / rate, self._on_due, clock=steady, autostart=False)

    @property
    def wanted(self) -> bool:
        """Whether a pose is waited for, or about to be; any thread may ask."""
        return self._due or self._ear.open

    def news(self) -> None:
        """Say that something has come; what nobody waits for may come unheeded."""
        if self._ear.open:
            self._ear.open = False
            self._together.reset()

    def freed(self) -> None:
        """Say that the solver is free again."""
        if self._due:
            self._on_due()

    def destroy(self) -> None:
        self._ear.open = False
        for timer in (self._tick, self._together, self._patience):
            self._node.destroy_timer(timer)

    def _on_tick(self) -> None:
        if self._due:
            self._lose()
            return
        self._ear.open = True
        self._patience.reset()

    def _on_due(self) -> None:
        self._ear.open = False
        self._together.cancel()
        self._patience.cancel()
        self._due = not self._free()
        if not self._due:
            self._go()
