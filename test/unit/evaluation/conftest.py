"""Packed motion that needs no data, written once; and one thread, as two would only wait for each other here."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from ..training.examples import pack


@pytest.fixture(scope='session')
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(tmp_path_factory.mktemp('motion'))


@pytest.fixture(scope='module', autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
