"""Undoing an import: what it added is withdrawn, what it changed goes back to what it was.

A record that somebody changed since is left as it is, and counted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Row, Select, func, or_, select
from sqlalchemy.orm import Session

from app.catalog.description import State
from app.catalog.models import Import, RecordRow, Revision
from app.catalog.schemas import Undone
from app.catalog.services import changes
from app.catalog.services.versions import SAYS_THE_SAME
from app.database import Database
from app.errors import ConflictError, NotFoundError

BATCH = 500


def undo(database: Database, import_id: str, account_id: str | None) -> Undone:
    """Undoes an import in short transactions; undoing it again finishes what was interrupted.

    :raises NotFoundError: when there is none. :raises ConflictError: while it is not finished.
    """
    with database.transaction(writes=False) as session:
        state = _state(session, import_id)
    if state == "undone":
        return Undone(0, 0, 0)
    withdrawn = _withdraw_added(database, import_id, account_id)
    restored, kept = _put_back_changed(database, import_id, account_id)
    with database.transaction() as session:
        session.get_one(Import, import_id).state = "undone"
        kept += session.scalar(select(func.count()).select_from(_left(import_id).subquery())) or 0
    return Undone(withdrawn, restored, kept)


def _state(session: Session, import_id: str) -> str:
    batch = session.get(Import, import_id)
    if batch is None:
        raise NotFoundError("import", import_id)
    if batch.state == "running":
        raise ConflictError("This import is still running, or was interrupted. Finish it first.")
    return batch.state


def _withdraw_added(database: Database, import_id: str, account_id: str | None) -> int:
    withdrawn, after = 0, ""
    while True:
        with database.transaction() as session:
            rows = added(session, import_id, after)
            raises = _raises(session, import_id, [row.id for row in rows])
            for row in rows:
                if row.version == 1 + raises.get(row.id, 0):
                    changes.withdraw(session, row, changes.UNDONE + import_id, account_id)
                    withdrawn += 1
        if len(rows) < BATCH:
            return withdrawn
        after = rows[-1].id


def _put_back_changed(
    database: Database, import_id: str, account_id: str | None
) -> tuple[int, int]:
    restored, kept, after = 0, 0, ""
    while True:
        with database.transaction() as session:
            firsts = changed(session, import_id, after)
            others = _others(session, import_id, [first.record_id for first in firsts])
            for record_id, version, times in firsts:
                if record_id not in others:
                    continue
                row = changes.load(session, record_id)
                if row.version != version + times + _repeated(session, record_id, version):
                    kept += 1
                    continue
                before = session.get_one(Revision, (record_id, version))
                changes.put_back(session, row, before, account_id)
                restored += 1
        if len(firsts) < BATCH:
            return restored, kept
        after = firsts[-1].record_id


def added(session: Session, import_id: str, after: str) -> Sequence[RecordRow]:
    """Locks the next records by their ids that this import added and that stand."""
    wanted = _left(import_id).where(RecordRow.id > after).order_by(RecordRow.id).limit(BATCH)
    return session.scalars(wanted.with_for_update(key_share=True)).all()


def changed(session: Session, import_id: str, after: str) -> Sequence[Row[str, int, int]]:
    """The next records by their ids that this import changed, those that it had added too.

    With the version that it changed first, and how often it did.
    """
    wanted = (
        select(Revision.record_id, func.min(Revision.version), func.count())
        .where(Revision.import_id == import_id, Revision.record_id > after)
        .group_by(Revision.record_id)
        .order_by(Revision.record_id)
        .limit(BATCH)
    )
    return session.execute(wanted).all()


def _left(import_id: str) -> Select[RecordRow]:
    """Records that this import added and that stand."""
    return select(RecordRow).where(
        RecordRow.import_id == import_id, RecordRow.state != State.WITHDRAWN
    )


def _raises(session: Session, import_id: str, ids: Collection[str]) -> dict[str, int]:
    """How often this import raised the version of each, or another had it say the same.

    Every raise left a revision.
    """
    counts = or_(Revision.import_id == import_id, Revision.change.in_(SAYS_THE_SAME))
    wanted = (
        select(Revision.record_id, func.count())
        .where(counts, Revision.record_id.in_(ids))
        .group_by(Revision.record_id)
    )
    return dict(session.execute(wanted).all())


def _others(session: Session, import_id: str, ids: Collection[str]) -> set[str]:
    """Those of these records that this import did not add."""
    wanted = select(RecordRow.id).where(
        RecordRow.id.in_(ids), RecordRow.import_id.is_distinct_from(import_id)
    )
    return set(session.scalars(wanted))


def _repeated(session: Session, record_id: str, since: int) -> int:
    """How often the record got a new version that says the same."""
    wanted = select(func.count()).where(
        Revision.record_id == record_id,
        Revision.version >= since,
        Revision.change.in_(SAYS_THE_SAME),
    )
    return session.scalar(wanted) or 0
