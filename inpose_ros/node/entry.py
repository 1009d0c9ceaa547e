"""The first lines of an executable: what takes long, or may not be there, is imported here without a traceback.

Only the standard library is imported at the top.
"""

import os
import sys
from importlib import import_module
from pathlib import Path

from inpose_ros.node import stopping

# Where the build leaves which virtual environment it ran in: share/inpose_ros/ of the prefix that lib/inpose_ros is in.
_BUILT_IN = Path('share') / 'inpose_ros' / 'virtual_env'


def run(module: str, look: bool = False) -> None:
    """Run `main` of a module; where one that it needs is not there, end with status 1 and say what would do.

    Args:
        look: have DDS look for other processes during the imports (process.look_for_others).
    """
    stopping.listen()
    try:
        if look:
            import_module('inpose_ros.node.process').look_for_others()
        main = import_module(module).main
    except ModuleNotFoundError as error:
        sys.exit(missing(error))
    main()


def missing(error: ModuleNotFoundError) -> str:
    """What to do about a module that is not there."""
    name = (error.name or str(error)).partition('.')[0]
    what = f'inpose_ros needs {name}, which {sys.executable} cannot import'
    if name in ('rclpy', 'rcl_interfaces', 'lifecycle_msgs', 'ament_index_python') or name.endswith('_msgs'):
        return f'{what}: source ROS 2 and the workspace in this terminal, `. install/setup.bash`'
    if 'inpose_ros' in (error.name or ''):
        return f'{what} ({error.name}): build the workspace with colcon, and `. install/setup.bash` in this terminal'
    return f'{what}: {_environment()}'


def _environment() -> str:
    """How to get at what pip has installed, which each new terminal has to be told."""
    built_in = _virtual_env()
    if os.environ.get('VIRTUAL_ENV'):
        return 'run `pip install -r requirements.txt -c constraints.txt` of inpose_ros in this virtual environment'
    if built_in and (built_in / 'bin' / 'activate').is_file():
        return f'run `. {built_in}/bin/activate` in this terminal, then start again'
    return (
        'run `. .venv/bin/activate` in this terminal, in the virtual environment into which the requirements.txt of '
        'inpose_ros was installed, then start again'
    )


def _virtual_env() -> Path | None:
    """The virtual environment in which this package was built, if any."""
    for prefix in filter(None, os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)):
        path = Path(prefix) / _BUILT_IN
        if path.is_file():
            text = path.read_text().strip()
            return Path(text) if text else None
    return None
