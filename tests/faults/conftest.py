"""What the tests of faults share: engines of their own, and a library that outlives its faults."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.engines import Engines
from faults.installation import Installation


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """Four engines that nobody else uses."""
    command = os.environ.get("KAIJUAN_TEST_ENGINES")
    if not command:
        pytest.skip("KAIJUAN_TEST_ENGINES is not set: no engines are here to be killed")
    made = Engines(Path(command))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def running(engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A library that is served; one fault after another befalls it, as in life."""
    made = Installation(tmp_path_factory.mktemp("faults"), engines)
    try:
        made.serve()
        yield made
    finally:
        made.mend()
        made.close()


@pytest.fixture
def library(running: Installation) -> Iterator[Installation]:
    """The same library, whole before the test; mended after it whatever came of it."""
    running.judge()
    yield running
    running.mend()
