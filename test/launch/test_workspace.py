"""The README's way with a ROS 2 distribution, followed to the letter in a new workspace, where its tools are there."""

import os
import re
import shutil
import signal
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
MISSING = [name for name in ('ros2', 'colcon', 'git', 'cmake') if shutil.which(name) is None]
pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f'{", ".join(MISSING)} not installed; a ROS 2 distribution has them'),
    pytest.mark.timeout(900),
]
# Said by the README, and not done here: pip and rosdep would fetch over the network what is installed already.
ELSEWHERE = ('pip install', 'rosdep install')


def commands() -> list[str]:
    """The first block of commands under "The ROS 2 way"."""
    text = (CHECKOUT / 'README.md').read_text()
    section = text[text.index('## The ROS 2 way') :]
    return re.search(r'```bash\n(.*?)```', section, re.DOTALL).group(1).strip().splitlines()


def outside() -> dict[str, str]:
    """The environment without this checkout and what was built of it, so that only the new workspace is used."""
    own = {CHECKOUT, (CHECKOUT / 'install').resolve(), (CHECKOUT / '.venv').resolve()}

    def is_own(part: str) -> bool:
        path = Path(part).resolve()
        return ('install' in path.parts and any(parent in own for parent in path.parents)) or path == CHECKOUT

    lists = [name for name in os.environ if name.endswith('PATH') and name != 'PATH']
    kept = {name: [part for part in os.environ[name].split(':') if not is_own(part)] for name in lists}
    environment = os.environ | {name: ':'.join(parts) for name, parts in kept.items()}
    return {name: value for name, value in environment.items() if name not in ('VIRTUAL_ENV', 'INPOSE_ENVIRONMENT')}


def shell(folder: Path, lines: list[str], environment: dict[str, str], **options: object) -> subprocess.Popen:
    """Run lines in a terminal of their own; it is the process of the last one in the end."""
    script = '\n'.join(['set -e', *lines[:-1], f'exec {lines[-1]}'])
    streams = {'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT, 'text': True}
    return subprocess.Popen(['bash', '-c', script], cwd=folder, env=environment, **streams, **options)


@pytest.fixture(scope='module')
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """All of the README's commands but the last, which starts the demonstration."""
    folder = tmp_path_factory.mktemp('workspace')
    lines = [line.replace('<this repository>', str(CHECKOUT)) for line in commands()[:-1]]
    lines = [line for line in lines if not line.startswith(ELSEWHERE)]
    made = next(index for index, line in enumerate(lines) if '-m venv' in line) + 1
    # What pip would install is that of the Python at hand.
    lines.insert(
        made, f'echo {sysconfig.get_path("purelib")} > "$(echo .venv/lib/python3.*/site-packages)/installed.pth"'
    )
    built = shell(folder, [*lines, 'true'], outside())
    said = built.communicate(timeout=800)[0]
    assert built.returncode == 0, said
    yield folder


def terminal(*more: str) -> list[str]:
    return ['. install/setup.bash', *more]


def test_the_demonstration_runs_and_an_interrupt_ends_it(workspace):
    launch = commands()[-1]
    assert launch.startswith('ros2 launch inpose_ros') and 'demo:=true' in launch
    process = shell(workspace, ['. .venv/bin/activate', *terminal(launch)], outside())
    said = []
    for line in process.stdout:
        said.append(line)
        if 'sensors are sending; publishing' in line:
            process.send_signal(signal.SIGINT)
    process.wait(60)
    text = ''.join(said)
    assert 'publishing' in text and process.returncode == 0 and 'Traceback' not in text, text
    assert text.count('process has finished cleanly') == 2, text


@pytest.fixture
def without_torch(tmp_path: Path) -> dict[str, str]:
    """A new terminal, in which nobody has entered the virtual environment."""
    for name in ('torch', 'jaxtyping'):
        (tmp_path / f'{name}.py').write_text(f'raise ModuleNotFoundError("No module named {name!r}", name={name!r})')
    environment = outside()
    return environment | {'PYTHONPATH': f'{tmp_path}:{environment.get("PYTHONPATH", "")}'}


@pytest.mark.parametrize(
    'command',
    ['ros2 launch inpose_ros demo.launch.py', 'ros2 run inpose_ros inpose', 'ros2 run inpose_ros inpose_play'],
)
def test_a_terminal_without_the_virtual_environment_is_told_how_to_enter_it(workspace, without_torch, command):
    process = shell(workspace, terminal(command), without_torch)
    said = process.communicate(timeout=100)[0]
    assert f'. {workspace}/.venv/bin/activate' in said and 'Traceback' not in said, said
    assert process.returncode == 1
