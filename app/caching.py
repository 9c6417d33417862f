"""Shared caches: what was read or found a moment ago, until it changes.

A kept value carries the *stamp* of what it was made from, looked at before it was made. Whoever
changes that thing sets a new stamp once the change is committed, and what carries the old one no
longer counts: a slow reader cannot bring back what was true before. Where a stamp is lost (the
cache away, a process killed between its commit and the stamp), a kept value outlives a change by
no more than its life, which begins with the look: 60 s for a record, 3 s for a search; 2 s where
each process has a cache of its own.

A cache that is away is a miss, never an error, and its breaker leaves it alone for a while.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Protocol, TypeVar, cast
from urllib.parse import urlsplit

import msgspec
from redis import Redis, RedisError
from sqlalchemy import URL, event
from sqlalchemy.orm import Session

from app.breakers import Breaker, RestingError
from app.config import PREFIX, SettingError
from app.database import Database

T = TypeVar("T")

LONGEST = 60.0
"""Seconds a record is kept at most, and so the longest that a withdrawal can go unseen."""
ALONE = 2.0
"""Seconds at most where other processes' changes are not heard of."""
ROOM = 16 * 1024 * 1024
"""Bytes kept by a process of its own."""
LARGEST = 256 * 1024
PATIENCE = 0.25
"""Seconds to connect, and for an answer: what is kept must not be slower than making it."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look found: the value, if there is one to use, and what is to be kept with another."""

    value: bytes | None
    stamp: bytes | None
    """The stamp at that moment; ``None`` when not known."""
    at: float = 0.0
    """That moment, on the cache's own clock: what is made now may be as old."""

    def read(self, kind: type[T]) -> T | None:
        """The value as what it is; one that another release kept in another form is none."""
        if self.value is None:
            return None
        with suppress(msgspec.MsgspecError):
            return msgspec.msgpack.decode(self.value, type=kind)
        return None


class Cache(Protocol):
    """Bytes by key, each under a stamp. Only ``check`` ever raises."""

    def check(self) -> None:
        """Raises what is wrong with the engine."""
        ...

    def look(self, key: str, stamp: str) -> Looked:
        """The value kept under ``key``, while ``stamp`` is what it was."""
        ...

    def keep(self, key: str, looked: Looked, value: bytes, life: float) -> None:
        """Keeps what was made after ``looked`` for ``life`` seconds at most."""
        ...

    def touch(self, stamps: Iterable[str]) -> None:
        """What was made under these stamps no longer counts."""
        ...


class NoCache:
    """Keeps nothing."""

    def check(self) -> None:
        """Nothing can be wrong."""

    def look(self, key: str, stamp: str) -> Looked:
        """See Cache: never anything."""
        return Looked(None, None)

    def keep(self, key: str, looked: Looked, value: bytes, life: float) -> None:
        """See Cache."""

    def touch(self, stamps: Iterable[str]) -> None:
        """See Cache."""


@dataclass(frozen=True, slots=True)
class _Kept:
    stamp: bytes
    value: bytes
    until: float


class MemoryCache:
    """One process's own: the least used leaves first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, room: int = ROOM) -> None:
        self._clock = clock
        self._room = room
        self._lock = Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._size = 0
        self._stamps: OrderedDict[str, tuple[bytes, float]] = OrderedDict()

    def check(self) -> None:
        """Nothing can be wrong."""

    def look(self, key: str, stamp: str) -> Looked:
        """See Cache."""
        with self._lock:
            now = self._clock()
            current = self._stamps.get(stamp, (b"", 0.0))[0]
            kept = self._kept.get(key)
            if kept is None or kept.stamp != current or kept.until <= now:
                return Looked(None, current, now)
            self._kept.move_to_end(key)
            return Looked(kept.value, current, now)

    def keep(self, key: str, looked: Looked, value: bytes, life: float) -> None:
        """See Cache; for no longer than others' changes may go unheard."""
        if looked.stamp is None or len(value) > LARGEST:
            return
        with self._lock:
            self._drop(key)
            until = looked.at + min(life, ALONE)
            self._kept[key] = _Kept(looked.stamp, value, until)
            self._size += len(value)
            while self._size > self._room:
                self._drop(next(iter(self._kept)))

    def touch(self, stamps: Iterable[str]) -> None:
        """See Cache. A stamp is forgotten once nothing can be kept that is older."""
        with self._lock:
            now = self._clock()
            for stamp in stamps:
                self._stamps.pop(stamp, None)
                self._stamps[stamp] = secrets.token_bytes(8), now + 2 * ALONE
            while self._stamps and next(iter(self._stamps.values()))[1] < now:
                self._stamps.popitem(last=False)

    def _drop(self, key: str) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._size -= len(kept.value)


