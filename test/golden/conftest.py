"""The option that writes the files anew."""

import pytest


@pytest.fixture
def write_golden(request: pytest.FixtureRequest) -> bool:
    return request.config.getoption('--write-golden')
