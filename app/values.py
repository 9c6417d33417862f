"""Times and ids as every table and every answer has them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.types import UserDefinedType
from uuid_utils import uuid7


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
