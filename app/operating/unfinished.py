"""A restore whose rows are there and whose end is not: a lease among the rows says so."""

from __future__ import annotations

from sqlalchemy import select

from app.database import Database
from app.jobs.models import LeaseRow
from app.operating.schema import revisions

RESTORE = "restore"
"""The lease that a restore holds from the rows' arrival until everything else is done."""


def restored_from(database: Database) -> str | None:
    """The generation whose restore has brought its rows and not yet ended, if there is one."""
    if revisions(database)[0] is None:
        return None
    with database.transaction(writes=False) as session:
        return session.scalar(select(LeaseRow.holder).where(LeaseRow.name == RESTORE))
