"""Counting how often something happened in a span of time: in this process, or in Redis.

A span begins with the first that is counted and is forgotten when it ends, so that up to twice a
limit can pass around its end. Nobody is told of a span by more than its key.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Protocol, cast

from app.caching import RedisCache

MOST = 100_000
"""Keys that a process keeps; the span that began first is forgotten first."""

_TAKE = """local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('PTTL', KEYS[1])}"""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many in so many seconds."""

    count: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Taken:
    """How many there are in the span with the one just counted, and seconds until it ends."""

    count: int
    left: float


@dataclass(frozen=True, slots=True)
class Spent:
    """What is left of the limit of this name, and whole seconds until it is whole again."""

    name: str
    limit: Limit
    left: int
    reset: int


class Counts(Protocol):
    """Where is counted."""

    def take(self, key: str, seconds: int) -> Taken | None:
        """Counts one more; ``None`` when it could not be counted."""
        ...

    def forget(self, key: str) -> None:
        """Begins anew."""
        ...


class MemoryCounts:
    """One process's own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._spans: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def take(self, key: str, seconds: int) -> Taken:
        """See Counts."""
        now = self._clock()
        with self._lock:
            count, until = self._spans.get(key, (0, now))
            if until <= now:
                self._spans.pop(key, None)
                count, until = 0, now + seconds
                while len(self._spans) >= MOST:
                    self._spans.popitem(last=False)
            self._spans[key] = count + 1, until
        return Taken(count + 1, until - now)

    def forget(self, key: str) -> None:
        """See Counts."""
        with self._lock:
            self._spans.pop(key, None)


class RedisCounts:
    """Of every process of an installation, in one atomic script (Redis, EVAL).

    Where Redis makes room by evicting keys, a count may be lost and begin anew.
    """

    def __init__(self, cache: RedisCache) -> None:
        self._cache = cache
        self._script = cache.redis.register_script(_TAKE)

    def take(self, key: str, seconds: int) -> Taken | None:
        """See Counts; ``None`` while Redis is away."""
        names, span = [self._name(key)], [seconds * 1000]
        found = self._cache.ask(lambda: cast("list[int]", self._script(keys=names, args=span)))
        return None if found is None else Taken(found[0], found[1] / 1000)

    def forget(self, key: str) -> None:
        """See Counts."""
        self._cache.ask(lambda: self._cache.redis.delete(self._name(key)))

    def _name(self, key: str) -> str:
        return f"{self._cache.prefix}count:{key}"
