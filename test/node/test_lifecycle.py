"""The life of the node: configuring, activating, and what keeps it from that."""

import threading

import pytest
import torch
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from sensor_msgs.msg import JointState

from inpose_ros.errors import DeviceError
from inpose_ros.node.parameters import NodeParameters

from .conftest import Stage, StandInSolver, counts, rising, stamps


def change(stage: Stage, transition: int) -> bool:
    request = ChangeState.Request(transition=Transition(id=transition))
    return stage.call(ChangeState, 'inpose/change_state', request).success


def test_it_goes_through_its_life_by_services(stage, wearer):
    joints = stage.heard(JointState, 'joint_states')
    node = stage.node()
    assert change(stage, Transition.TRANSITION_CONFIGURE) and node.state == 'inactive'
    stage.spin_for(0.2)
    assert not joints, 'an inactive node publishes nothing'
    assert change(stage, Transition.TRANSITION_ACTIVATE)
    stage.until(lambda: joints)
    assert change(stage, Transition.TRANSITION_DEACTIVATE)
    stage.spin_for(0.1)
    joints.clear()
    stage.spin_for(0.2)
    assert not joints
    assert change(stage, Transition.TRANSITION_CLEANUP) and node.state == 'unconfigured'
    assert not [s for s in node.subscriptions if s.topic_name.endswith('/pose')]
    assert change(stage, Transition.TRANSITION_CONFIGURE) and change(stage, Transition.TRANSITION_ACTIVATE)
    stage.until(lambda: joints)
    assert change(stage, Transition.TRANSITION_ACTIVE_SHUTDOWN) and node.state == 'finalized'


def test_with_autostart_it_becomes_active_by_itself(stage):
    node = stage.node(autostart=True)
    stage.until(lambda: node.state == 'active')


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({'head__joint': 'skull'}, 'head.joint'),
        ({'head__type': 'sonar'}, 'head.type'),
        ({'body__stature': 0.2}, 'stature'),
        ({'body__bones': '/nowhere/bones.yaml'}, 'bones file'),
        ({'rate': 0.0}, 'rate must be'),
    ],
)
def test_what_cannot_be_configured_fails_with_the_reason_and_the_node_stays_up(stage, capfd, values, words):
    node = stage.node(autostart=True, **values)
    stage.spin_for(0.1)
    assert node.state == 'unconfigured'
    said = capfd.readouterr().err
    assert 'not configured: ' in said and words in said


def test_cuda_without_a_gpu_fails_to_configure_with_the_reason(stage, capfd):
    if torch.cuda.is_available():
        pytest.skip('there is a GPU')

    def on_device(params: NodeParameters, skeleton: object) -> StandInSolver:
        select_device = pytest.importorskip('inpose_ros.diffusion.solver').select_device
        select_device(params.device)
        return StandInSolver(skeleton)

    node = stage.node(on_device, device='cuda')
    assert not change(stage, Transition.TRANSITION_CONFIGURE) and node.state == 'unconfigured'
    assert 'not configured: ' in capfd.readouterr().err


def test_an_error_of_the_solver_fails_to_configure_with_its_text(stage, capfd):
    def refused(params: NodeParameters, skeleton: object) -> StandInSolver:
        raise DeviceError('no GPU here; choose device: cpu')

    node = stage.node(refused)
    node.trigger_configure()
    assert node.state == 'unconfigured' and 'not configured: no GPU here' in capfd.readouterr().err


def test_without_a_stature_it_says_that_it_assumes_an_average_body(stage, capfd):
    stage.active()
    assert 'assuming an average body' in capfd.readouterr().err


def test_with_a_stature_the_body_has_it(stage, capfd):
    node = stage.active(body__stature=1.9)
    assert node._tracker.solver.skeleton.stature == pytest.approx(1.9)
    assert 'average body' not in capfd.readouterr().err


