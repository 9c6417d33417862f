"""A restore whose rows are there and whose end is not: a lease among the rows says so."""

from __future__ import annotations

from sqlalchemy import select

from app import revision
from app.database import Database
from app.jobs.models import LeaseRow

RESTORE = "restore"
"""The lease that a restore holds from the rows' arrival until everything else is done."""


def restored_from(database: Database) -> str | None:
    """The generation whose restore has brought its rows and not yet ended, if there is one."""
    with database.transaction(writes=False) as session:
        if revision.present(session) is None:
            return None
        return session.scalar(select(LeaseRow.holder).where(LeaseRow.name == RESTORE))
