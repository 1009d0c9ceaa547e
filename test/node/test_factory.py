"""The parts that the parameters ask for."""

import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from inpose_ros.body.skeleton import Skeleton
from inpose_ros.node.factory import build_solver
from inpose_ros.node.parameters import NodeParameters


def _threads(backend: str) -> tuple[int, set[int]]:
    """Of PyTorch, and of the libraries behind NumPy."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    with threadpool_limits(2, 'blas'):
        build_solver(NodeParameters(backend=backend, device='cpu', threads=2), Skeleton.mean())
        pools = {pool['num_threads'] for pool in threadpool_info() if pool['user_api'] == 'blas'}
        threads = torch.get_num_threads()
    torch.set_num_threads(before)
    return threads, pools


def test_the_network_has_the_threads_that_were_asked_for_and_numpy_one() -> None:
    assert _threads('torch') == (2, {1})


def test_pytorch_has_one_thread_where_it_does_not_run_the_network() -> None:
    pytest.importorskip('openvino')
    assert _threads('openvino') == (1, {1})
