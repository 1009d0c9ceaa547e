"""The bones of whoever moves, estimated while they do.

Locations are linear in the bones, by what a pass of the prior says of the rotations (bone_evidence). So bones follow by
generalised least squares, one sum over all that was ever observed. How high a standing head is tells the stature, or
the floor.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from inpose_ros.body import proportions, smpl22
from inpose_ros.body.proportions import FACTORS, BodyGuess, Factor
from inpose_ros.body.skeleton import Skeleton
from inpose_ros.diffusion.bone_evidence import Evidence, Seen, information, seen
from inpose_ros.diffusion.prior import MotionPrior
from inpose_ros.sensing.resample import JointWindow

# Who stands, stands as high as the T-pose of their skeleton, give or take this much of it.
_POSTURE = 0.02
# The head stays this high, or higher, in a tenth of the time: standing, unless someone sits all the time.
_STANDING = 0.9
# Into how many parts a window is cut, by how many deviations the least of so many means is low, up to what noise [m].
_PARTS = ((8, 1.424, 0.02), (2, 0.564, float('inf')))
# A height that is further off is not that of somebody who stands.
_GATE = 3.0
# The standard deviation of what is taken for certain, over what it is about.
_SURELY = 1e-3
# A tracking space's floor is set by hand, to some centimetres.
FLOOR_STDDEV = 0.05


def held_height(window: JointWindow) -> float | None:
    """The height [m] that the head kept throughout the window, jumps apart; None: it was not seen throughout.

    The least mean of several parts, which noise makes seem lower: by as much as that is put on again.
    """
    if not bool(window.location_valid[:, smpl22.HEAD].all()):
        return None
    noise = float(window.position_stddev[smpl22.HEAD])
    count, low, _ = next(row for row in _PARTS if noise <= row[-1])
    parts = window.location[:, smpl22.HEAD, 2].tensor_split(count)
    return float(torch.stack([part.mean() for part in parts]).min()) + low * noise / len(parts[0]) ** 0.5


@dataclass(frozen=True)
class BodyEstimate:
    """A body and how sure that is: factors with their deviations, the covariance of the bones [m^2], the floor [m]."""

    skeleton: Skeleton
    factors: dict[str, Factor]
    bone_covariance: Float[Tensor, 'bone_axis bone_axis']
    residual: float
    floor_height: float
    floor_stddev: float

    def as_guess(self) -> BodyGuess:
        """What to start from another time."""
        return BodyGuess(self.skeleton, {name: row.stddev for name, row in self.factors.items()}, self.residual)


class BodyEstimator:
    """Learns a body from windows, at whatever pace they come; some half a second apart they say most.

    With head and hands alone an unknown floor and an unknown stature are told apart only by what is known of either
    beforehand: a floor that is not given is taken to be at zero, give or take FLOOR_STDDEV.
    """

    def __init__(self, prior: MotionPrior, start: BodyGuess, floor_height: float | None = 0.0) -> None:
        """Args: floor_height: of the floor in the world [m]; None: to be estimated."""
        self.prior, self.start = prior, start
        self._floor, self._reference = floor_height, floor_height or 0.0
        self._bones = start.skeleton.bones.double()
        residual = proportions.residual_columns()
        self._columns = torch.cat((proportions.factor_columns(start.skeleton).double(), residual), -1)
        ratio = start.skeleton.stature / smpl22.MEAN_STATURE
        self._residual_covariance = (
            ratio**2 * max(start.residual, _SURELY**2) * proportions.residual_covariance()
        )  # on a body of the start's size
        self._residual_precision = torch.linalg.inv(self._residual_covariance)
        self.forget()

    def forget(self) -> None:
        """Go back to the start: somebody else may come."""
        self.believe(Evidence.none(self._columns.shape[1]))

    def believe(self, evidence: Evidence) -> None:
        """Take this, and nothing else, for what was seen."""
        self.evidence = evidence
        self._estimate: BodyEstimate | None = None

    def move_floor(self, height: float) -> None:
        """The floor is about there [m] now, where it is to be estimated: somebody went to another storey."""
        if self._floor is None:
            self._reference, self._estimate = height, None

    def observe(self, window: JointWindow) -> None:
        """Take a window in: one pass of the prior."""
        for _ in self.observing(window):
            pass

    def observing(self, window: JointWindow) -> Iterator[None]:
        """As observe, in parts of a few milliseconds each, for who has something else to do in between."""
        found = yield from self.looking(window)
        self.believe(self.evidence + found)
        yield
        self._estimate = self._solved()

    def looking(self, window: JointWindow) -> Generator[None, None, Evidence]:
        """What a window tells, of which nothing is believed yet; in parts, as `observing`."""
        observed = seen(self.prior, [window])
        yield
        height = held_height(window)
        return self._told_by(observed, [] if height is None else [height])

    def observe_all(self, windows: Sequence[JointWindow]) -> None:
        """As observe, for windows of the same sensors."""
        heights = [height for height in map(held_height, windows) if height is not None]
        self.take(seen(self.prior, windows), heights)

    def take(self, observed: Seen, heights: Sequence[float]) -> None:
        """Take in what a pass saw, and the heights [m] that the head kept meanwhile."""
        self.believe(self.evidence + self._told_by(observed, heights))

    def _told_by(self, observed: Seen, heights: Sequence[float]) -> Evidence:
        told = tuple(height - self._reference for height in heights)
        return Evidence(information(observed, self._columns, self._bones), told)

    @property
    def observations(self) -> int:
        """How many windows told something of the bones."""
        return self.evidence.information.count

    def odds(self, new: Evidence, known: Evidence) -> float:
        """By how much likelier something new is for who knew this than for who knew nothing, as a logarithm.

        Above zero where both are of one body, as far as bones tell. Each counts with its own errors.
        """
        size = self.skeleton.stature / self.start.skeleton.stature
        nothing = self._before(size)[0][:-1, :-1], torch.zeros(self._columns.shape[1], dtype=torch.float64)
        one, other = new.information.weighed(size), known.information.weighed(size)
        told = [_gain(nothing, one), _gain((nothing[0] + other[0], nothing[1] + other[1]), one)]
        return told[1] - told[0]

    @property
    def skeleton(self) -> Skeleton:
        return self.estimate.skeleton

    @property
    def stddevs(self) -> dict[str, float]:
        """How sure each factor is."""
        return {name: factor.stddev for name, factor in self.estimate.factors.items()}

    @property
    def estimate(self) -> BodyEstimate:
        """By all that was observed."""
        if self._estimate is None:
            self._estimate = self._solved()
        return self._estimate

    def _solved(self) -> BodyEstimate:
        """Least squares with the prior; proportions vary, and passes err, in proportion to a size that is found too."""
        size, state, covariance = 1.0, None, None
        for _ in range(4):
            matrix, vector = self._normal_equations(size)
            covariance = torch.linalg.inv(matrix)
            state = covariance @ vector
            size = min(max(1 + float(state[0]), 0.3), 3.0)
        bones = self._bones + (self._columns @ state[:-1]).unflatten(-1, (-1, 3))
        of_bones = self._columns @ covariance[:-1, :-1] @ self._columns.T
        residual = covariance[len(FACTORS) : -1, len(FACTORS) : -1].trace() / (
            size**2 * self._residual_covariance.trace()
        )
        skeleton = Skeleton(bones)
        return BodyEstimate(
            skeleton=skeleton,
            factors=proportions.factors(skeleton, of_bones),
            bone_covariance=of_bones,
            residual=float(residual.clamp(max=1.0)) * max(self.start.residual, _SURELY**2),
            floor_height=float(state[-1]) + self._reference,
            floor_stddev=float(covariance[-1, -1].sqrt()),
        )

    def _normal_equations(self, size: float) -> tuple[Float[Tensor, 'state1 state1'], Float[Tensor, 'state1']]:
        """Of x and the floor, for somebody who is `size` times as large as the start."""
        precision, row, usual = self._before(size)
        vector = torch.zeros(len(precision), dtype=torch.float64)
        variance = (_POSTURE * size * usual) ** 2
        stood = self._stood(usual, float(row @ torch.linalg.solve(precision, row)), variance)
        if stood is not None:
            precision, vector = precision + torch.outer(row, row) / variance, row * (stood - usual) / variance
        matrix, told = self.evidence.information.weighed(size)
        precision[:-1, :-1] += matrix
        vector[:-1] += told
        return precision, vector

    def _before(self, size: float) -> tuple[Float[Tensor, 'state1 state1'], Float[Tensor, 'state1'], float]:
        """Precision of x and the floor before anything was seen; how they raise a standing head, and how high it is."""
        spreads = torch.tensor([self.start.spreads[name] for name in FACTORS], dtype=torch.float64)
        spreads[0], spreads[1:] = proportions.SPREADS['stature'], size * spreads[1:].clamp(min=_SURELY)
        precision = torch.block_diag(
            spreads.square().reciprocal().diag(),
            self._residual_precision / size**2,
            torch.tensor([[FLOOR_STDDEV**-2 if self._floor is None else 1e12]], dtype=torch.float64),
        )
        heights = proportions.standing_head_row()
        usual = float(heights @ self._bones.flatten())
        row = torch.cat((heights @ self._columns, torch.zeros(1, dtype=torch.float64)))
        if self.start.spreads['stature'] < proportions.SPREADS['stature']:  # somebody knows it
            known = max(self.start.spreads['stature'], _SURELY) * usual
            precision = precision + torch.outer(row, row) / known**2
        row[-1] = 1.0
        return precision, row, usual

    def _stood(self, usual: float, expected: float, variance: float) -> float | None:
        """The height of a standing head over where the floor was taken to be [m]; None: nobody stood.

        Args: usual: the start's [m]; expected: by what variance [m2] people differ from it; variance: that of standing.
        """
        if not self.evidence.heights:
            return None
        stood = float(torch.tensor(self.evidence.heights).quantile(_STANDING))
        return stood if abs(stood - usual) <= _GATE * (expected + variance) ** 0.5 else None


def _gain(before: tuple[Tensor, Tensor], told: tuple[Tensor, Tensor]) -> float:
    """How likely it was to be told that, as a logarithm, but for what is its own; each: precision, vector."""
    matrix, vector = before[0] + told[0], before[1] + told[1]
    chance = [row @ torch.linalg.solve(table, row) - torch.logdet(table) for table, row in ((matrix, vector), before)]
    return float(chance[0] - chance[1]) / 2
