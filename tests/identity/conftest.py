"""Fixtures of accounts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House

from identity.people import Browser


@pytest.fixture
def town(tmp_path: Path) -> Iterator[House]:
    """A library whose messages stay in memory."""
    made = House(tmp_path / "town", mail_url="memory:", sms_url="memory:")
    yield made
    made.close()


@pytest.fixture
def browser(town: House) -> Browser:
    """Somebody's."""
    return Browser(town)
