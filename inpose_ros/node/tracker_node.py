"""The lifecycle node: sensor topics in, a body out. It moves data and decides nothing."""

import math
import time
from collections.abc import Callable

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.guard_condition import GuardCondition
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from inpose_ros.body.proportions import BodyGuess
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.errors import InPoseError
from inpose_ros.msg import BodyPose
from inpose_ros.node import parameters, qos
from inpose_ros.node.bone_updates import BoneUpdates, Estimator, known_body
from inpose_ros.node.conversions.cdr import serialized
from inpose_ros.node.diagnostics import diagnostics_from
from inpose_ros.node.dynamic_parameters import DynamicParameters
from inpose_ros.node.factory import build_estimator, build_solver, first_guess, say_whose_body
from inpose_ros.node.health import Health
from inpose_ros.node.lifecycle_callbacks import log_exceptions
from inpose_ros.node.parameters import NodeParameters
from inpose_ros.node.publishers import BodyPublishers
from inpose_ros.node.rivals import Rivals
from inpose_ros.node.sensor_inputs import SensorInputs, sensor_from
from inpose_ros.node.services import BodyServices
from inpose_ros.node.tracking import Job, Solver, Tracker
from inpose_ros.node.trigger import Trigger
from inpose_ros.node.unknown_parameters import refuse_unknown
from inpose_ros.node.watch import Watch
from inpose_ros.node.watchdog import Watchdog
from inpose_ros.node.worker import SolveWorker

# The window reaches back this much further [s] than the solver looks, for what arrives late.
_SPARE = 0.5


