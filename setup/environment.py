"""Set up all that inpose_ros needs where no ROS is installed: `make setup`.

A virtual environment in `.venv` with ROS 2 from PyPI wheels, and the messages built by colcon into `install`. Each is
made again only if what it was made from has changed: a stamp, written last, holds a digest of that, so an interrupted
set-up is never taken for a whole one. Needs only the standard library of Python 3.10 or newer.
"""

from __future__ import annotations  # an older Python shall reach the line that says what it lacks

import argparse
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from contextlib import contextmanager
from pathlib import Path

import wheel_exports

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / '.venv'
VENV_STAMP = VENV / 'complete.json'
BUILD_STAMP = ROOT / 'install' / 'complete.json'
BUILD_FOLDERS = ['build', 'install']
REQUIREMENTS = ['requirements-ros.txt', 'requirements.txt', 'requirements-test.txt', 'requirements-examples.txt']
TORCH_INDEX = {'cpu': 'https://download.pytorch.org/whl/cpu'}
# A ROS that is already sourced would mix its libraries with those of the wheels.
FOREIGN = [
    'AMENT_PREFIX_PATH',
    'CMAKE_PREFIX_PATH',
    'COLCON_PREFIX_PATH',
    'LD_LIBRARY_PATH',
    'PYTHONPATH',
    'PYTHONHOME',
]


def main() -> None:
    """Bring `.venv` and `install` up to date; of two at once, the second waits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--torch', default='', choices=['', *TORCH_INDEX], help='cpu: without the CUDA libraries')
    parser.add_argument('--verbose', action='store_true', help='show what pip and colcon say')
    options = parser.parse_args()
    with open(ROOT / 'setup' / '.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        update_venv(options.torch, options.verbose)
        update_build(options.verbose)


# --- .venv ----------------------------------------------------------------------------------------------------------


def update_venv(torch: str, verbose: bool) -> None:
    """Install what the requirement files ask for, at the versions of constraints.txt."""
    python = {'version': sys.version, 'folder': str(VENV)}  # a virtual environment cannot be moved
    inputs = digest([ROOT / name for name in [*REQUIREMENTS, 'constraints.txt', 'setup/wheel_exports.py']])
    old = read_stamp(VENV_STAMP)
    torch = torch or old.get('torch', '')  # said once, it stays
    new = {'python': python, 'inputs': inputs, 'torch': torch}
    if old == new:
        return
    check_system()
    VENV_STAMP.unlink(missing_ok=True)
    if old.get('python') != python:
        make_venv()
    install_packages(torch, replace_torch=torch != old.get('torch', torch), verbose=verbose)
    rewrite_wheel_exports()
    write_command()
    write_stamp(VENV_STAMP, new)


def check_system() -> None:
    """Stop with the name of what is missing and how to install it."""
    if not (3, 10) <= sys.version_info[:2] <= (3, 14):
        found = '.'.join(map(str, sys.version_info[:3]))
        sys.exit(f'Python {found} will not do: the ROS 2 wheels need 3.10 to 3.14. Name one: make PYTHON=python3.12')
    missing = []
    if not shutil.which('c++') and not shutil.which('g++'):
        missing.append('g++')
    if not has_module('venv') or not has_module('ensurepip'):
        missing.append('python3-venv')
    if not (Path(sysconfig.get_path('include')) / 'Python.h').exists():
        missing.append('python3-dev')
    if missing:
        sys.exit(
            f'{" and ".join(missing)} missing, needed to build the ROS 2 messages. Install with:\n'
            f'    sudo apt-get install {" ".join(missing)}'
        )


def has_module(name: str) -> bool:
    """Debian leaves some modules of the standard library to packages of their own."""
    return importlib.util.find_spec(name) is not None


def make_venv() -> None:
    python = os.path.realpath(sys.executable)  # of the system, if this runs in the very environment to be replaced
    with step(f'making a virtual environment in {VENV.name} (Python {sys.version.split()[0]})'):
        if VENV.exists():
            shutil.rmtree(VENV)
        run([python, '-m', 'venv', VENV])


def install_packages(torch: str, replace_torch: bool, verbose: bool) -> None:
    """Torch first, since it may come from an index of its own; its dependencies come from PyPI with the rest."""
    pip = [VENV / 'bin' / 'pip', 'install', *([] if verbose else ['--quiet', '--quiet']), '-c', 'constraints.txt']
    pip += ['--disable-pip-version-check', '--no-input']
    if torch or replace_torch:
        pinned = next(line for line in (ROOT / 'requirements.txt').read_text().split() if line.startswith('torch=='))
        index = ['--index-url', TORCH_INDEX[torch]] if torch else []
        with step(f'installing {pinned} for {torch or "the default device"}'):
            run([*pip, '--no-deps', '--force-reinstall', *index, pinned])
    for file, what in zip(
        REQUIREMENTS,
        [
            'ROS 2 Kilted from wheels',
            'PyTorch and numerics (with CUDA: some GB, some minutes)',
            'what the tests need',
            'what the examples need (a robot and its kinematics: 200 MB)',
        ],
        strict=True,
    ):
        with step(f'installing {what}'):
            run([*pip, '-r', file], show=verbose)


def rewrite_wheel_exports() -> None:
    numpy_include = run([VENV / 'bin' / 'python', '-c', 'import numpy; print(numpy.get_include())']).strip()
    wheel_exports.rewrite(VENV, sysconfig.get_path('include'), numpy_include)


def write_command() -> None:
    """`.venv/bin/inpose` runs the checkout's code in its environment, from any folder."""
    command = VENV / 'bin' / 'inpose'
    command.write_text(f'#!/bin/bash\n. "{ROOT}/setup/env.sh" && exec python -m inpose_ros "$@"\n')
    command.chmod(0o755)


