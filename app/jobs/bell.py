"""The bell: Huey carries "look in the ledger" from whoever committed work to whoever does it.

It carries no payload and may be lost: workers look by themselves every second. Only bytes go
through Huey's storage, never a pickled task, so that nothing read from it is ever executed.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any, Protocol
from urllib.parse import urlsplit

import structlog
from huey import RedisHuey, SqliteHuey
from huey.exceptions import ConfigurationError
from sqlalchemy import make_url

from app.config import PREFIX, SettingError

log = structlog.get_logger(__name__)

LOOK = b"look"
AWAY = "the bell is away; workers poll"
MOST_PENDING = 16
"""Looks kept at once: each wakes one thread, and no worker need be there to take them."""
LISTEN_EVERY = 0.05
REST = 5.0
"""Seconds without a try after the bell failed, so that it slows no request while it is away."""


class Bell(Protocol):
    """What rings after a commit, and what workers wait for. Neither ever raises."""

    def ring(self) -> None:
        """Asks some worker to look; returns at once."""

    def wait(self, seconds: float) -> bool:
        """Whether it rang within ``seconds``; takes the ring, so that others do not hear it."""


class NoBell:
    """For commands and tests: workers poll."""

    def ring(self) -> None:
        """Nobody hears."""

    def wait(self, seconds: float) -> bool:
        """Rests that long."""
        time.sleep(seconds)
        return False


class HueyBell:
    """A bell on one of Huey's storages."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self._rests_until = 0.0
        self._is_away = False  # said once, not every second

    def ring(self) -> None:
        """Leaves a look, unless many wait already; when Huey is away, does nothing for a while."""
        if time.monotonic() < self._rests_until:
            return
        try:
            if self._storage.queue_size() < MOST_PENDING:
                self._storage.enqueue(LOOK)
        except Exception:
            if not self._is_away:
                log.warning(AWAY, exc_info=True)
            self._is_away = True
            self._rests_until = time.monotonic() + REST
        else:
            self._is_away = False

    def wait(self, seconds: float) -> bool:
        """Takes a look if one comes within ``seconds``; when Huey is away, rests that long."""
        until = time.monotonic() + seconds
        try:
            while self._storage.dequeue() is None:
                left = until - time.monotonic()
                if left <= 0:
                    return False
                time.sleep(min(left, LISTEN_EVERY))
        except Exception:
            if not self._is_away:
                log.warning(AWAY, exc_info=True)
            self._is_away = True
            time.sleep(max(0.0, until - time.monotonic()))
            return False
        self._is_away = False
        return True


def open_bell(url: str) -> Bell:
    """The bell at ``sqlite:///path`` or ``redis://…``.

    :raises SettingError: when it cannot be used, such as Redis without its client library.
    """
    if urlsplit(url).scheme == "sqlite":
        # No fsync: a ring lost with the power costs one second.
        path = make_url(url).database
        try:
            return HueyBell(SqliteHuey("bell", filename=path, fsync=False, timeout=1).storage)
        except sqlite3.Error as error:
            wanted = f"a database that can be opened ({error})"
            raise SettingError(PREFIX + "QUEUE_URL", url, wanted) from error
    parts = urlsplit(url)
    patience = "&".join(filter(None, (parts.query, "socket_connect_timeout=1&socket_timeout=3")))
    try:
        return HueyBell(RedisHuey("bell", url=parts._replace(query=patience).geturl()).storage)
    except ConfigurationError as error:
        wanted = "sqlite:///…, or install the redis client library"
        raise SettingError(PREFIX + "QUEUE_URL", parts.scheme + "://…", wanted) from error
