"""The database at one point: every table, read in one transaction that sees nothing later.

On SQLite that is a read in WAL mode, on PostgreSQL one of REPEATABLE READ: neither holds up a
writer. What it reads goes to this machine's disk, so that a slow target does not prolong it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, MetaData, func, select, text
from sqlalchemy import Table as SqlTable
from sqlalchemy.orm import Session

from app import revision
from app.database import Database, now
from app.operating.backup import naming, rows
from app.operating.backup.manifest import BackupError, Column
from app.room import Room
from app.terminal import Meter

VERSIONS = "alembic_version"
"""Not taken: the manifest says the revision, and a restore makes the schema by migrations."""
ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Dumped:
    """A table on this machine's disk."""

    name: str
    columns: tuple[Column, ...]
    rows: int
    path: Path


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything committed before ``point``, and the keys of the objects that it names."""

    point: datetime
    revision: str
    engine: str
    tables: tuple[Dumped, ...]
    lasting: tuple[str, ...]
    passing: tuple[str, ...]


Secure = Callable[[list[str]], bool]
"""Copies objects that will be deleted soon; says whether all of them were still there."""


def take(database: Database, folder: Path, secure: Secure, *, quiet: bool = False) -> Snapshot:
    """Writes every table into ``folder``.

    A file that was sent to be imported is named by a job and deleted when that job is done, maybe
    before it can be copied. So such files are copied first, and where one is gone already its job
    is done: another snapshot, taken at once, no longer names it. What is named time and again, and
    is not there, is missing.

    :raises NoRoomError: before the disk is full.
    :raises BackupError: when the database has no schema.
    """
    for attempt in range(ATTEMPTS):
        point = now()
        with database.transaction(writes=False, snapshot=True) as session:
            take_time(session)
            at = _revision(session)
            passing = naming.passing(session)
            if secure(passing) or attempt == ATTEMPTS - 1:
                return Snapshot(
                    point=point,
                    revision=at,
                    engine=_engine(session.connection()),
                    tables=tuple(_tables(session, folder, quiet)),
                    lasting=tuple(naming.lasting(session)),
                    passing=tuple(passing),
                )
    raise AssertionError("unreachable: the last attempt returns")


def take_time(session: Session) -> None:
    """Lets this transaction take as long as it needs: the limits are for requests and jobs."""
    if session.get_bind().dialect.name == "postgresql":
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            session.execute(text(f"SET LOCAL {limit} = 0"))


def _revision(session: Session) -> str:
    """Of the very schema that is read: somebody may be migrating."""
    found = revision.present(session)
    if found is None:
        raise BackupError("The database has no schema yet: run `kaijuan migrate`.")
    return found


def _engine(connection: Connection) -> str:
    version = ".".join(map(str, connection.dialect.server_version_info or ()))
    return f"{connection.dialect.name} {version}"


def tables_of(connection: Connection) -> list[SqlTable]:
    """Every table that the database has, apart from the one of migrations."""
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != VERSIONS]


def _tables(session: Session, folder: Path, quiet: bool) -> Iterator[Dumped]:
    tables = tables_of(session.connection())
    counts = [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]
    done, room = 0, Room(folder)
    with Meter("rows", sum(counts), quiet=quiet) as meter:

        def blocks(table: SqlTable) -> Iterator[rows.Rows]:
            nonlocal done
            wanted = select(*map(rows.value_of, table.columns))
            found = session.execute(wanted.execution_options(yield_per=rows.BLOCK))
            for block in found.partitions():
                room.require()  # the disk is the one that readers and writers live on
                done += len(block)
                meter.at(done)
                yield [tuple(row) for row in block]

        for table in tables:
            path = folder / f"{table.name}.rows"
            columns = tuple(Column(str(c.name), rows.kind_of(c)) for c in table.columns)
            yield Dumped(str(table.name), columns, rows.write(path, blocks(table)), path)
