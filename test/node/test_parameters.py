from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from rcl_interfaces.srv import DescribeParameters, SetParameters
from rclpy.exceptions import ParameterNotDeclaredException
from rclpy.node import Node
from rclpy.parameter import Parameter

from inpose_ros.errors import ParameterError
from inpose_ros.node import parameters
from inpose_ros.node.parameters import NodeParameters, SensorParameters

CONFIG = Path(__file__).parents[2] / 'config'


@pytest.fixture
def made(ros: None) -> Iterator[Callable[..., Node]]:
    """A plain node with these parameter values, on which parameters can be declared and read."""
    nodes = []

    def make(arguments: list[str] | None = None, **values: object) -> Node:
        overrides = [Parameter(name.replace('__', '.'), value=value) for name, value in values.items()]
        nodes.append(Node('inpose', cli_args=arguments, parameter_overrides=overrides))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()


def test_defaults_are_head_and_wrists_at_30_hz(made):
    own, sensors = NodeParameters.read(made())
    assert own.sensors == ('head', 'left_wrist', 'right_wrist') and own.rate == 30.0 and own.device == 'auto'
    assert sensors['head'] == SensorParameters()


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({'rate': 0.5}, 'rate must be between 1 and 120'),
        ({'rate': 30}, 'rate has the wrong type; write it like 30.0'),
        ({'device': 'tpu'}, 'must be one of auto, cpu, cuda'),
        ({'method': 'magic'}, 'must be one of inpose, window, paper'),
        ({'sensors': ['head', 'head']}, 'each sensor worn once'),
        ({'sensors': ['my head']}, 'a name is letters'),
        ({'head__joint': 'skull'}, "head.joint is 'skull'; it must be one of pelvis, left_hip"),
        ({'sensors': ['waist']}, "waist.joint is 'waist'"),
        ({'head__type': 'radar'}, 'must be one of pose, pose_cov, odometry, tf, imu'),
        ({'head__type': 'tf'}, 'names the frame to look up'),
        ({'head__type': 'imu', 'head__topic': 'x', 'left_wrist__topic': 'x'}, 'share the topic x'),
        ({'head__mount': [0.0, 0.0, 0.0]}, 'seven finite numbers'),
        ({'head__mount': [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]}, 'quaternion of length 0.000'),
        ({'head__mount': [0.0, 0.0, float('nan'), 1.0, 0.0, 0.0, 0.0]}, 'seven finite numbers'),
        ({'head__position_stddev': 0.0}, 'head.position_stddev must be between 0.0001 and 1'),
        ({'head__topic': 'a b'}, 'head.topic'),
        ({'floor_height': float('nan'), 'body__estimate': False}, 'floor_height is nan; write -100 to 100'),
        ({'floor_height': 101.0}, 'floor_height is 101; write -100 to 100'),
        ({'world_frame': ''}, 'world_frame'),
        ({'frame_prefix': '/human/'}, 'no leading /'),
        ({'body__stature': -1.0}, 'body.stature must be between 0 and 2.6'),
        ({'seed': -1}, 'seed must be between'),
    ],
)
def test_a_value_that_will_not_do_is_told_with_one_that_would(made, values, words):
    with pytest.raises(ParameterError) as error:
        NodeParameters.read(made(**values))
    assert words in str(error.value)


def test_a_floor_that_is_to_be_estimated_is_nan(made):
    own, _ = NodeParameters.read(made(floor_height=float('nan')))
    assert own.floor_height != own.floor_height


def test_declaring_early_leaves_a_bad_value_to_be_told_when_the_node_configures(made):
    node = made(rate=0.5)
    parameters.declare(node)
    assert node.get_parameter('device').value == 'auto'
    with pytest.raises(ParameterNotDeclaredException):
        node.get_parameter('rate')
    with pytest.raises(ParameterError, match='rate'):
        NodeParameters.read(node)


def test_every_parameter_has_a_meaning_and_every_number_has_bounds(made):
    node = made()
    parameters.declare(node)
    for name, parameter in node.get_parameters_by_prefix('').items():
        if name in ('use_sim_time', 'start_type_description_service'):
            continue
        descriptor = node.describe_parameter(name)
        assert descriptor.description.endswith('.') or descriptor.description[-1] in ']x', name
        if name == 'floor_height':  # whose NaN a range would refuse; it is checked when the node configures
            continue
        if isinstance(parameter.value, (int, float)) and not isinstance(parameter.value, bool):
            assert descriptor.floating_point_range or descriptor.integer_range, name


def test_the_example_of_all_parameters_holds_every_one_at_its_default(made):
    node = made(['--ros-args', '--params-file', str(CONFIG / 'inpose.yaml')])
    given = set(node._parameter_overrides)
    own, sensors = NodeParameters.read(node)
    declared = set(node.get_parameters_by_prefix('')) - {'use_sim_time', 'start_type_description_service'}
    assert given == declared
    assert own == NodeParameters()
    assert all(row == SensorParameters(joint=name) for name, row in sensors.items())


@pytest.mark.parametrize('path', sorted((CONFIG / 'sensors').glob('*.yaml')), ids=lambda path: path.stem)
def test_every_sensors_file_loads_and_has_no_entry_that_nobody_reads(made, path):
    node = made(['--ros-args', '--params-file', str(path)])
    given = set(node._parameter_overrides)
    own, sensors = NodeParameters.read(node)
    assert set(own.sensors) == set(sensors)
    assert given <= set(node.get_parameters_by_prefix(''))
    assert yaml.safe_load(path.read_text())['/**']['ros__parameters']['sensors'] == list(own.sensors)


def test_while_configured_a_mount_can_be_set_and_the_rate_cannot(stage):
    node = stage.active()
    client = stage.other.create_client(SetParameters, 'inpose/set_parameters')
    stage.until(client.service_is_ready)
    wanted = [
        Parameter('rate', value=20.0),
        Parameter('head.mount', value=[0.0, 0.0, 0.0]),
        Parameter('head.mount', value=[0.1, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
    ]
    request = SetParameters.Request(parameters=[parameter.to_parameter_msg() for parameter in wanted])
    rate, short, good = stage.call(SetParameters, 'inpose/set_parameters', request).results
    assert not rate.successful and 'deactivate and clean up first' in rate.reason
    assert not short.successful and 'seven finite numbers' in short.reason
    assert good.successful
    assert node._inputs.sensors[0].T_joint_sensor.translation.tolist() == [0.1, 0.0, 0.0]


def test_tools_see_bounds_and_meaning(stage):
    stage.node()
    request = DescribeParameters.Request(names=['rate'])
    (rate,) = stage.call(DescribeParameters, 'inpose/describe_parameters', request).descriptors
    assert rate.floating_point_range[0].to_value == 120.0 and 'second' in rate.description
