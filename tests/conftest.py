"""Fixtures that every test may use."""

import os
from collections.abc import Iterator
from pathlib import Path

import haste
import pytest
from house import House

pytest_plugins = ("engine_runs",)

haste.make_haste()


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The shared real material, found by ``KAIJUAN_TEST_DATA`` alone."""
    folder = os.environ.get("KAIJUAN_TEST_DATA")
    if not folder:
        pytest.skip("KAIJUAN_TEST_DATA is not set: real material is not here")
    return Path(folder)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An empty library."""
    made = House(tmp_path / "data")
    yield made
    made.close()
