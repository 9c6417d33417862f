"""The database: engines, the transaction, and what every table shares.

Only edges (the web endpoint, the job runner, a command) open a transaction; services and queries
are handed its session. On SQLite a transaction that writes begins IMMEDIATE, since one that reads
first and writes later fails at once when another writer came between.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    CursorResult,
    Dialect,
    Engine,
    Executable,
    MetaData,
    String,
    create_engine,
    event,
    insert,
    make_url,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import UserDefinedType
from uuid_utils import uuid7

from app.room import Room

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The parent of every table; constraint names are fixed, so that migrations can name them."""

    metadata = MetaData(naming_convention=NAMING)


def key_text(length: int | None = None) -> String:
    """Text in byte order on both databases: keys, paths and cursors compare alike everywhere."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class Instant(UserDefinedType[datetime]):
    """An aware UTC time, kept as microseconds since 1970: exact and ordered on both databases."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        """The type of the column."""
        return "BIGINT"

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], int | None]:
        """From a time to its number."""
        return lambda value: None if value is None else to_micros(value)

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[int | None], datetime | None]:
        """From a number to its time."""
        return lambda value: None if value is None else from_micros(value)


@lru_cache(maxsize=256)
def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware time."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone is not a moment")
    whole = int(moment.timestamp() // 1) * 1_000_000
    return whole + moment.microsecond


def from_micros(micros: int) -> datetime:
    """The aware UTC time of so many microseconds since 1970."""
    seconds, rest = divmod(micros, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


@lru_cache(maxsize=256)
def rfc3339(moment: datetime) -> str:
    """``2026-01-02T03:04:05.000006Z``: RFC 3339, UTC, six digits always, so it sorts as text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def now() -> datetime:
    """The present moment, aware, UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A UUIDv7 (RFC 9562): unique, and later ones sort after earlier ones."""
    return str(uuid7())


def random_id() -> str:
    """128 random bits, for ids that must not tell when they were made."""
    return secrets.token_hex(16)


def insert_many(
    session: Session, model: type[DeclarativeBase], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Inserts many rows of the same columns, without the ORM's and the compiler's work for each.

    The statement is SQLAlchemy's own, compiled once; the driver gets all rows in one call. Rows
    name every column that has a default.
    """
    if not rows:
        return
    connection = session.connection()
    names = list(rows[0])
    statement = insert(model).values(dict.fromkeys(names)).compile(dialect=connection.dialect)
    order = statement.positiontup or names
    times = [i for i, n in enumerate(order) if isinstance(model.__table__.c[n].type, Instant)]
    pick = itemgetter(*order)
    values: list[Any] = []
    for row in rows:
        picked = list(pick(row))
        for index in times:
            picked[index] = None if picked[index] is None else to_micros(picked[index])
        values.append(tuple(picked))
    if not statement.positiontup:  # a driver that takes its parameters by name
        values = [dict(zip(order, picked, strict=True)) for picked in values]
    connection.exec_driver_sql(str(statement), values)


class Database:
    """An engine and its transactions.

    ``url`` is ``sqlite:///…`` or ``postgresql+psycopg://…``.
    """

    def __init__(self, url: str, *, pool_size: int = 16) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        arguments: dict[str, Any] = {
            "pool_size": pool_size,
            "max_overflow": 4,
            "pool_timeout": 10,
            "pool_reset_on_return": None,  # sessions roll back themselves when they close
        }
        if self.is_sqlite:
            arguments["connect_args"] = {"timeout": 30, "check_same_thread": False}
        else:
            arguments["pool_pre_ping"] = True
        self.engine: Engine = create_engine(self.url, **arguments)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _set_up_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self._room = Room(Path(self.url.database or ".").parent) if self.is_sqlite else None
        self._writing = self.engine.execution_options(kaijuan_writes=True)

    @contextmanager
    def transaction(self, *, writes: bool = True) -> Iterator[Session]:
        """One unit of work: committed when the block ends, rolled back when it raises.

        A block that only reads says ``writes=False``: it takes no lock, and is never committed.

        :raises NoRoomError: when it writes and the disk is nearly full.
        """
        if writes and self._room:
            self._room.require()
        with Session(self._writing if writes else self.engine, expire_on_commit=False) as session:
            yield session
            if writes:
                session.commit()

    def is_ready(self) -> bool:
        """Whether the database answers."""
        with self.transaction(writes=False) as session:
            return bool(session.scalar(text("SELECT 1")) == 1)

    def checkpoint(self) -> None:
        """After a bulk load on SQLite: the log goes into the file and the file onto the disk."""
        if self.is_sqlite:
            with self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Gives every connection back."""
        self.engine.dispose()


def read(session: Session, statement: Executable, **values: Any) -> CursorResult[Any]:
    """The rows of a statement that was made once, its parameters bound by name.

    For what is read on every request: making a statement anew costs several times what running it
    does, and plain columns need nothing of the mapper. What the session holds is written first.
    """
    session.flush()
    return session.connection().execute(statement, values)


def _set_up_sqlite(connection: Any, _record: object) -> None:
    """FULL, since NORMAL in WAL mode may lose acknowledged commits when the power goes."""
    connection.isolation_level = None  # the driver must not begin transactions of its own
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "cache_size=-2048",  # KiB for each connection; the system's cache holds the rest
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("kaijuan_writes", False):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    driver: Any = connection.connection.driver_connection
    driver.execute("BEGIN")  # cannot fail, so that it needs nobody to translate its errors
