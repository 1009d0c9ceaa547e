"""All methods are scored on the same frames, and the scores react to what a method does and sees."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from inpose_ros.body import smpl22
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion import checkpoint
from inpose_ros.diffusion.denoiser import OUTPUT_FEATURES
from inpose_ros.diffusion.prior import MotionPrior, Spread
from inpose_ros.diffusion.sampler import InPoseRule, PaperRule
from inpose_ros.errors import DataError
from inpose_ros.evaluation import methods
from inpose_ros.evaluation.evaluate import Scenario, build_scenario, evaluate
from inpose_ros.evaluation.methods import METHODS, Method, StreamMethod, uncorrelated
from inpose_ros.evaluation.setting import Setting
from inpose_ros.geometry import rotation
from inpose_ros.motion.packed import PackedMotion
from inpose_ros.sensing.resample import JointWindow

from ..training.examples import FRAMES, RATE, SMALL, small_denoiser

POSES = {'mpjpe_cm', 'scaled_mpjpe_cm', 'upper_cm', 'lower_cm', 'hand_cm', 'root_cm', 'mpjre_deg', 'mpjre_paper_deg',
         'mpjve_cm_s', 'bone_error_pct', 'jitter_100m_s3', 'jitter_truth_100m_s3', 'location_residual_cm', 'coverage90',
         'coverage90_lower', 'coverage90_third1', 'coverage90_third2', 'coverage90_third3', 'interval_score_cm',
         'interval_score_constant_cm'}  # fmt: skip
# As METHODS, with fewer steps for the paper's.
QUICK = {
    name: replace(method, rule=PaperRule(count=3)) if isinstance(getattr(method, 'rule', None), PaperRule) else method
    for name, method in METHODS.items()
}


@pytest.fixture(scope='module')
def prior() -> MotionPrior:
    return MotionPrior(small_denoiser())


@pytest.fixture(scope='module')
def t_pose() -> MotionPrior:
    """A prior that expects a T-pose facing where the head faces, and is not sure of it at all."""
    denoiser = small_denoiser()
    bias = torch.zeros(SMALL.patch, OUTPUT_FEATURES)
    bias[:, : 22 * 9] = torch.tensor([1.0, 0, 0, 0, 1, 0, 2, 2, 2]).repeat(22)
    denoiser.head.weight.zero_()
    denoiser.head.bias.copy_(bias.flatten())
    return MotionPrior(denoiser)


def scene(packed: Path, **changes: object) -> Scenario:
    settings = {
        'first': FRAMES - 1,
        'stride': 5,
        'frames': None,
        'rate': RATE,
        'shuffle': False,
        'seed': 0,
    }
    varied = {name: changes.pop(name) for name in vars(Setting()) if name in changes}
    return build_scenario(list(PackedMotion(packed, 'test')), Setting(**varied), **(settings | changes))


@dataclass(frozen=True)
class Cheating(Method):
    """Reads the truth where it must not look; its root is off by `off` metres a second since the clip began."""

    off: float = 0.0

    def solver(self, prior: MotionPrior, skeleton: Skeleton, seed: int) -> SimpleNamespace:
        return SimpleNamespace(solve_batch=self._solve)

    def _solve(self, windows: list[JointWindow]) -> SimpleNamespace:
        seconds = torch.tensor([window.stamp_ns / 1e9 for window in windows])
        window = torch.stack([window.rot_world_joint for window in windows])
        root = torch.stack([window.location[-1, 0] for window in windows])
        root = root + self.off * seconds[:, None] * torch.tensor([0.0, 0.0, 1.0])
        covariance = 1e-6 * torch.eye(66).expand(len(windows), -1, -1)
        return SimpleNamespace(root=root, rot_world_joint=window[:, -1], covariance=covariance, window=window)


@pytest.mark.parametrize('streaming', [True, False])
def test_who_knows_the_truth_has_no_error_and_the_truths_jitter(
    packed: Path, prior: MotionPrior, streaming: bool
) -> None:
    scores = evaluate(scene(packed), Cheating(InPoseRule(), True, True, streaming), prior, 0)
    jitter, true = scores.pop('jitter_100m_s3'), scores.pop('jitter_truth_100m_s3')
    assert jitter == pytest.approx(true, rel=0.02)
    assert scores.pop('ms_per_frame') > 0
    assert {scores.pop(name) for name in list(scores) if name.startswith('coverage')} == {1.0}
    assert scores.pop('interval_score_cm') < 0.6
    assert all(abs(value) < 0.05 for value in scores.values())


@pytest.mark.parametrize('sensors', ['head,left_wrist,right_wrist', 'pelvis:imu,head:imu'])
def test_streaming_and_window_methods_are_scored_on_the_same_frames(
    packed: Path, prior: MotionPrior, sensors: str
) -> None:
    """The cheat's root is off by its stamp in metres, so the score tells which frames were scored."""
    given = scene(packed, sensors=sensors, frames=11)
    stamps = torch.cat(list(given.scored)) / RATE
    for streaming in (True, False):
        method = Cheating(InPoseRule(), True, True, streaming, off=1.0)
        assert evaluate(given, method, prior, 0)['root_cm'] == pytest.approx(100 * float(stamps.mean()), rel=1e-3)


