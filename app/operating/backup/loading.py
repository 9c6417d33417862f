"""Filling a database from a generation: all of its rows, or none.

On SQLite a file is made beside the one in use and takes its place once it is whole. On PostgreSQL
one transaction makes the schema, where it is another, and fills every table by COPY. Foreign keys
are off meanwhile, so that rows may come in any order, and are all checked at the end.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, MetaData, delete, event, func, insert, select, text
from sqlalchemy import Table as SqlTable
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.schema import AddConstraint, DropConstraint

from app import revision
from app.database import Database, now
from app.jobs.models import LeaseRow
from app.operating.backup import rows
from app.operating.backup.manifest import BackupError, DamagedError, Manifest, Problem, Table
from app.operating.backup.snapshot import tables_of, take_time
from app.operating.schema import configuration, upgrade_to
from app.operating.unfinished import RESTORE
from app.storage.local import fsync_folder
from app.terminal import Meter

_FOR = timedelta(days=365)
_POINTS_NOWHERE = "Rows of the backup point to rows that it does not have."

Parts = Callable[[Table], Path]


def counts(database: Database) -> dict[str, int]:
    """How many rows each table has, of those that have any."""
    with database.transaction(writes=False, snapshot=True) as session:
        take_time(session)
        found = {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in tables_of(session.connection())
        }
    return {name: number for name, number in found.items() if number}


def is_known(database: Database, wanted: str) -> bool:
    """Whether this release has the migrations that lead to this revision of the schema."""
    scripts = ScriptDirectory.from_config(configuration(database))
    try:
        return scripts.get_revision(wanted) is not None
    except CommandError:
        return False


def load(
    database: Database, manifest: Manifest, name: str, parts: Parts, quiet: bool
) -> list[Problem]:
    """Replaces everything in the database by what the generation ``name`` holds.

    The schema is then that of the generation. A restore that died is known by its lease. Tables
    that somebody else had made are left out, and returned.

    :raises DamagedError: when the rows are not as many as were taken; nothing was replaced.
    :raises BackupError: when the database is in use, or refuses a row; likewise.
    """
    if database.is_sqlite:
        return _load_file(database, manifest, name, parts, quiet)
    with database.transaction(writes=False) as session:
        is_other = revision.present(session) != manifest.revision
    with database.transaction() as session:
        take_time(session)
        if is_other:
            _clear(session)
            upgrade_to(manifest.revision, database, session)
        return _fill(session, manifest, name, parts, quiet)


def _load_file(
    database: Database, manifest: Manifest, name: str, parts: Parts, quiet: bool
) -> list[Problem]:
    path = Path(str(database.url.database))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    database.engine.dispose()
    _settle(path)
    with _beside(path) as fresh:
        beside = Database(f"sqlite:///{fresh}")
        event.listen(beside.engine, "connect", _hurry)
        try:
            with beside.transaction() as session:
                upgrade_to(manifest.revision, beside, session)
                problems = _fill(session, manifest, name, parts, quiet)
        finally:
            beside.close()
        _settle(path)  # once more: somebody may have opened it since
    return problems


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A new file that takes the place of ``path``, on the disk, when the block ends well."""
    fresh = path.with_name(f"{path.name}.restoring")
    fresh.unlink(missing_ok=True)
    os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield fresh
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        fresh.replace(path)
        fsync_folder(path.parent)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _hurry(connection: Any, _record: object) -> None:
    """The file is nobody's yet: it is synced once, when it is whole."""
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "foreign_keys=OFF", "cache_size=-65536"):
        connection.execute(f"PRAGMA {pragma}")


def _settle(path: Path) -> None:
    """Takes the log into the file in use: one left beside the new file would be applied to it.

    SQLite refuses while any other process has the file open.
    """
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path, timeout=1)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        raise BackupError(f"{path} is in use ({error}): stop what serves from it first.") from error


def _clear(session: Session) -> None:
    found = MetaData()
    found.reflect(session.connection())
    found.drop_all(session.connection())


def _fill(
    session: Session, manifest: Manifest, name: str, parts: Parts, quiet: bool
) -> list[Problem]:
    done, problems = 0, []
    with Meter("rows", manifest.rows, quiet=quiet) as meter, _unbound(session) as tables:
        for table in manifest.tables:
            if table.name not in tables:
                problems.append(Problem(table.name, "unknown", "This table is none of Kaijuan's."))
                done += table.rows
                continue
            into = tables[table.name]
            with _named(table), _putting(session.connection(), into, table) as put:
                for block in rows.read(parts(table)):
                    put(block)
                    done += len(block)
                    meter.at(done)
        if done != manifest.rows:
            raise DamagedError(name, f"it has {done:,} rows of {manifest.rows:,}")
    _hold(session, name)
    return problems


@contextmanager
def _named(table: Table) -> Iterator[None]:
    """Says which table it was whose rows the database does not take."""
    try:
        yield
    except (psycopg.Error, DBAPIError) as error:
        reason = str(error.orig if isinstance(error, DBAPIError) else error).strip()
        raise BackupError(f"The table {table.name} cannot be filled: {reason}") from error


@contextmanager
def _unbound(session: Session) -> Iterator[dict[str, SqlTable]]:
    """The tables by name, empty and without foreign keys, which hold again afterwards."""
    connection = session.connection()
    tables = tables_of(connection)
    if connection.dialect.name == "sqlite":
        for table in tables:
            connection.execute(delete(table))
        yield {table.name: table for table in tables}
        if connection.exec_driver_sql("PRAGMA foreign_key_check").first():
            raise BackupError(_POINTS_NOWHERE)
        return
    keys = [key for table in tables for key in table.foreign_key_constraints]
    for key in keys:
        connection.execute(DropConstraint(key))
    quote = connection.dialect.identifier_preparer.quote
    connection.execute(text(f"TRUNCATE {', '.join(quote(table.name) for table in tables)}"))
    yield {table.name: table for table in tables}
    try:
        for key in keys:
            connection.execute(AddConstraint(key))
    except IntegrityError as error:
        raise BackupError(_POINTS_NOWHERE) from error
    connection.execute(text("ANALYZE"))


@contextmanager
def _putting(
    connection: Connection, into: SqlTable, table: Table
) -> Iterator[Callable[[rows.Rows], None]]:
    """What puts rows into a table: COPY on PostgreSQL, one prepared INSERT on SQLite."""
    names = [column.name for column in table.columns]
    quote = connection.dialect.identifier_preparer.quote
    columns = ", ".join(map(quote, names))
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(names))
        into_it = f"INTO {quote(into.name)} ({columns}) VALUES ({marks})"

        def insert_all(block: rows.Rows) -> None:
            connection.exec_driver_sql(f"INSERT {into_it}", list(block))

        yield insert_all
        return
    driver: Any = connection.connection.driver_connection
    statement = f"COPY {quote(into.name)} ({columns}) FROM STDIN"
    with driver.cursor() as cursor, cursor.copy(statement) as copy:

        def copy_all(block: rows.Rows) -> None:
            for row in block:
                copy.write_row(row)

        yield copy_all


def _hold(session: Session, name: str) -> None:
    session.execute(delete(LeaseRow).where(LeaseRow.name == RESTORE))
    session.execute(insert(LeaseRow).values(name=RESTORE, holder=name, until=now() + _FOR, token=0))
