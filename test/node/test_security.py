"""The SROS 2 policy allows what the nodes have, and nothing else; and nothing that is read can run code."""

import ast
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from rclpy.node import Node
from rclpy.parameter import Parameter

from inpose_ros.node.player import PlayerNode

from .conftest import Stage, stand_in

ROOT = Path(__file__).parents[2]
POLICY = ROOT / 'config' / 'security' / 'inpose.policy.xml'
# Allowed by the policy, but there only with use_sim_time.
SIMULATED = {('subscriber', '/clock')}
KINDS = {
    ('topics', 'publish'): 'publisher',
    ('topics', 'subscribe'): 'subscriber',
    ('services', 'reply'): 'service',
    ('services', 'request'): 'client',
}
# Calls that read a file and can run what is in it, or run a text.
DANGEROUS = {'eval', 'exec', 'pickle.load', 'pickle.loads', 'yaml.load', 'yaml.unsafe_load', 'os.system', 'joblib.load'}


def allowed(enclave: str) -> set[tuple[str, str]]:
    """What the policy lets an enclave have: (kind, full name)."""
    (found,) = [row for row in ET.parse(POLICY).getroot().iter('enclave') if row.get('path') == enclave]
    (profile,) = found.iter('profile')
    namespace, node = profile.get('ns').rstrip('/'), profile.get('node')
    rows = set()
    for group in profile:
        ((direction, rule),) = group.attrib.items()
        assert rule == 'ALLOW'
        for name in group:
            assert name.tag == group.tag.removesuffix('s')
            full = name.text if name.text.startswith('/') else f'{namespace}/{name.text.replace("~", node)}'
            assert (KINDS[group.tag, direction], full) not in rows
            rows.add((KINDS[group.tag, direction], full))
    return rows


def had(node: Node) -> set[tuple[str, str]]:
    """What a node has, by ROS's own graph, its namespace cut off."""
    name, namespace = node.get_name(), node.get_namespace()
    return {
        (kind, full.removeprefix(namespace) if namespace != '/' else full)
        for kind in KINDS.values()
        for full, _ in getattr(node, f'get_{kind}_names_and_types_by_node')(name, namespace)
    }


@pytest.fixture
def worn() -> dict[str, object]:
    """The sensors of demo.yaml, on which the policy is written."""
    rows = yaml.safe_load((ROOT / 'config' / 'sensors' / 'demo.yaml').read_text())['/**']['ros__parameters']
    return {'sensors': rows['sensors']}


def agrees(stage: Stage, node: Node, enclave: str) -> bool:
    """The graph takes a moment to know of all."""
    stage.until(lambda: had(node) | SIMULATED == allowed(enclave) or not had(node) <= allowed(enclave))
    assert had(node) - allowed(enclave) == set()
    return True


def test_the_policy_is_of_the_schema_that_sros_2_reads():
    root = ET.parse(POLICY).getroot()
    assert root.tag == 'policy' and root.get('version') == '0.2.0'
    assert [part.tag for part in root] == ['enclaves']
    paths = [row.get('path') for row in root.find('enclaves')]
    assert paths == [f'/inpose_ros/{name}' for name in ('inpose', 'inpose_play', 'arm_follower', 'operator')]
    for profile in root.iter('profile'):
        assert set(profile.attrib) == {'ns', 'node'} and {group.tag for group in profile} <= {'topics', 'services'}


def test_the_tracker_is_allowed_all_that_it_has_and_nothing_else(stage, worn):
    node = stage.active(solver=stand_in, **worn)
    assert agrees(stage, node, '/inpose_ros/inpose')


def test_the_player_is_allowed_all_that_it_has_and_nothing_else(stage, worn):
    values = [Parameter('sensors', value=worn['sensors']), Parameter('seconds', value=1.0)]
    node = PlayerNode(namespace=stage.namespace, parameter_overrides=values)
    stage.nodes.append(node)
    assert agrees(stage, node, '/inpose_ros/inpose_play')


def test_the_consumer_is_allowed_all_that_it_has_and_nothing_else(stage):
    example = pytest.importorskip('inpose_ros.examples.arm_follower', reason='needs requirements-examples.txt')
    node = example.ArmFollower(namespace=stage.namespace)
    stage.nodes.append(node)
    assert agrees(stage, node, '/inpose_ros/arm_follower')


def test_what_the_operator_may_ask_for_is_answered_by_the_tracker():
    asked = {name for kind, name in allowed('/inpose_ros/operator') if kind == 'client'}
    answered = {name for kind, name in allowed('/inpose_ros/inpose') if kind == 'service'}
    assert {'/inpose/calibrate', '/inpose/reset'} <= asked <= answered


def test_the_enclaves_of_the_launch_file_are_those_of_the_policy():
    named = set(re.findall(r"'(/inpose_ros/\w+)'", (ROOT / 'launch' / 'inpose.launch.py').read_text()))
    assert named == {'/inpose_ros/inpose', '/inpose_ros/inpose_play'}
    assert all(allowed(enclave) for enclave in named)


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for call in ast.walk(ast.parse(path.read_text())):
        if isinstance(call, ast.Call):
            yield ast.unparse(call.func), call


def test_nothing_that_is_read_can_run_code():
    """Weights are safetensors, YAML is read by safe_load; a training state is a pickle that may hold tensors only."""
    sources = [
        path for folder in ('inpose_ros', 'launch', 'scripts') for path in (ROOT / folder).rglob('*') if is_code(path)
    ]
    assert len(sources) > 50
    for path in sources:
        for name, call in calls(path):
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            assert name not in DANGEROUS, f'{path} calls {name}'
            assert name != 'torch.load' or given.get('weights_only') == 'True', path
            assert name != 'np.load' or given.get('allow_pickle') == 'False', path
            assert given.get('shell', 'False') == 'False', path


def is_code(path: Path) -> bool:
    return path.suffix == '.py' or path.parent.name == 'scripts'
