"""Undoing an import: what it added is withdrawn, what it changed goes back to what it was.

A record that somebody changed since is left as it is, and counted.
"""

from __future__ import annotations

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from app.catalog.description import State
from app.catalog.models import Import, RecordRow, Revision
from app.catalog.schemas import Undone
from app.catalog.services import changes
from app.database import Database
from app.errors import ConflictError, NotFoundError

BATCH = 500


def undo(database: Database, import_id: str, account_id: str | None) -> Undone:
    """Undoes an import in short transactions; undoing it again finishes what was interrupted."""
    withdrawn = restored = kept = 0
    with database.transaction() as session:
        batch = session.get(Import, import_id)
        if batch is None:
            raise NotFoundError("import", import_id)
        if batch.state == "running":
            raise ConflictError(
                "This import is still running, or was interrupted. Finish it first."
            )
    while True:
        with database.transaction() as session:
            rows = _added(session, import_id)
            for row in rows:
                changes.withdraw(session, row, changes.UNDONE + import_id, account_id)
            withdrawn += len(rows)
        if len(rows) < BATCH:
            break
    after = ""
    while True:
        with database.transaction() as session:
            revisions = _changed(session, import_id, after)
            for revision in revisions:
                row = changes.load(session, revision.record_id)
                if row.version == revision.version + 1:
                    changes.restore(session, row, account_id, revision.version)
                    restored += 1
                else:
                    kept += 1
        if len(revisions) < BATCH:
            break
        after = revisions[-1].record_id
    with database.transaction() as session:
        session.get_one(Import, import_id).state = "undone"
        kept += _touched(session, import_id)
    return Undone(withdrawn, restored, kept)


def _added(session: Session, import_id: str) -> list[RecordRow]:
    """Records that this import added and nobody touched."""
    wanted = (
        select(RecordRow)
        .where(
            RecordRow.import_id == import_id,
            RecordRow.version == 1,
            RecordRow.state != State.WITHDRAWN,
        )
        .limit(BATCH)
    )
    return list(session.scalars(wanted))


def _changed(session: Session, import_id: str, after: str) -> list[Revision]:
    wanted = (
        select(Revision)
        .where(Revision.import_id == import_id, Revision.record_id > after)
        .order_by(Revision.record_id)
        .limit(BATCH)
    )
    return list(session.scalars(wanted))


def _touched(session: Session, import_id: str) -> int:
    wanted = select(RecordRow.id).where(
        and_(
            RecordRow.import_id == import_id,
            RecordRow.version > 1,
            RecordRow.state != State.WITHDRAWN,
        )
    )
    return len(list(session.scalars(wanted)))
