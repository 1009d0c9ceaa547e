"""What is varied in an evaluation: options as typed, one of them at a time."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

from inpose_ros.body.skeleton import Skeleton
from inpose_ros.errors import ParameterError
from inpose_ros.evaluation.scenario import WornJoints
from inpose_ros.motion.clip import MotionClip

BONES = ('known', 'mean', 'estimated')


@dataclass(frozen=True)
class Setting:
    """One value of each option, as typed.

    `scale` multiplies all bones; `location_noise` [m] and `rotation_noise` [rad] are standard deviations of each
    component, in every frame anew, and the solver is told them; `bones` are those that the solver takes for true, where
    `estimated` are those that were found from what was measured before (see evaluation.carried).
    """

    scale: str = '1.0'
    body: str = 'own'
    location_noise: str = '0'
    rotation_noise: str = '0'
    bones: str = 'known'
    sensors: str = 'head,left_wrist,right_wrist'

    def __post_init__(self) -> None:
        """Raises ParameterError or SensorError where a value would not do."""
        _number('scale', self.scale, 0.1, 10.0)
        _number('location-noise', self.location_noise, 0.0, 1.0)
        _number('rotation-noise', self.rotation_noise, 0.0, 1.0)
        if self.bones not in BONES:
            raise ParameterError(f'bones is {self.bones!r}; write one of {", ".join(BONES)}')
        WornJoints.parse(self.sensors)

    @property
    def worn(self) -> WornJoints:
        return WornJoints.parse(self.sensors)

    def assumed_bones(self, clip: MotionClip) -> Skeleton:
        """The skeleton with which a method solves, where nothing has to be seen to know it."""
        if self.bones == 'estimated':
            raise ParameterError('estimated bones are those of a scenario that went through with_estimated_bones')
        return clip.skeleton if self.bones == 'known' else Skeleton.mean()


@dataclass(frozen=True)
class Sweep:
    """Values of every option; one option at a time takes all of its values, while the others stay at their base."""

    values: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, **values: Sequence[str]) -> Self:
        names = {field.name for field in fields(Setting)}
        if values.keys() != names or not all(values.values()):
            raise ParameterError(f'each of {", ".join(sorted(names))} needs a value')
        return cls({name: list(dict.fromkeys(texts)) for name, texts in values.items()})

    @property
    def base(self) -> Setting:
        """The only value of an option, or else its default where that is among them, or else the first."""
        chosen = {}
        for name, texts in self.values.items():
            default = getattr(Setting(), name)
            chosen[name] = default if default in texts else texts[0]
        return Setting(**chosen)

    def settings(self) -> dict[tuple[str, str], Setting]:
        """By option and its value; the same setting may stand for several."""
        return {
            (name, text): replace(self.base, **{name: text}) for name, texts in self.values.items() for text in texts
        }


def _number(option: str, text: str, least: float, most: float) -> None:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise ParameterError(
            f'{option} is {text!r}; write numbers between {least:g} and {most:g} joined by commas, such as 0.6,1.0,1.4'
        )
