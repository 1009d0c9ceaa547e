"""What every test gets: checked shapes, a ROS domain of its own, one thread."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKED_ROOMS = ['geometry', 'body', 'sensing', 'diffusion', 'motion']
CHECKOUT = Path(__file__).resolve().parent.parent

# Before rclpy is imported: neither another test run nor a robot on the network may hear these tests.
os.environ['ROS_DOMAIN_ID'] = os.environ.get('INPOSE_TEST_DOMAIN') or str(1 + os.getpid() % 100)
os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')

# Before the package is imported: the shapes written in annotations are checked at every call.
if importlib.util.find_spec('beartype') and importlib.util.find_spec('jaxtyping'):
    from jaxtyping import install_import_hook

    install_import_hook([f'inpose_ros.{room}' for room in CHECKED_ROOMS], 'beartype.beartype')


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption('--write-golden', action='store_true', help='write the files of test/golden anew')


def pytest_configure() -> None:
    import torch

    torch.set_num_threads(1)  # two spin against each other where anything else runs


@pytest.fixture(scope='session')
def ros() -> Iterator[None]:
    """One context for all tests that talk through ROS."""
    import rclpy

    rclpy.init()
    yield
    rclpy.try_shutdown()


@pytest.fixture(scope='session')
def data_folder() -> Path:
    """The motion data, which is not part of the repository."""
    folder = Path(os.environ.get('INPOSE_DATA', CHECKOUT.parent / 'shared' / 'data'))
    if not folder.is_dir():
        pytest.skip(f'no motion data in {folder}; name its folder in the environment variable INPOSE_DATA')
    return folder
