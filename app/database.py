"""The database: engines, the transaction, and what every table shares.

Only edges (the web endpoint, the job runner, a command) open a transaction; services and queries
are handed its session. On SQLite a transaction that writes begins IMMEDIATE, since one that reads
first and writes later fails at once when another writer came between. On PostgreSQL transactions
are READ COMMITTED: what must not change under a writer is locked (``FOR UPDATE``), guarded by a
constraint, or written under a condition (``UPDATE … WHERE version = …``).
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import SystemRandom
from typing import Any, TypeVar

from sqlalchemy import (
    CursorResult,
    Engine,
    Executable,
    MetaData,
    String,
    create_engine,
    make_url,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import DeclarativeBase, Session

from app import dialects
from app.dialects import WORK, Limits
from app.errors import NoRoomError, UnavailableError
from app.inserting import copy_instead, insert_many
from app.room import LEAST, Room
from app.values import Instant, from_micros, new_id, now, random_id, rfc3339, to_micros

__all__ = [
    "Base", "Database", "Instant", "from_micros", "insert_many", "key_text", "new_id", "now",
    "random_id", "read", "rfc3339", "to_micros", "writes",
]  # fmt: skip

T = TypeVar("T")

ATTEMPTS = 4
"""How often work is done that other transactions stood in the way of."""
UNSURE = "the commit was sent"
_random = SystemRandom()

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


class Database:
    """An engine and its transactions.

    ``url`` is ``sqlite:///…`` or ``postgresql+psycopg://…``; ``limits`` say how long PostgreSQL
    lets statements take. On PostgreSQL what writes and what reads have a pool each: reading
    statements run one by one on read-only connections, as READ COMMITTED would have them seen
    anyway, without the two messages that a transaction costs.
    """

    def __init__(self, url: str, *, pool_size: int = 16, limits: Limits = WORK) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._pool: dict[str, Any] = {
            "pool_size": pool_size,
            "max_overflow": 4,
            "pool_timeout": 10,
            "pool_reset_on_return": None,  # sessions roll back themselves when they close
        }
        if self.is_sqlite:
            arguments = {"timeout": 30, "check_same_thread": False}
            self.engine = create_engine(self.url, connect_args=arguments, **self._pool)
            dialects.set_up_sqlite(self.engine)
            self._reading = self._snapshot = self.engine
        else:
            self.engine = self._postgresql(limits, writes=True)
            reads = self._postgresql(limits, writes=False)
            self._reading = reads.execution_options(isolation_level="AUTOCOMMIT")
            self._snapshot = reads.execution_options(isolation_level="REPEATABLE READ")
        self._room = Room(Path(self.url.database or ".").parent) if self.is_sqlite else None
        self._writing = self.engine.execution_options(kaijuan_writes=True)
        self.close = weakref.finalize(self, _dispose, self.engine, self._reading)
        """Gives every connection back; so does losing the last reference."""

    def _postgresql(self, limits: Limits, *, writes: bool) -> Engine:
        engine = create_engine(
            self.url,
            connect_args=dialects.postgresql_arguments(self.url, limits, writes=writes),
            pool_recycle=dialects.RECYCLED,
            **self._pool,
        )
        dialects.limit_waiting(engine, limits)
        dialects.watch_postgresql(engine)
        copy_instead(engine)
        return engine

    @contextmanager
    def transaction(self, *, writes: bool = True, snapshot: bool = False) -> Iterator[Session]:
        """One unit of work: committed when the block ends, rolled back when it raises.

        A block that only reads says ``writes=False``: it takes no lock, and is never committed.
        With ``snapshot`` all of its statements see one state of the database, at the cost that
        PostgreSQL keeps for as long what others delete.

        :raises NoRoomError: when it writes and the disk is nearly full.
        :raises UnavailableError: when the database is away or too slow. When it went away during
            the commit, nobody knows whether the work was done.
        """
        with _translated(), self._session(writes, snapshot) as session:
            yield session

    def run(self, work: Callable[[Session], T], *, writes: bool = True) -> T:
        """What ``work`` returns, done in a transaction; again when another stood in its way.

        That is a deadlock, a serialisation failure, a key that another wrote first (a second look
        finds what it wrote), or a connection that was cut before the commit. PostgreSQL has then
        rolled back the whole. ``work`` must leave nothing behind but in the database.

        :raises NoRoomError, UnavailableError: as :meth:`transaction`.
        """
        with _translated():
            for attempt in range(1, ATTEMPTS):
                try:
                    with self._session(writes) as session:
                        return work(session)
                except DBAPIError as error:
                    if not _can_be_repeated(error, attempt):
                        raise
                    time.sleep(_random.uniform(0, 0.02 * 2**attempt))
            with self._session(writes) as session:
                return work(session)

    @contextmanager
    def _session(self, writes: bool, snapshot: bool = False) -> Iterator[Session]:
        if writes and self._room:
            self._room.require()
        reading = self._snapshot if snapshot else self._reading
        with Session(self._writing if writes else reading, expire_on_commit=False) as session:
            yield session
            if writes:
                with _committing():
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


def writes(session: Session) -> bool:
    """Whether what the session does may be committed."""
    return bool(session.get_bind().get_execution_options().get("kaijuan_writes", False))


def read(session: Session, statement: Executable, **values: Any) -> CursorResult[Any]:
    """The rows of a statement that was made once, its parameters bound by name.

    For what is read on every request: making a statement anew costs several times what running it
    does, and plain columns need nothing of the mapper. What the session holds is written first.
    """
    session.flush()
    return session.connection().execute(statement, values)


@contextmanager
def _translated() -> Iterator[None]:
    """Turns what means that PostgreSQL is away, or full, into the domain's own word for it."""
    try:
        yield
    except (DBAPIError, PoolTimeoutError) as error:
        if dialects.is_full(error):
            raise NoRoomError("the database", 0, LEAST) from error
        if dialects.is_away(error):
            raise UnavailableError("The database") from error
        raise


@contextmanager
def _committing() -> Iterator[None]:
    """Marks what fails from here on: whether the work was done may be unknown."""
    try:
        yield
    except DBAPIError as error:
        error.add_detail(UNSURE)
        raise


def _can_be_repeated(error: DBAPIError, attempt: int) -> bool:
    if dialects.is_cut(error):
        return attempt == 1 and UNSURE not in error.detail
    return dialects.is_race(error) or (attempt == 1 and dialects.is_taken(error))


def _dispose(*engines: Engine) -> None:
    for engine in engines:
        engine.dispose()
