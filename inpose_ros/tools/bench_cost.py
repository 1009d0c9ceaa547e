"""What a solve costs against the length of the window, the steps, the number of sensors and that of bodies."""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion import checkpoint
from inpose_ros.diffusion.denoiser import Denoiser
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.diffusion.solver import DEFAULT_MODEL, select_device
from inpose_ros.node.factory import build_solver
from inpose_ros.node.parameters import NodeParameters, SensorParameters
from inpose_ros.node.sensor_inputs import sensor_from
from inpose_ros.sensing.resample import JointWindow
from inpose_ros.tools import bench_sensors
from inpose_ros.tools.bench_frames import FrameBench

LENGTHS, STEPS, SENSORS, BODIES = (20, 40, 60, 80), (1, 2, 4, 8), (1, 3, 6, 10), (1, 2, 4, 8)
# The first so many of these joints wear trackers.
_ORDER = ('head', 'left_wrist', 'right_wrist', 'pelvis', 'left_ankle', 'right_ankle', 'left_knee', 'right_knee',
          'left_elbow', 'right_elbow')  # fmt: skip
_SOLVING = ('network', 'likelihood', 'update')
# Of each point so many frames are timed, the graph having been made before; and so many of bodies in turn.
_FRAMES, _WARM_UP, _TURNS = 25, 5, 100
# By what is varied and by its value [ms].
Costs = dict[str, dict[str, float]]


class CostBench:
    """Medians of a solve [ms], one thing varied at a time.

    As the node solves, frame after frame; several bodies go through the network together.
    """

    def __init__(self, params: NodeParameters, skeleton: Skeleton, rate: float) -> None:
        """Args: params: of the node whose solver is measured; rate: of its poses [Hz]."""
        self._params, self._skeleton, self._rate = params, skeleton, rate
        self._prior = MotionPrior.load(params.model or DEFAULT_MODEL, select_device(params.device))
        self._window = self._full_window()

    def run(self, tell: Callable[[str], None] = lambda _: None) -> Costs:
        """All four; `tell` is told what comes next."""
        found: Costs = {}
        for name, values, measure in (
            ('window_frames', LENGTHS, self.of_length),
            ('steps', STEPS, self.of_steps),
            ('sensors', SENSORS, self.of_sensors),
        ):
            tell(f'cost against {name}')
            found[name] = {str(value): measure(value) for value in values}
        tell('cost against bodies')
        found['bodies'] = {str(count): cost for count, cost in self.of_bodies(BODIES).items()}
        return found

    def of_length(self, frames: int) -> float:
        """A network of the shipped size with random weights that looks at so many frames."""
        config = replace(self._prior.denoiser.config, frames=frames)
        with tempfile.TemporaryDirectory() as folder, torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._params.seed)
            checkpoint.save(folder, Denoiser(config))
            return self._streamed(replace(self._params, model=folder), bench_sensors.worn(), frames / config.rate)

    def of_sensors(self, count: int) -> float:
        """So many trackers."""
        config = self._prior.denoiser.config
        return self._streamed(self._params, bench_sensors.worn(_ORDER[:count], ()), config.frames / config.rate)

    def of_steps(self, count: int) -> float:
        """So many steps, however long they take."""
        config = self._prior.denoiser.config
        params = replace(self._params, steps=count, deadline_ms=1e4)
        return self._streamed(params, bench_sensors.worn(), config.frames / config.rate)

    def of_bodies(self, counts: Sequence[int]) -> dict[int, float]:
        """So many bodies of one size at once; frame by frame in turn, so that a slow machine is slow for each."""
        solvers = {count: build_solver(self._params, self._skeleton) for count in counts}
        taken: dict[int, list[float]] = {count: [] for count in counts}
        for tick in range(_WARM_UP + _TURNS):
            window = replace(self._window, stamp_ns=self._window.stamp_ns + round(tick * 1e9 / self._rate))
            for count, solver in solvers.items():
                begin = time.perf_counter()
                solver.solve_streams([window] * count, range(count))
                taken[count].append(time.perf_counter() - begin)
        return {count: 1e3 * float(np.median(times[_WARM_UP:])) for count, times in taken.items()}

    def _streamed(self, params: NodeParameters, worn: Mapping[str, SensorParameters], span: float) -> float:
        readings = bench_sensors.simulated(worn, params.seed, max(3.0, span + (_FRAMES + _WARM_UP) / self._rate))
        sensors = [sensor_from(name, row) for name, row in worn.items()]
        bench = FrameBench(build_solver(params, self._skeleton), sensors)
        begin = readings[-1].arrival_ns - (_FRAMES + _WARM_UP) * 1e9 / self._rate
        bench.feed([row for row in readings if row.arrival_ns <= begin])
        frames = bench.run([row for row in readings if row.arrival_ns > begin], self._rate, _WARM_UP)
        return 1e3 * float(np.median([sum(frame.seconds.get(name, 0.0) for name in _SOLVING) for frame in frames]))

    def _full_window(self) -> JointWindow:
        worn, config = bench_sensors.worn(), self._prior.denoiser.config
        sensors = [sensor_from(name, row) for name, row in worn.items()]
        bench = FrameBench(build_solver(self._params, self._skeleton), sensors)
        bench.feed(bench_sensors.simulated(worn, self._params.seed, max(3.0, config.frames / config.rate)))
        return bench.resampled()
