"""What follows from a database having gone back to an earlier point."""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, delete, insert, literal, select, update
from sqlalchemy.orm import Session

from app.catalog.models import DirtyRecord, Import, RecordRow
from app.catalog.services import feed
from app.database import Database, Instant, now
from app.identity.services import audit
from app.jobs.models import Job, LeaseRow, State
from app.operating.backup.snapshot import take_time
from app.operating.unfinished import RESTORE


def settle(database: Database, *, mark_all: bool) -> None:
    """Lets go of everything that somebody held, and has readers of the change feed begin anew.

    With ``mark_all`` every record waits for the index again. Can be repeated.
    """
    with database.transaction() as session:
        take_time(session)
        _release(session)
        session.execute(update(DirtyRecord).values(since=now()))
        feed.restart(session)
        if mark_all:
            _mark_all(session)


def _release(session: Session) -> None:
    """A job that ran goes on with the next worker, and its attempt does not count."""
    moment = now()
    fewer = case((Job.attempts > 0, Job.attempts - 1), else_=0)
    statements: list[Any] = [
        update(Job)
        .where(Job.state == State.RUNNING)
        .values(claimed_until=moment, attempts=fewer, token=Job.token + 1),
        update(Import).where(Import.held_by.is_not(None)).values(held_by=None, held_until=moment),
        update(LeaseRow).where(LeaseRow.name != RESTORE).values(holder=None, until=moment),
    ]
    for statement in statements:
        session.execute(statement.execution_options(synchronize_session=False))


def _mark_all(session: Session) -> None:
    known = select(DirtyRecord.record_id)
    since = literal(now(), Instant)
    wanted = select(RecordRow.id, RecordRow.version, since).where(RecordRow.id.not_in(known))
    columns = ["record_id", "version", "since"]
    session.execute(insert(DirtyRecord).from_select(columns, wanted))


def end(database: Database, generation: str) -> None:
    """Says that the restore is done: another one would begin from the start."""
    with database.transaction() as session:
        audit.note(session, audit.SYSTEM, "backup.restored", f"backup:{generation}"[:80])
        session.execute(delete(LeaseRow).where(LeaseRow.name == RESTORE))
