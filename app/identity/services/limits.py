"""How often something may be asked for: by an account, from a network, on what is named.

What guards accounts (sign-in, sign-up, codes) is counted exactly, for the whole installation: in
Redis where the cache is Redis, else, and while Redis is away, in the table ``attempts``. What
guards the machines (search, downloads) costs no write: in Redis, else by each process for itself.
Every count stands whatever becomes of the request.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil

from sqlalchemy import bindparam, delete, text
from sqlalchemy.orm import Session

from app.caching import Cache, RedisCache
from app.counting import Counts, Limit, MemoryCounts, RedisCounts, Spent, Taken
from app.database import Database, Instant, from_micros, now
from app.errors import TooManyError
from app.identity.models import Attempts
from app.sealing import Sealer

__all__ = ["DEFAULTS", "Limit", "Limiter", "network_of", "purge"]

DEFAULTS: Mapping[str, Limit] = {
    "sign-in.account": Limit(10, 900),
    "sign-in.address": Limit(300, 900),
    "sign-up.address": Limit(60, 3600),
    "applications.account": Limit(20, 86400),
    "applications.address": Limit(20, 86400),
    "device-codes.account": Limit(20, 900),
    "device-codes.address": Limit(300, 900),
    "device-requests.address": Limit(600, 3600),
    "codes.account": Limit(5, 900),
    "codes.address": Limit(60, 3600),
    "codes.handle": Limit(20, 86_400),
    "devices.account": Limit(20, 900),
    "devices.address": Limit(300, 900),
    "verification.account": Limit(5, 86_400),
    "verification.address": Limit(60, 3600),
    "verification.number": Limit(5, 86_400),
    "guardian.account": Limit(10, 3600),
    "search.account": Limit(3000, 60),
    "search.address": Limit(6000, 60),
    "downloads.account": Limit(1200, 3600),
    "downloads.address": Limit(6000, 3600),
    "tickets.account": Limit(600, 3600),
    "tickets.address": Limit(6000, 60),
    "tokens.address": Limit(6000, 60),
}
"""Many readers may be behind one address: a reading room, a school, a carrier's gateway."""
EXACT = frozenset({
    "sign-in", "sign-up", "codes", "applications", "verification", "guardian", "device-codes",
})  # fmt: skip

_TAKE = text("""INSERT INTO attempts (key, count, since, until) VALUES (:key, 1, :at, :until)
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN attempts.until <= :at THEN 1 ELSE attempts.count + 1 END,
    since = CASE WHEN attempts.until <= :at THEN :at ELSE attempts.since END,
    until = CASE WHEN attempts.until <= :at THEN :until ELSE attempts.until END
RETURNING count, until""")
_TAKE = _TAKE.bindparams(bindparam("at", type_=Instant()), bindparam("until", type_=Instant()))


class DatabaseCounts:
    """Of the whole installation: one statement in a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, key: str, seconds: int) -> Taken:
        """See ``app.counting.Counts``."""
        at = now()
        values = {"key": key, "at": at, "until": at + timedelta(seconds=seconds)}

        def count(session: Session) -> tuple[int, datetime]:
            found, until = session.execute(_TAKE, values).one()
            return found, from_micros(until)

        found, until = self._database.run(count)
        return Taken(found, (until - at).total_seconds())

    def forget(self, key: str) -> None:
        """See ``app.counting.Counts``."""
        self._database.run(lambda s: s.execute(delete(Attempts).where(Attempts.key == key)))


class Limiter:
    """Spends the limits of an installation; without a limit of a name, everything passes."""

    def __init__(
        self, database: Database, cache: Cache, sealer: Sealer, limits: Mapping[str, Limit]
    ) -> None:
        self._sealer, self._limits = sealer, limits
        shared = [RedisCounts(cache)] if isinstance(cache, RedisCache) else []
        self._exact: tuple[Counts, ...] = (*shared, DatabaseCounts(database))
        self._cheap: tuple[Counts, ...] = (*shared, MemoryCounts())

    def spend(self, what: str, by: str, whom: str) -> Spent | None:
        """Counts one more of ``what`` by this ``account`` or ``address``; before it is done.

        ``whom`` is only kept as a hash. On SQLite this waits for a transaction that writes: call
        it before one begins.

        :raises TooManyError: when the limit is passed.
        """
        name = f"{what}.{by}"
        limit = self._limits.get(name)
        if limit is None:
            return None
        taken = self._take(what, self._key(name, whom), limit.seconds)
        reset = max(1, ceil(taken.left))
        if taken.count > limit.count:
            raise TooManyError(name, limit.count, limit.seconds, reset)
        return Spent(name, limit, limit.count - taken.count, reset)

    def forget(self, what: str, by: str, whom: str) -> None:
        """Begins anew, as after a sign-in that succeeded."""
        key = self._key(f"{what}.{by}", whom)
        for counts in self._places(what):
            counts.forget(key)

    def _take(self, what: str, key: str, seconds: int) -> Taken:
        """In the first place that answers; the last always does, or the database is away."""
        taken = (counts.take(key, seconds) for counts in self._places(what))
        return next(found for found in taken if found is not None)

    def _places(self, what: str) -> tuple[Counts, ...]:
        return self._exact if what in EXACT else self._cheap

    def _key(self, name: str, whom: str) -> str:
        return f"{name}:{self._sealer.lookup('limits', f'{name}:{whom}')}"


def network_of(address: str) -> str:
    """The network that counts as one: an IPv4 address, or the /64 of an IPv6 one (RFC 6177).

    Nobody's when it is the machine itself: that is a proxy which does not say for whom it asks.
    """
    try:
        known = ip_address(address)
    except ValueError:
        return ""
    if isinstance(known, IPv6Address):
        known = known.ipv4_mapped or known
    if known.is_loopback:
        return ""
    length = 64 if known.version == 6 else 32
    return str(ip_network((known, length), strict=False))


def purge(session: Session) -> None:
    """Forgets the spans that have ended."""
    session.execute(delete(Attempts).where(Attempts.until < now()))