class RedisCache:
    """Shared by every process of an installation."""

    def __init__(
        self, url: str, *, prefix: str = "kaijuan:", breaker: Breaker | None = None
    ) -> None:
        self.prefix = prefix
        self.breaker = breaker or Breaker("cache", failures=1)
        self.redis: Redis = Redis.from_url(
            url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
        )

    def check(self) -> None:
        """See Cache."""
        self.redis.ping()

    def look(self, key: str, stamp: str) -> Looked:
        """See Cache: one round trip."""
        names, at = (self._kept(key), self._stamp(stamp)), time.monotonic()
        found = self.ask(lambda: cast("list[bytes | None]", self.redis.mget(names)))
        if found is None:
            return Looked(None, None)
        kept, current = found[0], found[1] or b""
        stamped, value = _split(kept) if kept else (None, None)
        return Looked(value if stamped == current else None, current, at)

    def keep(self, key: str, looked: Looked, value: bytes, life: float) -> None:
        """See Cache."""
        stamp, left = looked.stamp, int(1000 * (looked.at + life - time.monotonic()))
        if stamp is None or left <= 0 or len(value) > LARGEST:
            return
        held = bytes([len(stamp)]) + stamp + value
        self.ask(lambda: self.redis.set(self._kept(key), held, px=left))

    def touch(self, stamps: Iterable[str]) -> None:
        """See Cache. A stamp lives longer than anything kept under the one before it."""
        names = [self._stamp(stamp) for stamp in stamps]

        def send() -> Sequence[object]:
            with self.redis.pipeline(transaction=False) as pipeline:
                for name in names:
                    pipeline.set(name, secrets.token_bytes(8), ex=int(2 * LONGEST))
                return pipeline.execute()

        if names:
            self.ask(send)

    def _kept(self, key: str) -> str:
        return f"{self.prefix}kept:{key}"

    def _stamp(self, name: str) -> str:
        return f"{self.prefix}stamp:{name}"

    def ask(self, question: Callable[[], T]) -> T | None:
        """What Redis answers; ``None`` while it is away."""
        with suppress(RedisError, RestingError), self.breaker.call(_is_away):
            return question()
        return None


def _is_away(error: Exception) -> bool:
    return isinstance(error, RedisError)


def _split(held: bytes) -> tuple[bytes, bytes]:
    """The stamp, whose length is the first byte, and what is kept under it."""
    end = held[0] + 1
    return held[1:end], held[end:]


def open_cache(url: str) -> Cache:
    """The cache at ``memory://``, ``redis://…`` or ``none://``.

    :raises SettingError: for an address that Redis' client does not understand.
    """
    scheme = urlsplit(url).scheme
    if scheme == "none":
        return NoCache()
    if scheme == "memory":
        return MemoryCache()
    try:
        return RedisCache(url)
    except ValueError as error:
        wanted = f"memory://, none:// or redis://HOST:PORT/NUMBER ({error})"
        raise SettingError(PREFIX + "CACHE_URL", f"{scheme}://…", wanted) from error


# Sessions know their engine and nothing else of the composition; queries are handed only those.
_caches: dict[URL, Cache] = {}


def connect(database: Database, cache: Cache) -> None:
    """Says which cache stands before this database."""
    _caches[database.url] = cache


def remembered(session: Session, key: str, stamp: str, kind: type[T], make: Callable[[], T]) -> T:
    """What ``make`` reads, or what it read while ``stamp`` was what it is now.

    Transactions that write always read: they decide by what stands in the database.
    """
    engine = session.get_bind().engine
    cache = _caches.get(engine.url)
    if cache is None or session.get_bind().get_execution_options().get("kaijuan_writes"):
        return make()
    looked = cache.look(key, stamp)
    if (kept := looked.read(kind)) is not None:
        return kept
    made = make()
    cache.keep(key, looked, msgspec.msgpack.encode(made), LONGEST)
    return made


def touch_after_commit(session: Session, stamps: Iterable[str]) -> None:
    """Sets new stamps once the session's transaction is committed."""
    touched: set[str] = session.info.setdefault("touched", set())
    if "touches" not in session.info:
        session.info["touches"] = True
        event.listen(session, "after_commit", _touch)
    touched.update(stamps)


def _touch(session: Session) -> None:
    cache = _caches.get(session.get_bind().engine.url)
    touched: set[str] = session.info["touched"]
    if cache is not None and touched and not session.in_nested_transaction():
        stamps = sorted(touched)
        touched.clear()
        cache.touch(stamps)
