"""Fixtures of signing on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House

from signon.systems import System


@pytest.fixture
def town(tmp_path: Path) -> Iterator[House]:
    """A library whose messages stay in memory."""
    made = House(tmp_path / "town", mail_url="memory:", sms_url="memory:")
    yield made
    made.close()


@pytest.fixture
def loans(town: House) -> System:
    """A system that may ask for everything."""
    return System(town)