# --- build, install -------------------------------------------------------------------------------------------------


def update_build(verbose: bool) -> None:
    """Generate the messages and link the package's files into `install`."""
    sources = [path for folder in ['msg', 'srv', 'vendor'] for path in (ROOT / folder).rglob('*')]
    linked = [path for folder in ['launch', 'config', 'scripts'] for path in (ROOT / folder).glob('*')]
    new = {
        'sources': digest([ROOT / 'CMakeLists.txt', ROOT / 'package.xml', VENV_STAMP, *sources]),
        'linked': sorted(str(path.relative_to(ROOT)) for path in linked if path.is_file()),  # contents do not matter
    }
    old = read_stamp(BUILD_STAMP)
    if old == new:
        return
    BUILD_STAMP.unlink(missing_ok=True)
    with step('building the messages with colcon'):
        if old.get('sources') != new['sources']:
            for folder in BUILD_FOLDERS:
                shutil.rmtree(ROOT / folder, ignore_errors=True)
        run(colcon_build(), environment=build_environment(), show=verbose)
    write_stamp(BUILD_STAMP, new)


def colcon_build() -> list[str]:
    """Build this package, and the stand-in for tf2_msgs where find_package would find none."""
    packages = ['.']
    if not (VENV / 'share' / 'tf2_msgs' / 'cmake' / 'tf2_msgsConfig.cmake').exists():
        packages.append('vendor/tf2_msgs')
    return [
        *['colcon', 'build', '--symlink-install', '--base-paths', *packages],
        *['--cmake-args', '-G', 'Ninja', '-DBUILD_TESTING=OFF'],
        *[f'-DPython3_EXECUTABLE={VENV}/bin/python3', f'-DPython_EXECUTABLE={VENV}/bin/python3'],
    ]


def build_environment() -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return environment | {
        'VIRTUAL_ENV': str(VENV),
        'PATH': f'{VENV}/bin:{environment["PATH"]}',
        'AMENT_PREFIX_PATH': str(VENV),
        'CMAKE_PREFIX_PATH': str(VENV),
    }


# --- steps and stamps -----------------------------------------------------------------------------------------------


@contextmanager
def step(what: str):
    """Say what is being done, and how long it took."""
    print(f'{what} ...', flush=True)
    start = time.monotonic()
    yield
    print(f'    done in {time.monotonic() - start:.0f} s', flush=True)


def run(command: list, environment: dict[str, str] | None = None, show: bool = False) -> str:
    """Run a command at the top of the checkout; its output is kept back unless it fails."""
    command = [str(word) for word in command]
    if environment is None:
        environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    program = shutil.which(command[0], path=environment['PATH']) or command[0]
    result = subprocess.run(
        [program, *command[1:]],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=None if show else subprocess.PIPE,
        stderr=None if show else subprocess.STDOUT,
    )
    if result.returncode:
        sys.exit(f'{result.stdout or ""}\nfailed (status {result.returncode}): {" ".join(command)}')
    return result.stdout or ''


def digest(paths: list[Path]) -> str:
    """One number for the names and contents of files; folders are skipped."""
    total = hashlib.sha256()
    for path in sorted(paths):
        if path.is_file():
            total.update(f'{path.relative_to(ROOT)}\0'.encode() + path.read_bytes() + b'\0')
    return total.hexdigest()


def read_stamp(path: Path) -> dict:
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def write_stamp(path: Path, values: dict) -> None:
    path.write_text(json.dumps(values, indent=1) + '\n')


if __name__ == '__main__':
    try:
        main()
    except KeyboardInterrupt:
        sys.exit('\ninterrupted: the next `make` begins this step again')
