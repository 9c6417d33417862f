"""The dirty set: which records the search index has not heard of, written with each change.

Only the worker drains it. An entry goes away once the index has accepted that very version, so a
change made meanwhile stays; nothing is lost however often a process dies between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    Insert,
    Select,
    bindparam,
    case,
    delete,
    func,
    null,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.caching import touch_after_commit
from app.catalog.models import DirtyRecord
from app.catalog.queries.records import stamp_of
from app.catalog.services import searches
from app.database import insert_many, now
from app.jobs import ring_after_commit

SOONEST, LATEST = timedelta(seconds=5), timedelta(hours=1)
"""How long a refused record rests: after each attempt twice as long as after the one before."""
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that the index has not taken, and why; it is tried again when it is ``due``."""

    record_id: str
    since: datetime
    due: datetime
    attempts: int
    reason: str


def mark(session: Session, versions: Iterable[tuple[str, int]]) -> None:
    """Marks records as changed, each at its new version; keeps since when they wait."""
    since = now()
    pairs = list(versions)
    rows = [{"record_id": i, "version": version, "since": since} for i, version in pairs]
    if rows:
        session.execute(_upsert(session), rows)
        touch_after_commit(session, (stamp_of(record_id) for record_id, _ in pairs))
        ring_after_commit(session)


def mark_new(session: Session, versions: Iterable[tuple[str, int]], since: datetime) -> None:
    """As :func:`mark`, for records that cannot stand in the set yet: a plain insert."""
    rows = [{"record_id": i, "version": version, "since": since} for i, version in versions]
    insert_many(session, DirtyRecord, rows)
    ring_after_commit(session)


def _upsert(session: Session) -> Insert:
    """On a second change the older time stands, and a version newer than the one before.

    It is tried at once, whatever the index said of the record as it was. The version may be newer
    than the record's: a mark that has been read must not count for this change.
    """
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert(DirtyRecord) if on_sqlite else postgresql.insert(DirtyRecord)
    following = DirtyRecord.version + 1
    newer = case((insert.excluded.version > following, insert.excluded.version), else_=following)
    return insert.on_conflict_do_update(
        index_elements=["record_id"], set_={"version": newer, "due": null()}
    )


Marks = Select[str, int, datetime]
"""Records that wait, each at the version that the index has to hear of, and since when."""


def oldest(limit: int, after: tuple[datetime, str] | None = None) -> Marks:
    """What has waited longest, or longest after this time and id."""
    order = (DirtyRecord.since, DirtyRecord.record_id)
    wanted = _marks().where(DirtyRecord.due.is_(None)).order_by(*order).limit(limit)
    return wanted if after is None else wanted.where(tuple_(*order) > after)


def due_again(limit: int) -> Marks:
    """What was refused before and is to be tried again."""
    return _marks().where(DirtyRecord.due <= now()).order_by(DirtyRecord.due).limit(limit)


def _marks() -> Marks:
    return select(DirtyRecord.record_id, DirtyRecord.version, DirtyRecord.since)


_SETTLED = delete(DirtyRecord).where(
    DirtyRecord.record_id == bindparam("settled"), DirtyRecord.version <= bindparam("accepted")
)
_SETTLED_AT_ONCE = text(
    "DELETE FROM dirty_records USING unnest(CAST(:ids AS text[]), CAST(:versions AS bigint[]))"
    " AS accepted (id, version)"
    " WHERE record_id = accepted.id AND dirty_records.version <= accepted.version"
)
"""PostgreSQL is asked once, not for each."""


def settle(session: Session, accepted: list[tuple[str, int]]) -> None:
    """Removes what the index has accepted, unless it changed again since."""
    if not accepted:
        return
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        pairs = [{"settled": record_id, "accepted": version} for record_id, version in accepted]
        connection.execute(_SETTLED, pairs)
    else:
        ids, versions = (list(column) for column in zip(*accepted, strict=True))
        connection.execute(_SETTLED_AT_ONCE, {"ids": ids, "versions": versions})
    touch_after_commit(session, (searches.STAMP,))


def postpone(session: Session, refused: Mapping[str, tuple[int, str]]) -> None:
    """Lets what the index did not take rest for a while: by id the version tried, and the reason.

    What has changed since is tried at once, as it is now.
    """
    if not refused:
        return
    known = select(DirtyRecord.record_id, DirtyRecord.attempts)
    attempts = dict(session.execute(known.where(DirtyRecord.record_id.in_(refused))).all())
    moment = now()
    session.connection().execute(
        _POSTPONED,
        [
            {
                "refused": record_id,
                "tried": version,
                "later": moment + _rest(attempts.get(record_id, 0)),
                "why": reason[:LONGEST_REASON],
            }
            for record_id, (version, reason) in refused.items()
        ],
    )


_POSTPONED = (
    update(DirtyRecord)
    .where(DirtyRecord.record_id == bindparam("refused"), DirtyRecord.version <= bindparam("tried"))
    .values(due=bindparam("later"), reason=bindparam("why"), attempts=DirtyRecord.attempts + 1)
)


def _rest(attempts: int) -> timedelta:
    return min(SOONEST * float(2 ** min(attempts, 20)), LATEST)


def refused(session: Session, most: int) -> list[Refused]:
    """What the index has not taken and is not to be asked about yet, the next due first."""
    wanted = select(DirtyRecord).where(DirtyRecord.due.is_not(None))
    rows = session.scalars(wanted.order_by(DirtyRecord.due).limit(most))
    return [
        Refused(row.record_id, row.since, row.due, row.attempts, row.reason)
        for row in rows
        if row.due
    ]


def waiting(session: Session, most: int | None = None) -> tuple[int, datetime | None]:
    """How many records wait for the index, counted to ``most``, and since when the oldest does."""
    some = select(DirtyRecord.record_id).limit(most).subquery()
    count = session.scalar(select(func.count()).select_from(some)) or 0
    return count, session.scalar(select(func.min(DirtyRecord.since)))


def untried_since(session: Session) -> datetime | None:
    """Since when the oldest waits that nobody has brought to the index yet."""
    untried = select(DirtyRecord.since).where(DirtyRecord.due.is_(None))
    return session.scalar(untried.order_by(DirtyRecord.since).limit(1))
