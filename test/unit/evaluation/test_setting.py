"""One option takes its values at a time, while the others stay where they are."""

import pytest

from inpose_ros.errors import ParameterError
from inpose_ros.evaluation.setting import Setting, Sweep


def sweep(**values: list[str]) -> Sweep:
    return Sweep.of(**({name: [text] for name, text in vars(Setting()).items()} | values))


def test_without_any_values_there_is_the_default_under_every_option() -> None:
    assert set(sweep().settings().values()) == {Setting()}
    assert {option for option, _ in sweep().settings()} == set(vars(Setting()))


def test_the_base_of_an_option_is_its_only_value_or_its_default_or_the_first() -> None:
    found = sweep(body=['mean'], scale=['0.6', '1.0'], location_noise=['0.05', '0.2']).base
    assert found == Setting(body='mean', scale='1.0', location_noise='0.05')


def test_settings_differ_from_the_base_in_one_option_at_most() -> None:
    given = sweep(scale=['0.6', '1.0', '1.4'], location_noise=['0', '0.05'], bones=['known', 'mean'])
    for (option, text), setting in given.settings().items():
        assert getattr(setting, option) == text
        others = {name for name, value in vars(setting).items() if value != getattr(given.base, name)}
        assert others <= {option}


@pytest.mark.parametrize(
    ('option', 'text'),
    [('scale', '0'), ('scale', 'big'), ('location_noise', '-0.1'), ('rotation_noise', 'nan'), ('bones', 'long')],
)
def test_what_cannot_be_is_refused_by_its_name(option: str, text: str) -> None:
    with pytest.raises(ParameterError, match=option.replace('_', '-')):
        Setting(**{option: text})
