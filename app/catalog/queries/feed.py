"""Reading the feed of changes: what is complete, and no record twice.

A page is a range of one index, whatever the size of the catalogue. What the reader may not see is
left out afterwards: a page may hold less than was asked for, and never costs more.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, bindparam, func, select, text, tuple_
from sqlalchemy.orm import Session

from app.catalog.description import LIVE, State
from app.catalog.models import RecordRow, Revision
from app.database import read
from app.identity.access import admits
from app.identity.models import Library

Position = tuple[int, str]
"""The change number and the id of a record: what comes after it in the feed has not been read."""
START: Position = (0, "")


@dataclass(frozen=True, slots=True)
class Clock:
    """How far the feed is complete: every change numbered below ``horizon`` is committed.

    Positions are good within one ``epoch``. ``is_behind`` when records bear numbers that this
    database has not come to: they were brought from elsewhere, and the feed must not be read.
    """

    epoch: str
    horizon: int
    is_behind: bool


_ON_SQLITE = text(
    "SELECT epoch, value + 1, value < (SELECT coalesce(max(change), 0) FROM records)"
    " FROM change_clock"
)
"""Writers come one after the other, so that whatever is committed is complete."""
_ON_POSTGRESQL = text("""
SELECT concat_ws('-', epoch, (SELECT system_identifier FROM pg_control_system()),
                 left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
                 here.oid, 'records'::regclass::oid),
       coalesce((SELECT min(running::text::bigint) FROM pg_snapshot_xip(now) AS running
                 WHERE running::xid NOT IN (SELECT backend_xid FROM pg_stat_get_activity(NULL)
                                            WHERE backend_xid IS NOT NULL AND datid <> here.oid)),
                pg_snapshot_xmax(now)::text::bigint),
       pg_snapshot_xmax(now)::text::bigint <= (SELECT coalesce(max(change), 0) FROM records)
FROM change_clock, pg_current_snapshot() AS now, pg_database AS here
WHERE here.datname = current_database()
""")
"""The oldest transaction that still runs bounds what is complete.

Only those known to run in another database of the cluster are not waited for: they write no record
of ours. Numbers of transactions are given anew by another cluster, and on another timeline, where
changes that a follower has seen may be lost. So cursors are bound to these, and to the very table.
"""


def clock(session: Session) -> Clock:
    """How far the feed is complete; to be asked before a page is read."""
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    row = session.execute(_ON_SQLITE if on_sqlite else _ON_POSTGRESQL).one()
    epoch, horizon, is_behind = row
    return Clock(epoch, horizon, bool(is_behind))


@dataclass(frozen=True, slots=True)
class Changed:
    """A record as the feed needs it, at its latest state."""

    change: int
    id: str
    kind: str
    state: str
    version: int
    audience: str
    summary: bytes
    library_id: str
    library_path: str
    successor_id: str | None
    reason: str
    changed_at: datetime


_AFTER = (
    select(
        RecordRow.change, RecordRow.id, RecordRow.kind, RecordRow.state, RecordRow.version,
        RecordRow.audience, RecordRow.summary, RecordRow.library_id, Library.path,
        RecordRow.successor_id, RecordRow.reason, RecordRow.changed_at,
    )
    .join(Library, Library.id == RecordRow.library_id)
    .where(
        tuple_(RecordRow.change, RecordRow.id)
        > tuple_(bindparam("change", type_=BigInteger), bindparam("record_id")),
        RecordRow.change < bindparam("horizon", type_=BigInteger),
    )
    .order_by(RecordRow.change, RecordRow.id)
    .limit(bindparam("most"))
)  # fmt: skip


def after(session: Session, position: Position, horizon: int, limit: int) -> list[Changed]:
    """Every record changed after ``position``, whoever may see it, in the order of changes."""
    change, record_id = position
    values = {"change": change, "record_id": record_id, "horizon": horizon, "most": limit}
    return [Changed(*tuple(row)) for row in read(session, _AFTER, **values)]


def seen_before(
    session: Session, ids: Collection[str], audience: tuple[str, ...]
) -> dict[str, bool]:
    """Those of these records that were ever shown to callers with these tokens.

    By id, whether they were to the last: until what ended it, and no longer as a draft, say.
    """
    wanted = (
        select(
            Revision.record_id, Revision.state, Revision.audience, Library.path,
            func.max(Revision.version).label("last"),
        )
        .join(Library, Library.id == Revision.library_id)
        .where(Revision.record_id.in_(ids), Revision.state.in_(LIVE))
        .group_by(Revision.record_id, Revision.state, Revision.audience, Library.path)
        .order_by("last")
    )  # fmt: skip
    found: dict[str, bool] = {}
    for record_id, state, kept_for, path, _ in session.execute(wanted):
        if state == State.PUBLISHED and admits(audience, kept_for, path):
            found[record_id] = True
        elif record_id in found:
            found[record_id] = False
    return found
