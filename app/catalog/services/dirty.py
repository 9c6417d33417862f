"""The dirty set: which records the search index has not heard of, written with each change.

Only the worker drains it. An entry goes away once the index has accepted that very version, so a
change made meanwhile stays; nothing is lost however often a process dies between.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Insert, bindparam, case, delete, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.caching import touch_after_commit
from app.catalog.models import DirtyRecord
from app.catalog.queries.records import stamp_of
from app.catalog.services import searches
from app.database import insert_many, now
from app.jobs import ring_after_commit


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

    That may be newer than the record's: a mark that has been read must not count for this change.
    """
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert(DirtyRecord) if on_sqlite else postgresql.insert(DirtyRecord)
    following = DirtyRecord.version + 1
    newer = case((insert.excluded.version > following, insert.excluded.version), else_=following)
    return insert.on_conflict_do_update(index_elements=["record_id"], set_={"version": newer})


def oldest(session: Session, limit: int) -> list[tuple[str, int]]:
    """The (record id, version) pairs that have waited longest."""
    wanted = (
        select(DirtyRecord.record_id, DirtyRecord.version)
        .order_by(DirtyRecord.since, DirtyRecord.record_id)
        .limit(limit)
    )
    return [(row.record_id, row.version) for row in session.execute(wanted)]


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


def postpone(session: Session, record_ids: list[str]) -> None:
    """What the index refused waits behind the others, and is tried again."""
    if record_ids:
        later = update(DirtyRecord).where(DirtyRecord.record_id.in_(record_ids))
        session.execute(later.values(since=now()))


def waiting(session: Session, most: int | None = None) -> tuple[int, datetime | None]:
    """How many records wait for the index, counted to ``most``, and since when the oldest does."""
    some = select(DirtyRecord.record_id).limit(most).subquery()
    count = session.scalar(select(func.count()).select_from(some)) or 0
    return count, session.scalar(select(func.min(DirtyRecord.since)))
