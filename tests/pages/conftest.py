"""One library for the tests of the pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An empty library."""
    made = House(tmp_path / "data")
    yield made
    made.close()
