"""Whose reader a person is, and how many readers each library has.

A reader of a library is an account that has it as its home; one that is closed has none. The
counts are kept in the transaction that changes what they count: whatever sets ``home_id`` or
``assurance`` does it here.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, bindparam, func, inspect, select, text
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import Subquery

from app.identity.models import Account, Library, LibraryCounts

VERIFIED = 3
"""The assurance from which a real name counts as verified."""

_ADD = text("""INSERT INTO library_counts (library_id, readers, verified)
VALUES (:library_id, :readers, :verified) ON CONFLICT (library_id) DO UPDATE SET
readers = library_counts.readers + excluded.readers,
verified = library_counts.verified + excluded.verified""")
_RECOUNT = text("""INSERT INTO library_counts (library_id, readers, verified)
SELECT libraries.id, count(accounts.id), count(CASE WHEN accounts.assurance >= :known THEN 1 END)
FROM libraries LEFT JOIN accounts ON accounts.home_id = libraries.id
WHERE true GROUP BY libraries.id ON CONFLICT (library_id) DO UPDATE SET
readers = excluded.readers, verified = excluded.verified""").bindparams(bindparam("known"))


def settle(session: Session, account: Account, home_id: str | None, assurance: int) -> None:
    """Makes a library the account's home, and says how well the person is known; counts both.

    For a new account, for one that moves, is verified, or leaves (``None``) when it is closed.
    """
    if inspect(account).persistent:
        session.refresh(account, ["home_id", "assurance"], with_for_update=True)
    before = account.home_id, account.assurance
    account.home_id, account.assurance = home_id, assurance
    change: dict[str, tuple[int, int]] = {}
    for sign, home, known in ((-1, *before), (1, home_id, assurance)):
        if home:
            readers, verified = change.get(home, (0, 0))
            change[home] = (readers + sign, verified + sign * (known >= VERIFIED))
    count(session, change)


def count(session: Session, change: Mapping[str, tuple[int, int]]) -> None:
    """Adds so many readers, and so many of them verified, to libraries; for many rows at once.

    In the order of their ids, so that two who change the same libraries do not block each other.
    """
    rows = [
        {"library_id": library_id, "readers": readers, "verified": verified}
        for library_id, (readers, verified) in sorted(change.items())
        if readers or verified
    ]
    session.flush()
    if rows:
        session.connection().execute(_ADD, rows)


def recount(session: Session) -> int:
    """Counts the readers of every library anew; answers how many counts were wrong.

    Whoever changes a count waits meanwhile: what they have done is seen, what they do comes after.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE library_counts IN SHARE ROW EXCLUSIVE MODE"))
    found = wrong(session)
    session.execute(_RECOUNT, {"known": VERIFIED})
    return found


def wrong(session: Session) -> int:
    """How many libraries have other readers than is counted: 0, or something is broken."""
    real = _real()
    counted = (func.coalesce(LibraryCounts.readers, 0), func.coalesce(LibraryCounts.verified, 0))
    differs: ColumnElement[bool] = (counted[0] != func.coalesce(real.c.readers, 0)) | (
        counted[1] != func.coalesce(real.c.verified, 0)
    )
    wanted = (
        select(func.count())
        .select_from(Library)
        .outerjoin(LibraryCounts, LibraryCounts.library_id == Library.id)
        .outerjoin(real, real.c.home_id == Library.id)
        .where(differs)
    )
    return session.scalar(wanted) or 0


def _real() -> Subquery:
    return (
        select(
            Account.home_id,
            func.count().label("readers"),
            func.count().filter(Account.assurance >= VERIFIED).label("verified"),
        )
        .where(Account.home_id.is_not(None))
        .group_by(Account.home_id)
        .subquery()
    )
