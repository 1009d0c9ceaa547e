"""The parts that the parameters ask for."""

import torch
from threadpoolctl import threadpool_info, threadpool_limits

from inpose_ros.body.skeleton import Skeleton
from inpose_ros.node.building import build_solver
from inpose_ros.node.parameters import NodeParameters


def test_the_network_has_the_threads_that_were_asked_for_and_numpy_one() -> None:
    before = torch.get_num_threads()
    with threadpool_limits(2, 'blas'):
        build_solver(NodeParameters(backend='torch', device='cpu', threads=2), Skeleton.mean())
        pools = [pool['num_threads'] for pool in threadpool_info() if pool['user_api'] == 'blas']
        threads = torch.get_num_threads()
    torch.set_num_threads(before)
    assert threads == 2 and pools and set(pools) == {1}
