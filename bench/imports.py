"""Importing records and feeding the index, beside the engines by themselves.

The control of the import inserts the same rows, read from the library that was just made, into
the same tables and indexes with the same durability and as many to a transaction, by
``executemany``. The control of the index inserts what a batch writes, tokens ready, likewise.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path

from app.catalog.services import indexing
from app.catalog.services.importing import CHUNK
from app.database import Database
from bench.clock import Clock
from bench.library import Bench, Library, drain
from bench.processes import Spent
from bench.rows import Goal, Row
from bench.search_speed import bare_fill, ready_rows

_TABLES = ("libraries", "imports", "records", "source_records", "record_identifiers")
_ROWS = {
    **{table: f"SELECT * FROM {table}" for table in _TABLES},  # noqa: S608  constants
    "dirty_records": "SELECT id, version, added_at, NULL, 0, '' FROM records ORDER BY id",
}
IMPORT, DRAIN = Goal(least=0.25), Goal(least=0.5)


def rows(bench: Bench) -> Iterator[Row]:
    """The rate of an import into an empty library, of the same once more, and of the index."""
    library = bench.fresh(f"full{bench.size}")
    spent = library.run("import", "records", bench.records(), "--json")
    count = count_of(library)
    bare = bare_import(library, bench.folder / "bare-import.sqlite")
    yield beside(f"import of {count:,} records", count, spent, bare, IMPORT)
    again = library.run("import", "records", bench.records(), "--json")
    yield Row(measure="the same import once more", ours=rate(count, again))
    drained = drain(library)
    library.complete()
    yield beside(f"index drained, {count:,} records", count, drained, bare_index(bench), DRAIN)


def beside(measure: str, count: int, ours: Spent, bare: Spent, goal: Goal) -> Row:
    """Our rate as a part of the control's, by the clock and by processor time."""
    return Row(
        measure=measure,
        ours=rate(count, ours),
        control=rate(count, bare),
        value=bare.seconds / ours.seconds,
        cpu=bare.cpu / ours.cpu,
        goal=goal,
    )


def rate(count: int, spent: Spent) -> str:
    """``1,234/s, 12.3 s CPU``."""
    return f"{count / spent.seconds:,.0f}/s, {spent.cpu:.1f} s CPU"


def count_of(library: Library) -> int:
    """How many records it has."""
    with closing(sqlite3.connect(library.database)) as connection:
        return int(connection.execute("SELECT count(*) FROM records").fetchone()[0])


def bare_import(library: Library, path: Path, rows: Mapping[str, str] = _ROWS) -> Spent:
    """The rows of a library, table by table what a statement reads, inserted by themselves.

    Reading them does not count.
    """
    path.unlink(missing_ok=True)
    clock = Clock()
    with (
        closing(sqlite3.connect(library.database)) as source,
        closing(_connected(path)) as target,
    ):
        for (statement,) in source.execute(
            "SELECT sql FROM sqlite_master WHERE sql NOT NULL"
            " ORDER BY type = 'trigger', type = 'index'"
        ):
            target.execute(statement)
        streams = {table: source.execute(statement) for table, statement in rows.items()}
        _insert(target, streams, clock)
    return clock.spent()


def _connected(path: Path) -> sqlite3.Connection:
    """A connection that is set up as the application's are."""
    pooled = Database(f"sqlite:///{path}").engine.raw_connection()
    connection = pooled.driver_connection
    pooled.detach()
    assert isinstance(connection, sqlite3.Connection)
    return connection


def _insert(target: sqlite3.Connection, streams: dict[str, sqlite3.Cursor], clock: Clock) -> None:
    while chunk := {t: rows for t, stream in streams.items() if (rows := stream.fetchmany(CHUNK))}:
        with clock:
            target.execute("BEGIN IMMEDIATE")
            for table, ready in chunk.items():
                places = ",".join("?" * len(ready[0]))
                target.executemany(f"INSERT INTO {table} VALUES ({places})", ready)  # noqa: S608  constants
            target.execute("COMMIT")


@cache
def bare_index(bench: Bench) -> Spent:
    """The documents of the full library written as rows that are ready; once in a run."""
    for left in bench.folder.glob("bare-index*"):
        left.unlink()
    given = list(indexing.every_document(bench.full().adapters.database))
    making = Clock()
    ready = making.each(ready_rows(bench.folder / "bare-index-kept.sqlite", given))
    started = time.perf_counter()
    cpu = bare_fill(bench.folder / "bare-index.sqlite", ready)
    whole = time.perf_counter() - started
    return Spent(whole - making.spent().seconds, cpu, 0, 0, b"")
