"""Each disk filled while work is under way: what cannot be kept is refused, the rest goes on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from faults import activities
from faults.activities import Readers
from faults.disks import Disk
from faults.engines import POSTGRESQL, S3
from faults.installation import Installation, until

pytestmark = [pytest.mark.engines, pytest.mark.faults, pytest.mark.timeout(600)]

LASTS = 4.0
"""Seconds that a disk stays full."""
EVERYTHING = ("record", "search", "chapter")


@pytest.fixture
def readers(library: Installation, tmp_path: Path) -> Readers:
    """Readers of a book of their own."""
    books = activities.book_folder(tmp_path, 1)
    library.run("import", "books", str(books[0]))
    library.judge()
    return Readers(library, books[0])


def test_a_full_database_loses_nothing_of_an_import(
    library: Installation, disks: dict[str, Disk], readers: Readers, tmp_path: Path
) -> None:
    path = activities.record_file(tmp_path)
    with disks[POSTGRESQL].full(), readers:
        job = library.ask_to_import(path)
        time.sleep(LASTS)
    readers.were_served(*EVERYTHING)
    activities.is_imported_once(library, job or library.send(path), path)
    library.judge()


def test_a_full_store_loses_nothing_of_books_being_ingested(
    library: Installation, disks: dict[str, Disk], readers: Readers, tmp_path: Path
) -> None:
    books = activities.book_folder(tmp_path)
    command = ("import", "books", str(books[0].parent))
    with disks[S3].full(), readers:
        assert library.begin(*command).wait() != 0
    readers.were_served(*EVERYTHING)
    activities.until_done(library, *command)
    activities.are_held_once(library, books)
    library.judge()


def test_an_index_that_became_read_only_catches_up(
    library: Installation, readers: Readers, tmp_path: Path
) -> None:
    path = activities.record_file(tmp_path)
    _block(library, True)
    with readers:
        job = library.send(path)
        activities.is_imported_once(library, job, path)
        time.sleep(LASTS)
    readers.were_served(*EVERYTHING)
    assert not library.is_idle()
    _block(library, None)
    library.judge()


def _block(library: Installation, is_on: bool | None) -> None:
    """What Elasticsearch does by itself when its disk passes the flood stage, and undoes."""
    url, _, prefix = library.direct["KAIJUAN_SEARCH_URL"].rpartition("/")
    with Elasticsearch(url) as engine:
        settings = {"index.blocks.read_only_allow_delete": is_on}
        engine.indices.put_settings(index=f"{prefix}*", settings=settings)


def test_a_full_local_disk_refuses_files_and_serves_readers(
    library: Installation, disks: dict[str, Disk], readers: Readers, tmp_path: Path
) -> None:
    path = activities.record_file(tmp_path)
    with disks["data"].full(leaving=16), readers:
        until(lambda: not library.ask_to_import(path), "refusing for want of room", LASTS)
    readers.were_served(*EVERYTHING)
    activities.is_imported_once(library, library.send(path), path)
    library.judge()
