"""The feed of changes: each record once, at its latest state, as one reader may see it.

What a reader was shown and is shown no longer is told of as gone, and nothing else of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec
import structlog
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from app.catalog.composing import summary_decoder
from app.catalog.description import LIVE, Kind, State, Summary
from app.catalog.models import ChangeClock, RecordRow
from app.catalog.queries import feed
from app.catalog.queries.feed import Changed, Clock, Position
from app.database import random_id, rfc3339
from app.errors import UnavailableError
from app.identity.access import admits

logger = structlog.get_logger("kaijuan")


class Became(StrEnum):
    """What became of a record, for one reader."""

    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"
    GONE = "gone"
    """It is shown to them no longer; why is not for them."""


class ChangeLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A record at its latest state: its summary while it is published, else its tombstone."""

    id: str
    kind: Kind
    state: Became
    version: int | None = None
    library: str | None = None
    changed_at: str | None = None
    record: Summary | None = None
    reason: str = ""
    successor: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the feed; ``after`` is where it goes on, at once when there is ``more``."""

    lines: list[ChangeLine]
    after: Position
    more: bool


def clock(session: Session) -> Clock:
    """How far the feed is complete; to be asked before a page is read.

    :raises UnavailableError: when that cannot be told, since records were brought from elsewhere.
    """
    found = feed.clock(session)
    if found.is_behind:
        logger.error("change-clock-behind", mend="kaijuan migrate")
        raise UnavailableError("The feed of changes", retry_after=60)
    return found


def page(
    session: Session, audience: tuple[str, ...], after: Position, horizon: int, limit: int
) -> Page:
    """What changed after a position, looking at no more than ``limit`` records.

    Those that a caller with these tokens never saw are left out, so that there may be fewer.
    """
    rows = feed.after(session, after, horizon, limit + 1)
    looked_at = rows[:limit]
    hidden = {row.id for row in looked_at if not _is_shown(row, audience)}
    seen = feed.seen_before(session, hidden, audience) if hidden else {}
    lines = [
        _ended(row, seen[row.id]) if row.id in hidden else _published(row)
        for row in looked_at
        if row.id not in hidden or row.id in seen
    ]
    end = (looked_at[-1].change, looked_at[-1].id) if looked_at else after
    return Page(lines, end, len(rows) > limit)


def _is_shown(row: Changed, audience: tuple[str, ...]) -> bool:
    return row.state == State.PUBLISHED and admits(audience, row.audience, row.library_path)


def _published(row: Changed) -> ChangeLine:
    return ChangeLine(
        id=row.id,
        kind=Kind(row.kind),
        state=Became.PUBLISHED,
        version=row.version,
        library=row.library_id,
        changed_at=rfc3339(row.changed_at),
        record=summary_decoder.decode(row.summary),
    )


def _ended(row: Changed, to_the_last: bool) -> ChangeLine:
    """The tombstone, with its reason for those who saw the record until it was withdrawn."""
    if row.state in LIVE or not to_the_last:
        return ChangeLine(id=row.id, kind=Kind(row.kind), state=Became.GONE)
    return ChangeLine(
        id=row.id,
        kind=Kind(row.kind),
        state=Became(row.state),
        version=row.version,
        library=row.library_id,
        changed_at=rfc3339(row.changed_at),
        reason=row.reason,
        successor=row.successor_id,
    )


def number(session: Session) -> int:
    """The number for many records that this transaction adds on SQLite, at once.

    Its trigger numbers what comes without, a statement each; PostgreSQL's costs nothing to speak
    of, and puts its own in the place of any other.
    """
    if session.get_bind().dialect.name != "sqlite":
        return 0
    raised = update(ChangeClock).values(value=ChangeClock.value + 1).returning(ChangeClock.value)
    return session.execute(raised.execution_options(synchronize_session=False)).scalar_one()


def restart(session: Session) -> None:
    """Begins a new epoch: every follower begins anew.

    To be called in the transaction that has put a backup back, or after one that was put back by
    other means. What bears a number that this database has not come to is numbered again.
    """
    newest = session.scalar(select(func.coalesce(func.max(RecordRow.change), 0))) or 0
    kept = session.get(ChangeClock, 1)
    value = max(newest, kept.value if kept else 0)
    session.merge(ChangeClock(one=1, value=value, epoch=random_id()))
    session.flush()
    if session.get_bind().dialect.name != "sqlite":
        session.execute(_NUMBERED_AGAIN)


_NUMBERED_AGAIN = text(
    "UPDATE records SET version = version WHERE change > pg_current_xact_id()::text::bigint"
)


def settle(session: Session) -> None:
    """Restarts a feed whose records bear numbers that this database has not come to."""
    if feed.clock(session).is_behind:
        restart(session)
