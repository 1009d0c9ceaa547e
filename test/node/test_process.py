"""The node as a process of its own: how it begins and how it ends."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState

from inpose_ros.tools.stops import End, Stop, chosen, ended

SHARED = Path('/dev/shm')
SCRIPTS = Path(__file__).parents[2] / 'scripts'
RUN = 'from inpose_ros.node.{} import main; main()'


@pytest.fixture
def started(stage) -> Iterator[object]:
    """Starts processes in the stage's namespace, as DDS may still know the services of an earlier test's."""
    processes = []

    def start(module: str, *parameters: str) -> subprocess.Popen:
        arguments = [word for parameter in parameters for word in ('-p', parameter)]
        namespace = f'__ns:=/{stage.namespace}'
        command = [sys.executable, '-c', RUN.format(module), '--ros-args', '-r', namespace, *arguments]
        processes.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


def state_of(stage: object) -> State:
    """Ask until an answer comes: DDS loses the first where the service has not found the one who asks yet."""
    client = stage.other.create_client(GetState, 'inpose/get_state')
    stage.until(client.service_is_ready, timeout=60)
    answers = []

    def ask() -> None:
        client.call_async(GetState.Request()).add_done_callback(lambda future: answers.append(future.result()))

    ask()
    timer = stage.other.create_timer(1.0, ask)
    stage.until(lambda: answers, timeout=60)
    stage.other.destroy_timer(timer)
    stage.other.destroy_client(client)
    return answers[0].current_state


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_without_a_traceback_however_many(stage, started, number):
    """A model that is not there: it says so, stays up, and ends when told to."""
    process = started('tracker_node', 'model:=/nowhere')
    assert state_of(stage).id == State.PRIMARY_STATE_UNCONFIGURED
    for _ in range(2):
        process.send_signal(number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 0 and 'Traceback' not in said
    assert 'not configured: ' in said and '/nowhere' in said


REALTIME = """
import os, resource, threading
{given}
from rclpy.logging import get_logger
from inpose_ros.node.process import set_realtime_priority
{taken}
threading.Thread(target=threading.Event().wait, daemon=True).start()
found = set_realtime_priority(7, get_logger('test'))
threading.Thread(target=threading.Event().wait, daemon=True).start()
print(found, *{{os.sched_getparam(int(thread)).sched_priority for thread in os.listdir('/proc/self/task')}})
"""
GIVEN = 'os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(3))'
FORBIDDEN = 'resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0)); os.getuid() or os.setuid(65534)'


@pytest.fixture
def permitted() -> None:
    if subprocess.run([sys.executable, '-c', f'import os; {GIVEN}'], stderr=subprocess.DEVNULL).returncode:
        pytest.skip('the system at hand permits no realtime priority')


def preferred(given: str = '', taken: str = '') -> tuple[str, str]:
    """What a process has of the priority that it asks for, and its threads, before and after; and what the log says."""
    command = [sys.executable, '-c', REALTIME.format(given=given, taken=taken)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return found.stdout.strip(), found.stderr


def test_all_threads_go_first_but_where_another_priority_was_given(permitted):
    assert preferred() == ('7 7', '')
    assert preferred(given=GIVEN) == ('3 3', '')


def test_where_no_priority_is_permitted_the_log_says_so():
    found, said = preferred(taken=FORBIDDEN)
    assert found == '0 0' and 'realtime_priority is 7, which the system does not permit' in said


def test_an_active_node_goes_first_and_its_diagnostics_say_so(stage, started, permitted):
    said = []
    stage.other.create_subscription(DiagnosticArray, '/diagnostics', said.append, 10)
    process = started('tracker_node', 'backend:=torch', 'realtime_priority:=4', 'body_id:=the first')

    def told() -> set[str]:
        rows = [{row.key: row.value for row in status.values} for message in said for status in message.status]
        return {row.get('realtime_priority', '') for row in rows if row.get('body') == 'the first'} - {''}

    stage.until(told, timeout=60)
    threads = os.listdir(f'/proc/{process.pid}/task')
    assert told() == {'4'} and {os.sched_getparam(int(thread)).sched_priority for thread in threads} == {4}


def test_its_end_is_not_spent_on_a_search_for_garbage():
    """What is registered first comes last."""
    code = (
        'import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count()))\n'
        'from inpose_ros.node.process import ros\nwith ros(): pass'
    )
    said = subprocess.run([sys.executable, '-c', code], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert int(said) > 1000


def test_it_leaves_no_shared_memory_behind(stage, started):
    """Where DDS uses any: half a megabyte with each process, in containers that have 64."""
    before = set(SHARED.glob('fastdds_*'))
    process = started('tracker_node', 'backend:=torch')
    state_of(stage)  # it is there
    maps = Path(f'/proc/{process.pid}/maps').read_text()
    own = {path for path in set(SHARED.glob('fastdds_*')) - before if str(path) in maps and 'port' not in path.name}
    if not own:
        pytest.skip('the RMW at hand keeps nothing there')
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0 and not any(path.exists() for path in own)


@contextmanager
def importing_for_ever(folder: Path, script: str) -> Iterator[subprocess.Popen]:
    """The script when it has come to PyTorch, for which there is a stand-in that takes for ever to import."""
    (folder / 'torch.py').write_text('import threading; print("importing", flush=True); threading.Event().wait()')
    path = os.pathsep.join([str(folder), os.environ.get('PYTHONPATH', '')])
    command = [sys.executable, str(SCRIPTS / script)]
    streams = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE}
    with subprocess.Popen(command, env=os.environ | {'PYTHONPATH': path}, text=True, **streams) as process:
        assert process.stdout.readline() == 'importing\n'
        yield process
        process.kill()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize('script', ['inpose', 'inpose_play'])
def test_told_to_end_while_it_still_imports_it_does_so_at_once(tmp_path, script, number):
    with importing_for_ever(tmp_path, script) as process:
        process.send_signal(number)
        assert 'Traceback' not in process.communicate(timeout=60)[1]
        assert process.returncode == 0


def test_dds_finds_it_while_it_still_imports(stage, tmp_path):
    """By a node that does nothing a security policy would have to allow; every node may say that parameters change."""
    with importing_for_ever(tmp_path, 'inpose'):
        stage.until(lambda: '_inpose_scout' in stage.other.get_node_names(), timeout=60)
        graph, who = stage.other, ('_inpose_scout', '/')
        stage.until(lambda: graph.get_publisher_names_and_types_by_node(*who), timeout=60)
        topics = [name for name, _ in graph.get_publisher_names_and_types_by_node(*who)]
        assert topics == ['/parameter_events']
        assert not graph.get_service_names_and_types_by_node(*who)
        assert not graph.get_subscriber_names_and_types_by_node(*who)


def test_what_comes_before_python_has_begun_waits_until_it_can_end(tmp_path):
    """By its first line, which has `env` hold the signals back."""
    command = [SCRIPTS / 'inpose_play']
    slow = tmp_path / 'sitecustomize.py'
    slow.write_text('import time; print("begun", flush=True); time.sleep(0.5)')
    environment = os.environ | {'PYTHONPATH': os.pathsep.join([str(tmp_path), os.environ.get('PYTHONPATH', '')])}
    streams = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE}
    with subprocess.Popen(command, env=environment, text=True, **streams) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert 'Traceback' not in process.communicate(timeout=60)[1]
    assert process.returncode == 0


def test_what_does_not_come_to_its_end_is_ended_by_force():
    code = (
        'import signal, threading; from inpose_ros.node import stopping; stopping.PATIENCE = 0.1\n'
        'stopping.listen(); stopping.on_stop(lambda: None); signal.raise_signal(signal.SIGTERM)\n'
        'threading.Event().wait(60)'
    )
    done = subprocess.run([sys.executable, '-c', code], stderr=subprocess.PIPE, text=True, timeout=30)
    assert done.returncode == 130 and 'ended by force' in done.stderr and 'Traceback' not in done.stderr


def test_who_is_told_before_anything_is_at_work_is_told_again_by_what_comes_to_be():
    code = (
        'import signal, time; from inpose_ros.node import stopping; from inpose_ros.node.process import ros\n'
        'stopping.listen(); stopping.on_stop(lambda: None); signal.raise_signal(signal.SIGINT); time.sleep(0.2)\n'
        'with ros() as stop: print(stop.done())'
    )
    said = subprocess.run([sys.executable, '-c', code], stdout=subprocess.PIPE, text=True, check=True, timeout=30)
    assert said.stdout == 'True\n'


@pytest.mark.parametrize('executable', ['inpose', 'inpose_play'])
def test_told_to_end_at_any_time_it_does_so_quietly(executable):
    """A few of the stops of `inpose stops`, from before Python runs until after the node is active."""
    command, numbers = [str(SCRIPTS / executable)], random.Random(executable)
    for after in (0.02, 0.2, 0.6, 1.0, 1.8):
        stop = replace(chosen(numbers, 1.0), after=after)
        end = ended(command, stop, dict(os.environ))
        assert end.fault is None, (end.fault, stop, end.said)


def test_a_stop_that_is_not_as_it_should_be_is_told():
    once = Stop(0.3, None, signal.SIGINT)
    python = [sys.executable, '-c']
    bad = ended([*python, 'import time; time.sleep(60)'], once, dict(os.environ))
    assert bad.fault == 'ended in a traceback'
    quiet = 'import signal, time; signal.signal(signal.SIGINT, signal.SIG_DFL); time.sleep(60)'
    assert ended([*python, quiet], once, dict(os.environ)).fault == 'ended with status -2'
    assert End(once, 5.5, 0, '').fault == 'took longer than 5 s'


def test_a_player_that_has_nothing_to_play_ends_with_the_reason(started):
    process = started('player', 'source:=/nowhere')
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 1 and 'not playing: ' in said and 'Traceback' not in said


def test_the_script_ends_by_a_signal_and_only_its_own_node_was_there(stage):
    """What looked for others before it is gone once it runs."""
    command = [sys.executable, str(SCRIPTS / 'inpose'), '--ros-args', '-r', f'__ns:=/{stage.namespace}']
    with subprocess.Popen([*command, '-p', 'model:=/nowhere'], stderr=subprocess.PIPE, text=True) as process:
        assert state_of(stage).id == State.PRIMARY_STATE_UNCONFIGURED
        stage.until(lambda: '_inpose_scout' not in stage.other.get_node_names(), timeout=60)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 0 and 'Traceback' not in said
