"""The tables of background work."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ColumnElement, Index, Text, literal, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base, Instant, key_text

# Written out rather than built from the enum: PostgreSQL recognises a partial index as the arbiter
# of ON CONFLICT only by the same literal condition.
WAITING = text("state = 'waiting'")
RUNNING = text("state = 'running'")
WAITING_UNDER_A_KEY = text("state = 'waiting' AND unique_key IS NOT NULL")
ENDED = text("finished_at IS NOT NULL")


class State(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(Base):
    """One piece of work, written in the transaction that makes it necessary.

    ``token`` is raised at each claim, and every later write names it, so that a worker that was
    thought dead cannot finish what another has taken over. Two waiting jobs never share a
    ``unique_key``; a running one does not count, since it may have read before the latest change.
    """

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(key_text(36), primary_key=True)
    kind: Mapped[str] = mapped_column(key_text(64))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(key_text(8), default=State.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int]
    run_after: Mapped[datetime] = mapped_column(Instant)
    claimed_until: Mapped[datetime | None] = mapped_column(Instant)
    token: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None] = mapped_column(key_text(200))
    last_error: Mapped[str | None] = mapped_column(Text)
    progress: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    unique_key: Mapped[str | None] = mapped_column(key_text(200))
    created_at: Mapped[datetime] = mapped_column(Instant)
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'running', 'done', 'failed')", name="state"),
        CheckConstraint("attempts BETWEEN 0 AND max_attempts AND token >= 0", name="counts"),
        CheckConstraint(
            "(state = 'running') = (claimed_until IS NOT NULL AND worker IS NOT NULL)",
            name="claimed_while_running",
        ),
        CheckConstraint(
            "(state IN ('done', 'failed')) = (finished_at IS NOT NULL)", name="finished_at_the_end"
        ),
        # The state comes first in each: SQLite would sooner take the index of states alone.
        Index(
            "ix_jobs_due",
            *("state", "run_after", "id"),
            sqlite_where=WAITING,
            postgresql_where=WAITING,
        ),
        Index(
            "ix_jobs_leased",
            *("state", "claimed_until"),
            sqlite_where=RUNNING,
            postgresql_where=RUNNING,
        ),
        Index(
            "ix_jobs_ended",
            *("state", "finished_at"),
            sqlite_where=ENDED,
            postgresql_where=ENDED,
        ),
        Index("ix_jobs_state", "state", "id"),
        Index(
            "uq_jobs_unique_key",
            "unique_key",
            unique=True,
            sqlite_where=WAITING_UNDER_A_KEY,
            postgresql_where=WAITING_UNDER_A_KEY,
        ),
    )


def stands(job: type[Job], state: State) -> ColumnElement[bool]:
    """That a job is in this state, written out.

    A partial index serves no statement that leaves its condition to a parameter.
    """
    return job.state == literal(state, literal_execute=True)


class LeaseRow(Base):
    """Who alone does some work now, however many workers there are, and when it was last done."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(key_text(64), primary_key=True)
    holder: Mapped[str | None] = mapped_column(key_text(200))
    until: Mapped[datetime] = mapped_column(Instant)
    token: Mapped[int] = mapped_column(default=0)
    ran_at: Mapped[datetime | None] = mapped_column(Instant)
