"""What PostgreSQL takes by itself: the rows of a library copied, or inserted by ``executemany``.

Into tables and indexes as the application's migrations make them, triggers included, and as many
rows to a transaction as an import has records. Reading the rows does not count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any, Protocol

import psycopg

from app.catalog.services.importing import CHUNK
from bench.clock import Clock
from bench.engines import Engines
from bench.processes import Spent

TABLES = (
    "libraries", "imports", "records", "source_records", "record_identifiers", "dirty_records",
)  # fmt: skip
_ORDERS = {
    "libraries": "path", "imports": "id", "records": "id", "reader_imports": "id",
    "accounts": "id", "handles": "account_id",
}  # fmt: skip
CARDS = (
    "SELECT cards.* FROM cards JOIN handles ON handles.lookup = cards.lookup"
    " ORDER BY handles.account_id"
)
"""Cards in the order of their accounts, so that what they refer to is there before."""

Connection = psycopg.Connection[Any]


class Way(Protocol):
    """A way to move rows: reads them ready for the driver, and writes what it read."""

    def read(self, source: Connection, table: str, limit: int) -> Iterator[Any]:
        """The rows of a table in the order of its key."""

    def write(self, target: Connection, table: str, rows: list[Any]) -> None:
        """Puts rows into the table of the same name."""


class Copied:
    """By COPY, the rows in the form in which PostgreSQL sends them: nothing is left to do."""

    def read(self, source: Connection, table: str, limit: int) -> Iterator[bytes]:
        """See Way."""
        with source.cursor().copy(f"COPY ({_wanted(table, limit)}) TO STDOUT") as copy:
            for block in copy:
                yield bytes(block)

    def write(self, target: Connection, table: str, rows: list[bytes]) -> None:
        """See Way."""
        with target.cursor().copy(f"COPY {table} FROM STDIN") as copy:
            copy.write(b"".join(rows))


class Executed:
    """By the driver's ``executemany``."""

    def read(self, source: Connection, table: str, limit: int) -> Iterator[tuple[Any, ...]]:
        """See Way."""
        with source.cursor(name=f"bench_{table}") as cursor:
            cursor.itersize = CHUNK
            cursor.execute(_wanted(table, limit))
            yield from cursor

    def write(self, target: Connection, table: str, rows: list[tuple[Any, ...]]) -> None:
        """See Way."""
        places = ",".join(["%s"] * len(rows[0]))
        statement = f"INSERT INTO {table} VALUES ({places})"  # noqa: S608  constants
        target.cursor().executemany(statement, rows)


def _wanted(table: str, limit: int) -> str:
    if table == "cards":
        return f"{CARDS} LIMIT {limit}"
    order = _ORDERS.get(table, "record_id")
    return f"SELECT * FROM {table} ORDER BY {order} LIMIT {limit}"  # noqa: S608  constants


def moved(
    engines: Engines,
    source: str,
    target: str,
    way: Way,
    limit: int,
    tables: Sequence[str] = TABLES,
) -> Spent:
    """What writing took: the rows of so many records, from one database of ours into another."""
    clock = Clock()
    with ExitStack() as stack:
        streams = {
            table: way.read(stack.enter_context(engines.postgresql(source)), table, limit)
            for table in tables
        }
        writing = stack.enter_context(engines.postgresql(target))
        while chunks := {t: c for t, rows in streams.items() if (c := list(islice(rows, CHUNK)))}:
            with clock:
                for table, rows in chunks.items():
                    way.write(writing, table, rows)
                writing.commit()
    return clock.spent()
