"""robot_state_publisher beside the tracker: what it shows once the bones were estimated anew, with and without help."""

import io
from collections import defaultdict

import numpy as np
import pytest
import yourdfpy
from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from rclpy.parameter import Parameter
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage

from inpose_ros.examples.beside_robot_state_publisher import Besides
from inpose_ros.msg import BodyPose
from inpose_ros.node import qos
from inpose_ros.node.conversions.stamp import ns_from_stamp

from .conftest import stamps
from .test_bone_updates import longer_arms

ROOT = 'human/pelvis'


class StandIn(Node):
    """What robot_state_publisher 3.3.3 does, by its source.

    The URDF is a parameter that may be set anew; each joint state becomes its transforms, with its stamp, but no more
    than 20 a second do; nothing is said of the root.
    """

    def __init__(self, namespace: str, model: str) -> None:
        super().__init__('robot_state_publisher', namespace=namespace)
        self.declare_parameter('robot_description', model)
        self.add_post_set_parameters_callback(lambda rows: self._set_up(rows[0].value))
        self._set_up(model)
        self._tf = self.create_publisher(TFMessage, '/tf', qos.TF)
        self.create_subscription(JointState, 'joint_states', self._say, qos.SENSOR)

    def _set_up(self, model: str) -> None:
        self.model, self._said_ns = model, 0
        self._joints = {joint.name: joint for joint in loaded(model).robot.joints}

    def _say(self, message: JointState) -> None:
        stamp_ns = ns_from_stamp(message.header.stamp)
        if stamp_ns < self._said_ns + 50_000_000:
            return
        self._said_ns = stamp_ns
        rows = []
        for name, angle in zip(message.name, message.position, strict=True):
            joint = self._joints[name]
            turn = Rotation.from_matrix(joint.origin[:3, :3]) * Rotation.from_rotvec(angle * np.array(joint.axis))
            row = TransformStamped(child_frame_id=joint.child)
            row.header.stamp, row.header.frame_id = message.header.stamp, joint.parent
            where, rotation = row.transform.translation, row.transform.rotation
            where.x, where.y, where.z = joint.origin[:3, 3].tolist()
            rotation.x, rotation.y, rotation.z, rotation.w = turn.as_quat().tolist()
            rows.append(row)
        self._tf.publish(TFMessage(transforms=rows))


def loaded(model: str) -> yourdfpy.URDF:
    return yourdfpy.URDF.load(io.BytesIO(model.encode()), load_meshes=False, build_scene_graph=True)


class Heard:
    """All that is on /tf, by stamp and frame, and what the tracker says."""

    def __init__(self, stage) -> None:
        self.frames: dict[int, dict[str, TransformStamped]] = defaultdict(dict)
        self._tf = stage.heard(TFMessage, '/tf', qos.TF)
        self.joints = stage.heard(JointState, 'joint_states')
        self.bodies = stage.heard(BodyPose, 'body_pose')
        self.models = stage.heard(String, 'human_description', qos.LATCHED)

    def whole(self) -> list[int]:
        """The stamps of which everything was heard."""
        for message in self._tf:
            for row in message.transforms:
                self.frames[ns_from_stamp(row.header.stamp)][row.child_frame_id] = row
        self._tf.clear()
        known = set(stamps(self.joints)) & set(stamps(self.bodies))
        return [stamp for stamp in self.frames if stamp in known and len(self.frames[stamp]) >= 63]

    def offset(self, stamp: int, link: str) -> float:
        """How far [m] a link is on /tf from where model and joint states have it, in the pelvis' frame."""
        robot = loaded(self.models[-1].data)
        (state,) = [row for row in self.joints if stamps([row])[0] == stamp]
        robot.update_cfg(dict(zip(state.name, state.position, strict=True)))
        place = np.eye(4)
        while link != ROOT:
            row = self.frames[stamp][link]
            place, link = matrix(row) @ place, row.header.frame_id
        return float(np.linalg.norm(place[:3, 3] - robot.get_transform('human/left_wrist', ROOT)[:3, 3]))