def test_an_error_in_the_solver_is_told_with_its_text_and_poses_go_on_after_it(stage, wearer, capfd):
    class Broken(StandInSolver):
        broken = True

        def solve(self, *args: object) -> object:
            if self.broken:
                raise ZeroDivisionError('one over none')
            return super().solve(*args)

    told, joints = stage.heard(DiagnosticArray, '/diagnostics'), stage.heard(JointState, 'joint_states')
    node = stage.active(solver=lambda params, skeleton: Broken(skeleton))
    stage.until(lambda: told and 'internal_error: ZeroDivisionError: one over none' in told[-1].status[0].message)
    assert not joints and node._health.counts['internal_error'] > 1
    assert capfd.readouterr().err.count('Traceback') == 1, 'once, though every window ends so'
    node._tracker.solver.broken = False
    stage.until(lambda: joints)


def test_the_solver_is_warmed_up_before_the_first_pose_is_due(stage):
    node = stage.node()
    node.trigger_configure()
    solver = node._tracker.solver
    assert solver.warm_ups == 1 and not solver.windows


def test_a_hold_up_of_the_process_is_not_taken_for_silent_sensors(stage, wearer, capfd):
    joints = stage.heard(JointState, 'joint_states')
    stage.active()
    stage.until(lambda: joints)
    capfd.readouterr()
    threading.Event().wait(0.5)  # longer than sensor_timeout; the executor does not run meanwhile
    joints.clear()
    stage.until(lambda: len(joints) >= 3)
    assert 'no sensor is sending' not in capfd.readouterr().err


def test_a_slow_solver_drops_ticks_and_never_holds_up_the_callbacks(stage, wearer):
    class Slow(StandInSolver):
        def solve(self, *args: object) -> object:
            threading.Event().wait(0.12)
            return super().solve(*args)

    joints = stage.heard(JointState, 'joint_states')
    node = stage.active(solver=lambda params, skeleton: Slow(skeleton))
    stage.until(lambda: len(joints) >= 4)
    assert counts(node)['dropped'] >= 6
    assert node._health.rate('head', node.now_ns()) > 20


def test_a_solver_a_little_too_slow_for_the_rate_loses_no_whole_tick(stage, wearer):
    """140 ms a pose, asked for every 100 ms: poses come as fast as they are solved, not at half the rate."""

    class Slow(StandInSolver):
        def solve(self, *args: object) -> object:
            threading.Event().wait(0.14)
            return super().solve(*args)

    joints = stage.heard(JointState, 'joint_states')
    node = stage.active(solver=lambda params, skeleton: Slow(skeleton), rate=10.0)
    stage.until(lambda: len(joints) >= 15)
    assert counts(node)['dropped'] > 0 and rising(stamps(joints))
    assert node._health.pose_rate(node.now_ns()) > 5.5  # half the rate: 5


def without_further_ticks(stage, wearer):
    """Poses heard so far, and a node of 5 Hz that nothing new has come to and whose other timer alone goes on."""
    joints = stage.heard(JointState, 'joint_states')
    node = stage.active(rate=5.0)
    stage.until(lambda: joints)
    wearer.stop()
    stage.spin_for(0.5)
    node._trigger.steady.cancel()
    return joints, node


def test_a_tick_that_finds_nothing_new_is_made_up_for_when_something_comes(stage, wearer):
    joints, node = without_further_ticks(stage, wearer)
    known = len(joints)
    node._trigger.tick()
    wearer.send()
    stage.until(lambda: len(joints) == known + 1, timeout=2.0)


def test_a_tick_waits_for_a_message_that_is_just_about_to_come(stage, wearer):
    joints, node = without_further_ticks(stage, wearer)
    node._trigger.tick()  # what had come before
    stage.spin_for(0.2)
    known, asked = len(joints), []
    node._inputs.forecast.wait_ns = lambda now_ns, newest_ns, most_ns: asked.append(most_ns) or 40_000_000
    node._trigger.tick()
    wearer.send()
    stage.until(lambda: len(joints) == known + 1, timeout=2.0)
    assert 50_000_000 < asked[0] <= 60_000_000  # three tenths of the time between two ticks
