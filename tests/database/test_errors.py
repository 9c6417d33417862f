"""What PostgreSQL's errors mean, by the codes that they carry."""

from __future__ import annotations

import pytest
from psycopg import errors
from sqlalchemy.exc import DBAPIError

from app import dialects


def raised(sqlstate: str | None) -> DBAPIError:
    """The error as SQLAlchemy hands it on."""
    kind = errors.lookup(sqlstate) if sqlstate else errors.OperationalError
    wrapped = DBAPIError.instance("SELECT 1", {}, kind("said"), errors.Error)  # type: ignore[call-overload]
    assert isinstance(wrapped, DBAPIError)
    return wrapped


@pytest.mark.parametrize(
    "sqlstate",
    [
        None,
        "08006",
        "08P01",
        "40001",
        "40P01",
        "53200",
        "53300",
        "55P03",
        "57014",
        "57P03",
        "58030",
    ],
)
def test_a_server_that_cannot_be_had_for_now_is_away(sqlstate: str | None) -> None:
    assert dialects.is_away(raised(sqlstate))


@pytest.mark.parametrize("sqlstate", ["22001", "23505", "25006", "42P01", "42601", "XX000"])
def test_what_asking_again_does_not_mend_is_said_as_it_is(sqlstate: str) -> None:
    assert not dialects.is_away(raised(sqlstate))


def test_a_disk_without_room_is_told_from_a_server_that_is_away() -> None:
    assert dialects.is_full(raised("53100"))