def matrix(row: TransformStamped) -> np.ndarray:
    turn, where = row.transform.rotation, row.transform.translation
    place = np.eye(4)
    place[:3, :3] = Rotation.from_quat([turn.x, turn.y, turn.z, turn.w]).as_matrix()
    place[:3, 3] = where.x, where.y, where.z
    return place


@pytest.fixture
def grown(stage, wearer):
    """A tracker, another node if any, and a robot_state_publisher that began with the model of the beginning."""

    def grown(*others: type[Node], **values: object) -> tuple[Heard, object, StandIn]:
        heard = Heard(stage)
        node = stage.active(**values)
        stage.until(lambda: heard.models and heard.joints)
        nodes = [StandIn(stage.namespace, heard.models[0].data), *(kind(namespace=stage.namespace) for kind in others)]
        for row in nodes:
            stage.nodes.append(row)
            stage.executor.add_node(row)
        stage.until(heard.whole)
        node._learner.estimator.believe(longer_arms(0.03))
        stage.until(lambda: len(heard.models) == 2)
        stage.spin_for(0.5)
        return heard, node, nodes[0]

    return grown


def test_with_help_it_shows_the_model_of_today_where_the_body_is(stage, grown):
    heard, _, publisher = grown(Besides, publish_tf=False)
    stage.until(lambda: publisher.model == heard.models[1].data)
    heard.joints.clear()
    stage.until(lambda: [stamp for stamp in heard.whole() if ROOT in heard.frames[stamp]])
    newest = max(stamp for stamp in heard.whole() if ROOT in heard.frames[stamp])
    assert heard.offset(newest, 'human/left_wrist') < 1e-6
    (body,) = [row for row in heard.bodies if stamps([row])[0] == newest]
    root, where = heard.frames[newest][ROOT], body.position[0]
    assert root.header.frame_id == 'world' and heard.frames[newest]['human/left_wrist'].header.frame_id != 'world'
    assert matrix(root)[:3, 3] == pytest.approx([where.x, where.y, where.z])


def test_alone_it_shows_the_model_that_it_was_given_once(stage, grown):
    heard, _, _ = grown(publish_tf=False)
    heard.joints.clear()
    stage.until(heard.whole)
    newest = max(heard.whole())
    assert heard.offset(newest, 'human/left_wrist') > 0.01
    assert ROOT not in heard.frames[newest]


def test_one_that_starts_later_is_handed_the_model_too(stage, wearer):
    heard = Heard(stage)
    stage.active(publish_tf=False)
    besides = Besides(namespace=stage.namespace)
    stage.nodes.append(besides)
    stage.executor.add_node(besides)
    stage.until(lambda: besides._model)
    publisher = StandIn(stage.namespace, heard.models[0].data.replace('anonymous', 'somebody'))
    stage.nodes.append(publisher)
    stage.executor.add_node(publisher)
    stage.until(lambda: publisher.model == heard.models[0].data)


def test_without_publish_tf_false_it_is_named(stage, grown):
    _, node, _ = grown()
    node._rivals.look()
    assert node.state == 'active' and any('robot_state_publisher' in text for text in node._rivals.found)


def test_a_model_that_is_not_taken_is_told(stage, capfd):
    besides = Besides(namespace=stage.namespace)
    stage.nodes.append(besides)

    class Refused:
        def result(self) -> object:
            result = type('Result', (), {'successful': False, 'reason': 'Empty URDF is not allowed'})
            return type('Response', (), {'results': [result]})

    besides._check(Refused())
    assert 'did not take the model: Empty URDF' in capfd.readouterr().err


def test_its_parameter_names_another_target(stage):
    given = [Parameter('target', value='mine')]
    besides = Besides(namespace=stage.namespace, parameter_overrides=given)
    stage.nodes.append(besides)
    assert besides._set.srv_name.endswith('mine/set_parameters')
