"""Each engine killed, restarted, slowed down and lying, in the midst of each activity.

Pairwise, not the full product: every engine meets every activity and most of the faults.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.dialects import GRACE, WEB
from faults import activities
from faults.activities import Readers
from faults.engines import ELASTICSEARCH, POSTGRESQL, REDIS, S3
from faults.installation import Installation
from faults.proxy import Fault, http

pytestmark = [pytest.mark.engines, pytest.mark.faults, pytest.mark.timeout(600)]

LASTS = 3.0
"""Seconds that a fault lasts."""
SILENCE = WEB.statement + GRACE + 5
"""Seconds that a reader waits for a database that says nothing, then for connecting to it anew."""


@dataclass(frozen=True, slots=True)
class Befall:
    """What befalls an engine, by its name in the list of tests."""

    name: str
    begin: Callable[[Installation, str], None]

    def __str__(self) -> str:
        return self.name


def on_the_line(name: str, fault: Fault) -> Befall:
    """A fault of the line or of whoever stands in it."""
    return Befall(name, lambda library, engine: library.fault(engine, fault))


killed = Befall("killed", lambda library, engine: library.engines.kill(engine))
restarted = Befall("restarted", lambda library, engine: library.engines.stop(engine))


slow = on_the_line("slow", Fault(delay=0.25))
hanging = on_the_line("hanging", Fault(hangs=True))
refusing = on_the_line("refusing", Fault(refuses=True))
cut = on_the_line("cut", Fault(keep=40, every=3))
unavailable = on_the_line("unavailable", Fault(answer=http("503 Service Unavailable"), every=2))
broken = on_the_line(
    "broken", Fault(answer=http("500 Internal Server Error", b"<html>oops", "text/html"))
)
busy = on_the_line("busy", Fault(answer=http("429 Too Many Requests"), every=2))
lying = on_the_line(
    "lying", Fault(answer=http("200 OK", b"<html>a sign-in page", "text/html"), every=2)
)
garbled = on_the_line("garbled", Fault(answer=b"\x00\xff!?\r\n\r\n"))


def befall(library: Installation, name: str, fault: Befall) -> None:
    """Lets the fault last a while, and mends it."""
    fault.begin(library, name)
    time.sleep(LASTS)
    library.mend()


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        (POSTGRESQL, killed), (POSTGRESQL, cut), (S3, unavailable), (S3, lying),
        (REDIS, killed), (ELASTICSEARCH, slow), (ELASTICSEARCH, lying),
    ],
    ids=str,
)  # fmt: skip
def test_an_accepted_import_is_whole_after(
    library: Installation, tmp_path: Path, name: str, fault: Befall
) -> None:
    path = activities.record_file(tmp_path)
    job = library.send(path)
    befall(library, name, fault)
    activities.is_imported_once(library, job, path)
    library.judge()


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        (POSTGRESQL, refusing), (S3, killed), (S3, cut), (REDIS, hanging), (ELASTICSEARCH, busy),
    ],
    ids=str,
)  # fmt: skip
def test_books_being_ingested_are_held_once_after(
    library: Installation, tmp_path: Path, name: str, fault: Befall
) -> None:
    books = activities.book_folder(tmp_path)
    command = ("import", "books", str(books[0].parent))
    ingesting = library.begin(*command)
    time.sleep(2)
    befall(library, name, fault)
    ingesting.wait()
    activities.until_done(library, *command)
    activities.are_held_once(library, books)
    library.judge()


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        (POSTGRESQL, restarted), (S3, hanging), (REDIS, garbled),
        (ELASTICSEARCH, killed), (ELASTICSEARCH, broken),
    ],
    ids=str,
)  # fmt: skip
def test_an_index_being_rebuilt_is_right_after(
    library: Installation, name: str, fault: Befall
) -> None:
    rebuilding = library.begin("reindex")
    time.sleep(1)
    befall(library, name, fault)
    rebuilding.wait()
    activities.until_done(library, "reindex")
    library.judge()


@pytest.mark.parametrize(
    ("name", "fault", "goes_on"),
    [
        (POSTGRESQL, slow, ("chapter", "search", "record")),
        (POSTGRESQL, killed, ()),
        (S3, lying, ("search", "record")),
        (S3, hanging, ("search", "record")),
        (REDIS, killed, ("chapter", "search", "record")),
        (REDIS, slow, ("chapter", "search", "record")),
        (ELASTICSEARCH, garbled, ("chapter", "record")),
        (ELASTICSEARCH, killed, ("chapter", "record")),
    ],
    ids=str,
)  # fmt: skip
def test_readers_are_never_told_wrong_things(
    library: Installation, tmp_path: Path, name: str, fault: Befall, goes_on: tuple[str, ...]
) -> None:
    books = activities.book_folder(tmp_path, 1)
    library.run("import", "books", str(books[0]))
    library.judge()
    with Readers(library, books[0]) as readers:
        befall(library, name, fault)
    readers.were_never_told_wrong()
    readers.were_served(*goes_on)
    readers.are_served_again()


def test_readers_are_refused_in_time_while_the_database_says_nothing(
    library: Installation, tmp_path: Path
) -> None:
    books = activities.book_folder(tmp_path, 1)
    library.run("import", "books", str(books[0]))
    library.judge()
    with Readers(library, books[0]) as readers:
        hanging.begin(library, POSTGRESQL)
        readers.are_refused("chapter", "record", patience=SILENCE + 10)
        library.mend()
    readers.were_never_told_wrong()
    readers.are_served_again()
    library.judge()
