"""The bell: Huey carries "look in the ledger" from whoever committed work to whoever does it.

It carries no payload and may be lost: workers look by themselves every second. Only bytes go
through Huey's storage, never a pickled task, so that nothing read from it is ever executed.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import urlsplit

from huey import RedisHuey, SqliteHuey
from redis import BlockingConnectionPool, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import make_url

from app.breakers import Breaker
from app.config import PREFIX, SettingError

LOOK = b"look"
MOST_PENDING = 16
"""Looks kept at once: each wakes one thread, and no worker need be there to take them."""
LISTEN_EVERY = 0.05
MAKING = 5
CONNECTING = 1.0
"""Seconds that a request waits for Redis at most, once each few seconds while it is away."""
ANSWERING = 3.0
"""Seconds for an answer: longer than the one second that a listener waits in Redis itself."""


class Bell(Protocol):
    """What rings after a commit, and what workers wait for. Only ``check`` ever raises."""

    def check(self) -> None:
        """Raises what is wrong with the engine."""

    def ring(self) -> None:
        """Asks some worker to look; returns at once."""

    def wait(self, seconds: float) -> bool:
        """Whether it rang within ``seconds``; takes the ring, so that others do not hear it."""


class NoBell:
    """For commands and tests: workers poll."""

    def check(self) -> None:
        """Nothing can be wrong."""

    def ring(self) -> None:
        """Nobody hears."""

    def wait(self, seconds: float) -> bool:
        """Rests that long."""
        time.sleep(seconds)
        return False


class HueyBell:
    """A bell on one of Huey's storages."""

    def __init__(self, storage: Any, breaker: Breaker | None = None) -> None:
        self._storage = storage
        self.breaker = breaker or Breaker("queue", failures=1)

    def check(self) -> None:
        """Asks Huey's engine, and raises what it fails with."""
        self._storage.queue_size()

    def ring(self) -> None:
        """Leaves a look, unless many wait already; when Huey is away, does nothing for a while."""
        with suppress(Exception), self.breaker.call(_is_away):
            if self._storage.queue_size() < MOST_PENDING:
                self._storage.enqueue(LOOK)

    def wait(self, seconds: float) -> bool:
        """Takes a look if one comes within ``seconds``; when Huey is away, rests that long."""
        until = time.monotonic() + seconds
        with suppress(Exception), self.breaker.call(_is_away):
            return self._hears(until)
        time.sleep(max(0.0, until - time.monotonic()))
        return False

    def _hears(self, until: float) -> bool:
        while self._storage.dequeue() is None:
            left = until - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(left, LISTEN_EVERY))
        return True


def _is_away(_error: Exception) -> bool:
    """Whatever a storage fails with, the bell does not ring; workers poll."""
    return True


def open_bell(url: str) -> Bell:
    """The bell at ``sqlite:///path`` or ``redis://…``.

    :raises SettingError: when it cannot be used, such as Redis without its client library.
    """
    if urlsplit(url).scheme == "sqlite":
        try:
            return HueyBell(_in_file(make_url(url).database))
        except sqlite3.Error as error:
            wanted = f"a database that can be opened ({error})"
            raise SettingError(PREFIX + "QUEUE_URL", url, wanted) from error
    try:
        return HueyBell(RedisHuey("bell", connection_pool=_pool(url)).storage)
    except (ValueError, RedisError) as error:
        wanted = "redis://host:port/number"
        raise SettingError(PREFIX + "QUEUE_URL", urlsplit(url).scheme + "://…", wanted) from error


def _in_file(path: str | None) -> Any:
    """Huey's storage in a file. Of processes that make it at once all but one may find it locked.

    No fsync: a ring lost with the power costs one second.
    """
    for _ in range(MAKING):
        with suppress(sqlite3.OperationalError):
            return SqliteHuey("bell", filename=path, fsync=False, timeout=1).storage
        time.sleep(LISTEN_EVERY)
    return SqliteHuey("bell", filename=path, fsync=False, timeout=1).storage


def _pool(url: str) -> BlockingConnectionPool:
    """Connections that do not try again by themselves: the bell has better to do than to wait."""
    return BlockingConnectionPool.from_url(
        url,
        timeout=CONNECTING,
        socket_connect_timeout=CONNECTING,
        socket_timeout=ANSWERING,
        retry=Retry(NoBackoff(), 0),
    )
