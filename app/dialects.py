"""What SQLite and PostgreSQL need to be told, and what their errors mean."""

from __future__ import annotations

import select
import time
from dataclasses import dataclass
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import URL, Connection, Engine, event
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

T = TypeVar("T")

RECYCLED = 1800
"""Seconds after which a connection is replaced, so that a moved or grown server is noticed."""
RESTED = 30.0
"""Seconds of rest after which a connection is asked whether it is alive."""
RACES = frozenset({"40001", "40P01"})
"""SQLSTATE (PostgreSQL, Appendix A): serialization_failure, deadlock_detected."""
TAKEN = "23505"
"""unique_violation."""
FULL = "53100"
"""disk_full."""
GRACE = 5.0
"""Seconds in which a server must say that a statement took too long: else nobody is there."""
TICK = 0.1
AWAY = frozenset({
    "08",  # connection exceptions; poolers that have no connection to give say so too
    "53",  # insufficient resources: too many connections, no memory
    "57",  # operator intervention: shut down, restarting, longer than statement_timeout
    "58",  # system errors, such as a disk that fails
})  # fmt: skip
"""Classes of SQLSTATE, its first two characters."""
LOCKED = "55P03"
"""lock_not_available: longer than lock_timeout."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long PostgreSQL lets one statement, one wait for a lock, one idle transaction take.

    In seconds; 0 is without end.
    """

    statement: int
    lock: int
    idle: int


WEB = Limits(statement=15, lock=5, idle=15)
"""A reader does not wait longer, and nobody may keep others waiting."""
WORK = Limits(statement=600, lock=60, idle=120)
"""Commands and background work."""
MIGRATING = Limits(statement=0, lock=60, idle=120)
"""A large table takes as long as it takes."""


def postgresql_arguments(url: URL, limits: Limits, *, writes: bool) -> dict[str, Any]:
    """How psycopg connects (libpq, 34.1.2); what the address itself says stands.

    Connections that read are read-only to the server, so that their statements need no
    transaction around them.
    """
    session = {
        "statement_timeout": f"{limits.statement}s",
        "lock_timeout": f"{limits.lock}s",
        "idle_in_transaction_session_timeout": f"{limits.idle}s",
        "default_transaction_isolation": "read\\ committed",
        "default_transaction_read_only": "off" if writes else "on",
        "timezone": "UTC",
    }
    arguments = {
        "connect_timeout": 5,
        "application_name": "kaijuan" if writes else "kaijuan-reads",
        "client_encoding": "utf8",
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
        "options": " ".join(f"-c {name}={value}" for name, value in session.items()),
    }
    return {name: value for name, value in arguments.items() if name not in url.query}


class _Patient(psycopg.Connection[Any]):
    """A connection that does not wait without end for a server that has gone silent.

    A server keeps its own limits only while it runs, and TCP's only tell of a host that is gone:
    behind a stopped process, a hanging disk or a proxy, statements would wait for ever.
    """

    patience: float | None = None

    def wait(self, gen: PQGen[T], interval: float = TICK, timeout: float | None = None) -> T:
        """See psycopg. What the server said nothing of in time leaves the connection useless."""
        try:
            return super().wait(gen, interval, timeout or self.patience)
        except psycopg.OperationalError as error:
            if error.sqlstate is None:
                self.close()
            raise


def limit_waiting(engine: Engine, limits: Limits) -> None:
    """Has the engine's connections give up a server that keeps none of its limits."""

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, arguments: Any, options: Any) -> _Patient:
        made = _Patient.connect(*arguments, **options)
        made.patience = limits.statement + GRACE if limits.statement else None
        return made


def watch_postgresql(engine: Engine) -> None:
    """Never hands out a connection that its server has closed.

    An idle connection has something to read only when the server hung up, which costs no question
    to find out; one that rested long is asked, since a network may fail without a word.
    """

    @event.listens_for(engine, "checkin")
    def rest(_driver: Any, record: Any) -> None:
        record.info["rested_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def wake(driver: Any, record: Any, _proxy: Any) -> None:
        rested = time.monotonic() - record.info.get("rested_since", time.monotonic())
        try:
            if rested > RESTED or _has_news(driver):
                engine.dialect.do_ping(driver)
        except psycopg.Error as error:
            raise InvalidatePoolError("the server has closed this connection") from error


def _has_news(driver: Any) -> bool:
    poll = select.poll()
    poll.register(driver.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))


def set_up_sqlite(engine: Engine) -> None:
    """Durable, and with a lock from the beginning of what writes."""
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin_sqlite)


def _set_pragmas(connection: Any, _record: object) -> None:
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


def is_race(error: DBAPIError) -> bool:
    """Whether the transaction was rolled back only because another stood in its way."""
    return _state(error) in RACES


def is_taken(error: DBAPIError) -> bool:
    """Whether a key was there already, maybe since a moment."""
    return _state(error) == TAKEN


def is_full(error: DBAPIError | PoolTimeoutError) -> bool:
    """Whether the server has no room left."""
    return isinstance(error, DBAPIError) and _state(error) == FULL


def is_cut(error: DBAPIError) -> bool:
    """Whether the connection was lost while it was used."""
    return error.connection_invalidated


def is_away(error: DBAPIError | PoolTimeoutError) -> bool:
    """Whether the server, or a connection to it, could not be had in time."""
    if isinstance(error, PoolTimeoutError) or is_cut(error) or is_race(error):
        return True
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    state = _state(error)
    if state is None:
        return type(error.orig).__module__.startswith("psycopg")
    return state[:2] in AWAY or state == LOCKED


def _state(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)
