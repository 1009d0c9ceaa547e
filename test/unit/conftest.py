"""Packed motion that needs no data, written once."""

from pathlib import Path

import pytest

from .training.examples import pack


@pytest.fixture(scope='session')
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(tmp_path_factory.mktemp('motion'))