@pytest.fixture
def narrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MotionPrior:
    """What is loaded as the prior of width 128."""
    other = small_denoiser(seed=1)
    torch.nn.init.normal_(other.head.weight, std=0.01)
    checkpoint.save(tmp_path / '128', other)
    monkeypatch.setattr(methods, 'WIDTHS', tmp_path)
    methods._of_width.cache_clear()
    yield MotionPrior.load(tmp_path / '128', torch.device('cpu'))
    methods._of_width.cache_clear()


def test_a_method_of_another_width_runs_that_network(packed: Path, prior: MotionPrior, narrow: MotionPrior) -> None:
    given = scene(packed, frames=1)
    found = evaluate(given, METHODS['inpose_width_128'], prior, 0)['mpjpe_cm']
    assert found == pytest.approx(evaluate(given, METHODS['inpose'], narrow, 0)['mpjpe_cm'], rel=1e-6)
    assert found != pytest.approx(evaluate(given, METHODS['inpose'], prior, 0)['mpjpe_cm'], rel=0.05)


@pytest.mark.usefixtures('narrow')
@pytest.mark.parametrize('name', list(METHODS))
def test_a_method_has_every_score_and_all_are_finite(packed: Path, prior: MotionPrior, name: str) -> None:
    given, heard = scene(packed, frames=12), []
    scores = evaluate(given, QUICK[name], prior, 0, on_scored=heard.append)
    assert set(scores) == POSES | {'ms_per_frame'}
    assert all(math.isfinite(value) for value in scores.values())
    assert sum(heard) == given.frames == 12


def test_without_correlation_the_errors_are_as_large_and_independent(prior: MotionPrior) -> None:
    mixed = 0.5 * torch.eye(66) + 0.5
    spread = Spread(torch.tensor([999.0, 300.0]), mixed.expand(2, -1, -1), torch.rand(2, 66) + 0.5)
    given = MotionPrior(prior.denoiser, spread)
    for step in (999, 300):
        correlation, scale = uncorrelated(given).spread.level(step)
        assert torch.equal(correlation, torch.eye(66)) and torch.equal(scale, spread.level(step)[1])


def test_a_stream_is_scored_behind_by_its_lag_at_the_same_frames(packed: Path, prior: MotionPrior) -> None:
    """Measured joints are where they were measured, so a lag that is not taken off would show as an error."""
    everything = ','.join(smpl22.JOINTS)
    given = scene(packed, sensors=everything)
    for lag in (0, 2):
        scores = evaluate(given, StreamMethod(lag=lag), prior, 0)
        inside = scores['mpjpe_cm']
        assert inside < (0.2 if lag == 0 else 1.5), lag  # the last frames of a clip have nothing behind them


def test_imus_alone_leave_only_the_residual_without_a_value(packed: Path, prior: MotionPrior) -> None:
    given = scene(packed, sensors='head:imu,left_wrist:imu,right_wrist:imu', frames=8)
    scores = evaluate(given, QUICK['inpose'], prior, 0)
    assert [name for name, value in scores.items() if not math.isfinite(value)] == ['location_residual_cm']


def test_the_same_seed_gives_the_same_scores(packed: Path, prior: MotionPrior) -> None:
    first, again = (evaluate(scene(packed, frames=8), QUICK['inpose'], prior, 3) for _ in range(2))
    assert {name: first[name] for name in POSES} == {name: again[name] for name in POSES}


@pytest.mark.parametrize('factor', [0.6, 1.4])
@pytest.mark.parametrize('name', ['inpose', 'inpose_window'])
def test_scaling_the_body_leaves_the_scaled_error_as_it_was(
    packed: Path, prior: MotionPrior, t_pose: MotionPrior, factor: float, name: str
) -> None:
    """What the solver is told of the trackers' noise does not scale: an untrained stream makes much of that."""
    given, used = scene(packed), t_pose if name == 'inpose' else prior
    own, scaled = (evaluate(each, QUICK[name], used, 0) for each in (given, scene(packed, scale=str(factor))))
    assert scaled['scaled_mpjpe_cm'] == pytest.approx(own['scaled_mpjpe_cm'], rel=0.02)
    assert scaled['mpjpe_cm'] == pytest.approx(factor * own['mpjpe_cm'], rel=0.02)
    assert scaled['mpjre_deg'] == pytest.approx(own['mpjre_deg'], rel=0.02)


