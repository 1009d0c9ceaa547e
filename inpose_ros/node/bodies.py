"""Several bodies in one process: a node for each, in a namespace of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

from rclpy.node import Node

from inpose_ros.errors import ParameterError
from inpose_ros.node import parameters
from inpose_ros.node.factory import SharedNetworks, build_solver
from inpose_ros.node.parameters import NodeParameters

BodyNode = TypeVar('BodyNode', bound=Node)


@dataclass(frozen=True)
class Body:
    """Whom a node tracks, and the namespace of its topics, services and parameters."""

    name: str
    namespace: str

    @property
    def defaults(self) -> NodeParameters:
        """What holds for this body where nobody says otherwise: frames and an identifier of its own."""
        return NodeParameters(frame_prefix=f'{self.namespace.strip("/")}/', body_id=self.name)

    @property
    def arguments(self) -> list[str]:
        """The namespace as ROS arguments of the node, which go before those of the process (`-r __ns:=/lab`)."""
        return ['--ros-args', '-r', f'__ns:={self.namespace}']


def named_bodies() -> tuple[Body, ...]:
    """The bodies that this process is to track; none where `bodies` names none.

    The parameter is read by a plain node that goes away again, as the bodies' own nodes do not exist yet.

    Raises:
        ParameterError: they cannot be told apart; the text says why.
    """
    node = Node('inpose', enable_rosout=False, start_parameter_services=False)
    try:
        return tuple(Body(name, f'{node.get_namespace().rstrip("/")}/{name}') for name in parameters.bodies(node))
    finally:
        node.destroy_node()


def body_nodes(
    make: Callable[..., BodyNode], bodies: Sequence[Body], factory: Callable | None = None, **options: object
) -> list[BodyNode]:
    """A node for each body; for none, the one that the process's arguments are about.

    Args:
        make: of InPoseNode's arguments.
        factory: of solvers; None: networks that all bodies share.

    Raises:
        ParameterError: two bodies would publish the same frames.
    """
    if not bodies:
        return [make(factory or build_solver, **options)]
    factory = factory or SharedNetworks(len(bodies)).build_solver
    nodes = [make(factory, defaults=body.defaults, cli_args=body.arguments, **options) for body in bodies]
    prefixes = [node.get_parameter_or('frame_prefix').value for node in nodes]
    for (one, prefix), (other, second) in combinations(zip(bodies, prefixes), 2):
        if prefix is not None and prefix == second:
            for node in nodes:
                node.destroy_node()
            raise ParameterError(
                f'frame_prefix is {prefix!r} for {one.name} and {other.name}, whose frames would be the same on /tf; '
                f'leave it out, for {one.name}/ and {other.name}/, or give each one of its own'
            )
    return nodes
