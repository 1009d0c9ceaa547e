"""The body is learnt while it is tracked: when it is looked at, when a new model is out, what outputs then say."""

from types import SimpleNamespace

import numpy as np
import pytest
import yourdfpy
from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage

from inpose_ros.body.proportions import BodyGuess
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.node import qos
from inpose_ros.node.bone_updates import BoneUpdates
from inpose_ros.node.conversions.stamp import ns_from_stamp

from .conftest import StandInEstimator, stamps, values_of
from .test_tracker_node import placed_by_tf

MEAN = Skeleton.mean()
ARM = MEAN.lengths[18]


@pytest.fixture
def estimator() -> StandInEstimator:
    return StandInEstimator(None, None, BodyGuess.unknown())


def window(seconds: float) -> SimpleNamespace:
    return SimpleNamespace(stamp_ns=round(seconds * 1e9))


def longer_arms(metres: float) -> Skeleton:
    return MEAN.with_groups({'arms': float(1 + metres / ARM)})


@pytest.mark.parametrize(('metres', 'is_new'), [(0.009, False), (0.011, True)])
def test_bones_are_taken_up_when_one_moved_by_a_centimetre(estimator, metres, is_new):
    learner = BoneUpdates(estimator)
    before = learner.skeleton
    estimator.believe(longer_arms(metres))
    learner.look(window(1.0))
    assert (learner.skeleton is not before) == is_new


def test_small_changes_add_up_to_a_new_model(estimator):
    learner = BoneUpdates(estimator)
    for step in range(1, 4):
        estimator.believe(longer_arms(0.004 * step))
        learner.look(window(float(step)))
    assert learner.skeleton is estimator.estimate.skeleton


def test_a_body_is_looked_at_twice_a_second_and_less_once_it_is_sure(estimator):
    learner = BoneUpdates(estimator)
    looks = []
    for frame in range(900):
        if learner.is_due(round(frame / 30 * 1e9)):
            learner.look(window(frame / 30))
            looks.append(frame / 30)
    gaps = np.diff(looks)
    assert gaps[0] == pytest.approx(0.5) and gaps[-1] == pytest.approx(2.0)


def test_a_look_is_taken_in_parts_and_the_next_begins_after_its_end(estimator):
    learner = BoneUpdates(estimator)
    seen = []
    for frame in range(60):
        learner.learn(window(frame / 30))
        seen.append(estimator.observations)
    assert seen[:2] == [0, 10]  # the stand-in's look has two parts
    assert np.diff(seen).nonzero()[0].tolist() == [0, 15, 30, 45]


def test_of_somebody_else_no_look_at_the_one_before_is_finished(estimator):
    learner = BoneUpdates(estimator)
    learner.learn(window(1.0))
    learner.start_again()
    learner.learn(window(1.1))
    assert estimator.observations == 0
    learner.learn(window(1.2))
    assert estimator.observations == 10


def test_a_model_that_is_old_is_renewed_for_less(estimator):
    learner = BoneUpdates(estimator)
    estimator.believe(longer_arms(0.006))
    learner.look(window(1.0))
    assert learner.skeleton is not estimator.estimate.skeleton
    learner.look(window(6.1))
    assert learner.skeleton is estimator.estimate.skeleton


def test_a_sensor_that_jumps_breaks_a_look_off_and_what_is_not_believed_any_more_is_not_kept(estimator):
    learner = BoneUpdates(estimator)
    estimator.believe(MEAN.scaled(1.1))
    learner.look(window(1.0))
    learner.learn(window(1.5))  # a part
    estimator.observations = 0
    estimator.believe(MEAN)
    learner.learn(window(1.6), breaks=1)
    assert estimator.breaks == 1 and estimator.observations == 0
    assert learner.skeleton.stature == pytest.approx(MEAN.stature)


def test_a_body_of_which_little_is_trusted_is_not_saved(estimator, tmp_path):
    learner = BoneUpdates(estimator, str(tmp_path / 'body.yaml'))
    estimator.observations = 7
    learner.keep()
    assert not (tmp_path / 'body.yaml').exists()
    estimator.observations = 8
    learner.keep()
    assert (tmp_path / 'body.yaml').exists()


def test_after_time_went_back_looks_go_on(estimator):
    learner = BoneUpdates(estimator)
    learner.look(window(1000.0))
    assert not learner.is_due(round(1000.1e9))
    assert learner.is_due(round(1e9))


def test_somebody_else_is_learnt_from_the_start(estimator):
    learner = BoneUpdates(estimator)
    estimator.believe(MEAN.scaled(1.1))
    learner.look(window(1.0))
    learner.start_again()
    assert learner.is_due(round(1.1e9))
    learner.look(window(1.1))
    assert learner.skeleton.stature == pytest.approx(MEAN.stature)


