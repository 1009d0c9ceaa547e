"""Streams of readings that no driver should send, drawn at random: stamps and numbers of every kind."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from inpose_ros.sensing.measurement import TYPES, Measurement, Sensor

START_NS = 1_700_000_000_000_000_000
JOINTS = ('head', 'pelvis', 'spine3', 'left_wrist', 'right_knee')
MIDDLE = {'angular_velocity': 0.0, 'specific_force': 9.81, 'position': 1.0}
# Finite numbers such as come from uninitialised memory, wrong units, or a sensor that is off.
EXTREME = np.array([0.0, -0.0, 5e-324, -1e-310, 1e-30, 1.0, -9.81, 99.0, 9e3, 1e9, -1e18, 1e150, 1.7e308, -1.7e308])
# From one stamp to the next [ns].
STEPS = (
    0, 1, 100_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 16_666_667, 33_000_000, 60_000_000, 100_000_000,
    300_000_000, 300_000_001, 10**9, 2 * 10**9, -1, -(10**7), -(10**8), -(10**9), -(10**10), -(2**62),
)  # fmt: skip
# No message bears a stamp beyond this [ns]: its seconds have 32 bits.
MOST_NS = 2**31 * 10**9 + 2**32
CONTENTS = ('calm', 'same', 'zeros', 'moving', 'wild', 'extreme')
HALVES = (None, None, 'in turn', 'velocity', 'force', 'neither')


@dataclass(frozen=True)
class Run:
    """So many readings of one sensor in a row, of one kind; `clock_ns` is how far the clock goes on besides."""

    which: int
    step_ns: int
    uneven: bool
    count: int
    content: str
    halves: str | None
    clock_ns: int
    seed: int


@st.composite
def sensors(draw: st.DrawFn) -> list[Sensor]:
    """One to three, of any type; two may sit on one joint."""
    types = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=3))
    return [Sensor(f'sensor{k}', draw(st.sampled_from(JOINTS)), type=kind) for k, kind in enumerate(types)]


# The longest take a filter past its settling.
runs = st.builds(
    Run,
    which=st.integers(0, 2),
    step_ns=st.one_of(st.sampled_from(STEPS), st.integers(-50_000_000, 400_000_000)),
    uneven=st.booleans(),
    count=st.sampled_from([1, 1, 2, 3, 8, 40]),
    content=st.sampled_from(CONTENTS),
    halves=st.sampled_from(HALVES),
    clock_ns=st.sampled_from([0, 0, 0, 0, -(10**8), 10**9, -(10**9), 10**11]),
    seed=st.integers(0, 2**32 - 1),
)


def readings(worn: list[Sensor], raw: list[bool], told: list[Run]) -> list[tuple[Measurement, int]]:
    """What comes, one after another, and the clock then [ns]. `raw`: which of the sensors give no orientation."""
    rows, now_ns, stamps = [], START_NS, [START_NS] * len(worn)
    last: list[dict[str, np.ndarray]] = [{} for _ in worn]
    for run in told:
        rng, which = np.random.default_rng(run.seed), run.which % len(worn)
        for k in range(run.count):
            stamp_ns = stamps[which] + int(run.step_ns * (rng.uniform(0, 2) if run.uneven else 1))
            stamps[which] = max(-MOST_NS, min(MOST_NS, stamp_ns))
            if abs(run.step_ns) < 2**60:
                now_ns = max(now_ns, min(stamps[which], now_ns + 10**9))
            parts = _said(worn[which].type == 'imu', raw[which], run, k, last[which], rng)
            rows.append((Measurement(worn[which].name, stamps[which], **parts), now_ns))
        now_ns += run.clock_ns
    return rows


def _said(
    is_imu: bool, raw: bool, run: Run, k: int, last: dict[str, np.ndarray], rng: np.random.Generator
) -> dict[str, np.ndarray | None]:
    for name in ('angular_velocity', 'specific_force') if is_imu else ('position',):
        last[name] = _vector(name, run.content, last.get(name), rng)
    if not raw:
        last['rot_world_sensor'] = _turned(run.content, last.get('rot_world_sensor', np.eye(3)), rng)
    parts: dict[str, np.ndarray | None] = dict(last)
    if is_imu and run.halves == 'in turn':
        parts['angular_velocity' if k % 2 else 'specific_force'] = np.zeros(3)
    elif is_imu and run.halves is not None:
        parts |= {name: None for name in ('angular_velocity', 'specific_force') if run.halves not in name}
    return parts


def _vector(name: str, content: str, before: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    middle = np.array([0.0, 0.0, MIDDLE[name]])
    if content == 'same':
        return middle if before is None else before
    if content == 'zeros':
        return np.zeros(3)
    if content == 'extreme':
        return rng.choice(EXTREME, 3)
    return middle + {'calm': 0.01, 'moving': 3.0, 'wild': 30.0}[content] * rng.normal(size=3)


def _turned(content: str, before: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As conversions let through: of a unit quaternion."""
    far = {'calm': 0.002, 'moving': 0.1, 'wild': 1.0, 'extreme': 3.0}.get(content, 0.0)
    return before @ Rotation.from_rotvec(far * rng.normal(size=3)).as_matrix()
