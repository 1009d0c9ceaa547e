"""Two rows of the matrix of faults through a real node: `inpose faults` plays all, and looks at the time they take."""

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from inpose_ros.body import smpl22
from inpose_ros.msg import BodyPose
from inpose_ros.node.conversions.stamp import ns_from_stamp
from inpose_ros.node.fault_outlet import Outlet
from inpose_ros.node.player import PlayerNode
from inpose_ros.tools import faults_checks as checks
from inpose_ros.tools.faults_recorder import Recorder

from .test_player import player

BEGIN, END = 1.0, 3.6
WRIST = smpl22.INDEX['left_wrist']


class Scene:
    """A node, a consumer that notes what it is told, and a motion with one fault of the left wrist's sensor."""

    def __init__(self, stage: object, path: object, fault: str) -> None:
        path.write_text(f'- {{kind: {fault}, sensors: [left_wrist], begin: {BEGIN}, end: {END}}}\n')
        self.stage = stage
        stage.active()
        self.recorder = Recorder(namespace=stage.namespace)
        stage.executor.add_node(self.recorder)
        stage.nodes.append(self.recorder)
        self.poses = stage.heard(BodyPose, 'body_pose')
        noise = {'position_noise': 0.001, 'rotation_noise': 0.005}
        self.player: PlayerNode = player(stage, faults=str(path), seconds=30.0, sensor_rate=30.0, **noise)

    def play_until(self, condition: object) -> None:
        self.stage.until(lambda: self.player.publish_due() is None or condition(), timeout=25)
        assert condition()

    def named(self) -> dict[str, str]:
        return checks.causes_named(self.recorder.told, self.player.start_ns + round(BEGIN * 1e9))

    def uses_wrist(self) -> bool:
        return bool(self.poses) and self.poses[-1].measured[WRIST]

    def is_past(self, second: float) -> bool:
        start_ns = self.player.start_ns
        return bool(self.poses) and ns_from_stamp(self.poses[-1].header.stamp) > start_ns + second * 1e9


@pytest.mark.parametrize(('kind', 'cause'), [('dropout', 'silent'), ('nan', 'not_finite')])
def test_a_consumer_is_told_the_truth_while_a_sensor_fails(stage, tmp_path, kind, cause):
    scene = Scene(stage, tmp_path / 'faults.yaml', kind)
    scene.play_until(scene.uses_wrist)
    scene.play_until(lambda: 'left_wrist' in scene.named().get(cause, ''))
    if kind == 'dropout':  # of the readings with NaN, every other one is good
        assert not scene.uses_wrist()
    scene.play_until(lambda: scene.is_past(END) and scene.uses_wrist())
    record = scene.recorder.take()
    assert record.finite and checks.time_resets(record) == 0 and len(record.joint_stamp_ns) > 10
    assert not checks.too_fast(checks.peak_velocities(record))


class _Publisher:
    def __init__(self) -> None:
        self.sent = 0

    def publish(self, message: object) -> None:
        self.sent += 1


def test_another_publisher_ends_once_it_says_nothing_more():
    made, gone = [], []

    def create() -> _Publisher:
        made.append(_Publisher())
        return made[-1]

    outlet = Outlet(create, gone.append)
    for _ in range(50):
        outlet.publish('own')
        outlet.publish('other', 'second')
    assert len(made) == 2 and not gone
    for _ in range(50):
        outlet.publish('own')
    assert gone == [made[1]] and made[0].sent == 100
    outlet.publish('other', 'second')
    assert len(made) == 3


def test_counts_go_on_from_the_last_word_before_a_motion(stage):
    recorder = Recorder(namespace=stage.namespace)
    stage.nodes.append(recorder)

    def tell(**counts: int) -> None:
        values = [KeyValue(key=f'rejected: {cause}', value=str(count)) for cause, count in counts.items()]
        status = DiagnosticStatus(level=b'\x01', name='inpose: tracking', message='late: head', values=values)
        recorder._on_diagnostics(DiagnosticArray(status=[status]))

    tell(frozen=5)
    recorder.take()
    begin_ns = recorder.now_ns()
    tell(frozen=5, nan=2)
    assert checks.causes_named(recorder.take().told, begin_ns) == {'nan': '2 x', 'late': 'head'}