def test_the_floor_follows_without_a_new_model(estimator):
    learner = BoneUpdates(estimator)
    before = learner.skeleton
    estimator.believe(before, floor=-0.1)
    learner.look(window(1.0))
    assert learner.floor_height == -0.1 and learner.skeleton is before


def test_a_new_model_is_out_exactly_when_bones_moved_and_all_outputs_are_about_it(stage, wearer, tmp_path):
    joints, tf = stage.heard(JointState, 'joint_states'), stage.heard(TFMessage, '/tf', qos.TF)
    models = stage.heard(String, 'human_description', qos.LATCHED)
    node = stage.active()
    estimator = node._learner.estimator
    stage.until(lambda: len(joints) > 5 and models and estimator.observations)
    estimator.believe(longer_arms(0.005))
    looks = estimator.observations
    stage.until(lambda: estimator.observations > looks)
    stage.spin_for(0.2)
    assert len(models) == 1
    estimator.believe(longer_arms(0.03).scaled(1.1))
    stage.until(lambda: len(models) == 2)
    known = len(joints)
    stage.until(lambda: len(joints) > known + 10)
    assert len(models) == 2
    path = tmp_path / 'human.urdf'
    path.write_text(models[-1].data)
    robot = yourdfpy.URDF.load(str(path), load_meshes=False, build_scene_graph=True)
    by_stamp = {ns_from_stamp(message.transforms[0].header.stamp): message for message in tf}
    state = next(state for state in reversed(joints) if stamps([state])[0] in by_stamp)
    robot.update_cfg(dict(zip(state.name, state.position, strict=True)))
    placed = placed_by_tf(by_stamp[stamps([state])[0]])
    for link in robot.link_map:
        difference = np.linalg.inv(placed['human/pelvis']) @ placed[link] - robot.get_transform(link, 'human/pelvis')
        assert np.abs(difference).max() < 1e-6, link


def test_the_solver_is_told_how_well_the_bones_are_known(stage, wearer):
    node = stage.active()
    stage.until(lambda: node._learner.estimator.observations)
    stage.until(lambda: getattr(node._tracker.solver, 'bone_covariance', None) is not None)
    assert node._tracker.solver.bone_covariance is node._learner.bone_covariance


def test_diagnostics_say_how_sure_the_body_is(stage, wearer):
    told = stage.heard(DiagnosticArray, '/diagnostics')
    node = stage.active()
    stage.until(lambda: node._learner.estimator.observations and told and 'body arm' in values_of(told))
    assert values_of(told)['body arm'] == '1.000 +- 0.050'
    assert values_of(told)['floor [m]'] == '0.000 +- 0.020'


def test_what_was_learnt_is_saved_and_gone_on_from(stage, wearer, tmp_path):
    path = tmp_path / 'body.yaml'
    node = stage.active(body__save=str(path))
    node._learner.estimator.believe(MEAN.scaled(1.1))
    stage.until(lambda: node._learner.estimator.observations)
    node.trigger_deactivate()
    again = stage.node(body__bones=str(path))
    again.trigger_configure()
    assert again._learner.skeleton.stature == pytest.approx(1.1 * MEAN.stature, rel=1e-3)


def test_where_the_body_cannot_be_saved_the_node_goes_on(stage, wearer, tmp_path):
    node = stage.active(body__save=str(tmp_path / 'nowhere' / 'body.yaml'))
    stage.until(lambda: node._learner.estimator.observations)
    node.trigger_deactivate()
    assert node.state == 'inactive'


def test_bones_that_were_measured_are_kept(stage, tmp_path):
    MEAN.save(tmp_path / 'bones.yaml')
    node = stage.node(body__bones=str(tmp_path / 'bones.yaml'))
    node.trigger_configure()
    assert node._learner is None


def test_nothing_is_learnt_where_that_is_not_wanted(stage):
    node = stage.node(body__estimate=False)
    node.trigger_configure()
    assert node._learner is None


def test_reset_forgets_the_body(stage, wearer):
    models = stage.heard(String, 'human_description', qos.LATCHED)
    node = stage.active()
    node._learner.estimator.believe(MEAN.scaled(1.1))
    stage.until(lambda: len(models) == 2)
    assert stage.call(Trigger, 'inpose/reset', Trigger.Request()).success
    stage.until(lambda: len(models) == 3)
    assert node._tracker.solver.skeleton.stature == pytest.approx(MEAN.stature)
