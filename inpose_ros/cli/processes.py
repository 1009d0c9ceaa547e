"""The package's ROS executables as child processes."""

import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml
from ament_index_python.packages import PackageNotFoundError, get_package_prefix, get_package_share_directory

from inpose_ros.errors import ParameterError

_PACKAGE = 'inpose_ros'


def config(name: str) -> Path:
    """A file of the package's config folder, as installed."""
    return Path(_found(get_package_share_directory)) / 'config' / name


def _found(look_up: object) -> str:
    try:
        return look_up(_PACKAGE)
    except PackageNotFoundError:
        raise ParameterError(
            'inpose_ros is not built for ROS 2 here: run `make setup` and `. setup/env.sh`, or build it with colcon '
            'and source its setup file'
        ) from None


def executable_path(name: str) -> Path:
    """An executable of the package, as installed."""
    return Path(_found(get_package_prefix)) / 'lib' / _PACKAGE / name


@contextmanager
def started(executable: str, sensors: Path, params: Mapping[str, object]) -> Iterator[subprocess.Popen]:
    """Run an executable with a file of parameters and some more; it is ended by SIGINT when the block is left."""
    arguments = [
        f'{name}:={yaml.safe_dump(value, default_flow_style=True).splitlines()[0]}' for name, value in params.items()
    ]
    command = [str(executable_path(executable)), '--ros-args', '--params-file', str(sensors)]
    child = subprocess.Popen([*command, *(word for argument in arguments for word in ('-p', argument))])
    try:
        yield child
    finally:
        _end(child)


def _end(child: subprocess.Popen, patience: float = 5.0) -> None:
    """Ask to end; insist after `patience` [s]."""
    for ask in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        if child.poll() is not None:
            return
        child.send_signal(ask)
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            continue