def test_another_clips_locations_harm_inpose_and_leave_the_priors_poses_alone(
    packed: Path, t_pose: MotionPrior
) -> None:
    honest, shuffled = scene(packed, frames=20), scene(packed, frames=20, shuffle=True)
    # The prior's body is still carried along by the head's location, so its motion through the world differs.
    of_the_pose = ('mpjpe_cm', 'upper_cm', 'lower_cm', 'hand_cm', 'mpjre_deg')
    blind = [evaluate(each, QUICK['prior'], t_pose, 0) for each in (honest, shuffled)]
    assert [blind[0][name] for name in of_the_pose] == pytest.approx([blind[1][name] for name in of_the_pose], rel=1e-4)
    told = [evaluate(each, QUICK['inpose'], t_pose, 0)['hand_cm'] for each in (honest, shuffled)]
    assert told[1] > told[0] + 5


def test_true_locations_bring_the_wrists_home(packed: Path, t_pose: MotionPrior) -> None:
    given = scene(packed, frames=20)
    told, blind = (evaluate(given, QUICK[name], t_pose, 0) for name in ('inpose', 'prior'))
    assert blind['location_residual_cm'] > 20
    assert told['location_residual_cm'] < 0.25 * blind['location_residual_cm']
    assert told['hand_cm'] == pytest.approx(told['location_residual_cm'], rel=1e-3)


def test_frames_are_scored_by_stride_from_the_first_on_in_every_clip(packed: Path) -> None:
    given = scene(packed)
    for clip, scored in zip(given.clips, given.scored, strict=True):
        assert clip.fps == RATE
        assert scored.tolist() == list(range(FRAMES - 1, len(clip), 5))
    assert scene(packed, first=4).scored[0].tolist()[:2] == [4, 9]


@pytest.mark.parametrize('count', [1, 3, 10])
def test_fewer_frames_are_spread_evenly_over_those_of_all_clips(packed: Path, count: int) -> None:
    everything, some = scene(packed, stride=1), scene(packed, stride=1, frames=count)
    assert some.frames == count
    pairs = zip(some.scored, everything.scored, strict=True)
    assert all(set(kept.tolist()) <= set(whole.tolist()) for kept, whole in pairs)
    before = [0, *torch.tensor([len(part) for part in everything.scored]).cumsum(0).tolist()]
    places = torch.cat([kept - FRAMES + 1 + start for kept, start in zip(some.scored, before, strict=False)])
    gaps = torch.cat((places, torch.tensor([everything.frames]))).diff()
    assert (gaps - everything.frames / count).abs().max() <= 1


def test_more_frames_than_there_are_is_all_of_them(packed: Path) -> None:
    assert scene(packed, frames=10**6).frames == scene(packed).frames


def test_clips_that_are_too_short_are_said_to_be(packed: Path) -> None:
    with pytest.raises(DataError, match='1000 frames'):
        scene(packed, first=1000)


def test_a_single_clip_cannot_be_given_another_clips_locations(packed: Path) -> None:
    settings = {'first': 7, 'stride': 5, 'frames': None, 'rate': RATE, 'seed': 0}
    with pytest.raises(DataError, match='two clips'):
        build_scenario([PackedMotion(packed, 'test').clip(0)], Setting(sensors='head'), shuffle=True, **settings)


def test_a_scaled_scene_is_everything_larger(packed: Path) -> None:
    given, larger = scene(packed), scene(packed, scale='1.4')
    for clip, big, measured in zip(given.clips, larger.clips, larger.measured, strict=True):
        assert torch.allclose(big.positions, 1.4 * clip.positions, atol=1e-5)
        assert torch.allclose(measured.locations, big.positions.float(), atol=1e-5)
    assert larger.frames == given.frames


def test_noise_is_as_large_as_the_solver_is_told_and_the_truth_stays_as_it_is(packed: Path) -> None:
    clean, noisy = scene(packed), scene(packed, location_noise='0.2', rotation_noise='0.1')
    for before, after, clip in zip(clean.measured, noisy.measured, noisy.clips, strict=True):
        assert float((after.locations - before.locations).std()) == pytest.approx(0.2, rel=0.1)
        turned = rotation.log(before.rotations.mT @ after.rotations)
        assert float(turned.std()) == pytest.approx(0.1, rel=0.1)
        assert (after.position_stddev, after.rotation_stddev) == (0.2, 0.1)
        assert torch.equal(clip.positions.float(), before.locations)


def test_who_takes_an_average_body_for_true_misses_by_the_bones(packed: Path, prior: MotionPrior) -> None:
    cheat = Cheating(InPoseRule(), True, True, False)
    own, mean = (evaluate(scene(packed, bones=bones), cheat, prior, 0)['mpjpe_cm'] for bones in ('known', 'mean'))
    assert own < 0.05 and mean > 0.5
