"""The targets that were set for the solver, each held against what was measured."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from inpose_ros.tools.report_pages.plan import BODIES, PAPER, SENSOR_SETS
from inpose_ros.tools.report_pages.report_reader import Found
from inpose_ros.tools.rivals.contenders import RIVALS


@dataclass(frozen=True)
class Finding:
    """One number against its limits, both included, or the upper one not where it is to be `below` it.

    The value is None where it was not measured.
    """

    what: str
    value: float | None
    most: float
    least: float = 0.0
    below: bool = False

    @property
    def met(self) -> bool | None:
        if self.value is None:
            return None
        return self.least <= self.value and (self.value < self.most if self.below else self.value <= self.most)

    @property
    def limit(self) -> str:
        if self.least:
            return f'{self.least:.2f} to {self.most:.2f}'
        return f'{"below" if self.below else "at most"} {self.most:.2f}'


@dataclass(frozen=True)
class Target:
    """What is demanded, and how it is found out."""

    number: int
    title: str
    judged: Callable[[Found], Iterator[Finding]]


def missed(found: Found) -> list[Target]:
    """Those of which a number is beyond its limits."""
    return [target for target in TARGETS if any(finding.met is False for finding in target.judged(found))]


def ratio(value: float | None, other: float | None) -> float | None:
    """Of two errors; None where one of them is not known."""
    return None if value is None or other is None else value / other


def _against(found: Found, run: str, other: str, most: float, below: bool = False) -> Finding:
    ours, theirs = (found.score(run, name, 'mpjpe_cm') for name in ('inpose', other))
    return Finding(f'MPJPE over that of `{other}`', ratio(ours, theirs), most, below=below)


def _mean_body(found: Found) -> Iterator[Finding]:
    for rival, most in (('location_conditioned', 0.9), ('regression', 0.9), ('regression_ik', 0.95)):
        yield _against(found, 'main_mean', rival, most)
    yield _against(found, 'paper_mean', 'paper', 0.75)
    yield Finding('MPJPE [cm]', found.score('main_mean', 'inpose', 'mpjpe_cm'), 5.4)
    yield Finding('MPJPE of `regression`, a rival that must be good [cm]',
                  found.score('main_mean', 'regression', 'mpjpe_cm'), 6.7)  # fmt: skip


def _own_body(found: Found) -> Iterator[Finding]:
    own, mean = (found.score(run, 'inpose', 'mpjpe_cm') for run in ('main_own', 'main_mean'))
    yield Finding('MPJPE over that on the mean body', ratio(own, mean), 1.05)
    for rival in RIVALS:
        yield _against(found, 'main_own', rival, 1.0, below=True)
    for rival in PAPER:
        yield _against(found, 'paper_own', rival, 1.0, below=True)


def _scales(found: Found) -> Iterator[Finding]:
    for run, what, most in (('scales', 'known bones', 1.05), ('scales_estimated', 'estimated bones, 1 cm noise', 1.15)):
        errors = [found.score(run, 'inpose', 'scaled_mpjpe_cm', 'scale', text) for text in found.values(run, 'scale')]
        yield Finding(f'worst over best scaled MPJPE, {what}', max(errors) / min(errors) if errors else None, most)
    yield from _worst_against(found, 'scales', 'scale', '1.0')


def _bodies(found: Found) -> Iterator[Finding]:
    mean = found.score('bodies', 'inpose', 'mpjpe_cm', 'body', 'mean')
    for body in BODIES[1:]:
        error = found.score('bodies', 'inpose', 'mpjpe_cm', 'body', body)
        yield Finding(f'`{body}`: MPJPE over that on the mean body', ratio(error, mean), 1.1)


def _noise(found: Found) -> Iterator[Finding]:
    clean = found.score('noise', 'inpose', 'mpjpe_cm', 'location_noise', '0')
    for text, most in (('0.05', 1.15), ('0.2', 1.3)):
        error = found.score('noise', 'inpose', 'mpjpe_cm', 'location_noise', text)
        yield Finding(f'{text} m: MPJPE over that without noise', ratio(error, clean), most)
    against_prior = _ratios(found, 'noise', 'location_noise', 'prior', found.values('noise', 'location_noise'))
    yield Finding('largest MPJPE over that of `prior`', max(against_prior, default=None), 1.0)
    yield from _worst_against(found, 'noise', 'location_noise', '0')


def _worst_against(found: Found, run: str, option: str, but: str) -> Iterator[Finding]:
    """Each rival where it comes closest, at all values of an option but one."""
    for rival, own in (*((name, run) for name in RIVALS), ('paper', f'{run}_paper')):
        values = [text for text in found.values(own, option) if text != but]
        ratios = _ratios(found, own, option, rival, values)
        where = option.replace('_', ' ')
        yield Finding(f'largest MPJPE over that of `{rival}`, {where} other than {but}', max(ratios, default=None), 1.0,
                      below=True)  # fmt: skip


def _ratios(found: Found, run: str, option: str, other: str, values: Sequence[str]) -> list[float]:
    pairs = ([found.score(run, name, 'mpjpe_cm', option, text) for name in ('inpose', other)] for text in values)
    return [ours / theirs for ours, theirs in pairs if ours is not None and theirs is not None]


def _bones(found: Found) -> Iterator[Finding]:
    known, estimated = (found.score('bones', 'inpose', 'mpjpe_cm', 'bones', text) for text in ('known', 'estimated'))
    yield Finding('estimated bones: MPJPE over that with known ones', ratio(estimated, known), 1.1)


def _hands(found: Found) -> Iterator[Finding]:
    for body in ('mean', 'own'):
        yield Finding(f'hands, {body} body [cm]', found.score(f'main_{body}', 'inpose', 'hand_cm'), 0.5)


def _coverage(found: Found) -> Iterator[Finding]:
    scores = found.scores('main_own', 'inpose') or {}
    for part, metric in (('all joints', 'coverage90'), ('lower body', 'coverage90_lower')):
        yield Finding(f'90 % regions hold, {part}', scores.get(metric), 0.95, 0.85)
    for number, third in enumerate(('surest', 'middle', 'least sure'), 1):
        yield Finding(f'90 % regions hold, {third} third', scores.get(f'coverage90_third{number}'), 0.97, 0.8)
    both = (scores.get(metric) for metric in ('interval_score_cm', 'interval_score_constant_cm'))
    yield Finding('interval score over that of the best constant', ratio(*both), 0.9)


def _jitter(found: Found) -> Iterator[Finding]:
    scores = found.scores('main_own', 'inpose') or {}
    both = (scores.get(metric) for metric in ('jitter_100m_s3', 'jitter_truth_100m_s3'))
    yield Finding("jitter over the truth's own", ratio(*both), 1.5)


def _sensors(found: Found) -> Iterator[Finding]:
    errors = {
        name: found.score('sensors', 'inpose', 'mpjpe_cm', 'sensors', joints) for name, joints in SENSOR_SETS.items()
    }
    three, pelvis, ankles, both = errors
    for more, fewer in ((pelvis, three), (ankles, three), (both, pelvis), (both, ankles)):
        yield Finding(f'`{more}`: MPJPE over that of `{fewer}`', ratio(errors[more], errors[fewer]), 1.0, below=True)


TARGETS = (
    Target(1, 'On the mean body better than the rivals that know it', _mean_body),
    Target(2, "On people's own bodies as good, and better than every rival", _own_body),
    Target(3, 'Flat over body scales 0.6 to 1.4', _scales),
    Target(4, 'On bodies of other proportions', _bodies),
    Target(5, 'With noisy locations', _noise),
    Target(6, 'With estimated bones', _bones),
    Target(7, 'Hands without noise', _hands),
    Target(8, 'It knows how sure it is', _coverage),
    Target(9, 'Jitter', _jitter),
    Target(10, 'Each added sensor helps', _sensors),
)