class InPoseNode(LifecycleNode):
    """Tracks one body. Use it with a SingleThreadedExecutor; solving runs in a thread of its own."""

    def __init__(
        self,
        solver_factory: Callable[[NodeParameters, Skeleton], Solver] = build_solver,
        estimator_factory: Callable[[NodeParameters, Solver, BodyGuess], Estimator] = build_estimator,
        defaults: NodeParameters | None = None,
        set_priority: Callable[[int, RcutilsLogger], int] | None = None,
        **options: object,
    ) -> None:
        """Args: set_priority: process.set_realtime_priority, where the process is this node's alone."""
        super().__init__('inpose', **options)
        self._solver_factory, self._estimator_factory = solver_factory, estimator_factory
        self._set_priority = set_priority
        self._params: NodeParameters | None = None
        self._inputs: SensorInputs | None = None
        self._health: Health | None = None
        self._tracker: Tracker | None = None
        self._learner: BoneUpdates | None = None
        self._outputs: BodyPublishers | None = None
        self._rivals: Rivals | None = None
        self._worker: SolveWorker[Job] | None = None
        self._idle: GuardCondition | None = None
        self._trigger: Trigger | None = None
        self._facts: dict[str, str] = {}
        self._resets = 0
        self._offered: tuple[int, int] | None = None
        self._watch = Watch(self, self._on_clock_back)
        parameters.declare(self, defaults)
        self._live = DynamicParameters(self, lambda: self._inputs)
        self._body_services = BodyServices(self, lambda: self.state, self._reset)
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', qos.OUTPUT)
        # By a clock that goes on where a simulated one is paused, as that is when one wants to know.
        self.create_timer(1.0, self._publish_diagnostics, clock=Clock(clock_type=ClockType.STEADY_TIME))
        if self.has_parameter('autostart') and self.get_parameter('autostart').value:
            self._autostart_timer = self.create_timer(0.0, self._autostart)

    @property
    def state(self) -> str:
        """The lifecycle state: unconfigured, inactive, active, or a transition's."""
        return self._state_machine.current_state[1]

    @property
    def _silence(self) -> Watchdog:
        return self._watch.silence

    def now_ns(self) -> int:
        """By a steady clock, as the health has it; stamps are by the node's own."""
        return time.monotonic_ns()

    def _stamp_now_ns(self) -> int:
        return self.get_clock().now().nanoseconds

    # --- lifecycle

    def _autostart(self) -> None:
        self.destroy_timer(self._autostart_timer)
        if self.state == 'unconfigured' and self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    @log_exceptions
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            self._configure()
        except InPoseError as error:  # an operator can mend it: say so and stay up
            self.get_logger().error(f'not configured: {error}')
            self._release()
            return TransitionCallbackReturn.FAILURE
        return super().on_configure(state)

    def _configure(self) -> None:
        params, sensors = NodeParameters.read(self)
        refuse_unknown(self, NodeParameters)
        guess = first_guess(params)
        self._rivals = Rivals(self, params)  # now, so that it has heard for a while when the node is activated
        solver = self._solver_factory(params, guess.skeleton)
        learner = None
        if params.estimate and not (guess.is_certain and math.isfinite(params.floor_height)):
            estimator = self._estimator_factory(params, solver, guess)
            learner = BoneUpdates(estimator, params.save, self.get_logger())
        say_whose_body(params, self.get_logger())
        # Else the first pose would come late.
        solver.warm_up([sensor_from(name, row).joint_index for name, row in sensors.items() if row.type != 'imu'])
        self.get_logger().info(f'solving on {solver.device} by {solver.backend} (device: {params.device})')
        timeout_ns = round(params.sensor_timeout * 1e9)
        span_ns = round((solver.frames / solver.rate + _SPARE) * 1e9)
        self._params = params
        self._facts = {'device': str(solver.device), 'backend': solver.backend, 'body': params.body_id}
        self._health = Health(params.sensors, timeout_ns)
        self._learner = learner
        floor = params.floor_height if learner is None else learner.floor_height
        self._tracker = Tracker(solver, timeout_ns, floor, params.max_joint_velocity, time.perf_counter, learner)
        self._inputs = SensorInputs(self, sensors, span_ns, self._health, params.world_frame)
        self._inputs.look_at_clock = self._watch.clock.fetch
        self._body_services.inputs, self._body_services.body = self._inputs, lambda: known_body(learner, guess)
        self._outputs = BodyPublishers(self, params, self._rivals.frames)

    @log_exceptions
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        objection = self._rivals.objection()
        if objection is not None:
            self.get_logger().error(f'not activated: {objection}')
            return TransitionCallbackReturn.FAILURE
        self._rivals.begin(self._outputs.open)
        result = super().on_activate(state)
        self._outputs.describe(self._tracker.solver.skeleton)
        self._watch.begin(self._health, self.now_ns())
        self._offered = None
        self._idle = self.create_guard_condition(self._on_idle)
        self._worker = SolveWorker(self._solve, self._idle.trigger)
        self._trigger = Trigger(self, self._params.rate, self._offer_newest, self._worth_waiting_ns)
        if self._set_priority is not None:  # now that all is done for which others need not wait
            priority = self._set_priority(self._params.realtime_priority, self.get_logger())
            self._facts['realtime_priority'] = str(priority)
        return result

    @log_exceptions
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._halt()
        result = super().on_deactivate(state)
        self._outputs.close()
        self._rivals.ended()
        return result

    @log_exceptions
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._release()
        return TransitionCallbackReturn.SUCCESS

    on_shutdown = on_error = on_cleanup

    def _halt(self) -> None:
        """Stop solving and publishing; waits for the pose at hand."""
        self._body_services.abort()
        if self._trigger is not None:
            self._trigger.stop()
            self._trigger = None
        if self._worker is not None:
            self._worker.stop()
            self._worker = None
            self.destroy_guard_condition(self._idle)
            if self._learner is not None:
                self._learner.keep()

    def _release(self) -> None:
        self._halt()
        if self._inputs is not None:
            self._inputs.destroy()
        for part in (self._outputs, self._rivals):
            if part is not None:
                part.destroy()
        self._inputs = self._body_services.inputs = self._outputs = self._tracker = self._health = None
        self._learner = self._rivals = None

    def destroy_node(self) -> None:
        self._halt()
        self._watch.destroy()
        super().destroy_node()

    # --- the work

    def _worth_waiting_ns(self, most_ns: int) -> int:
        """For how long a fresher measurement is worth waiting for, and does not make the next pose late."""
        self._inputs.fetch()
        newest_ns = self._inputs.newest_stamp_ns
        if newest_ns is None or self._worker.busy:
            return 0
        left_ns = round(1e9 * (1 / self._params.rate - self._worker.usual))
        return self._inputs.forecast.wait_ns(self._stamp_now_ns(), newest_ns, min(most_ns, left_ns))

    def _offer_newest(self) -> bool:
        """Hand what has come to the solver's thread; whether there was anything new to solve."""
        self._inputs.let_step(self._tracker.contradicting)
        self._inputs.fetch()
        self._watch.look(self._health, self.now_ns())
        newest = (self._epoch, self._inputs.newest_stamp_ns)
        if newest[1] is None or newest == self._offered:
            return False
        job = Job(self._inputs.snapshot(), self._inputs.sensors, self._epoch, *self._body_states(), self._inputs.breaks)
        self._offered = newest
        if not self._worker.offer(job):
            self._health.counts['dropped'] += 1
        return True

    def _on_idle(self) -> None:
        """Take in what has come while a pose was solved, when it is at no pose's expense."""
        if self._worker is not None and not self._worker.busy:
            self._inputs.fetch()

    def _solve(self, job: Job) -> None:
        """In the solver's thread: a pose, or word of why there is none. No window ends the process."""
        try:
            self._solve_and_publish(job)
        except Exception as error:  # the boundary: said, and the next window is solved afresh
            if not self.context.ok():  # publishers of a process that ends
                return
            self._tracker.restart()
            self._watch.failed(error, self._health, self.now_ns())

    def _solve_and_publish(self, job: Job) -> None:
        """From a window to messages."""
        estimate = self._tracker.track(job)
        if estimate is not None and job.epoch == self._epoch:
            self._outputs.publish(estimate)
            self._watch.see(estimate, self._health, self.now_ns())
            published_ns, solver = self.now_ns(), self._tracker.solver
            latency = (self._stamp_now_ns() - estimate.body.stamp_ns) / 1e9
            self._look_back()  # now that the pose is out
            self._health.published(published_ns, latency, estimate.solve_time, solver.passes, solver.hurried)

    def _look_back(self) -> None:
        """What else the solver's thread has to do, one thing after each pose."""
        solver = self._tracker.solver
        passes = solver.passes
        solver.check()
        if solver.passes == passes and self._learner is not None:
            self._learner.learn(*self._tracker.seen)

    @property
    def _epoch(self) -> int:
        return self._inputs.epoch + self._resets

    def _reset(self) -> None:
        self._resets += 1
        if self._learner is not None:
            self._learner.start_again()
        self._inputs.restart()

    def _body_states(self) -> tuple[int, int]:
        """What a pose is called to which all sensors contribute, and what another is."""
        if self._body_services.calibrating:
            return BodyPose.STATE_CALIBRATING, BodyPose.STATE_CALIBRATING
        return BodyPose.STATE_DEGRADED if self._silence.silent else BodyPose.STATE_TRACKING, BodyPose.STATE_DEGRADED

    def _on_clock_back(self) -> None:
        if self._inputs is not None:
            self._inputs.start_afresh()

    def _publish_diagnostics(self) -> None:
        if self._inputs is not None:
            self._inputs.look_around()
        if self._worker is not None:  # poses may never be begun, where the clock stands
            self._watch.look(self._health, self.now_ns())
        name = self.get_fully_qualified_name().lstrip('/')
        facts = self._facts | self._watch.clock.facts | ({} if self._learner is None else self._learner.facts)
        idle = self._watch.idle(busy=self._worker is not None and self._worker.busy)
        if self._rivals is not None and self._rivals.look():
            self.trigger_deactivate()
        rivals = () if self._rivals is None else self._rivals.found
        now_ns, stamp_ns = self.now_ns(), self._stamp_now_ns()
        told = (self._health, self._silence.silent, facts, name, self.state, now_ns, stamp_ns, idle, rivals)
        self._diagnostics.publish(serialized(diagnostics_from(*told)))


def main(args: list[str] | None = None) -> None:
    """Run the node; executable knows this module, and so is imported only here."""
    from inpose_ros.node.executable import run

    run(args)
