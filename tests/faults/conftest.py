"""What the tests of faults share: engines of their own, and a library that outlives its faults."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.disks import Disk, let_go
from faults.engines import POSTGRESQL, S3, Engines
from faults.installation import Installation


@pytest.fixture(scope="session")
def _engines() -> Engines:
    command = os.environ.get("KAIJUAN_TEST_ENGINES")
    if not command:
        pytest.skip("KAIJUAN_TEST_ENGINES is not set: no engines are here to be killed")
    return Engines(Path(command))


@pytest.fixture(scope="session")
def disks(_engines: Engines) -> Iterator[dict[str, Disk]]:
    """Disks to be filled: of a database, of the store, and of the installation itself."""
    sizes = {"pg/tight": 256, "s3/data": 128, "library/data": 1200}
    _engines.stop()
    for place in sizes:
        let_go(_engines.home / place)  # of a run that was killed
    _engines.reset()
    made = [Disk(_engines.home / place, size) for place, size in sizes.items()]
    yield dict(zip((POSTGRESQL, S3, "data"), made, strict=True))
    for disk in made:
        let_go(disk.folder)


@pytest.fixture(scope="session")
def engines(_engines: Engines, disks: dict[str, Disk]) -> Iterator[Engines]:
    """Four engines that nobody else uses."""
    _engines.start()
    yield _engines
    _engines.stop()


@pytest.fixture(scope="session")
def running(engines: Engines, disks: dict[str, Disk]) -> Iterator[Installation]:
    """A library that is served; one fault after another befalls it, as in life."""
    tablespace = engines.own(disks[POSTGRESQL].folder)
    made = Installation(disks["data"].folder.parent, engines, tablespace)
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
