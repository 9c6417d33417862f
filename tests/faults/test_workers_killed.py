"""What works killed with SIGKILL in the midst of each activity, with all four engines."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from faults import activities
from faults.installation import Installation

pytestmark = [pytest.mark.engines, pytest.mark.faults, pytest.mark.timeout(600)]

KILLS = 3


def test_an_import_outlives_its_workers(library: Installation, tmp_path: Path) -> None:
    path = activities.record_file(tmp_path)
    job = library.send(path)
    chance = random.Random(7)
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.3, 2.0))
        library.kill_worker()
    activities.is_imported_once(library, job, path)
    library.judge()


@pytest.mark.parametrize("seconds", [1.5, 2.5])
def test_books_are_held_once_though_ingest_was_killed(
    library: Installation, tmp_path: Path, seconds: float
) -> None:
    books = activities.book_folder(tmp_path)
    command = ("import", "books", str(books[0].parent))
    killed_after(seconds, library, *command)
    activities.until_done(library, *command)
    activities.are_held_once(library, books)
    library.judge()


@pytest.mark.parametrize("seconds", [1.0, 2.0])
def test_an_index_is_right_though_its_rebuild_was_killed(
    library: Installation, seconds: float
) -> None:
    killed_after(seconds, library, "reindex")
    activities.until_done(library, "reindex")
    library.judge()


def killed_after(seconds: float, library: Installation, *command: str) -> None:
    """SIGKILL for a command and all that it started."""
    process = library.begin(*command)
    time.sleep(seconds)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
