"""Leases: work that one worker at a time does, however many there are.

Every piece of such work has a lease of its own, and whoever holds it leads it. The row also says
when the work was last done, so that a daily chore is daily across restarts and leaders.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.database import Database, now
from app.jobs.errors import LostClaimError
from app.jobs.models import LeaseRow


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to lead one piece of work until it runs out."""

    name: str
    token: int


def take(
    database: Database, name: str, holder: str, span: timedelta, *, every: timedelta | None = None
) -> Lease | None:
    """Takes a free or run-out lease for ``span``; with ``every``, only when it is due again."""
    if not _is_free(database, name, every):
        return None
    moment = now()
    with database.transaction() as session:
        session.execute(_first_row(session, name, moment))
        statement = (
            update(LeaseRow)
            .where(LeaseRow.name == name, *_free(moment, every))
            .values(holder=holder, until=moment + span, token=LeaseRow.token + 1)
            .returning(LeaseRow.token)
            .execution_options(synchronize_session=False)
        )
        token = session.scalar(statement)
    return None if token is None else Lease(name, token)


def renew(database: Database, lease: Lease, span: timedelta) -> None:
    """Holds the lease for another ``span`` from now.

    :raises LostClaimError: when another holds it.
    """
    with database.transaction() as session:
        _write(session, lease, until=now() + span)


def release(database: Database, lease: Lease, *, done: bool = False) -> None:
    """Lets go of the lease; ``done`` says that the work was done now.

    :raises LostClaimError: when another holds it.
    """
    moment = now()
    values: dict[str, Any] = {"holder": None, "until": moment}
    with database.transaction() as session:
        _write(session, lease, **(values | {"ran_at": moment} if done else values))


def guard(session: Session, lease: Lease) -> None:
    """Makes what this transaction writes depend on the lease, and locks it until the end.

    :raises LostClaimError: when another holds it; the transaction must then roll back.
    """
    _write(session, lease, token=lease.token)


def _free(moment: datetime, every: timedelta | None) -> tuple[Any, ...]:
    run_out = LeaseRow.until <= moment
    if every is None:
        return (run_out,)
    return run_out, or_(LeaseRow.ran_at.is_(None), LeaseRow.ran_at <= moment - every)


def _is_free(database: Database, name: str, every: timedelta | None) -> bool:
    """Asks without a lock; a lease that was never taken is free."""
    moment = now()
    with database.transaction(writes=False) as session:
        known = session.scalar(select(LeaseRow.name).where(LeaseRow.name == name))
        free = select(LeaseRow.name).where(LeaseRow.name == name, *_free(moment, every))
        return known is None or session.scalar(free) is not None


def _first_row(session: Session, name: str, moment: datetime) -> Any:
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    insert: Any = sqlite.insert if is_sqlite else postgresql.insert
    return insert(LeaseRow).values(name=name, until=moment, token=0).on_conflict_do_nothing()


def _write(session: Session, lease: Lease, **values: Any) -> None:
    held = (
        LeaseRow.name == lease.name,
        LeaseRow.token == lease.token,
        LeaseRow.holder.is_not(None),
    )
    statement = update(LeaseRow).where(*held).values(values).returning(LeaseRow.token)
    if session.scalar(statement.execution_options(synchronize_session=False)) is None:
        raise LostClaimError(f"lease {lease.name}", lease.token)
